//! Readiness: which waiters wait for which descriptors of one thread.
//!
//! A descriptor is registered once, edge-triggered, for everything, or for input alone until somebody waits for output;
//! waiting costs no system call after that. An edge means "look again", so whoever waits has looked before and looks again
//! after.
//!
//! libc and raw system calls close descriptors where no hook sees it, and a number that is used again
//! would then wait on a registration that no longer exists (invariant 10). So a wait that relies on an
//! older registration is doubted: once it has lasted ten milliseconds, the registration is made again, which fails
//! with EEXIST when it still stood. For numbers whose making was seen, which go unseen hardly ever, it is a second, and
//! a minute once one was found as it should be. A busy connection never gets that far, nor does one that is used a few
//! times a minute; an idle one costs a few calls.
//!
//! - `table`, `registration`: the descriptors of a thread, and one's registration with epoll
//! - `dispatch`: what events wake
//! - `doubt`: registrations that may be gone
//! - `alarm`: how long the thread may sleep
//! - `settings`, `terms`: what is remembered of flags and time-outs, and of streams that were read empty
//! - `registry`: what the process knows of its descriptors
//! - `remote`: a thread's side for other threads, its inbox
//! - `accept`, `ring`: `accept` that does not wait, and the io_uring for it
//! - `descriptor`: the library's own descriptors

mod accept;
mod alarm;
pub mod descriptor;
mod dispatch;
mod doubt;
mod registration;
pub mod registry;
mod remote;
mod ring;
pub mod settings;
mod table;
pub mod terms;

pub use descriptor::{adopt, duplicate_high, vacate};
pub use remote::{Errand, Message, News, Remote};

use core::ffi::c_int;
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use crate::clock::{self, Nanos};
use crate::list::List;
use crate::sys;
use crate::waiter::{CLOSED, IN_PASSING, Interest, ONE_OF_ALL, Waiter, Wake};
use alarm::Alarm;
use dispatch::Events;
use registration::{close_out, register, widen, withdraw};
use ring::Ring;
use table::{Entry, History, OUTPUT, Registration, Table};

/// The peer, or the program itself, ended the input.
const HANGUP: u32 = libc::EPOLLRDHUP as u32;
/// What is always so of files that readiness cannot be waited for, as those on disk; nothing else ever is.
const ALWAYS_READY: u32 = (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDNORM | libc::EPOLLWRNORM) as u32;
/// How late a sleep may end where many end close together, at most: the slack that the kernel allows itself by default.
const SLACK: Nanos = 50_000;
/// The data of what wakes the thread and concerns no descriptor of the program's: its bell and its alarm.
const NOBODY: u64 = u64::MAX;

/// The readiness of one thread's descriptors.
pub struct Reactor {
    remote: Arc<Remote>,
    table: Table,
    /// Entries whose registration may have to be confirmed, the oldest first: as [`doubt`] has them.
    doubted: Box<[List; 3]>,
    /// The value of [`registry::SUSPICION`] when all entries were last looked at.
    suspicion: u32,
    /// The value of [`registry::DOUBTS`] when all registrations were last made sure of.
    doubts: u32,
    /// When the present turn began.
    now: Nanos,
    /// The timer slack that the program gave the thread; `None` before it was looked at.
    slack: Option<Nanos>,
    /// For calls that have no other form that cannot block; not tried before the first such call. `Some(None)`
    /// where the kernel has no such ring.
    ring: Option<Option<Ring>>,
    events: Events,
    alarm: Alarm,
}

impl Default for Reactor {
    fn default() -> Self {
        Self::new()
    }
}

impl Reactor {
    /// A reactor that has opened nothing yet.
    pub fn new() -> Self {
        Reactor {
            remote: Arc::default(),
            table: Table::new(),
            doubted: Box::default(),
            suspicion: registry::SUSPICION.load(Ordering::Relaxed),
            doubts: registry::DOUBTS.load(Ordering::Relaxed),
            now: clock::now(),
            slack: None,
            ring: None,
            events: Events::new(),
            alarm: Alarm::default(),
        }
    }

    /// The thread's side for other threads.
    pub fn remote(&self) -> &Arc<Remote> {
        &self.remote
    }

