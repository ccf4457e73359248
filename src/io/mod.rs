//! Blocking calls on descriptors, for coroutines: try without blocking, park, try again.
//!
//! Whether a descriptor is non-blocking and how long it may wait is asked of the kernel when a call would block, and
//! remembered only where nobody can change it unseen (`reactor::settings`). Flags of a description are never changed
//! for data transfer: others share it.
//!
//! Everything here runs in a coroutine of the calling thread and speaks `io::Result`; the caller turns it
//! into -1 and `errno`.
//!
//! - here: `persist`, the algorithm, and `Patience`, how long a call waits and what ends the wait
//! - `input`, `output`, `batch`, `accept`, `connect`, `close`: sockets, and all that is read and written like them
//! - `gather`, `ending`, `vector`: receives that want more, inputs that were shut down, vectors of which a part is done
//! - `address`, `fresh`: peers' addresses for the program, descriptors that helpers make for it
//! - `file`, `fifo`, `positioned`, `disk`, `open`, `lock`, `flush`, `transfer`: files that are no sockets
//! - `poll`, `select`, `epoll`: many descriptors at once
//! - `sleep`, `signal`, `child`, `system`: time, signals, children, commands; `owned`: the descriptors that these wait for
//! - `message`, `queue`, `random`: System V's queues and semaphores, POSIX's queues, random numbers
//! - `resolve`: look-ups of names
//! - `offload`: helper threads, for calls that have no readiness

mod accept;
mod address;
mod batch;
mod child;
mod close;
mod completion;
mod connect;
mod disk;
mod ending;
mod epoll;
mod fifo;
mod file;
mod flush;
mod fresh;
mod gather;
mod input;
mod lock;
mod message;
pub mod offload;
mod open;
mod output;
mod owned;
mod poll;
mod positioned;
mod queue;
mod random;
mod replica;
pub mod resolve;
mod select;
mod signal;
mod sleep;
mod system;
mod transfer;
mod vector;

pub use accept::accept;
pub use batch::{recvmmsg, sendmmsg};
pub use child::{wait4, waitid};
pub use close::{close, close_kept, expect_lingering, keep_lingering, lingers};
pub use completion::masked_completions;
pub use connect::connect;
pub use disk::wait_on_helpers;
pub use epoll::epoll_wait;
pub use fifo::FORK as FORK_OF_FIFOS;
pub use flush::{drain, flush, flush_all};
pub use gather::expect_low_water_marks;
pub use input::{drained, read, readv, receive_drained, recvfrom, recvmsg};
pub use lock::{flock, lock_record, lock_region, waits_for_lock};
pub use message::{msgrcv, msgsnd, semtimedop};
pub use offload::{FORK as FORK_OF_HELPERS, expect_own_attributes};
pub use open::{open, opening_waits};
pub use output::{sendmsg, sendto, write, writev};
pub use poll::poll;
pub use positioned::{pread, preadv, preadv2, pwrite, pwritev, pwritev2};
pub use queue::{mq_receive, mq_send};
pub use random::{await_random, getrandom};
pub use select::{Sets, select};
pub use signal::{pause, suspend, wait_for_signal};
pub use sleep::{sleep_until, sleep_until_clock};
pub use system::{FORK as FORK_OF_COMMANDS, system};
pub use transfer::{End, copy_file_range, sendfile, splice, tee, vmsplice};

use core::ffi::c_int;
use core::time::Duration;
use std::io;

use crate::clock::{self, NEVER, Nanos};
use crate::reactor::terms::{Stamp, Terms};
use crate::scheduler::{NAP, Scheduler, Since};
use crate::sys;
use crate::waiter::{Interrupt, ONE_OF_ALL, Wake};

/// Which way data goes, and what ends the wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the program.
    In,
    /// A connection, of which one of all who wait needs to know.
    Connection,
    /// Away from it.
    Out,
}

impl Direction {
    fn epoll_events(self) -> u32 {
        // RDHUP comes with an end of input; PRI with urgent data that may end a blocked read.
        (match self {
            Direction::Connection => return Direction::In.epoll_events() | ONE_OF_ALL,
            Direction::In => libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLPRI,
            Direction::Out => libc::EPOLLOUT,
        }) as u32
    }

    fn poll_events(self) -> i16 {
        match self {
            Direction::In | Direction::Connection => libc::POLLIN,
            Direction::Out => libc::POLLOUT,
        }
    }

