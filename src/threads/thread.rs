//! A thread that is a coroutine: how it begins, what it runs, and how it ends.

use core::arch::naked_asm;
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::Ordering;

use super::Threads;
use super::fate::Fate;
use super::landing;
use super::layout::Layout;
use super::mask::NEVER;
use super::worker::{Worker, prepare_libc};
use crate::coroutine::{Coroutine, Routine};
use crate::reactor::Errand;
use crate::scheduler::Scheduler;
use crate::stack::PAGE;
use crate::sync::lot;
use crate::{jump, tls};

/// Our own part of a thread's block.
#[repr(C, align(64))]
pub struct Thread {
    /// The base of its thread-local storage, which is its `pthread_t`.
    pub(super) base: usize,
    /// Where it runs.
    pub(super) worker: Cell<&'static Worker>,
    /// The coroutine; dangling once the thread has ended. For its worker.
    pub(super) co: Cell<*mut Coroutine>,
    routine: Routine,
    argument: *mut c_void,
    /// What it returned, once it has ended.
    pub(super) result: Cell<*mut c_void>,
    /// Whether it has ended, and who disposes of it: one word, so that only one does.
    pub(super) fate: Fate,
    /// The number by which libc knows it; zero for the main thread.
    pub(super) number: c_int,
    /// The signals it blocks. For itself, once it runs.
    pub(super) mask: Cell<u64>,
    /// Its name; empty when that is the process's. Under the latch of [`Threads`].
    pub(super) name: Cell<[u8; NAME]>,
}

/// `TASK_COMM_LEN` of the kernel.
pub(super) const NAME: usize = 16;

/// How many calls in a row the making of a thread counts as: a thread that accepts connections would else have dozens
/// of threads alive before the first of them runs. The kernel lets its threads have the processor as often as it.
const WORTH: u32 = 8;

/// What the attributes of a new thread say.
pub(super) struct Wishes {
    /// The stack's size, as the program will see it.
    pub stack: usize,
    /// The size of the guard that the program believes in.
    pub guard: usize,
    pub detached: bool,
    /// The signals that it blocks, unless they are those of the thread that makes it.
    pub mask: Option<u64>,
}

impl Wishes {
    /// The sizes of the stack with the guard inside, and of the guard, as libc makes them of what is wished: EINVAL
    /// where that leaves no room, EAGAIN where there is none to be had.
    fn sizes(&self, layout: &Layout) -> Result<(usize, usize), c_int> {
        /// What libc wants to be left of the smallest stack.
        const REST: usize = 2048;
        /// The size of a process.
        const MOST: usize = 1 << 47;
        let (storage, alignment) = layout.storage;
        let guard = self.guard.checked_next_multiple_of(PAGE).ok_or(libc::EINVAL)?;
        let size = self.stack.checked_add(guard).ok_or(libc::EINVAL)? & !(alignment - 1);
        if size < (guard + storage + REST).next_multiple_of(PAGE) {
            return Err(libc::EINVAL);
        }
        if size < MOST { Ok((size, guard)) } else { Err(libc::EAGAIN) }
    }
}

impl Thread {
    /// The main thread: on the stack that the process began on.
    pub(super) fn of_main(base: usize, co: *mut Coroutine, mask: u64, worker: &'static Worker) -> Self {
        unsafe extern "C" fn nothing(_: *mut c_void) -> *mut c_void {
            ptr::null_mut()
        }
        Thread {
            co: Cell::new(co),
            mask: Cell::new(mask),
            ..Thread::new(base, 0, worker, nothing, ptr::null_mut(), false)
        }
    }

    fn new(
        base: usize, number: c_int, worker: &'static Worker, routine: Routine, argument: *mut c_void,
        detached: bool,
    ) -> Self {
        Thread {
            base,
            worker: Cell::new(worker),
            co: Cell::new(ptr::null_mut()),
            routine,
            argument,
            result: Cell::new(ptr::null_mut()),
            fate: Fate::new(detached),
            number,
            mask: Cell::new(0),
            name: Cell::new([0; NAME]),
        }
    }

