//! Calls that have no readiness run on helper threads (`pool`), while their coroutine is parked.
//!
//! A job owns everything it touches. Its coroutine may be released, or its shared stack copied away, while a
//! helper works, so a helper never writes to a stack: the coroutine fetches the result when it goes on.

mod attributes;
mod interrupt;
mod job;
mod pool;

use core::cell::UnsafeCell;
use core::mem::{MaybeUninit, offset_of};
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::sync::Arc;

use crate::annotate;
use crate::clock::{self, NEVER};
use crate::scheduler::{NAP, Scheduler, Since};
use crate::waiter::{Exit, Interrupt, Waiter, Wake};
pub use attributes::expect_own_attributes;
use job::{Job, Progress};
pub use pool::FORK;

/// How often to attempt a call again for which no helper could be had.
const ALONE: core::time::Duration = core::time::Duration::from_millis(10);

/// What must be known of a job before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// It may wait for as long as others please, so it takes a helper of its own at once. Others end by
    /// themselves, and few helpers are enough for them.
    unbounded: bool,
    /// A child of fork, which has no helpers, does it again. Else the child's coroutine gets EINTR for a job
    /// that was begun: the parent goes on with it.
    repeatable: bool,
    /// A handler that comes before it was begun does not keep it from being done, but ends it as soon as it has begun.
    certain: bool,
    /// Which signal handlers end it, as they end the call itself.
    interrupt: Interrupt,
}

impl Kind {
    /// Ends by itself, and may be done twice: a look-up, a file's way to the disk.
    pub const SHORT: Kind =
        Kind { unbounded: false, repeatable: true, certain: false, interrupt: Interrupt::Never };
    /// Ends by itself, and must not be done twice: a copy from file to file.
    pub const SHORT_DEED: Kind = Kind { repeatable: false, ..Kind::SHORT };
    /// Waits for others, and has no effect before it ends: a lock, a child's end.
    pub const WAIT: Kind =
        Kind { unbounded: true, repeatable: true, certain: false, interrupt: Interrupt::Unrestarted };
    /// Waits for others, and must not be done twice: a message that is sent.
    pub const DEED: Kind = Kind { repeatable: false, ..Kind::WAIT };
    /// Waits for others, and its effect does not depend on how long: a lingering socket is closed.
    pub const CLOSING: Kind = Kind { certain: true, interrupt: Interrupt::Any, ..Kind::DEED };

    /// The same, of a call that other signal handlers end.
    pub const fn ended_by(self, interrupt: Interrupt) -> Kind {
        Kind { interrupt, ..self }
    }
}

