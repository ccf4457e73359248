//! The helper threads: how many there are, who takes up which job, and what a fork leaves of it.
//!
//! Short jobs share few helpers: another joins them when a job has had to wait. A job that may wait for as
//! long as others please has a helper of its own at once, so that jobs that wait for each other all begin.
//! The pool shrinks when there is nothing to do. Where threads differ in what they may do, each job has a helper that is
//! made for it and ends with it.

use core::ffi::c_int;
use core::ptr;
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{self, Arc, Condvar, PoisonError};
use std::time::Duration;

use super::job::{Job, Progress, State, Waiting};
use super::{attributes, interrupt};
use crate::annotate;
use crate::clock::{self, Nanos};
use crate::coroutine::Coroutine;
use crate::fork::{Handlers, Side};
use crate::reactor::{Message, Remote};
use crate::scheduler::Scheduler;
use crate::waiter::{Interrupt, Waiter, Wake};
use crate::{signal, sys};

/// Helpers at most, whatever they do.
const MOST: usize = 4096;
/// Helpers that do short jobs at most; further ones queue.
const MOST_SHORT: usize = 64;
/// Helpers that take up short jobs at once.
const FEW: usize = 2;
/// A short job that has waited for this long is taken up by another helper.
const LATE: Duration = Duration::from_millis(1);
/// An idle helper ends after this long.
const IDLE: Duration = Duration::from_secs(5);
/// When helpers whose jobs nobody waits for are told again to end: at first, and later.
const AGAIN: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];
/// Resolver modules need stack: 14 KiB were seen for the plainest look-up, and plug-ins need more.
const STACK: usize = 256 * 1024;

pub(super) struct Pool {
    /// Short jobs that nobody has taken up yet, and since when they wait.
    short: VecDeque<(Arc<Job>, Nanos)>,
    /// Jobs of unknown length that nobody has taken up yet.
    unbounded: VecDeque<Arc<Job>>,
    /// Jobs for each of which a helper was made that has not come to life yet.
    apart: Vec<Arc<Job>>,
    /// Jobs that helpers are working on.
    running: Vec<Arc<Job>>,
    /// How many of those are short.
    running_short: usize,
    helpers: usize,
    /// When those are told again to end whose jobs were given up.
    again: Duration,
}

/// Std's lock and condition are words that the kernel knows: a thread that parks needs no memory, and a child of
/// fork finds no queue of threads that it does not have.
static POOL: sync::Mutex<Pool> = sync::Mutex::new(Pool {
    short: VecDeque::new(),
    unbounded: VecDeque::new(),
    apart: Vec::new(),
    running: Vec::new(),
    running_short: 0,
    helpers: 0,
    again: AGAIN[0],
});
static WORK: Condvar = Condvar::new();

type Guard = sync::MutexGuard<'static, Pool>;

fn pool() -> Guard {
    // Nothing panics here, and would end the process if it did.
    let pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    annotate::receive(&POOL);
    pool
}

/// How far `job` is.
pub fn progress(job: &Job) -> Progress {
    job.state(&mut pool()).progress
}

/// Queues a job for whom `waiter` waits, and sees to it that a helper takes it up. `false` when none could be
/// made.
pub fn submit(job: &Arc<Job>, remote: Arc<Remote>, waiter: *const Waiter) -> bool {
    let mut pool = pool();
    let queues = [pool.short.try_reserve(1), pool.unbounded.try_reserve(1), pool.apart.try_reserve(1)];
    if queues.iter().any(Result::is_err) {
        return false;
    }
    let waiting = Some(Waiting { remote, waiter });
    *job.state(&mut pool) = State { progress: Progress::Queued, waiting, helper: 0 };
    if attributes::may_differ() {
        let made = pool.make(Some(job));
        if made {
            pool.apart.push(job.clone());
        }
        return made;
    }
    if job.kind.unbounded {
        pool.unbounded.push_back(job.clone());
    } else {
        pool.short.push_back((job.clone(), clock::now()));
    }
    annotate::hand_over(&POOL);
    if pool.free() >= pool.wanted() {
        WORK.notify_one();
        return true;
    }
    // A short job can wait for those who do such jobs; one of unknown length must not wait for anybody.
    let made = pool.grow() || (!job.kind.unbounded && pool.running_short > 0);
    if !made {
        pool.forget(job);
    }
    made
}

/// Nobody waits for the job any more. One that was not begun never is; one that others may keep waiting is ended: some
/// other helper tells the one at work until it is.
pub fn give_up(job: &Arc<Job>) {
    let mut pool = pool();
    job.state(&mut pool).waiting = None;
    if job.state(&mut pool).progress == Progress::Queued {
        pool.forget(job);
    } else if pool.tell_to_end() {
        pool.again = AGAIN[0];
        if pool.free() > 0 {
            WORK.notify_one();
        } else {
            pool.grow();
        }
    }
}

