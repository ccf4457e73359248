//! The program's handlers that run on a thread, one inside another, and the ways out of them besides returning.

use core::arch::asm;
use core::ffi::{c_int, c_void};
use core::ops::Range;

use crate::scheduler::Scheduler;
use crate::{jump, sys, tls};

/// A handler of the program's that is running on this thread: on its wrapper's frame, chained through the
/// thread's word.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) outer: *const Running,
    /// The hook word of what it interrupted, and the base of the thread-local storage, which the handler may have changed
    /// for another.
    pub(super) word: usize,
    /// [`Scheduler::word`] then.
    pub(super) own_word: u32,
    /// It interrupted the program's own code, in a coroutine with hooks on.
    pub(super) of_program: bool,
    pub(super) base: usize,
    /// The innermost handler that ran on the storage on which this one does.
    pub(super) inner_there: usize,
    /// What it interrupted, as the kernel has it.
    pub(super) context: *mut c_void,
    pub(super) signal: c_int,
    /// The thread that it interrupted brought it about, or is the one that was meant, as far as is known.
    pub(super) is_own: bool,
}

impl Running {
    /// Its handler has returned, or is left: what it interrupted goes on as before.
    pub(super) fn ends(&self) {
        tls::set_handlers(self.inner_there);
        if tls::base() != self.base {
            // SAFETY: what it interrupted ran there.
            unsafe { tls::set_base(self.base) };
        }
        Scheduler::set_word(self.own_word);
        tls::set_hook_word(self.word);
    }
}

pub(super) fn innermost() -> *const Running {
    core::ptr::with_exposed_provenance(tls::handlers())
}

/// The handler of the program that runs on this thread.
#[derive(Clone, Copy, Debug)]
pub struct Interruption {
    /// The outermost handler interrupted the program's own code, in a coroutine with hooks on.
    pub of_program: bool,
    /// The thread that was interrupted brought the signal about, or is the one that was meant, as far as is known.
    pub is_own: bool,
    /// The signal.
    pub signal: c_int,
    /// The base of the thread-local storage of what was interrupted.
    pub base: usize,
}

/// What the innermost handler of the program on this thread interrupted; `None` where none runs.
pub fn interruption() -> Option<Interruption> {
    // SAFETY: the chain holds wrappers' frames, none of which has returned.
    let Running { signal, is_own, .. } = *unsafe { innermost().as_ref() }?;
    let outermost = outermost()?;
    Some(Interruption { of_program: outermost.of_program, is_own, signal, base: outermost.base })
}

fn outermost() -> Option<&'static Running> {
    let mut found = None;
    let mut next = innermost();
    // SAFETY: the chain holds wrappers' frames, none of which has returned.
    while let Some(running) = unsafe { next.as_ref() } {
        found = Some(running);
        next = running.outer;
    }
    found
}

/// Leaves all handlers: what the outermost interrupted goes on as if they had returned.
///
/// # Safety
/// A handler of the program runs, whose frames nobody needs any more.
pub unsafe fn leave() -> ! {
    let Some(&Running { context, .. }) = outermost() else { unreachable!("a handler runs") };
    let mut top = innermost();
    // SAFETY: the chain holds wrappers' frames, none of which has returned.
    while let Some(running) = unsafe { top.as_ref() } {
        top = running.outer;
        running.ends();
    }
    // SAFETY: the kernel's frame of the handler, as the wrapper got it: its way back begins there.
    unsafe {
        asm!("mov rsp, {}", "mov eax, 15", "syscall", in(reg) context, options(noreturn));
    }
}

/// Leaves all handlers for `body`, which gets `argument`, above what the outermost interrupted: that does not go on.
///
/// # Safety
/// As for [`leave`]; `body` never returns.
pub unsafe fn leave_for(body: unsafe extern "C" fn(c_int) -> !, argument: c_int) -> ! {
    /// What a function may use below its stack pointer.
    const RED_ZONE: i64 = 128;
    /// The processor's flag that lets string instructions go downwards, which no function expects.
    const DOWNWARDS: i64 = 1 << 10;
    if let Some(running) = outermost() {
        // SAFETY: as in `leave`.
        let registers = unsafe { &mut (*running.context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
        // As behind a call.
        registers[libc::REG_RSP as usize] = ((registers[libc::REG_RSP as usize] - RED_ZONE) & !15) - 8;
        registers[libc::REG_RIP as usize] = (body as *const () as usize).cast_signed() as i64;
        registers[libc::REG_RDI as usize] = argument.into();
        registers[libc::REG_EFL as usize] &= !DOWNWARDS;
    }
    // SAFETY: by contract.
    unsafe { leave() }
}

/// The stack pointer that `longjmp` restores.
///
/// # Safety
/// `buffer` was filled by `setjmp`.
pub unsafe fn target_of(buffer: *const c_void) -> usize {
    // SAFETY: by contract.
    jump::plain(unsafe { buffer.cast::<usize>().add(jump::STACK_POINTER).read() })
}

/// Whether a jump to that stack pointer stays within a handler whose wrapper's frame this is, whose alternate stack is that.
fn stays_within(top: *const Running, target: usize, alternate: &Range<usize>) -> bool {
    let here = top.addr();
    // Stacks grow down; between two stacks the jump goes from the alternate one to the interrupted one.
    alternate.contains(&here) == alternate.contains(&target) && target < here
}

/// Whether a jump to that stack pointer leaves all handlers that run on this thread.
pub fn leaves_all(target: usize) -> bool {
    let alternate = sys::alternate_stack();
    outermost().is_none_or(|running| !stays_within(running, target, &alternate))
}

/// The program jumps by `longjmp`, perhaps out of some of its handlers: what they interrupted goes on with its
/// own hook word.
///
/// # Safety
/// `buffer` was filled by `setjmp`, on a frame that is still there.
pub unsafe fn jumps(buffer: *const c_void) {
    // SAFETY: by contract.
    let target = unsafe { target_of(buffer) };
    let alternate = sys::alternate_stack();
    let mut top = innermost();
    // SAFETY: the chain holds wrappers' frames, none of which has returned.
    while let Some(running) = unsafe { top.as_ref() } {
        if stays_within(top, target, &alternate) {
            break;
        }
        top = running.outer;
        running.ends();
    }
}
