//! Calls that have no readiness run on helper threads: a small pool that grows when jobs have to wait and
//! shrinks when there are none.
//!
//! A job owns everything it touches. Its coroutine may be released, or its shared stack copied away, while a
//! helper works, so a helper never writes to a stack: the coroutine fetches the result when it goes on.

use core::ptr;
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::{self, Arc, Condvar, Once, PoisonError};
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::{self, NEVER, Nanos};
use crate::reactor::{Message, Remote};
use crate::scheduler::Scheduler;
use crate::waiter::{Waiter, Wake};

/// Helpers at most; further jobs queue.
const MOST: usize = 64;
/// Helpers that take up jobs at once.
const FEW: usize = 2;
/// A job that has waited for this long is taken up whatever the number of helpers.
const LATE: Duration = Duration::from_millis(1);
/// An idle helper ends after this long.
const IDLE: Duration = Duration::from_secs(5);
/// Resolver modules need stack: 14 KiB were seen for the plainest look-up, and plug-ins need more.
const STACK: usize = 256 * 1024;

/// Work that a helper does. Repeatable: a child of fork, which has no helpers, has it done again.
type Work = Box<dyn Fn() + Send + Sync>;

struct Job {
    work: Work,
    /// Who waits for it; nobody once the wait was given up.
    waiting: Mutex<Option<Waiting>>,
}

struct Waiting {
    remote: Arc<Remote>,
    waiter: *const Waiter,
}

// SAFETY: the pointer is handed back to the waiter's own thread, never followed here.
unsafe impl Send for Waiting {}

struct Pool {
    /// Jobs nobody has taken up yet, and since when they wait.
    queue: VecDeque<(Arc<Job>, Nanos)>,
    /// Jobs that helpers are working on.
    running: Vec<Arc<Job>>,
    helpers: usize,
    idle: usize,
}

/// Std's lock and condition are words that the kernel knows: a thread that parks needs no memory, and a child of
/// fork finds no queue of threads that it does not have.
static POOL: sync::Mutex<Pool> =
    sync::Mutex::new(Pool { queue: VecDeque::new(), running: Vec::new(), helpers: 0, idle: 0 });
static WORK: Condvar = Condvar::new();

type Guard = sync::MutexGuard<'static, Pool>;

fn pool() -> Guard {
    // Nothing panics here, and would end the process if it did.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether there is memory for a job of a few small pieces: asked before they are made, because `Arc` and
/// `Box` know no other answer to a lack of it than to end the process.
pub fn has_memory() -> bool {
    const PIECES: usize = 16 * 1024;
    Vec::<u8>::new().try_reserve_exact(PIECES).is_ok()
}

/// Runs `work` on a helper thread while the running coroutine is parked, and gives what it gave. EAGAIN when
/// no thread could be made, ENOMEM without memory for the job.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; not inside libc (invariant 3).
pub unsafe fn run<T: Send + 'static>(
    scheduler: *mut Scheduler, work: impl Fn() -> T + Send + Sync + 'static,
) -> io::Result<T> {
    if !has_memory() {
        return Err(super::error(libc::ENOMEM));
    }
    let result: Arc<Mutex<Option<T>>> = Arc::default();
    let there = result.clone();
    let work: Work = Box::new(move || *there.lock() = Some(work()));
    // SAFETY: by contract. The coroutine owns one reference to the job, through `leave`, and one to the
    // result; when it is released, `give_up` drops the first, and with the job goes the closure.
    unsafe {
        let waiter = &raw const (*Scheduler::current(scheduler)).waiter;
        let waiting = Waiting { remote: Scheduler::remote(scheduler), waiter };
        let job = Arc::new(Job { work, waiting: Mutex::new(Some(waiting)) });
        // The result is reached through the job from here on: the frame owns nothing while it is parked.
        let result = Arc::into_raw(result);
        (*waiter).arm();
        (*waiter)
            .leave
            .set(Some((give_up::<T>, Box::into_raw(Box::new((job.clone(), result))).cast_const().cast())));
        if !submit(job) {
            (*waiter).disarm();
            if let Some((leave, place)) = (*waiter).leave.take() {
                leave(place, waiter);
            }
            return Err(super::error(libc::EAGAIN));
        }
        loop {
            if Scheduler::wait_shown(scheduler, NEVER) == Wake::Ready {
                break;
            }
            // Somebody's `co_resume`: back to waiting, unless the helper was faster.
            (*waiter).arm();
            if (*result).lock().is_some() {
                (*waiter).disarm();
                break;
            }
        }
        let value = (*result).lock().take();
        if let Some((leave, place)) = (*waiter).leave.take() {
            leave(place, waiter);
            Scheduler::remote(scheduler).forget(waiter);
        }
        value.ok_or_else(|| super::error(libc::EAGAIN))
    }
}