/// Ends the call of the helper that is at work on the job. `false` when it cannot be, or is over.
pub fn interrupt(job: &Job) -> bool {
    // The lock keeps the helper from going on to another job meanwhile.
    let mut pool = pool();
    let state = job.state(&mut pool);
    match state.progress {
        Progress::Queued => true,
        Progress::Running => interrupt::interrupt(state.helper),
        Progress::New | Progress::Lost | Progress::Done => false,
    }
}

/// What a helper finds to do.
enum Next {
    Do(Arc<Job>),
    /// The next short job is due after this long, unless another helper takes it up before, or somebody must be told again to
    /// end.
    Later(Duration),
    Nothing,
}

impl Pool {
    /// Helpers that have nothing to do, or are about to look for it.
    fn free(&self) -> usize {
        self.helpers - self.running.len()
    }

    /// How many of them the queues call for: one for each job of unknown length, and one that sees the next
    /// short job grow late.
    fn wanted(&self) -> usize {
        self.unbounded.len() + usize::from(!self.short.is_empty())
    }

    /// Makes another helper, with room for the job that it will have: any, or this one alone.
    fn make(&mut self, job: Option<&Arc<Job>>) -> bool {
        let all = self.helpers + self.apart.len() + 1;
        let has_room = all <= MOST && self.running.try_reserve(all - self.running.len()).is_ok();
        annotate::hand_over(&POOL);
        has_room && spawn(job)
    }

    /// Makes another helper for any job.
    fn grow(&mut self) -> bool {
        let grown = self.make(None);
        self.helpers += usize::from(grown);
        grown
    }

    fn forget(&mut self, job: &Arc<Job>) {
        self.apart.retain(|queued| !Arc::ptr_eq(queued, job));
        self.unbounded.retain(|queued| !Arc::ptr_eq(queued, job));
        self.short.retain(|(queued, _)| !Arc::ptr_eq(queued, job));
    }

    fn next(&mut self) -> Next {
        if let Some(job) = self.unbounded.pop_front() {
            return Next::Do(job);
        }
        let Some(&(_, since)) = self.short.front() else {
            if !self.tell_to_end() {
                return Next::Nothing;
            }
            let again = self.again;
            self.again = AGAIN[1].min(again * 2);
            return Next::Later(again);
        };
        let early = Duration::from_nanos(clock::now().saturating_sub(since));
        if self.running_short >= MOST_SHORT {
            return Next::Nothing;
        }
        if self.running_short >= FEW && early < LATE {
            return Next::Later(LATE - early);
        }
        self.short.pop_front().map_or(Next::Nothing, |(job, _)| Next::Do(job))
    }

    /// Ends the calls of the helpers at work on jobs that nobody waits for, as far as they can be; each may be just about to
    /// make its call, and is to be told again. `false` when there is none.
    fn tell_to_end(&mut self) -> bool {
        let mut told = false;
        for at in 0..self.running.len() {
            let job = self.running[at].clone();
            let state = job.state(self);
            if job.kind.interrupt != Interrupt::Never && state.waiting.is_none() {
                told |= interrupt::interrupt(state.helper);
            }
        }
        told
    }

    fn begin(&mut self, job: &Arc<Job>, helper: c_int) {
        let state = job.state(self);
        (state.progress, state.helper) = (Progress::Running, helper);
        self.running.push(job.clone());
        self.running_short += usize::from(!job.kind.unbounded);
    }

    /// Tells whoever waits, under the lock: a child of fork finds a job either done and told, or running.
    fn end(&mut self, job: &Arc<Job>) {
        self.running.retain(|running| !Arc::ptr_eq(running, job));
        self.running_short -= usize::from(!job.kind.unbounded);
        let state = job.state(self);
        state.progress = Progress::Done;
        if let Some(waiting) = state.waiting.take() {
            waiting.remote.post(Message::Wake(waiting.waiter, Wake::Ready));
        }
    }
}