    /// What joiners stand under in the lot.
    pub(super) fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}

impl Threads {
    /// Makes a thread that runs when its worker comes to it: if that is the caller's, not before the caller waits.
    /// EAGAIN without memory, EINVAL when the wishes cannot be met.
    ///
    /// # Safety
    /// A thread runs, with the library's own code.
    pub(super) unsafe fn make(
        &self, wishes: &Wishes, routine: Routine, argument: *mut c_void,
    ) -> Result<usize, c_int> {
        let me = self.current();
        if me.number == 0 && !self.diverted.get() {
            // SAFETY: the main thread runs. Other workers could not do this later.
            unsafe { self.divert_exit_of_main() };
        }
        prepare_libc();
        let worker = self.workers.deal(|| self.blocks.share());
        self.blocks.mind_others(self.main.base);
        // SAFETY: by contract; the block is laid out before anybody can run on it.
        unsafe {
            let base =
                self.make_for(worker, me, wishes, routine, argument).inspect_err(|_| worker.relieve())?;
            self.living.fetch_add(1, Ordering::Relaxed);
            let thread = &*self.blocks.thread(base);
            if worker.is_here() {
                worker.masks.begins(thread.mask.get());
                Scheduler::spend(worker.scheduler(), WORTH);
            } else {
                let errand = Errand { work: take_in, about: [base, thread.co.get().expose_provenance(), 0] };
                Scheduler::send(worker.scheduler(), errand);
            }
            Ok(base)
        }
    }

    unsafe fn make_for(
        &self, worker: &'static Worker, me: &Thread, wishes: &Wishes, routine: Routine, argument: *mut c_void,
    ) -> Result<usize, c_int> {
        // SAFETY: by contract of `make`.
        unsafe {
            let home = worker.scheduler();
            let (whole, guard) = wishes.sizes(&self.blocks.layout)?;
            let base = self.blocks.take(home.addr()).ok_or(libc::EAGAIN)?;
            let thread = self.blocks.thread(base).cast_mut();
            let number = self.blocks.number(base).read();
            thread.write(Thread::new(base, number, worker, routine, argument, wishes.detached));
            let size = wishes.stack.max(PAGE).next_multiple_of(PAGE);
            let made = match worker.is_here() {
                true => Scheduler::start(home, run, thread.cast(), size, base),
                false => Scheduler::deal(home, run, thread.cast(), size, base),
            };
            let Ok(co) = made else {
                self.blocks.give_back(base);
                return Err(libc::EAGAIN);
            };
            (*thread).co.set(co);
            (*thread).name.set(self.name_of(me));
            (*thread).mask.set(wishes.mask.map_or(me.mask.get(), |mask| mask & !NEVER));
            let top = (*co).stack().map_or(0, |(low, size)| low.addr() + size);
            // As libc has it, with the guard that the program believes in inside.
            let stack = [top - whole, whole, guard, guard];
            self.blocks.describe(base, stack, routine as usize, wishes.detached);
            Ok(base)
        }
    }

    /// Lets the main thread, which is about to exit, end as all others: libc would end the process, or wait for
    /// threads of its own.
    ///
    /// # Safety
    /// The main thread runs, or stands still on this worker. Its way out is libc's own.
    pub(super) unsafe fn divert_exit_of_main(&self) {
        if self.diverted.get() || self.blocks.exit(self.main.base).is_null() {
            return;
        }
        self.diverted.set(true);
        // SAFETY: the outermost is libc's own, on its first frame; nobody else looks at it.
        unsafe {
            let buffer = landing::outermost(self.blocks.exit(self.main.base));
            buffer.add(jump::ADDRESS).write(jump::mangled(exited as *const () as usize));
        }
    }

    /// Runs the destructors of the running thread's variables and values. With the last thread the process ends.
    unsafe fn destroy_own(&self) {
        // SAFETY: the thread's routine is over; destructors are the program's, and may wait.
        unsafe { self.blocks.destroy_own(tls::base()) };
        if self.living.fetch_sub(1, Ordering::AcqRel) == 1 {
            let word = tls::hook_word();
            tls::set_hook_word(0);
            // SAFETY: as above, with hooks off.
            unsafe { Self::wait_for_real() };
            tls::set_hook_word(word);
            // SAFETY: as libc's last thread does.
            unsafe { libc::exit(0) };
        }
    }

