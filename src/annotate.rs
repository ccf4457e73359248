//! What checkers must be told: AddressSanitizer of stacks, ThreadSanitizer of fibers and of what threads hand to each
//! other, Valgrind of stacks.
//!
//! All cost nothing when absent: the sanitizers' functions are weak references, and Valgrind's requests
//! are a few instructions that a real CPU executes as a no-op.

use core::arch::asm;
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

type Start = unsafe extern "C" fn(*mut *mut c_void, *const c_void, usize);
type Finish = unsafe extern "C" fn(*mut c_void, *mut *const c_void, *mut usize);
type Region = unsafe extern "C" fn(*const c_void, usize);
type CreateFiber = unsafe extern "C" fn(u32) -> *mut c_void;
type CurrentFiber = unsafe extern "C" fn() -> *mut c_void;
type SwitchFiber = unsafe extern "C" fn(*mut c_void, u32);
type DestroyFiber = unsafe extern "C" fn(*mut c_void);
type HandOver = unsafe extern "C" fn(*const c_void);

/// Whether a sanitizer runs that must be told of each switch: see [`look`].
static SANITIZED: AtomicBool = AtomicBool::new(false);

#[inline(always)]
fn start_function() -> Option<Start> {
    weak_symbol!("__sanitizer_start_switch_fiber" as Start)
}

#[inline(always)]
fn fiber_function() -> Option<CreateFiber> {
    weak_symbol!("__tsan_create_fiber" as CreateFiber)
}

/// Whether anything looks on that must be told of memory: see [`look`].
static CHECKED: AtomicBool = AtomicBool::new(false);

/// Looks which checkers there are; before the first switch of any thread.
pub fn look() {
    let sanitized = start_function().is_some() || fiber_function().is_some();
    SANITIZED.store(sanitized, Ordering::Relaxed);
    let searched = weak_symbol!("__lsan_register_root_region" as Region).is_some();
    CHECKED.store(sanitized || searched || on_valgrind(), Ordering::Relaxed);
}

/// Whether a sanitizer runs in this process that must be told of each switch.
#[inline(always)]
pub fn sanitized() -> bool {
    SANITIZED.load(Ordering::Relaxed)
}

/// Whether a checker of memory runs in this process: a sanitizer, a leak checker or Valgrind.
#[inline(always)]
pub fn checked() -> bool {
    CHECKED.load(Ordering::Relaxed)
}

/// Whether a sanitizer was linked into the same program or library as we are. Our names have taken the place of its own
/// there, and the next definitions would go past it.
pub fn linked_with_us() -> bool {
    type Create = unsafe extern "C" fn();
    weak_symbol!("__interceptor_pthread_create" as Create).is_some_and(|theirs| {
        object_of(theirs as *const c_void) == object_of(linked_with_us as *const c_void)
    })
}

/// Where the program or library begins that has the address.
fn object_of(address: *const c_void) -> usize {
    // SAFETY: zeros are a valid value, which `dladdr` fills in if it can.
    unsafe {
        let mut told: libc::Dl_info = core::mem::zeroed();
        libc::dladdr(address, &mut told);
        told.dli_fbase.addr()
    }
}

/// Tells AddressSanitizer that the stack `low..low + size` comes next. Gives what [`arrive`] needs when
/// this stack comes back; with `dying`, it never does and what the sanitizer kept for it is freed.
pub fn leave(low: *const u8, size: usize, dying: bool) -> *mut c_void {
    let mut fake = ptr::null_mut();
    if let Some(start) = start_function() {
        let save = if dying { ptr::null_mut() } else { &raw mut fake };
        // SAFETY: `save` is null or writable.
        unsafe { start(save, low.cast(), size) };
    }
    fake
}

/// Tells AddressSanitizer that the switch is complete.
///
/// # Safety
/// `fake` is what [`leave`] gave when this stack was left, null on a new one.
pub unsafe fn arrive(fake: *mut c_void) {
    if let Some(finish) = weak_symbol!("__sanitizer_finish_switch_fiber" as Finish) {
        // SAFETY: by contract; null means that the old stack's bounds are not wanted.
        unsafe { finish(fake, ptr::null_mut(), ptr::null_mut()) };
    }
}

/// Tells AddressSanitizer that what frames left on this stack, which never returned, is void.
#[inline(always)]
pub fn clear_stack(low: *const u8, size: usize) {
    if let Some(unpoison) = weak_symbol!("__asan_unpoison_memory_region" as Region) {
        // SAFETY: only the sanitizer's own record of the range changes.
        unsafe { unpoison(low.cast(), size) };
    }
}

/// What ThreadSanitizer keeps of one coroutine, made when it is first switched to: it would take the frames of all
/// coroutines for those of one thread otherwise.
#[derive(Default)]
pub struct Fiber(Option<Kept>);

enum Kept {
    /// The thread's own, which ends with it.
    Thread(*mut c_void),
    Coroutine(*mut c_void),
}

