//! Environment variables and keys: plain functions that neither block nor unwind, through redhook's macro.

use core::ffi::{CStr, c_char, c_int};
use core::ptr;

use colib_core::capi::set_errno;
use colib_core::environment::{self, Environment};
use colib_core::heap;
use colib_core::local::{self, Destructor};
use colib_core::scheduler::Scheduler;
use redhook::{hook, real};

use crate::call::apart;

// SAFETY: as in `input`; strings are the program's.

/// Whether the name is the running coroutine's own business: hooks are on, and it is listed.
fn concerns_coroutine(name: &CStr) -> bool {
    colib_core::tls::hook_word() != 0 && apart(|_| environment::is_listed(name))
}

/// The running coroutine's own value of a listed name: `None` when it never set it, null when it unset it.
unsafe fn own_value(name: &CStr) -> Option<*const c_char> {
    if !concerns_coroutine(name) {
        return None;
    }
    // SAFETY: the hook word says that a coroutine of this thread runs.
    apart(|scheduler| unsafe { (*Scheduler::current(scheduler)).rare()?.environment.get(name) })
}

/// Changes the running coroutine's own variables: 0, or -1 and ENOMEM.
unsafe fn change(with: impl FnOnce(&mut Environment) -> Option<()>) -> c_int {
    // SAFETY: the hook word says that a coroutine of this thread runs.
    let changed =
        apart(|scheduler| unsafe { with(&mut (*Scheduler::current(scheduler)).make_rare()?.environment) });
    if changed.is_some() {
        return 0;
    }
    set_errno(libc::ENOMEM);
    -1
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
            match own_value(CStr::from_ptr(name)) {
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
            match own_value(CStr::from_ptr(name)) {
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
            if !concerns_coroutine(text) {
                return real!(setenv)(name, value, overwrite);
            }
            let is_set = match own_value(text) {
                Some(value) => !value.is_null(),
                None => !real!(getenv)(name).is_null(),
            };
            if is_set && overwrite == 0 {
                return 0;
            }
            change(|own| own.set(text, CStr::from_ptr(value)))
        }
    }
}

hook! {
    unsafe fn unsetenv(name: *const c_char) -> c_int => own_unsetenv {
        // SAFETY: see above.
        unsafe {
            let Some(text) = valid(name) else { return -1 };
            if !concerns_coroutine(text) {
                return real!(unsetenv)(name);
            }
            change(|own| own.unset(text))
        }
    }
}

hook! {
    unsafe fn putenv(string: *mut c_char) -> c_int => own_putenv {
        // SAFETY: see above.
        unsafe {
            let text = CStr::from_ptr(string).to_bytes();
            let split = text.iter().position(|&byte| byte == b'=');
            let Some(name) = heap::string(&text[..split.unwrap_or(text.len())]) else {
                set_errno(libc::ENOMEM);
                return -1;
            };
            if !concerns_coroutine(&name) {
                return real!(putenv)(string);
            }
            change(|own| own.point(&name, split.map_or(ptr::null(), |at| string.add(at + 1).cast_const())))
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
            let kept: Vec<_> = environment::listed().iter().filter_map(|name| {
                let value = real!(getenv)(name.as_ptr());
                let value = (!value.is_null()).then(|| CStr::from_ptr(value).to_owned());
                change(|own| own.unset(name));
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
