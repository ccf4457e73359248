//! Values by key that belong to one coroutine, and what the process knows of the keys.
//!
//! Keys are pthread keys. libc does not tell a key's destructor, so the hooks of `pthread_key_create` and
//! `pthread_key_delete` report here; a key made before the library was loaded has none for us.

use core::ffi::c_void;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The type of a key's destructor.
pub type Destructor = unsafe extern "C" fn(*mut c_void);

/// `PTHREAD_KEYS_MAX` of glibc.
const KEYS: usize = 1024;
/// `PTHREAD_DESTRUCTOR_ITERATIONS`: destructors may set values again, this many times.
const ROUNDS: usize = 4;

struct Key {
    destructor: AtomicUsize,
    /// Bumped when the key is deleted: values set before are void, and so is nothing of a new key with
    /// the same number.
    generation: AtomicU32,
}

static TABLE: [Key; KEYS] =
    [const { Key { destructor: AtomicUsize::new(0), generation: AtomicU32::new(0) } }; KEYS];

/// One more than the highest key that was ever created.
static END: AtomicU32 = AtomicU32::new(0);

/// A key was created.
pub fn created(key: libc::pthread_key_t, destructor: Option<Destructor>) {
    if let Some(entry) = TABLE.get(key as usize) {
        entry.destructor.store(destructor.map_or(0, |d| d as usize), Ordering::Release);
        END.fetch_max(key + 1, Ordering::AcqRel);
    }
}

/// A key was deleted.
pub fn deleted(key: libc::pthread_key_t) {
    if let Some(entry) = TABLE.get(key as usize) {
        entry.destructor.store(0, Ordering::Relaxed);
        entry.generation.fetch_add(1, Ordering::Release);
    }
}

fn generation(key: libc::pthread_key_t) -> u32 {
    TABLE.get(key as usize).map_or(0, |entry| entry.generation.load(Ordering::Acquire))
}

fn destructor(key: libc::pthread_key_t) -> Option<Destructor> {
    let address = TABLE.get(key as usize)?.destructor.load(Ordering::Acquire);
    // SAFETY: nonzero words were stored from functions of this type.
    (address != 0).then(|| unsafe { core::mem::transmute::<usize, Destructor>(address) })
}

#[derive(Debug)]
struct Value {
    key: libc::pthread_key_t,
    generation: u32,
    value: *mut c_void,
}

/// The values of one coroutine, sorted by key; empty until the first is set.
#[derive(Debug, Default)]
pub struct Locals {
    values: Vec<Value>,
    /// What the library itself keeps for the coroutine, and how it is freed: after all other values.
    pub own: Option<(Destructor, *mut c_void)>,
}

impl Locals {
    /// The value of `key`, null when none was set.
    pub fn get(&self, key: libc::pthread_key_t) -> *mut c_void {
        match self.values.binary_search_by_key(&key, |v| v.key) {
            Ok(i) if self.values[i].generation == generation(key) => self.values[i].value,
            _ => core::ptr::null_mut(),
        }
    }

    /// Sets the value of `key`; `false` when memory is out.
    #[must_use]
    pub fn set(&mut self, key: libc::pthread_key_t, value: *mut c_void) -> bool {
        let new = Value { key, generation: generation(key), value };
        match self.values.binary_search_by_key(&key, |v| v.key) {
            Ok(i) => self.values[i] = new,
            Err(_) if value.is_null() => {}
            Err(i) => {
                if self.values.try_reserve(1).is_err() {
                    return false;
                }
                self.values.insert(i, new);
            }
        }
        true
    }

    /// Takes a value that a destructor waits for.
    fn take_one(&mut self) -> Option<(Destructor, *mut c_void)> {
        self.values.iter_mut().find_map(|v| {
            let destructor = destructor(v.key).filter(|_| v.generation == generation(v.key))?;
            let value = core::mem::replace(&mut v.value, core::ptr::null_mut());
            (!value.is_null()).then_some((destructor, value))
        })
    }
}

/// Runs the destructors of all values, as at the end of a thread.
///
/// # Safety
/// `locals` stays valid; destructors may set values in it meanwhile, so no borrow of it is held.
pub unsafe fn destroy(locals: *mut Locals) {
    // SAFETY: by contract; each borrow ends before the program's destructor runs.
    unsafe {
        let most = ROUNDS * (*locals).values.len().max(1);
        for _ in 0..most {
            match (*locals).take_one() {
                Some((destructor, value)) => destructor(value),
                None => break,
            }
        }
        if let Some((destructor, value)) = (*locals).own.take() {
            destructor(value);
        }
    }
}

/// Runs the destructors of the values that the running thread has by libc's keys, as libc does at its end.
///
/// # Safety
/// The thread's routine is over.
pub unsafe fn destroy_of_thread() {
    for _ in 0..ROUNDS {
        let mut more = false;
        for key in 0..END.load(Ordering::Acquire) {
            let Some(destructor) = destructor(key) else { continue };
            // SAFETY: libc gives null for a key that it does not have; the value is the program's.
            unsafe {
                let value = libc::pthread_getspecific(key);
                if !value.is_null() {
                    libc::pthread_setspecific(key, core::ptr::null());
                    destructor(value);
                    more = true;
                }
            }
        }
        if !more {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr;

    fn value(n: usize) -> *mut c_void {
        ptr::without_provenance_mut(n)
    }

    #[test]
    fn values_are_found_by_key_whatever_the_order_of_setting() {
        let mut locals = Locals::default();
        for key in [900, 3, 512, 4] {
            assert!(locals.set(key, value(key as usize)));
        }
        assert!(locals.set(512, value(1)));
        assert_eq!([3, 4, 512, 900, 5].map(|k| locals.get(k) as usize), [3, 4, 1, 900, 0]);
    }

    #[test]
    fn a_deleted_key_takes_its_values_along() {
        let mut locals = Locals::default();
        assert!(locals.set(77, value(1)));
        deleted(77);
        assert!(locals.get(77).is_null());
    }

    #[test]
    fn destructors_run_once_for_each_value() {
        static SUM: AtomicUsize = AtomicUsize::new(0);
        unsafe extern "C" fn add(v: *mut c_void) {
            SUM.fetch_add(v as usize, Ordering::Relaxed);
        }
        created(80, Some(add));
        created(81, Some(add));
        let mut locals = Locals::default();
        assert!(locals.set(80, value(5)) && locals.set(81, value(7)) && locals.set(82, value(100)));
        // SAFETY: nothing else uses `locals`.
        unsafe {
            destroy(&raw mut locals);
            destroy(&raw mut locals);
        }
        assert_eq!(SUM.load(Ordering::Relaxed), 12);
    }
}
