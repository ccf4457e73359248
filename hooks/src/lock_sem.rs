//! Semaphores.

use core::ffi::c_int;

use colib_core::capi::set_errno;
use colib_core::scheduler::Scheduler;
use colib_core::sync::Limit;
use colib_core::sync::lot::{self, Manner};
use libc::{clockid_t, sem_t, timespec};

use crate::call::{apart, cancellable};
use crate::real;

// SAFETY: as in `lock`.

fn errno() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Whether other processes may have it: libc's third word on 64-bit machines, the same since 2.21.
unsafe fn is_shared(sem: *const sem_t) -> bool {
    // SAFETY: it is a semaphore.
    unsafe { sem.cast::<c_int>().add(2).read() != 0 }
}

fn sem_until(sem: *mut sem_t, limit: Result<Limit, c_int>) -> c_int {
    let attempt = || {
        let before = errno();
        // SAFETY: see above.
        if unsafe { real::sem_trywait(sem) } == 0 {
            return 0;
        }
        let error = errno();
        set_errno(before);
        if error == libc::EAGAIN { libc::EBUSY } else { error }
    };
    let wait = |limit| {
        cancellable(|| {
            // SAFETY: see above.
            apart(|scheduler| unsafe {
                let manner = Manner::COUNTED.between_processes(is_shared(sem));
                lot::persist(scheduler, sem.addr(), manner, || Ok(limit), attempt)
            })
        })
    };
    match limit.map_or_else(|error| error, wait) {
        0 => 0,
        error => {
            set_errno(error);
            -1
        }
    }
}

pub unsafe extern "C" fn sem_wait(sem: *mut sem_t) -> c_int {
    sem_until(sem, Ok(Limit::NEVER))
}

pub unsafe extern "C" fn sem_timedwait(sem: *mut sem_t, time: *const timespec) -> c_int {
    // SAFETY: see above.
    sem_until(sem, unsafe { Limit::new(libc::CLOCK_REALTIME, time) })
}

pub unsafe extern "C" fn sem_clockwait(sem: *mut sem_t, clock: clockid_t, time: *const timespec) -> c_int {
    // SAFETY: see above.
    sem_until(sem, unsafe { Limit::new(clock, time) })
}

pub unsafe extern "C" fn sem_trywait(sem: *mut sem_t) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        Scheduler::passes(scheduler);
        real::sem_trywait(sem)
    })
}

pub unsafe extern "C" fn sem_post(sem: *mut sem_t) -> c_int {
    // SAFETY: see above.
    let result = unsafe { real::sem_post(sem) };
    if result == 0 {
        apart(|_| lot::poke(sem.addr()));
    }
    result
}