    fn timeout_option(self) -> c_int {
        match self {
            Direction::In | Direction::Connection => libc::SO_RCVTIMEO,
            Direction::Out => libc::SO_SNDTIMEO,
        }
    }
}

fn error(errno: c_int) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    sys::failed_with(result, libc::EAGAIN)
}

/// Whether the file description is non-blocking.
fn is_nonblocking(fd: c_int) -> io::Result<bool> {
    Ok(sys::fcntl(fd, libc::F_GETFL, 0)? & libc::O_NONBLOCK != 0)
}

/// The patience of one call: made when it first would block, asked again each time it still does.
struct Patience {
    fd: c_int,
    direction: Direction,
    deadline: Nanos,
    /// Calls with a time-out are never restarted after a signal handler (signal(7)).
    interrupt: Interrupt,
    terms: Terms,
    /// The terms were remembered, and are asked for before the call ends, or goes on waiting, because of them.
    remembered: Option<Stamp>,
    /// It has waited.
    waited: bool,
    /// When the call began.
    since: Since,
}

/// The peer of a unix socket can stop reading (`SHUT_RD`), which ends a blocked write, but no event tells.
const RELOOK_UNIX: Duration = Duration::from_millis(50);

impl Patience {
    /// Of a call that began at `since`. EAGAIN when the description is non-blocking: then it must not wait at all.
    unsafe fn new(
        scheduler: *mut Scheduler, since: Since, fd: c_int, direction: Direction,
    ) -> io::Result<Self> {
        // SAFETY: the calling thread's scheduler.
        unsafe {
            let found = Scheduler::reactor(scheduler).terms(fd, direction.timeout_option())?;
            let (terms, remembered) = found.ok_or_else(|| error(libc::EAGAIN))?;
            Ok(Self::on(since, fd, direction, terms, remembered))
        }
    }

    /// Of a call that has done a part, by an attempt that began at `since`: any signal handler ends it, as the kernel
    /// tells of the part and has nothing to restart.
    unsafe fn behind_a_part(
        scheduler: *mut Scheduler, since: Since, fd: c_int, direction: Direction,
    ) -> io::Result<Self> {
        // SAFETY: the calling thread's scheduler.
        let patience = unsafe { Patience::new(scheduler, since, fd, direction)? };
        Ok(Patience { interrupt: Interrupt::Any, ..patience })
    }

    /// The patience that the terms ask for.
    #[inline(always)]
    fn on(since: Since, fd: c_int, direction: Direction, terms: Terms, remembered: Option<Stamp>) -> Self {
        let deadline = clock::after_nanos(terms.timeout);
        let interrupt = if deadline == NEVER { Interrupt::Unrestarted } else { Interrupt::Any };
        Patience { fd, direction, deadline, interrupt, terms, remembered, waited: false, since }
    }

    /// Asks for remembered terms again, once: whether something changed them that no hook saw.
    #[cold]
    unsafe fn ask_again(&mut self, scheduler: *mut Scheduler) -> io::Result<()> {
        let Some(began) = self.remembered.take() else { return Ok(()) };
        let option = self.direction.timeout_option();
        // SAFETY: the calling thread's scheduler.
        let now = unsafe { Scheduler::reactor(scheduler).terms_again(self.fd, option, began, self.terms)? };
        let Some(now) = now else { return Err(error(libc::EAGAIN)) };
        if now.timeout != self.terms.timeout {
            self.deadline = clock::after_nanos(now.timeout);
        }
        Ok(())
    }

    /// Parks until another attempt makes sense. EBADF when the descriptor was closed, EAGAIN when the time
    /// is up, EINTR when a signal handler ends the call.
    #[inline(always)]
    unsafe fn wait(&mut self, scheduler: *mut Scheduler) -> io::Result<()> {
        // SAFETY: a coroutine runs, by contract of every function of this module.
        unsafe {
            if core::mem::replace(&mut self.waited, true) {
                if self.remembered.is_some() {
                    self.ask_again(scheduler)?;
                }
                if self.deadline != NEVER && clock::now() >= self.deadline {
                    return Err(error(libc::EAGAIN));
                }
            }
            // Room can be promised and still not suffice (a datagram to a full peer, a message larger than
            // the room): no edge comes for that, so look again soon.
            let contradicted = self.direction == Direction::Out
                && sys::readiness(self.fd, self.direction.poll_events()) != 0;
            if contradicted {
                return self.nap(scheduler);
            }
            let until = match self.direction == Direction::Out && self.terms.unix {
                true => self.deadline.min(clock::after(RELOOK_UNIX)),
                false => self.deadline,
            };
            Scheduler::interruptible(scheduler, self.interrupt, self.since);
            match Scheduler::wait_for(scheduler, (self.fd, self.direction.epoll_events()), until) {
                Wake::Closed => Err(error(libc::EBADF)),
                Wake::Interrupted => Err(error(libc::EINTR)),
                Wake::Ready | Wake::TimedOut | Wake::Resumed => Ok(()),
            }
        }
    }

