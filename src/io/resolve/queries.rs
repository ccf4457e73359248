//! Questions to name servers, as `res_query` and its kin ask them.

use core::ffi::{c_int, c_void};
use core::ptr;

use super::{__errno_location, __h_errno_location, settings, under};
use crate::coroutine::ResolverState;
use crate::heap;
use crate::io::offload;
use crate::scheduler::Scheduler;
use crate::sys;

/// `TRY_AGAIN` of netdb.h.
const TRY_AGAIN: c_int = 2;

/// What a question needs, with memory of its own.
struct Asked {
    /// The resolver's state of the functions that are given one.
    state: Vec<u64>,
    inputs: [Vec<u8>; 2],
    answer: Vec<u8>,
}

/// What comes back.
struct Answered {
    result: c_int,
    errno: c_int,
    h_errno: c_int,
    state: Vec<u64>,
    answer: Vec<u8>,
}

/// Has a question asked by a helper. `ask` gets the state, the inputs and the room for the answer, which are
/// copies of the program's; `state` and inputs may be null and empty. Gives what `ask` gives, with `errno` and
/// `h_errno` as it left them.
///
/// # Safety
/// As for [`state`](super::state).
pub unsafe fn query(
    scheduler: *mut Scheduler, state: *mut c_void, inputs: [(*const u8, usize); 2], answer: (*mut u8, c_int),
    ask: impl Fn(*mut c_void, [*const u8; 2], *mut u8) -> c_int + Send + Sync + 'static,
) -> c_int {
    let room = answer.1.max(0) as usize;
    // SAFETY: by contract.
    unsafe {
        let failed = |errno: c_int| {
            *__errno_location() = errno;
            *super::h_errno(scheduler) = TRY_AGAIN;
            -1
        };
        if !offload::has_memory() {
            return failed(libc::ENOMEM);
        }
        let states = if state.is_null() { 0 } else { size_of::<ResolverState>() / size_of::<u64>() };
        let copies = (
            copy(state.cast::<u64>(), states),
            copy(inputs[0].0, inputs[0].1),
            copy(inputs[1].0, inputs[1].1),
            copy(answer.0, room),
        );
        let (Some(copied), Some(first), Some(second), Some(space)) = copies else {
            return failed(libc::ENOMEM);
        };
        let asked = Asked { state: copied, inputs: [first, second], answer: space };
        let (settings, before) = (settings(scheduler), *super::h_errno(scheduler));
        let answered = offload::run(scheduler, move || {
            let again = (copy(asked.state.as_ptr(), states), copy(asked.answer.as_ptr(), room));
            let (Some(mut state), Some(mut answer)) = again else { return None };
            *__h_errno_location() = before;
            let place = if states == 0 { ptr::null_mut() } else { state.as_mut_ptr().cast() };
            let inputs = asked.inputs.each_ref().map(|input| input.as_ptr());
            let result = under(settings, || ask(place, inputs, answer.as_mut_ptr()));
            let (errno, h_errno) = (*__errno_location(), *__h_errno_location());
            Some(Answered { result, errno, h_errno, state, answer })
        });
        let Ok(Some(back)) = answered else { return failed(libc::EAGAIN) };
        if sys::copy_out(back.answer.as_ptr(), answer.0, room).is_err() {
            return failed(libc::EFAULT);
        }
        ptr::copy_nonoverlapping(back.state.as_ptr(), state.cast(), back.state.len());
        *super::h_errno(scheduler) = back.h_errno;
        if back.result < 0 {
            *__errno_location() = back.errno;
        }
        back.result
    }
}

/// A copy of what the program, or a job, has; `None` without memory, and without the program's.
unsafe fn copy<T: Copy>(from: *const T, count: usize) -> Option<Vec<T>> {
    let mut room = heap::room::<T>(count)?;
    // SAFETY: there is room; the kernel checks the program's memory.
    unsafe {
        sys::copy_in(from.cast(), room.as_mut_ptr().cast::<u8>(), count * size_of::<T>()).ok()?;
        room.set_len(count);
    }
    Some(room)
}
