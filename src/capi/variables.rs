use core::ffi::{CStr, c_char, c_int, c_void};

use crate::environment;
use crate::heap;
use crate::scheduler::Scheduler;

/// Sets the running coroutine's value of a pthread key. Outside any coroutine it is pthread_setspecific.
///
/// When the coroutine ends or is released, the key's destructor gets the value, as at a thread's end (a key
/// made before the library was loaded has none here).
///
/// Returns 0, EINVAL for an invalid key, or ENOMEM; errno is not used, as with pthread_setspecific.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_setspecific(key: libc::pthread_key_t, value: *const c_void) -> c_int {
    let co = Scheduler::running();
    // SAFETY: libc checks the key; the coroutine that runs is valid.
    unsafe {
        if co.is_null() {
            return libc::pthread_setspecific(key, value);
        }
        // Setting the thread's value to what it is changes nothing and tells whether the key exists.
        let valid = libc::pthread_setspecific(key, libc::pthread_getspecific(key));
        if valid != 0 {
            return valid;
        }
        let set = (*co).make_rare().is_some_and(|rare| rare.locals.set(key, value.cast_mut()));
        if set { 0 } else { libc::ENOMEM }
    }
}

/// The running coroutine's value of a pthread key, NULL when it set none. Outside any coroutine it is
/// pthread_getspecific.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_getspecific(key: libc::pthread_key_t) -> *mut c_void {
    let co = Scheduler::running();
    // SAFETY: as above.
    unsafe {
        if co.is_null() {
            return libc::pthread_getspecific(key);
        }
        (*co).rare().map_or(core::ptr::null_mut(), |rare| rare.locals.get(key))
    }
}

/// Lists the environment variables that belong to each coroutine: in one with hooks on, setenv, putenv and
/// unsetenv of a listed name change the coroutine's own value, and getenv sees the process's until then.
/// Replaces the list of an earlier call, for the whole process; count names are copied, NULL ones skipped. Without
/// memory the list stays as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_set_env_list(name: *mut *const c_char, count: usize) {
    // SAFETY: the program's array of strings.
    let given = (0..if name.is_null() { 0 } else { count }).map(|i| unsafe { *name.add(i) });
    let names = given.filter(|name| !name.is_null()).map(|name| {
        // SAFETY: as above.
        heap::copy(unsafe { CStr::from_ptr(name) })
    });
    // Without memory the list stays as it is: there is no way to tell.
    let _ = names.collect::<Option<Vec<_>>>().and_then(environment::list);
}
