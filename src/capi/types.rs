use core::ffi::{c_int, c_void};

/// A coroutine. Opaque here; co_routine_inner.h shows the few members that programs read.
pub struct stCoRoutine_t {
    _opaque: [u8; 0],
}

/// The event loop of a thread. Every function that takes one uses the calling thread's, whatever it is given.
pub struct stCoEpoll_t {
    _opaque: [u8; 0],
}

/// A condition: a queue of coroutines that wait to be signalled.
pub struct stCoCond_t {
    _opaque: [u8; 0],
}

/// Stacks that several coroutines use in turn; what is live of a waiting coroutine's is kept aside.
pub struct stShareStack_t {
    _opaque: [u8; 0],
}

/// What a new coroutine runs on. The C++ constructor sets the defaults; in C, zero-initialise it.
#[repr(C, packed)]
pub struct stCoRoutineAttr_t {
    /// Bytes of stack: rounded up to whole pages of 4 KiB, at most 8 MiB; 128 KiB when not positive.
    /// Ignored when share_stack is set.
    pub stack_size: c_int,
    /// Stacks to share with other coroutines of the same thread, or NULL for a stack of its own.
    pub share_stack: *mut stShareStack_t,
}

/// The body of a coroutine. Its result is ignored.
pub type pfn_co_routine_t = Option<unsafe extern "C" fn(*mut c_void) -> *mut c_void>;

/// Called by co_eventloop on each turn; -1 ends the loop.
pub type pfn_co_eventloop_t = Option<unsafe extern "C" fn(*mut c_void) -> c_int>;