    /// Lets `interest` wait. An error says that readiness of this descriptor cannot be waited for: EBADF
    /// for one that is not open, EPERM for one that never blocks (unless what is wanted never comes there), ENOMEM and the
    /// like otherwise.
    ///
    /// `crowded`: others run before who waits can go on. Then the first wait for a private descriptor is over when they
    /// have: short connections often have their answer by then, and are never registered.
    ///
    /// # Safety
    /// `interest` names its waiter, and both stay in place until [`Interest`]'s link is unlinked.
    #[inline(always)]
    pub unsafe fn watch(&mut self, interest: *const Interest, crowded: bool, ready: &List) -> io::Result<()> {
        let now = self.now;
        // SAFETY: by contract.
        unsafe {
            let entry = match self.table.get((*interest).fd) {
                // In most cases there is nothing to do but to stand in line.
                Some(entry)
                    if entry.tells_of((*interest).events.get())
                        && entry.doubt.is_linked()
                        && !entry.hung_up.get()
                        && (*interest).events.get() & ONE_OF_ALL == 0
                        && entry.generation.get() == registry::generation(entry.fd) =>
                {
                    entry
                }
                _ => self.prepare_to_watch(interest, crowded, ready)?,
            };
            entry.since.set(now);
            entry.waiters.push_back(&(*interest).link);
        }
        Ok(())
    }

    /// What there may be to do before `interest` stands in line.
    #[inline(never)]
    unsafe fn prepare_to_watch(
        &mut self, interest: *const Interest, crowded: bool, ready: &List,
    ) -> io::Result<&Entry> {
        let now = self.now;
        // SAFETY: by contract.
        let (fd, events) = unsafe { ((*interest).fd, (*interest).events.get()) };
        let one_of_all = events & ONE_OF_ALL != 0;
        let epoll = self.epoll()?;
        let entry = self.table.entry(fd).ok_or(io::ErrorKind::OutOfMemory)?;
        let (generation, private) = registry::standing(fd);
        if entry.generation.get() != generation {
            close_out(entry, generation, ready);
        }
        // What nobody else has need not be withdrawn after each wait.
        let exclusively = one_of_all && (!private || registry::has_others(fd, &self.remote));
        match entry.registration.get() {
            Registration::Made | Registration::Input if exclusively && entry.waiters.is_empty() => {
                withdraw(epoll, entry)
            }
            Registration::Input if !entry.tells_of(events) => widen(epoll, entry),
            Registration::Exclusive if !exclusively => withdraw(epoll, entry),
            _ => {}
        }
        // What is known of a private one without asking is doubted as well, though its registration be new.
        let doubtful = private || entry.registration.get() != Registration::None;
        if entry.registration.get() == Registration::None {
            // Who waits already relies on the registration that was just withdrawn.
            let alone = entry.waiters.is_empty();
            if crowded && alone && private && !one_of_all && entry.history.get() == History::New {
                entry.history.set(History::Tried);
                // SAFETY: by contract.
                unsafe {
                    (*interest).events.set((*interest).events.get() | IN_PASSING);
                    Waiter::wake((*interest).waiter, Wake::Ready, ready);
                }
            } else {
                // Events of a stream's output come only once it was full.
                let kind = match exclusively {
                    true => Registration::Exclusive,
                    false if events & OUTPUT == 0 && !entry.private_stream.get() => Registration::Input,
                    false => Registration::Made,
                };
                match register(epoll, entry, &self.remote, kind) {
                    Err(e) if e.raw_os_error() == Some(libc::EPERM) && events & ALWAYS_READY == 0 => {}
                    result => result?,
                }
            }
        }
        if doubtful && entry.registration.get() != Registration::None && !entry.doubt.is_linked() {
            doubt::begin(&self.doubted, entry, private, now);
        }
        // SAFETY: by contract.
        unsafe {
            if entry.hung_up.get() && (*interest).events.get() & HANGUP != 0 {
                entry.hung_up.set(sys::readiness(fd, libc::POLLRDHUP) & libc::POLLRDHUP != 0);
                if entry.hung_up.get() {
                    Waiter::wake((*interest).waiter, Wake::Ready, ready);
                }
            }
        }
        Ok(entry)
    }

    /// Who waited with `interest`, which is unlinked, waits no longer.
    pub fn left(&self, interest: &Interest) {
        let events = interest.events.get();
        if events & (ONE_OF_ALL | IN_PASSING) == 0 {
            return;
        }
        let Some(entry) = self.table.get(interest.fd) else { return };
        if events & IN_PASSING != 0 {
            // Nobody was told of it: no thread may have it registered.
            let closed = entry.generation.get() != registry::generation(interest.fd);
            interest.events.set(events & !IN_PASSING | if closed { CLOSED } else { 0 });
        } else if entry.registration.get() == Registration::Exclusive && entry.waiters.is_empty() {
            withdraw(self.remote.epoll.load(Ordering::Relaxed), entry);
        }
    }

