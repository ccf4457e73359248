//! A context: a suspended computation on a stack of its own, and the switch between two of them.
//!
//! Knows nothing of coroutines. The picture of a parked stack is in `asm/x86_64/switch.S`.

use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of};
use core::ptr;

/// Where a suspended computation goes on. Packed, so that its owner can use the last four bytes of sixteen.
#[derive(Debug)]
#[repr(C, packed(4))]
pub struct Context {
    /// The stack pointer below which nothing is live; meaningless while the context runs.
    sp: *mut u8,
    /// What the thread's hook word becomes when the context goes on: zero when it goes on inside the
    /// library, else what the program's code of this context runs with.
    pub word: u32,
}

/// The control halves of the two floating point units' state.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    mxcsr: u16,
    x87: u16,
}

impl Control {
    /// The control words in force.
    pub fn current() -> Self {
        let mut words = MaybeUninit::<(u32, u16)>::uninit();
        let place = words.as_mut_ptr();
        // SAFETY: both instructions store to the given places alone, of which there are two: all is written then.
        unsafe {
            asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &raw mut (*place).0, in(reg) &raw mut (*place).1,
                 options(nostack, preserves_flags));
            let (mxcsr, x87) = words.assume_init();
            // The rest of MXCSR is reserved.
            Control { mxcsr: mxcsr as u16, x87 }
        }
    }
}

/// What a context runs first; it never returns.
pub type Entry = unsafe extern "C" fn(*mut u8, *mut u8) -> !;

/// A frame as `switch.S` pops it.
#[repr(C)]
struct Frame {
    mxcsr: u32,
    x87: u16,
    _pad: u16,
    r15: usize,
    r14: usize,
    r13: *mut u8,
    r12: *mut u8,
    rbx: usize,
    rbp: usize,
    rip: unsafe extern "C" fn(),
}

impl Context {
    /// Where the assembly finds the stack pointer and the word.
    pub const SP: usize = offset_of!(Context, sp);
    /// See [`Context::SP`].
    pub const WORD: usize = offset_of!(Context, word);

    /// The context of a computation that is running now.
    pub const fn running() -> Self {
        Context { sp: ptr::null_mut(), word: 0 }
    }

    /// A context that calls `entry(a, b)` on the stack that ends at `top` when it is first switched to,
    /// under the given floating point control words.
    ///
    /// # Safety
    /// At least 80 bytes below `top` are writable, and enough for `entry` beyond them.
    pub unsafe fn new(top: *mut u8, control: Control, entry: Entry, a: *mut u8, b: *mut u8) -> Self {
        // SAFETY: by contract; `first_frame` takes the three as the frame has them.
        unsafe { Self::with_frame(top, control, first_frame, entry as usize, a, b) }
    }

    /// A context that begins with an assembly frame of the caller's: `first`, which finds `a` in r12.
    ///
    /// # Safety
    /// As for [`Context::new`].
    pub unsafe fn beginning(
        top: *mut u8, control: Control, first: unsafe extern "C" fn(), a: *mut u8,
    ) -> Self {
        // SAFETY: by contract.
        unsafe { Self::with_frame(top, control, first, 0, a, ptr::null_mut()) }
    }

    unsafe fn with_frame(
        top: *mut u8, control: Control, rip: unsafe extern "C" fn(), rbx: usize, r12: *mut u8, r13: *mut u8,
    ) -> Self {
        let Control { mxcsr, x87 } = control;
        let frame = Frame { mxcsr: mxcsr.into(), x87, _pad: 0, r15: 0, r14: 0, r13, r12, rbx, rbp: 0, rip };
        let top = top.map_addr(|address| address & !15);
        // SAFETY: by contract; the frame's size is a multiple of 16, so `rip` starts aligned.
        unsafe {
            let place = top.sub(size_of::<Frame>()).cast::<Frame>();
            place.write(frame);
            Context { sp: place.cast(), word: 0 }
        }
    }

    /// The lowest live byte of the suspended computation's stack.
    pub fn sp(&self) -> *mut u8 {
        self.sp
    }
}

/// Whether an instruction lies in the section of those functions that switch while the hook word is still that of the
/// program's own code.
pub fn is_switch(instruction: usize) -> bool {
    let (begin, end): (usize, usize);
    // SAFETY: reads two slots of the global offset table: the linker's names for the bounds of the section.
    unsafe {
        asm!(
            ".weak __start_colib_switches",
            ".weak __stop_colib_switches",
            ".hidden __start_colib_switches",
            ".hidden __stop_colib_switches",
            "mov {}, qword ptr [rip + __start_colib_switches@GOTPCREL]",
            "mov {}, qword ptr [rip + __stop_colib_switches@GOTPCREL]",
            out(reg) begin, out(reg) end, options(nostack, readonly, preserves_flags, pure),
        );
    }
    (begin..end).contains(&instruction)
}