/// Where a job leaves its result.
struct Slot<T> {
    filled: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: one thread at a time has the value: the helper until `filled`, the coroutine's after.
unsafe impl<T: Send> Send for Slot<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    fn new() -> Self {
        Slot { filled: AtomicBool::new(false), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// Called by the job alone; what a helper that a fork took away had half written is overwritten.
    fn fill(&self, value: T) {
        // SAFETY: nobody looks before the slot is filled.
        unsafe { (*self.value.get()).write(value) };
        annotate::hand_over(self);
        self.filled.store(true, Ordering::Release);
    }

    fn take(&self) -> Option<T> {
        self.filled.swap(false, Ordering::Acquire).then(|| {
            annotate::receive(self);
            // SAFETY: filled, and taken once.
            unsafe { (*self.value.get()).assume_init_read() }
        })
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// What a coroutine holds of its job; `exit` frees it when the coroutine is released.
struct Held<T> {
    exit: Exit,
    job: Arc<Job>,
    slot: Arc<Slot<T>>,
}

/// Whether there is memory for a job of a few small pieces: asked before they are made, because `Arc` and
/// `Box` know no other answer to a lack of it than to end the process.
pub fn has_memory() -> bool {
    const PIECES: usize = 16 * 1024;
    Vec::<u8>::new().try_reserve_exact(PIECES).is_ok()
}

/// Runs a short and repeatable job: see [`run_as`].
///
/// # Safety
/// As for [`run_as`].
pub unsafe fn run<T: Send + 'static>(
    scheduler: *mut Scheduler, work: impl Fn() -> T + Send + Sync + 'static,
) -> io::Result<T> {
    // SAFETY: by contract.
    unsafe { run_as(scheduler, Kind::SHORT, work) }
}

/// Runs `work` on a helper thread while the running coroutine is parked, and gives what it gave. EAGAIN when
/// no thread could be made, ENOMEM without memory for the job, EINTR in a child of fork (see [`Kind`]), and when a
/// signal handler of the program ends the wait before the job was begun, unless it is certain.
///
/// A handler that ends the wait later ends the helper's call, which then tells so itself, or that it was done before.
/// When the coroutine is released meanwhile, the helper's call is ended likewise, and what it brings is dropped.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; not inside libc (invariant 3).
pub unsafe fn run_as<T: Send + 'static>(
    scheduler: *mut Scheduler, kind: Kind, work: impl Fn() -> T + Send + Sync + 'static,
) -> io::Result<T> {
    // SAFETY: by contract.
    unsafe { run_since(scheduler, kind, Scheduler::moment(scheduler), work) }
}

/// The same as a part of a call that began at `since` and may have waited before.
///
/// # Safety
/// As for [`run_as`].
pub unsafe fn run_since<T: Send + 'static>(
    scheduler: *mut Scheduler, kind: Kind, since: Since, work: impl Fn() -> T + Send + Sync + 'static,
) -> io::Result<T> {
    if !has_memory() {
        return Err(super::error(libc::ENOMEM));
    }
    let slot = Arc::new(Slot::new());
    let there = slot.clone();
    let job = Job::new(kind, Box::new(move || there.fill(work())));
    // The coroutine owns this through `exit`: the frame owns nothing while it is parked.
    let held = Box::into_raw(Box::new(Held { exit: Exit { leave: give_up::<T> }, job, slot }));
    // SAFETY: always valid on its thread, which the coroutine does not leave.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: by contract; `held` is valid until its exit is taken, below or by whoever releases the coroutine.
    unsafe {
        // The pool's lock is std's, which sets it when it has to wait.
        let before = *errno;
        let waiter = &raw const (*Scheduler::current(scheduler)).waiter;
        (*waiter).arm();
        (*waiter).exit.set(&raw const (*held).exit);
        let outcome = follow(scheduler, (kind, since), &(*held).job, waiter);
        (*waiter).disarm();
        let value = (*held).slot.take();
        let exit = (*waiter).exit.replace(ptr::null());
        if !exit.is_null() {
            give_up::<T>(exit, waiter, None);
            Scheduler::remote(scheduler).forget(waiter);
        }
        *errno = before;
        outcome.and(value.ok_or_else(|| super::error(libc::EINTR)))
    }
}

/// Has a job done, and waits for its end with an armed waiter.
unsafe fn follow(
    scheduler: *mut Scheduler, (kind, since): (Kind, Since), job: &Arc<Job>, waiter: *const Waiter,
) -> io::Result<()> {
    // SAFETY: by contract of `run_as`.
    unsafe {
        let mut interrupted = false;
        loop {
            match pool::progress(job) {
                Progress::Done => return Ok(()),
                Progress::Lost if !kind.repeatable => return Err(super::error(libc::EINTR)),
                Progress::New | Progress::Lost => {
                    if !pool::submit(job, Scheduler::remote(scheduler), waiter) {
                        return Err(super::error(libc::EAGAIN));
                    }
                }
                Progress::Queued | Progress::Running => {}
            }
            if interrupted {
                // The helper may have to come first, or be just about to make its call: it is told until it has.
                interrupted = pool::interrupt(job);
            }
            let until = if interrupted { clock::after(NAP) } else { NEVER };
            if !interrupted {
                Scheduler::interruptible(scheduler, kind.interrupt, since);
            }
            // Whatever else ended the wait, somebody's `co_resume` say: look, and go on waiting.
            let wake = Scheduler::wait_shown(scheduler, until);
            (*waiter).arm();
            if wake == Wake::Interrupted {
                interrupted = true;
                if !kind.certain && pool::progress(job) == Progress::Queued {
                    return Err(super::error(libc::EINTR));
                }
            }
        }
    }
}

/// Drops what the coroutine holds of a job; the helper, if it is still at work, finds nobody waiting.
unsafe fn give_up<T>(exit: *const Exit, _: *const Waiter, _: Option<Wake>) -> Option<Wake> {
    let held = exit.wrapping_byte_sub(offset_of!(Held<T>, exit)).cast_mut().cast::<Held<T>>();
    // SAFETY: `run_as` made it.
    let held = unsafe { Box::from_raw(held) };
    pool::give_up(&held.job);
    None
}

/// Makes a call that may have to wait and has no readiness: attempts it in a form that does not wait, and where
/// `waits` says that it would have to, has the call itself made by a helper. `prepare` gives that call together
/// with everything it touches. Where no helper can be had, it attempts again from time to time.
///
/// # Safety
/// As for [`run_as`].
pub unsafe fn attempt_or_run<T: Send + 'static, W: Fn() -> io::Result<T> + Send + Sync + 'static>(
    scheduler: *mut Scheduler, kind: Kind, mut attempt: impl FnMut() -> io::Result<T>,
    waits: impl Fn(&io::Result<T>) -> bool, prepare: impl FnOnce() -> io::Result<W>,
) -> io::Result<T> {
    // SAFETY: by contract.
    unsafe { Scheduler::begin_wait(scheduler, NEVER) };
    let mut result = attempt();
    if !waits(&result) {
        return result;
    }
    if !has_memory() {
        return Err(super::error(libc::ENOMEM));
    }
    let work = prepare()?;
    // SAFETY: by contract.
    unsafe {
        let since = Scheduler::moment(scheduler);
        match run_since(scheduler, kind, since, move || work().map_err(number)) {
            Ok(done) => return done.map_err(super::error),
            Err(e) if e.raw_os_error() == Some(libc::EAGAIN) => {}
            Err(e) => return Err(e),
        }
        while waits(&result) {
            alone(scheduler, kind, since)?;
            result = attempt();
        }
    }
    result
}

/// Has a call made by a helper that ends by itself but may take its time; here, where no helper can be had.
///
/// # Safety
/// As for [`run_as`].
pub unsafe fn run_or_call<T: Send + 'static>(
    scheduler: *mut Scheduler, kind: Kind, work: impl Fn() -> io::Result<T> + Copy + Send + Sync + 'static,
) -> io::Result<T> {
    // SAFETY: by contract.
    match unsafe { run_as(scheduler, kind, move || work().map_err(number)) } {
        Ok(done) => done.map_err(super::error),
        Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::ENOMEM)) => work(),
        Err(e) => Err(e),
    }
}

