//! Environment variables and keys: plain functions that neither block nor unwind, through redhook's macro.

use core::ffi::{CStr, c_char, c_int};
use core::ptr;

use colib_core::capi::set_errno;
use colib_core::environment::{self, Environment};
use colib_core::local::{self, Destructor};
use colib_core::scheduler::Scheduler;
use redhook::{hook, real};

use crate::call::apart;

// SAFETY: as in `input`; strings are the program's.

/// The running coroutine's own variables, when hooks are on and the name is listed.
unsafe fn own(name: &CStr) -> Option<&'static mut Environment> {
    if colib_core::tls::hook_word() == 0 {
        return None;
    }
    apart(|scheduler| {
        // SAFETY: the hook word says that a coroutine of this thread runs; its variables live as long.
        environment::is_listed(name)
            .then(|| unsafe { &mut (*Scheduler::current(scheduler)).rare().environment })
    })
}

/// A name that `setenv` and `unsetenv` accept.
unsafe fn valid<'a>(name: *const c_char) -> Option<&'a CStr> {
    // SAFETY: null, or the program's string.
    let name = if name.is_null() { None } else { Some(unsafe { CStr::from_ptr(name) }) };
    let name = name.filter(|name| !name.is_empty() && !name.to_bytes().contains(&b'='));
    if name.is_none() {
        set_errno(libc::EINVAL);
    }
    name
}

/// Looks every real function up, which redhook otherwise does at the first call under a lock that a signal
/// handler could not take a second time.
pub fn find_all() {
    real!(getenv);
    real!(secure_getenv);
    real!(setenv);
    real!(unsetenv);
    real!(putenv);
    real!(clearenv);
    real!(pthread_key_create);
    real!(pthread_key_delete);
}

hook! {
    unsafe fn getenv(name: *const c_char) -> *mut c_char => own_getenv {
        // SAFETY: see above.
        unsafe {
            match own(CStr::from_ptr(name)).and_then(|own| own.get(CStr::from_ptr(name))) {
                Some(value) => value.cast_mut(),
                None => real!(getenv)(name),
            }
        }
    }
}

hook! {
    unsafe fn secure_getenv(name: *const c_char) -> *mut c_char => own_secure_getenv {
        // SAFETY: see above.
        unsafe {
            let secure = libc::getauxval(libc::AT_SECURE) != 0;
            match own(CStr::from_ptr(name)).and_then(|own| own.get(CStr::from_ptr(name))) {
                Some(_) if secure => ptr::null_mut(),
                Some(value) => value.cast_mut(),
                None => real!(secure_getenv)(name),
            }
        }
    }
}

hook! {
    unsafe fn setenv(name: *const c_char, value: *const c_char, overwrite: c_int) -> c_int => own_setenv {
        // SAFETY: see above.
        unsafe {
            let Some(text) = valid(name) else { return -1 };
            let Some(own) = own(text) else { return real!(setenv)(name, value, overwrite) };
            let is_set = match own.get(text) {
                Some(value) => !value.is_null(),
                None => !real!(getenv)(name).is_null(),
            };
            if overwrite != 0 || !is_set {
                own.set(text, CStr::from_ptr(value));
            }
            0
        }
    }
}

hook! {
    unsafe fn unsetenv(name: *const c_char) -> c_int => own_unsetenv {
        // SAFETY: see above.
        unsafe {
            let Some(text) = valid(name) else { return -1 };
            let Some(own) = own(text) else { return real!(unsetenv)(name) };
            own.unset(text);
            0
        }
    }
}

hook! {
    unsafe fn putenv(string: *mut c_char) -> c_int => own_putenv {
        // SAFETY: see above.
        unsafe {
            let text = CStr::from_ptr(string).to_bytes();
            let split = text.iter().position(|&byte| byte == b'=');
            let name = std::ffi::CString::from_vec_unchecked(text[..split.unwrap_or(text.len())].to_vec());
            let Some(own) = own(&name) else { return real!(putenv)(string) };
            own.point(&name, split.map_or(ptr::null(), |at| string.add(at + 1).cast_const()));
            0
        }
    }
}

hook! {
    unsafe fn clearenv() -> c_int => own_clearenv {
        // SAFETY: see above. Listed names end for the coroutine alone, all others for the process.
        unsafe {
            if colib_core::tls::hook_word() == 0 {
                return real!(clearenv)();
            }
            let kept: Vec<_> = environment::listed().into_iter().filter_map(|name| {
                let value = real!(getenv)(name.as_ptr());
                let value = (!value.is_null()).then(|| CStr::from_ptr(value).to_owned());
                if let Some(own) = own(&name) {
                    own.unset(&name);
                }
                value.map(|value| (name, value))
            }).collect();
            let result = real!(clearenv)();
            for (name, value) in kept {
                real!(setenv)(name.as_ptr(), value.as_ptr(), 1);
            }
            result
        }
    }
}

hook! {
    unsafe fn pthread_key_create(key: *mut libc::pthread_key_t, destructor: Option<Destructor>) -> c_int => report_key_create {
        // SAFETY: see above.
        unsafe {
            let result = real!(pthread_key_create)(key, destructor);
            if result == 0 {
                local::created(*key, destructor);
            }
            result
        }
    }
}

hook! {
    unsafe fn pthread_key_delete(key: libc::pthread_key_t) -> c_int => report_key_delete {
        // SAFETY: see above.
        unsafe {
            let result = real!(pthread_key_delete)(key);
            if result == 0 {
                local::deleted(key);
            }
            result
        }
    }
}