/// Starts a helper, for one job alone or for any, with all signals blocked but ours: handlers are for the program's own
/// threads.
fn spawn(job: Option<&Arc<Job>>) -> bool {
    let job = job.map_or(ptr::null(), |job| Arc::into_raw(job.clone()));
    // SAFETY: every object is initialised before it is used; a helper that was made takes the job over.
    unsafe {
        let (mut all, mut before) = (core::mem::zeroed(), core::mem::zeroed());
        libc::sigfillset(&mut all);
        if let Some(signal) = interrupt::signal() {
            libc::sigdelset(&mut all, signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let mut attributes = core::mem::zeroed();
        libc::pthread_attr_init(&mut attributes);
        libc::pthread_attr_setstacksize(&mut attributes, STACK);
        libc::pthread_attr_setdetachstate(&mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = 0;
        let made = libc::pthread_create(&mut thread, &attributes, help, job.cast_mut().cast()) == 0;
        libc::pthread_attr_destroy(&mut attributes);
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        signal::heed_identity();
        if !made && !job.is_null() {
            drop(Arc::from_raw(job));
        }
        made
    }
}

extern "C" fn help(job: *mut libc::c_void) -> *mut libc::c_void {
    let me = sys::thread_id();
    sys::name_thread(c"colib-helper");
    if job.is_null() {
        help_all(me);
    } else {
        // SAFETY: `spawn` has handed it over.
        help_one(me, unsafe { Arc::from_raw(job.cast::<Job>()) });
    }
    ptr::null_mut()
}

/// Does a job of the calling helper's own, unless it was given up meanwhile.
fn help_one(me: c_int, job: Arc<Job>) {
    let mut pool = pool();
    if let Some(at) = pool.apart.iter().position(|queued| Arc::ptr_eq(queued, &job)) {
        pool.apart.swap_remove(at);
        pool.helpers += 1;
        pool.begin(&job, me);
        pool = perform(pool, job);
        pool.helpers -= 1;
    }
}

/// Does jobs until there have been none for a while.
fn help_all(me: c_int) {
    let mut pool = pool();
    loop {
        let job = match pool.next() {
            Next::Do(job) => job,
            Next::Later(time) => {
                pool = rest(pool, time).0;
                continue;
            }
            Next::Nothing => {
                let rested;
                (pool, rested) = rest(pool, IDLE);
                if !rested && pool.wanted() == 0 {
                    pool.helpers -= 1;
                    return;
                }
                continue;
            }
        };
        pool.begin(&job, me);
        // Somebody must stay to see the next job grow late.
        if pool.free() < pool.wanted() {
            pool.grow();
        }
        pool = perform(pool, job);
    }
}

/// Does a job that was begun.
fn perform(pool: Guard, job: Arc<Job>) -> Guard {
    drop(pool);
    (job.work)();
    job.finished.store(true, Ordering::Release);
    self::pool().end(&job);
    // The last reference, and with it a result that nobody wants, goes without the lock.
    drop(job);
    self::pool()
}

/// Waits for work; `false` when the time is up.
fn rest(pool: Guard, time: Duration) -> (Guard, bool) {
    let (pool, timeout) = WORK.wait_timeout(pool, time).unwrap_or_else(PoisonError::into_inner);
    annotate::receive(&POOL);
    (pool, !timeout.timed_out())
}

/// The pool's lock while a thread forks.
struct Locked(Cell<Option<Guard>>);
// SAFETY: only the thread that has the lock looks inside.
unsafe impl Sync for Locked {}
static LOCKED: Locked = Locked(Cell::new(None));

/// What this part of the library does around a fork.
pub static FORK: Handlers = Handlers { stop, go_on, later };

fn stop() {
    let pool = pool();
    LOCKED.0.set(Some(pool));
}

fn go_on(_: Side) {
    LOCKED.0.take();
}

/// The child has no helpers, and of the coroutines only those of the thread that forked. They are woken, and see
/// to their jobs themselves: a child that goes on to another program makes no helper.
fn later(side: Side) {
    if side == Side::Parent {
        return;
    }
    let mut pool = pool();
    (pool.helpers, pool.running_short) = (0, 0);
    let running = core::mem::take(&mut pool.running);
    let unbounded = core::mem::take(&mut pool.unbounded);
    let apart = core::mem::take(&mut pool.apart);
    let short = core::mem::take(&mut pool.short).into_iter().map(|(job, _)| job);
    let here = Scheduler::get();
    for job in running.into_iter().chain(unbounded).chain(apart).chain(short) {
        let finished = job.finished.load(Ordering::Acquire);
        let state = job.state(&mut pool);
        state.progress = match state.progress {
            Progress::Running if finished => Progress::Done,
            Progress::Running => Progress::Lost,
            _ => Progress::New,
        };
        if let Some(waiting) = state.waiting.take() {
            // SAFETY: a waiter whose coroutine was not released is in place, in the child as in the parent.
            unsafe {
                let home = (*Coroutine::of_waiter(waiting.waiter)).home.load(Ordering::Relaxed);
                if home == here.cast() {
                    Scheduler::wake(here, waiting.waiter, Wake::Ready);
                }
            }
            // Another thread may have held the inbox when it ceased to exist.
            core::mem::forget(waiting.remote);
        }
    }
}