impl Fiber {
    /// Tells that `to` comes next. `self`, which leaves, is the thread's own if it was never switched to.
    pub fn leave_for(&mut self, to: &mut Fiber) {
        let Some(create) = fiber_function() else { return };
        let Some(switch) = weak_symbol!("__tsan_switch_to_fiber" as SwitchFiber) else { return };
        if let (None, Some(current)) = (&self.0, weak_symbol!("__tsan_get_current_fiber" as CurrentFiber)) {
            // SAFETY: only asks.
            self.0 = Some(Kept::Thread(unsafe { current() }));
        }
        // SAFETY: fibers are made once, and not destroyed while they are kept. Without flags, what was done before the
        // switch is known to come before what is done after.
        unsafe {
            let (Kept::Thread(fiber) | Kept::Coroutine(fiber)) =
                to.0.get_or_insert_with(|| Kept::Coroutine(create(0)));
            switch(*fiber, 0);
        }
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        if let (Some(Kept::Coroutine(fiber)), Some(destroy)) =
            (&self.0, weak_symbol!("__tsan_destroy_fiber" as DestroyFiber))
        {
            // SAFETY: it was made here, and whoever drops what it stands for runs on another.
            unsafe { destroy(*fiber) };
        }
    }
}

std::thread_local! {
    static FORKS: Cell<bool> = const { Cell::new(false) };
}

/// The calling thread is about to fork, or has forked: in between ThreadSanitizer, whose own handlers are around the library's,
/// must not be told anything by it. That of gcc 14 crashes.
pub fn forks(now: bool) {
    FORKS.set(now);
}

/// Tells ThreadSanitizer, which does not see the library's own locks and atomic words, that all that the caller has
/// done comes before what others do who [`receive`] at the same place.
#[inline(always)]
pub fn hand_over<T>(place: *const T) {
    if let Some(release) = weak_symbol!("__tsan_release" as HandOver)
        && !FORKS.get()
    {
        // SAFETY: the place is a name, and nothing there is touched.
        unsafe { release(place.cast()) };
    }
}

/// See [`hand_over`].
#[inline(always)]
pub fn receive<T>(place: *const T) {
    if let Some(acquire) = weak_symbol!("__tsan_acquire" as HandOver)
        && !FORKS.get()
    {
        // SAFETY: as in `hand_over`.
        unsafe { acquire(place.cast()) };
    }
}

/// Copies bytes of a stack where there are [checkers](checked), which rightly distrust such a copy in a program.
///
/// # Safety
/// The ranges are valid and do not overlap; the destination is no live frame.
pub unsafe fn copy_stack(from: *const u8, to: *mut u8, count: usize) {
    if sanitized() {
        // SAFETY: by contract; a string move instead of memcpy, which the sanitizer intercepts.
        unsafe {
            asm!("rep movsb", inout("rcx") count => _, inout("rsi") from => _, inout("rdi") to => _,
                 options(nostack, preserves_flags));
        }
        return;
    }
    valgrind(MAKE_MEM_UNDEFINED, [to as usize, count]);
    // SAFETY: by contract.
    unsafe { ptr::copy_nonoverlapping(from, to, count) };
}

// Numbers of Valgrind's client requests (valgrind.h, memcheck.h).
const RUNNING_ON_VALGRIND: usize = 0x1001;
const STACK_REGISTER: usize = 0x1501;
const MAKE_MEM_UNDEFINED: usize = (('M' as usize) << 24) + (('C' as usize) << 16) + 1;
const MAKE_MEM_DEFINED: usize = MAKE_MEM_UNDEFINED + 1;

#[inline(always)]
fn valgrind(request: usize, arguments: [usize; 2]) -> usize {
    let block = [request, arguments[0], arguments[1], 0, 0, 0];
    let answer: usize;
    // SAFETY: the four rotations add up to 128 bits and the exchange is of a register with itself:
    // a CPU changes nothing, Valgrind recognises the sequence and reads `block`.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            inout("rdx") 0usize => answer, in("rax") block.as_ptr(), inout("rdi") 0usize => _,
            options(nostack),
        );
    }
    answer
}

/// Whether the process runs under Valgrind.
pub fn on_valgrind() -> bool {
    valgrind(RUNNING_ON_VALGRIND, [0, 0]) != 0
}

/// Tells Valgrind that the kernel has written to memory: it follows no writes to processes.
#[inline(always)]
pub fn written(place: *const u8, count: usize) {
    valgrind(MAKE_MEM_DEFINED, [place as usize, count]);
}

/// Tells Valgrind that a switch to this range is a switch of stacks, not a very large frame. The end belongs to it: there the
/// stack pointer is when a coroutine begins, and a signal handler may run first of all.
pub fn register_stack(low: *const u8, size: usize) {
    valgrind(STACK_REGISTER, [low as usize, low as usize + size]);
}

/// Lets LeakSanitizer search a stack for what a waiting coroutine holds.
#[inline(always)]
pub fn search_stack(low: *const u8, size: usize) {
    if let Some(register) = weak_symbol!("__lsan_register_root_region" as Region) {
        // SAFETY: the range stays readable until `ignore_stack`.
        unsafe { register(low.cast(), size) };
    }
}

/// Ends the search: nobody uses the stack.
#[inline(always)]
pub fn ignore_stack(low: *const u8, size: usize) {
    if let Some(unregister) = weak_symbol!("__lsan_unregister_root_region" as Region) {
        // SAFETY: it was registered.
        unsafe { unregister(low.cast(), size) };
    }
}
