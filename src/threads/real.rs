//! Threads that the user wants to stay real (`COLIB_THREADS_REAL`) or that must, beside those that are coroutines: which
//! they are, how they begin, and how they join a coroutine.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::sync::OnceLock;

use super::Threads;
use crate::coroutine::Routine;
use crate::object::{self, Object};
use crate::scheduler::Scheduler;
use crate::{alone, clock, heap, signal, sys};

/// The patterns of the variable.
static PATTERNS: OnceLock<Vec<CString>> = OnceLock::new();
/// How many real threads of the program have not ended.
static LIVING: AtomicUsize = AtomicUsize::new(0);
/// Tells of the end of a real thread.
static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();

/// Looks at the environment.
pub(super) fn begin() {
    object::look_up();
    let Some(value) = std::env::var_os("COLIB_THREADS_REAL") else { return };
    let bytes = value.into_vec();
    let patterns = bytes.split(|&byte| byte == b':').filter(|pattern| !pattern.is_empty());
    let _ = PATTERNS.set(patterns.filter_map(|pattern| CString::new(pattern).ok()).collect());
}

/// The name of the file without its folders, and the name of the function at an address, which may be null.
fn names(address: *const c_void) -> Option<(*const c_char, *const c_char)> {
    let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: libc fills it in, or says that it did not; names of files end with a zero.
    unsafe {
        if libc::dladdr(address, found.as_mut_ptr()) == 0 {
            return None;
        }
        let found = found.assume_init();
        let slash = libc::strrchr(found.dli_fname, c_int::from(b'/'));
        Some((if slash.is_null() { found.dli_fname } else { slash.add(1) }, found.dli_sname))
    }
}

fn matches(name: *const c_char) -> bool {
    let patterns = PATTERNS.get().into_iter().flatten();
    // SAFETY: both end with a zero.
    !name.is_null() && patterns.into_iter().any(|p| unsafe { libc::fnmatch(p.as_ptr(), name, 0) } == 0)
}

/// Whether the program is Go's, whose runtime makes and wakes threads, and waits for them, by instructions of its own.
pub(super) fn program_is_of_go() -> bool {
    object::find(|program| Some(program.is_of_go())) == Some(true)
}

/// The same of the library that a function is from.
fn is_of_go(function: Routine) -> bool {
    object::at(function as usize, |object: Object| object.is_of_go()) == Some(true)
}

/// Whether a thread that is to run this stays real: Go's do, and others by the routine's name, or the file that it is from. What
/// `std::thread` runs is an object with virtual functions, and the file is the one that these are from.
///
/// # Safety
/// The program makes a thread of them.
pub unsafe fn is_kept(routine: Routine, argument: *const c_void) -> bool {
    if is_of_go(routine) {
        return true;
    }
    if PATTERNS.get().is_none() {
        return false;
    }
    let Some((file, function)) = names(routine as *const c_void) else { return false };
    // SAFETY: libstdc++ gives its routine such an object.
    let of_object = unsafe {
        let is_std = CStr::from_ptr(file).to_bytes().starts_with(b"libstdc++.so");
        if is_std { names(argument.cast::<*const c_void>().read()) } else { None }
    };
    matches(file) || matches(function) || of_object.is_some_and(|(file, _)| matches(file))
}

/// What a real thread runs.
struct Start {
    routine: Routine,
    argument: *mut c_void,
}

unsafe extern "C" fn run(start: *mut c_void) -> *mut c_void {
    // SAFETY: `create_real` made it. The frame owns nothing when the routine is called, which may exit.
    unsafe {
        let Start { routine, argument } = *Box::from_raw(start.cast::<Start>());
        if let Some(&key) = KEY.get() {
            libc::pthread_setspecific(key, ptr::from_ref(&LIVING).cast());
        }
        routine(argument)
    }
}

unsafe extern "C" fn ended(_: *mut c_void) {
    LIVING.fetch_sub(1, Ordering::Relaxed);
}

/// In a child of fork there is only the thread that forked.
pub(super) fn forget() {
    LIVING.store(0, Ordering::Relaxed);
}

impl Threads {
    /// Makes a real thread by `create`, libc's own function, with what it is to run. It blocks the signals that its
    /// maker blocks.
    ///
    /// # Safety
    /// As for [`Threads::create`].
    pub unsafe fn create_real(
        &self, routine: Routine, argument: *mut c_void, create: impl FnOnce(Routine, *mut c_void) -> c_int,
    ) -> c_int {
        alone::expect_company();
        let mut key = 0;
        // SAFETY: the destructor takes anything.
        if KEY.get().is_none() && unsafe { libc::pthread_key_create(&mut key, Some(ended)) } == 0 {
            let _ = KEY.set(key);
        }
        let Some(start) = heap::boxed(Start { routine, argument }).filter(|_| KEY.get().is_some()) else {
            return libc::EAGAIN;
        };
        let start = Box::into_raw(start);
        // It may join one of ours, and give its block back.
        self.blocks.share();
        let before = sys::signal_mask(Some(self.current().mask.get()));
        LIVING.fetch_add(1, Ordering::Relaxed);
        let error = create(run, start.cast());
        signal::heed_identity();
        if let Ok(before) = before {
            let _ = sys::signal_mask(Some(before));
        }
        if error != 0 {
            LIVING.fetch_sub(1, Ordering::Relaxed);
            // SAFETY: nobody else has it.
            drop(unsafe { Box::from_raw(start) });
        }
        error
    }

    /// Waits until no real thread of the program runs: the process ends with its last thread, which is the caller
    /// then.
    ///
    /// # Safety
    /// A thread runs, with the library's own code.
    pub(super) unsafe fn wait_for_real() {
        while LIVING.load(Ordering::Relaxed) > 0 {
            // SAFETY: by contract.
            unsafe { Scheduler::sleep(Scheduler::get(), clock::after(Duration::from_millis(5))) };
        }
    }

    /// `pthread_tryjoin_np` of a thread of ours by a real one; `None` when the thread is not ours.
    ///
    /// # Safety
    /// `thread` is some thread's, or was; `result` is null or writable.
    pub unsafe fn try_join_from_outside(
        &self, thread: libc::pthread_t, result: *mut *mut c_void,
    ) -> Option<c_int> {
        // SAFETY: by contract.
        unsafe { self.find(thread).map(|thread| self.try_join_as(None, thread, result)) }
    }
}