/// Has a call made by a helper that may wait for others. Where no helper can be had, it waits for one.
///
/// # Safety
/// As for [`run_as`].
pub unsafe fn run_patiently<T: Send + 'static>(
    scheduler: *mut Scheduler, kind: Kind, work: impl Fn() -> io::Result<T> + Copy + Send + Sync + 'static,
) -> io::Result<T> {
    // SAFETY: by contract.
    let since = unsafe { Scheduler::moment(scheduler) };
    loop {
        // SAFETY: by contract.
        unsafe {
            match run_since(scheduler, kind, since, move || work().map_err(number)) {
                Ok(done) => return done.map_err(super::error),
                Err(e) if e.raw_os_error() == Some(libc::EAGAIN) => {}
                Err(e) => return Err(e),
            }
            alone(scheduler, kind, since)?;
        }
    }
}

/// Waits a little where no helper can be had.
unsafe fn alone(scheduler: *mut Scheduler, kind: Kind, since: Since) -> io::Result<()> {
    // SAFETY: by contract of the callers.
    unsafe {
        Scheduler::interruptible(scheduler, kind.interrupt, since);
        match Scheduler::sleep(scheduler, clock::after(ALONE)) {
            Wake::Interrupted => Err(super::error(libc::EINTR)),
            _ => Ok(()),
        }
    }
}

/// An error as a plain number, which a helper hands over without memory.
fn number(error: io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}
