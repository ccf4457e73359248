//! `getaddrinfo_a` of coroutines whose requests stand on a shared stack. libc's threads would write to a stack that is
//! somebody else's by then, so they get copies, and the coroutine takes the answers when it goes on. Not for any other
//! requests: those are libc's own business.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use std::ffi::CString;

use colib_core::heap;
use colib_core::io::offload::{self, Kind};
use colib_core::scheduler::Scheduler;
use colib_core::waiter::Interrupt;
use libc::addrinfo;

use crate::real;

// SAFETY: as in `input`.

/// `GAI_WAIT` and `GAI_NOWAIT`.
pub const WAIT: c_int = 0;
const NOWAIT: c_int = 1;

/// `struct gaicb` of netdb.h.
#[repr(C)]
struct Request {
    name: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    result: *mut addrinfo,
    code: c_int,
    unused: [c_int; 5],
}

/// What is asked for, in memory of its own.
struct Wish {
    name: Option<CString>,
    service: Option<CString>,
    hints: Option<addrinfo>,
}

// SAFETY: of the hints, only numbers are looked at.
unsafe impl Send for Wish {}
// SAFETY: as above.
unsafe impl Sync for Wish {}

impl Wish {
    /// `None` without memory.
    unsafe fn copy(request: &Request) -> Option<Wish> {
        // SAFETY: see above.
        let copy = |text: *const c_char| match text.is_null() {
            true => Some(None),
            // SAFETY: the program's string.
            false => heap::copy(unsafe { CStr::from_ptr(text) }).map(Some),
        };
        // SAFETY: null, or the program's.
        let hints = unsafe { request.hints.as_ref().copied() };
        Some(Wish { name: copy(request.name)?, service: copy(request.service)?, hints })
    }

    fn request(&self) -> Request {
        let text = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        Request {
            name: text(&self.name),
            service: text(&self.service),
            hints: self.hints.as_ref().map_or(ptr::null(), ptr::from_ref),
            result: ptr::null_mut(),
            code: 0,
            unused: [0; 5],
        }
    }
}

/// What came of one; freed when nobody takes it.
struct Answer(*mut addrinfo, c_int);
// SAFETY: whoever has it owns the list.
unsafe impl Send for Answer {}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it came from libc, and nobody took it.
            unsafe { libc::freeaddrinfo(self.0) };
        }
    }
}

/// Whether something of the requests is on the shared stack of the running coroutine.
pub unsafe fn are_on_shared_stack(scheduler: *mut Scheduler, list: *const *mut c_void, count: c_int) -> bool {
    // SAFETY: see above; a coroutine runs.
    unsafe {
        let me = Scheduler::current(scheduler);
        let on_stack = |place: *const u8| (*me).has_on_stack(place, 1);
        let parts = |r: &Request| [r.name.cast(), r.service.cast(), r.hints.cast()];
        (*me).shares_stack
            && (0..count.max(0) as usize).any(|i| {
                let request = (*list.add(i)).cast::<Request>();
                on_stack(request.cast())
                    || request.as_ref().is_some_and(|r| parts(r).into_iter().any(on_stack))
            })
    }
}

/// `getaddrinfo_a` for them: waits in both modes, and has what should come later notified at once.
pub unsafe fn look_up(
    scheduler: *mut Scheduler, mode: c_int, list: *const *mut c_void, count: c_int, event: *mut c_void,
) -> c_int {
    // SAFETY: see above. The list and the requests may be on the stack, which is in place while the coroutine runs.
    unsafe {
        let places = || (0..count.max(0) as usize).map(|i| (*list.add(i)).cast::<Request>());
        let Some(mut wishes) = heap::room::<Option<Wish>>(places().len()) else { return libc::EAI_MEMORY };
        for request in places() {
            match request.as_ref().map(|request| Wish::copy(request)) {
                Some(None) => return libc::EAI_MEMORY,
                wish => wishes.push(wish.flatten()),
            }
        }
        let kind = Kind::DEED.ended_by(Interrupt::Never);
        let Ok((code, answers)) = offload::run_as(scheduler, kind, move || answer(&wishes)) else {
            return libc::EAI_AGAIN;
        };
        for (request, mut answer) in places().zip(answers) {
            if let Some(request) = request.as_mut() {
                request.result = core::mem::replace(&mut answer.0, ptr::null_mut());
                request.code = answer.1;
            }
        }
        if mode == NOWAIT && !event.is_null() {
            // Of no requests libc notifies at once.
            return real::getaddrinfo_a(NOWAIT, list, 0, event);
        }
        code
    }
}

/// Has libc answer, on a helper, which no signal of the program reaches.
fn answer(wishes: &[Option<Wish>]) -> (c_int, Vec<Answer>) {
    let mut requests: Vec<Option<Request>> =
        wishes.iter().map(|wish| wish.as_ref().map(Wish::request)).collect();
    let place =
        |request: &mut Option<Request>| request.as_mut().map_or(ptr::null_mut(), ptr::from_mut).cast();
    let list: Vec<*mut c_void> = requests.iter_mut().map(place).collect();
    // SAFETY: all stay in place until libc has answered.
    let code = unsafe { real::getaddrinfo_a(WAIT, list.as_ptr(), list.len() as c_int, ptr::null_mut()) };
    let answer = |request: &Option<Request>| {
        request.as_ref().map_or(Answer(ptr::null_mut(), 0), |r| Answer(r.result, r.code))
    };
    (code, requests.iter().map(answer).collect())
}

/// Whether `mode` is one that libc knows.
pub fn is_known(mode: c_int) -> bool {
    matches!(mode, WAIT | NOWAIT)
}