    /// Parks for a moment where no event would tell that another attempt makes sense.
    unsafe fn nap(&self, scheduler: *mut Scheduler) -> io::Result<()> {
        // SAFETY: as for `wait`.
        unsafe {
            Scheduler::interruptible(scheduler, self.interrupt, self.since);
            match Scheduler::sleep(scheduler, self.deadline.min(clock::after(NAP))) {
                Wake::Interrupted => Err(error(libc::EINTR)),
                _ => Ok(()),
            }
        }
    }
}

/// Attempts a call until it does not block: the algorithm behind every hook. What waits is apart, so that the frames of
/// calls that do not are small: a coroutine's stack is cold when it goes on.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; not inside libc (invariant 3).
#[inline(always)]
unsafe fn persist<T>(
    scheduler: *mut Scheduler, fd: c_int, direction: Direction, mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    // SAFETY: by contract.
    unsafe {
        let first = attempt_first(scheduler, fd, direction, &mut attempt);
        match would_block(&first.result) {
            true => persist_further(scheduler, first.began, fd, direction, attempt),
            false => first.result,
        }
    }
}

/// The first attempt of a call.
struct First<T> {
    /// When the call began.
    began: Since,
    /// When the attempt did.
    since: Since,
    /// What it gave.
    result: io::Result<T>,
}

/// Makes the first attempt of a call, perhaps after others have run.
#[inline(always)]
unsafe fn attempt_first<T>(
    scheduler: *mut Scheduler, fd: c_int, direction: Direction, attempt: impl FnOnce() -> io::Result<T>,
) -> First<T> {
    // SAFETY: by contract of `persist`.
    unsafe {
        let began = Scheduler::moment(scheduler);
        let since = if begin(scheduler, fd, direction) { Scheduler::moment(scheduler) } else { began };
        First { began, since, result: attempt() }
    }
}

/// A call on `fd` begins. `true` if others were due, and perhaps have run.
#[inline(always)]
unsafe fn begin(scheduler: *mut Scheduler, fd: c_int, direction: Direction) -> bool {
    // SAFETY: by contract of `persist`.
    unsafe {
        let is_due = Scheduler::is_due_to_give_way(scheduler);
        if is_due {
            begin_due(scheduler, fd);
        } else if direction == Direction::In && Scheduler::may_rest(scheduler) && may_wait(fd) {
            Scheduler::give_way(scheduler);
            return true;
        }
        is_due
    }
}

/// Lets others run, unless the call on `fd` is one that may not wait.
#[cold]
unsafe fn begin_due(scheduler: *mut Scheduler, fd: c_int) {
    // SAFETY: by contract of `persist`.
    unsafe { Scheduler::begin_due(scheduler, may_wait(fd)) };
}

/// Whether a call on `fd` may wait, as far as the descriptor tells.
fn may_wait(fd: c_int) -> bool {
    is_nonblocking(fd).is_ok_and(|nonblocking| !nonblocking)
}

/// [`persist`] where the first attempt, of a call that began at `since`, has failed.
#[inline(never)]
unsafe fn persist_further<T>(
    scheduler: *mut Scheduler, since: Since, fd: c_int, direction: Direction,
    attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    // SAFETY: by contract of `persist`.
    unsafe { persist_on(scheduler, Patience::new(scheduler, since, fd, direction)?, attempt) }
}

/// [`persist`] with that patience, where the first attempt has failed or is known to.
#[inline(always)]
unsafe fn persist_on<T>(
    scheduler: *mut Scheduler, mut patience: Patience, mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    loop {
        // SAFETY: by contract.
        let waited = unsafe { patience.wait(scheduler) };
        let interrupted = sys::failed_with(&waited, libc::EINTR);
        if !interrupted {
            waited?;
        }
        let result = attempt();
        if !would_block(&result) {
            return result;
        }
        // What came in meanwhile goes before the interruption.
        if interrupted {
            return Err(error(libc::EINTR));
        }
    }
}