/// Drops what the coroutine holds of a job; the helper, if it is still at work, finds nobody waiting.
unsafe fn give_up<T>(place: *const (), _: *const Waiter) {
    // SAFETY: `run` made both references.
    unsafe {
        let held = Box::from_raw(place.cast_mut().cast::<(Arc<Job>, *const Mutex<Option<T>>)>());
        held.0.waiting.lock().take();
        drop(Arc::from_raw(held.1));
    }
}

/// Queues a job and sees to it that a helper takes it up.
fn submit(job: Arc<Job>) -> bool {
    static FORKS: Once = Once::new();
    // SAFETY: the handlers live for ever. They run inside those of the scheduler, which came first.
    FORKS.call_once(|| unsafe {
        libc::pthread_atfork(Some(before_fork), Some(parent_forked), Some(child_forked));
    });
    let mut pool = pool();
    // Whatever helpers will need, so that they do not run out of memory over a job.
    if pool.queue.try_reserve(1).is_err() || pool.running.try_reserve(MOST).is_err() {
        return false;
    }
    pool.queue.push_back((job.clone(), clock::now()));
    if pool.idle > 0 {
        WORK.notify_one();
    } else if pool.helpers < MOST && spawn() {
        pool.helpers += 1;
    } else if pool.helpers == 0 {
        pool.queue.retain(|(queued, _)| !Arc::ptr_eq(queued, &job));
        return false;
    }
    true
}

/// Starts a helper with all signals blocked: handlers are for the program's own threads.
fn spawn() -> bool {
    // SAFETY: every object is initialised before it is used; the helper takes no argument.
    unsafe {
        let (mut all, mut before) = (core::mem::zeroed(), core::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let mut attributes = core::mem::zeroed();
        libc::pthread_attr_init(&mut attributes);
        libc::pthread_attr_setstacksize(&mut attributes, STACK);
        libc::pthread_attr_setdetachstate(&mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = 0;
        let made = libc::pthread_create(&mut thread, &attributes, help, ptr::null_mut()) == 0;
        libc::pthread_attr_destroy(&mut attributes);
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        made
    }
}

extern "C" fn help(_: *mut libc::c_void) -> *mut libc::c_void {
    let mut pool = pool();
    loop {
        let Some(&(_, since)) = pool.queue.front() else {
            let rested;
            (pool, rested) = rest(pool, IDLE);
            if !rested && pool.queue.is_empty() {
                pool.helpers -= 1;
                return ptr::null_mut();
            }
            continue;
        };
        // A few helpers are enough for short jobs. Another joins them when a job has had to wait.
        let early = Duration::from_nanos(clock::now().saturating_sub(since));
        if pool.running.len() >= FEW && early < LATE {
            (pool, _) = rest(pool, LATE - early);
            continue;
        }
        let Some((job, _)) = pool.queue.pop_front() else { continue };
        pool.running.push(job.clone());
        // Somebody must stay to see the next job grow late.
        if pool.idle == 0 && !pool.queue.is_empty() && pool.helpers < MOST && spawn() {
            pool.helpers += 1;
        }
        drop(pool);
        (job.work)();
        if let Some(waiting) = &*job.waiting.lock() {
            waiting.remote.post(Message::Wake(waiting.waiter, Wake::Ready));
        }
        pool = self::pool();
        pool.running.retain(|running| !Arc::ptr_eq(running, &job));
    }
}

/// Waits for work; `false` when the time is up.
fn rest(mut pool: Guard, time: Duration) -> (Guard, bool) {
    pool.idle += 1;
    let (mut pool, timeout) = WORK.wait_timeout(pool, time).unwrap_or_else(PoisonError::into_inner);
    pool.idle -= 1;
    (pool, !timeout.timed_out())
}

/// The pool's lock while a thread forks.
struct Held(Cell<Option<Guard>>);
// SAFETY: only the thread that has the lock looks inside.
unsafe impl Sync for Held {}
static HELD: Held = Held(Cell::new(None));

unsafe extern "C" fn before_fork() {
    let pool = pool();
    HELD.0.set(Some(pool));
}

unsafe extern "C" fn parent_forked() {
    HELD.0.take();
}

/// The child has no helpers: what they were at is done again, for the waiter's new side.
unsafe extern "C" fn child_forked() {
    let Some(mut pool) = HELD.0.take() else { return };
    (pool.helpers, pool.idle) = (0, 0);
    let again = core::mem::take(&mut pool.running);
    pool.queue.extend(again.into_iter().map(|job| (job, 0)));
    let scheduler = Scheduler::get();
    for (job, _) in &pool.queue {
        // A job's lock may have been held by a helper that no longer exists: it is left alone then, and its
        // message was sent before the fork or never will be needed.
        if let Some(mut waiting) = job.waiting.try_lock()
            && let Some(waiting) = &mut *waiting
            && !scheduler.is_null()
        {
            // SAFETY: the calling thread's scheduler is valid.
            waiting.remote = unsafe { Scheduler::remote(scheduler) };
        }
    }
    if !pool.queue.is_empty() && spawn() {
        pool.helpers = 1;
    }
}
