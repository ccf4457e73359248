//! A thread that is a coroutine: how it begins, what it runs, and how it ends.

use core::arch::naked_asm;
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::ptr;

use super::Threads;
use super::layout::Layout;
use super::mask::NEVER;
use crate::coroutine::{Coroutine, Routine};
use crate::scheduler::Scheduler;
use crate::stack::PAGE;
use crate::sync::{lot, mutex};
use crate::{local, sys, tls};

/// Our own part of a thread's block.
#[repr(C, align(64))]
pub struct Thread {
    /// The base of its thread-local storage, which is its `pthread_t`.
    pub(super) base: usize,
    /// The coroutine; dangling once the thread has ended.
    pub(super) co: Cell<*mut Coroutine>,
    routine: Routine,
    argument: *mut c_void,
    /// What it returned, once it has ended.
    pub(super) result: Cell<*mut c_void>,
    pub(super) ended: Cell<bool>,
    pub(super) detached: Cell<bool>,
    /// Who joins it; null before.
    pub(super) joiner: Cell<*const Thread>,
    /// The number by which libc knows it; zero for the main thread.
    pub(super) number: c_int,
    /// The signals it blocks.
    pub(super) mask: Cell<u64>,
    /// Its name; empty when that is the process's.
    pub(super) name: Cell<[u8; NAME]>,
}

/// `TASK_COMM_LEN` of the kernel.
pub(super) const NAME: usize = 16;

/// The words of glibc's `__pthread_unwind_buf_t`: a jmp_buf of eight registers, and room of libc's own.
const LANDING: usize = 13;
/// The word of a jmp_buf that holds the address, mangled.
const ADDRESS: usize = 7;
/// The first of libc's own words: the buffer outside this one.
const PREVIOUS: usize = 9;