/// The switch between two contexts: `hooks` and `returns` as switch.S has them.
macro_rules! switching {
    (hooks = $hooks:literal, returns = $returns:literal) => {
        naked_asm!(
            ".cfi_startproc",
            include_str!("../asm/x86_64/switch.S"),
            ".cfi_endproc",
            context = const 0,
            sp = const Context::SP,
            word = const Context::WORD,
            compares = const 0,
            hooks = const $hooks,
            returns = const $returns,
            options(att_syntax),
        )
    };
}

/// Suspends the running computation into `from` and goes on with `to`. Returns when something switches
/// back to `from`.
///
/// # Safety
/// `from` is where the running computation is to be suspended; `to` is suspended and its stack is in
/// place; both stay valid. No lock and no borrow is held across the call (invariant 3).
#[unsafe(naked)]
pub unsafe extern "C" fn switch(to: *const Context, from: *mut Context) {
    switching!(hooks = 1, returns = 0)
}

/// [`switch`], and faster where the one that comes once left by the same calls as the one that leaves: the CPU then predicts
/// the returns of all these calls.
///
/// # Safety
/// As for [`switch`].
#[unsafe(naked)]
pub unsafe extern "C" fn switch_alike(to: *const Context, from: *mut Context) {
    switching!(hooks = 1, returns = 1)
}

/// Goes on with `to`; the running computation is over.
///
/// # Safety
/// As for [`switch`].
#[unsafe(naked)]
pub unsafe extern "C" fn depart(to: *const Context) -> ! {
    naked_asm!(
        ".cfi_startproc",
        include_str!("../asm/x86_64/depart.S"),
        ".cfi_endproc",
        sp = const Context::SP,
        word = const Context::WORD,
        options(att_syntax),
    )
}

/// [`switch`] that leaves the hook word as it is: for contexts that the program handles itself.
///
/// # Safety
/// As for [`switch`].
#[unsafe(naked)]
pub unsafe extern "C" fn swap(to: *const Context, from: *mut Context) {
    switching!(hooks = 0, returns = 0)
}

/// The two contexts of a switch that an assembly caller is to make; a null `from` means none.
#[repr(C)]
pub struct Switch {
    /// The one that leaves.
    pub from: *mut Context,
    /// The one that comes.
    pub to: *const Context,
}

impl Switch {
    /// There is nothing to switch to.
    pub const NONE: Switch = Switch { from: ptr::null_mut(), to: ptr::null() };
}

#[unsafe(naked)]
unsafe extern "C" fn first_frame() {
    naked_asm!(include_str!("../asm/x86_64/entry.S"), options(att_syntax))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    struct Pair {
        main: Context,
        other: Context,
        count: usize,
    }

    unsafe extern "C" fn count_up(pair: *mut u8, step: *mut u8) -> ! {
        let pair = pair.cast::<Pair>();
        loop {
            // SAFETY: the test's pair outlives every switch.
            unsafe {
                (*pair).count += step as usize;
                switch(&raw const (*pair).main, &raw mut (*pair).other);
            }
        }
    }

    #[test]
    fn a_context_keeps_its_place_and_its_arguments() {
        let mut stack = vec![0u8; 64 * 1024];
        let mut pair = Pair { main: Context::running(), other: Context::running(), count: 0 };
        let pair = &raw mut pair;
        // SAFETY: the stack outlives the context, which is never switched to again after the loop.
        unsafe {
            let top = stack.as_mut_ptr_range().end;
            (*pair).other =
                Context::new(top, Control::current(), count_up, pair.cast(), ptr::without_provenance_mut(3));
            for round in 1..=5 {
                switch(&raw const (*pair).other, &raw mut (*pair).main);
                assert_eq!((*pair).count, 3 * round);
            }
        }
    }

    pub(crate) fn mxcsr() -> u32 {
        let mut value = 0u32;
        // SAFETY: stores four bytes.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value) };
        value
    }

    /// # Safety
    /// No bit is reserved.
    pub(crate) unsafe fn set_mxcsr(value: u32) {
        // SAFETY: by contract.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value) };
    }

    unsafe extern "C" fn round_down(pair: *mut u8, _: *mut u8) -> ! {
        let pair = pair.cast::<Pair>();
        let down = (mxcsr() & !0x6000) | 0x2000;
        loop {
            // SAFETY: as above; a rounding mode is a valid control word.
            unsafe {
                set_mxcsr(down);
                switch(&raw const (*pair).main, &raw mut (*pair).other);
            }
            assert_eq!(mxcsr() & 0x6000, 0x2000);
        }
    }

    #[test]
    fn control_words_belong_to_the_context() {
        let mut stack = vec![0u8; 64 * 1024];
        let mut pair = Pair { main: Context::running(), other: Context::running(), count: 0 };
        let pair = &raw mut pair;
        // SAFETY: as above.
        unsafe {
            let top = stack.as_mut_ptr_range().end;
            (*pair).other = Context::new(top, Control::current(), round_down, pair.cast(), ptr::null_mut());
            for _ in 0..3 {
                switch(&raw const (*pair).other, &raw mut (*pair).main);
                assert_eq!(mxcsr() & 0x6000, 0);
            }
        }
    }
}