    /// The thread has nothing to do any more.
    unsafe fn end(&self, thread: &Thread, result: *mut c_void) {
        let worker = thread.worker.get();
        worker.masks.ends(thread.mask.get());
        worker.relieve();
        // SAFETY: nothing of the thread's runs any more.
        unsafe { self.blocks.give_up_mutexes(thread.base) };
        thread.result.set(result);
    }

    /// The thread has ended, and nobody runs on its block: whoever joins it may go on, and has the block then.
    unsafe fn announce(&self, thread: *const Thread) {
        // SAFETY: by contract; once it is announced, only its address is used.
        unsafe {
            let base = (*thread).base;
            if (*thread).fate.end() {
                self.blocks.give_back(base);
            } else {
                lot::call_all(thread.addr());
            }
        }
    }
}

/// A thread comes to the worker that it was dealt to.
unsafe fn take_in(scheduler: *mut (), about: [usize; 3]) {
    let [base, co, _] = about;
    let threads = Threads::get();
    // SAFETY: `make` sends this once; the thread has not begun.
    unsafe {
        let thread = &*threads.blocks.thread(base);
        thread.worker.get().masks.begins(thread.mask.get());
        Scheduler::take_in(scheduler.cast(), ptr::with_exposed_provenance_mut(co));
    }
}

/// How a routine came to its end.
#[repr(C)]
struct Left {
    result: *mut c_void,
    exited: usize,
}

#[unsafe(naked)]
unsafe extern "C" fn enter(
    routine: Routine, argument: *mut c_void, landing: *mut usize, guard: usize,
) -> Left {
    naked_asm!(
        include_str!("../../asm/x86_64/enter.S"),
        rotation = const jump::ROTATION,
        stack_pointer = const jump::STACK_POINTER,
        address = const jump::ADDRESS,
        options(att_syntax)
    )
}

/// The body of a thread's coroutine.
unsafe extern "C" fn run(thread: *mut c_void) -> *mut c_void {
    let word = tls::hook_word() | tls::THREAD;
    tls::set_hook_word(0);
    let thread = thread.cast_const().cast::<Thread>();
    // SAFETY: the block is this thread's own, and outlives it. The landing stays on this frame until the end.
    unsafe {
        let (threads, this) = (Threads::get(), Scheduler::get());
        Scheduler::begun(this);
        threads.blocks.layout.begin();
        let mut landing = [0usize; landing::WORDS];
        let landing = landing.as_mut_ptr();
        threads.blocks.set_exit((*thread).base, landing.cast());
        Scheduler::go_over(word);
        let left = enter((*thread).routine, (*thread).argument, landing, jump::guard());
        threads.destroy_own();
        tls::set_hook_word(0);
        let result = if left.exited != 0 { threads.blocks.result((*thread).base) } else { left.result };
        threads.end(&*thread, result);
        Scheduler::release(this, (*thread).co.get());
        tls::set_base(Scheduler::base_of_loop(this));
        threads.announce(thread);
    }
    ptr::null_mut()
}

#[unsafe(naked)]
unsafe extern "C" fn exited() {
    naked_asm!(include_str!("../../asm/x86_64/exited.S"), over = sym main_is_over, options(att_syntax))
}

/// The main thread has exited: its stack stays, and nobody goes on with it.
unsafe extern "C" fn main_is_over() -> ! {
    let threads = Threads::get();
    // SAFETY: the main thread runs, and hooks are on.
    unsafe {
        threads.destroy_own();
        tls::set_hook_word(0);
        threads.end(&threads.main, threads.blocks.result(threads.main.base));
        threads.main.fate.end();
        lot::call_all(threads.main.address());
        loop {
            Scheduler::sleep(Scheduler::get(), crate::clock::NEVER);
        }
    }
}