/// `LC_GLOBAL_LOCALE` of locale.h.
const GLOBAL_LOCALE: libc::locale_t = ptr::without_provenance_mut(usize::MAX);

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
    pub(super) fn main(base: usize, co: *mut Coroutine, mask: u64) -> Self {
        unsafe extern "C" fn nothing(_: *mut c_void) -> *mut c_void {
            ptr::null_mut()
        }
        Thread {
            co: Cell::new(co),
            mask: Cell::new(mask),
            ..Thread::new(base, 0, nothing, ptr::null_mut(), false)
        }
    }

    fn new(base: usize, number: c_int, routine: Routine, argument: *mut c_void, detached: bool) -> Self {
        Thread {
            base,
            co: Cell::new(ptr::null_mut()),
            routine,
            argument,
            result: Cell::new(ptr::null_mut()),
            ended: Cell::new(false),
            detached: Cell::new(detached),
            joiner: Cell::new(ptr::null()),
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
    /// Makes a thread that runs when the one that calls next waits. EAGAIN without memory, EINVAL when the wishes cannot
    /// be met.
    ///
    /// # Safety
    /// A thread runs, with the library's own code.
    pub(super) unsafe fn make(
        &self, wishes: &Wishes, routine: Routine, argument: *mut c_void,
    ) -> Result<usize, c_int> {
        // SAFETY: by contract; the block is laid out before anybody can run on it.
        unsafe {
            let this = Scheduler::get();
            let (whole, guard) = wishes.sizes(&self.blocks.layout)?;
            sys::tell_of_threads(self.blocks.layout.single);
            let base = self.blocks.take(this.addr()).ok_or(libc::EAGAIN)?;
            let thread = self.blocks.thread(base).cast_mut();
            let number = self.blocks.number(base).read();
            thread.write(Thread::new(base, number, routine, argument, wishes.detached));
            let size = wishes.stack.max(PAGE).next_multiple_of(PAGE);
            let Ok(co) = Scheduler::start(this, run, thread.cast(), size, base) else {
                self.blocks.give_back(base);
                return Err(libc::EAGAIN);
            };
            (*thread).co.set(co);
            let me = self.current();
            (*thread).name.set(me.name.get());
            let mask = wishes.mask.map_or(me.mask.get(), |mask| mask & !NEVER);
            (*thread).mask.set(mask);
            let top = (*co).stack().map_or(0, |(low, size)| low.addr() + size);
            // As libc has it, with the guard that the program believes in inside.
            let stack = [top - whole, whole, guard, guard];
            self.blocks.describe(base, stack, routine as usize, wishes.detached);
            self.mask_begins(mask);
            Ok(base)
        }
    }

    /// Lets the main thread, which is about to exit, end as all others: libc would end the process, or wait for
    /// threads of its own.
    ///
    /// # Safety
    /// The main thread runs. Its way out is libc's own, or this.
    pub(super) unsafe fn divert_exit_of_main(&self) {
        let mut buffer = self.blocks.exit(self.main.base).cast_mut().cast::<usize>();
        // SAFETY: each cleanup handler of the program has such a buffer, which names the one outside it. The outermost
        // is libc's own, on its first frame; nobody else looks at it.
        unsafe {
            while buffer.add(PREVIOUS).read() != 0 {
                buffer = ptr::with_exposed_provenance_mut(buffer.add(PREVIOUS).read());
            }
            buffer.add(ADDRESS).write(mangled(exited as *const () as usize));
        }
    }

    /// Whether the thread that ends is the last one, with which the process ends.
    fn is_last(&self) -> bool {
        self.living.get() == 1
    }

    /// Runs the destructors of the running thread's variables and values.
    unsafe fn destroy_own(&self) {
        // SAFETY: the thread's routine is over; destructors are the program's, and may wait.
        unsafe {
            (self.blocks.layout.call_destructors)();
            local::destroy_of_thread();
            self.blocks.free_what_libc_made(tls::base());
        }
        if self.is_last() {
            // SAFETY: as libc's last thread does.
            unsafe { libc::exit(0) };
        }
    }

    /// The thread has ended: whoever joins it may go on.
    unsafe fn end(&self, thread: &Thread, result: *mut c_void) {
        self.mask_ends(thread.mask.get());
        for mutex in self.blocks.robust_mutexes(thread.base) {
            // SAFETY: libc has it in the list of those that the thread owns.
            unsafe { mutex::owner_has_ended(mutex) };
        }
        thread.result.set(result);
        thread.ended.set(true);
        lot::call_all(thread.address());
    }
}

fn mangled(word: usize) -> usize {
    let guard: usize;
    // SAFETY: the guard's place in the thread control block is part of the ABI.
    unsafe {
        core::arch::asm!("mov {}, qword ptr fs:[0x30]", out(reg) guard, options(nostack, readonly, preserves_flags));
    }
    (word ^ guard).rotate_left(0x11)
}

/// How a routine came to its end.
#[repr(C)]
struct Left {
    result: *mut c_void,
    exited: usize,
}

#[unsafe(naked)]
unsafe extern "C" fn enter(routine: Routine, argument: *mut c_void, landing: *mut usize) -> Left {
    naked_asm!(include_str!("../../asm/x86_64/enter.S"), options(att_syntax))
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
        libc::uselocale(GLOBAL_LOCALE);
        (threads.blocks.layout.begin_ctype)();
        *libc::__errno_location() = 0;
        let mut landing = [0usize; LANDING];
        let landing = landing.as_mut_ptr();
        threads.blocks.set_exit((*thread).base, landing.cast());
        tls::set_hook_word(word);
        let left = enter((*thread).routine, (*thread).argument, landing);
        threads.destroy_own();
        tls::set_hook_word(0);
        let result = if left.exited != 0 { threads.blocks.result((*thread).base) } else { left.result };
        threads.end(&*thread, result);
        Scheduler::release(this, (*thread).co.get());
        tls::set_base(Scheduler::base_of_loop(this));
        if (*thread).detached.get() {
            threads.blocks.give_back((*thread).base);
        }
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
        loop {
            Scheduler::sleep(Scheduler::get(), crate::clock::NEVER);
        }
    }
}