    /// Sleeps until something is ready, somebody posts, or `until`; then wakes those whom the first few events concern.
    /// All of the last wait have been dispatched.
    ///
    /// Nothing is borrowed while the thread sleeps that a cancelled thread would have to give back.
    pub fn wait(&mut self, until: Nanos, ready: &List) {
        let until = until.min(self.next_doubt());
        let Ok(epoll) = self.epoll() else {
            // Not even an epoll instance: whoever waits has been told and comes by timer.
            std::thread::sleep(clock::left(until).min(Duration::from_millis(1)));
            self.now = clock::now();
            return;
        };
        let limit = match until {
            0 => Some(Duration::ZERO),
            _ if self.alarm_ends_sleep(epoll, until) => None,
            _ => Some(clock::left(until)),
        };
        let asleep = limit != Some(Duration::ZERO) && self.remote.fall_asleep() && !self.must_look_around();
        let limit = if asleep { limit } else { Some(Duration::ZERO) };
        let result = sys::wait(epoll, self.events.room(), limit);
        self.remote.wake_up();
        self.now = clock::now();
        self.alarm.slept(self.now < until);
        match result {
            Ok(count) => {
                // SAFETY: the kernel says how many it has filled.
                unsafe { self.events.have(count) };
                self.dispatch(ready);
            }
            // The program got rid of our instance by a raw system call: begin with a new one.
            Err(e) if matches!(e.raw_os_error(), Some(libc::EBADF | libc::EINVAL)) => self.rebuild(ready),
            Err(_) => {}
        }
        self.confirm(epoll, ready);
        self.look_around(epoll, ready);
    }

    /// When [`Reactor::wait`] last returned.
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// How late a sleep may end when so many end close together that to wake for each would cost more than they do: as late as
    /// the program allows the kernel to be.
    pub fn slack(&self) -> Nanos {
        self.slack.unwrap_or(0)
    }

    /// Whether anything was ever waited for, so that a turn must ask the kernel.
    pub fn has_waiters(&self) -> bool {
        self.remote.epoll.load(Ordering::Relaxed) != -1
    }

    /// This thread closed `fd`, or another said that it did: its waiters learn it.
    pub fn closed(&mut self, fd: c_int, ready: &List) {
        if let Some(entry) = self.table.get(fd) {
            let generation = registry::generation(fd);
            if entry.generation.get() != generation {
                close_out(entry, generation, ready);
            }
        }
    }

    /// Lets everybody who waits for `fd` look again.
    pub fn nudge(&mut self, fd: c_int, ready: &List) {
        if let Some(entry) = self.table.get(fd) {
            entry.wake(u32::MAX, ready);
        }
    }

    /// After a fork: nothing is registered in the child, and those who wait register again.
    pub fn forget_registrations(&mut self, ready: &List) {
        // The ring is the parent's too, and so is what it was told.
        self.ring = None;
        self.events.room();
        // A fresh remote: the old one's lock may be held by a thread that no longer exists. What had
        // arrived is kept.
        let old = core::mem::take(&mut self.remote);
        self.alarm = Alarm::default();
        old.try_take().into_iter().for_each(|message| self.remote.post(message));
        for entry in self.table.iter() {
            entry.doubt.unlink();
            entry.registration.set(Registration::None);
            entry.generation.set(registry::generation(entry.fd));
            entry.wake(u32::MAX, ready);
        }
    }

    /// Closes the thread's descriptors.
    pub fn shut_down(&mut self) {
        self.ring = None;
        for place in self.remote.descriptors() {
            descriptor::discard(place.swap(-1, Ordering::Relaxed));
        }
    }

    /// The epoll instance, opened when it is first needed.
    fn epoll(&mut self) -> io::Result<c_int> {
        match self.remote.epoll.load(Ordering::Relaxed) {
            -1 => self.open(),
            epoll => Ok(epoll),
        }
    }

    #[cold]
    fn open(&mut self) -> io::Result<c_int> {
        let epoll = descriptor::adopt(sys::epoll_create()?)?;
        let bell = match sys::eventfd().and_then(descriptor::adopt) {
            Ok(bell) => bell,
            Err(error) => {
                descriptor::discard(epoll);
                return Err(error);
            }
        };
        // Edge-triggered: each ring is an event, and nobody needs to read the counter.
        sys::epoll_add(epoll, bell, (libc::EPOLLIN | libc::EPOLLET) as u32, NOBODY)?;
        // Deadlines are exact to the nanosecond; the kernel's default slack is 50 microseconds.
        self.slack.get_or_insert((sys::timer_slack() as Nanos).min(SLACK));
        sys::set_timer_slack(1);
        self.remote.bell.store(bell, Ordering::Relaxed);
        self.remote.epoll.store(epoll, Ordering::Relaxed);
        Ok(epoll)
    }

    #[cold]
    fn rebuild(&mut self, ready: &List) {
        // The numbers may be the program's by now: they are left alone.
        for place in self.remote.descriptors() {
            registry::set_own(place.swap(-1, Ordering::Relaxed), false);
        }
        self.alarm = Alarm::default();
        for entry in self.table.iter() {
            entry.doubt.unlink();
            entry.registration.set(Registration::None);
            entry.wake(u32::MAX, ready);
        }
    }
}
