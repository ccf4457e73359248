//! Environment variables that belong to one coroutine.
//!
//! Only names that `co_set_env_list` listed can. A listed name is the process's until the coroutine sets or
//! unsets it. Values stay valid until the coroutine ends, as those of the process's environment do.

use core::ffi::{CStr, c_char};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::ffi::CString;

use crate::heap;

/// A list of names. Never freed, for another thread may be reading it: programs have one, or very few.
struct List {
    names: Vec<CString>,
    /// The one before, kept for who looks for leaks.
    #[allow(dead_code, reason = "nobody reads it")]
    before: *const List,
}

static LISTED: AtomicPtr<List> = AtomicPtr::new(ptr::null_mut());

/// Replaces the list of names. `None` without memory.
pub fn list(names: Vec<CString>) -> Option<()> {
    let before = LISTED.load(Ordering::Acquire);
    LISTED.store(Box::into_raw(heap::boxed(List { names, before })?), Ordering::Release);
    Some(())
}

/// The listed names.
pub fn listed() -> &'static [CString] {
    // SAFETY: null, or a list that is never freed.
    unsafe { LISTED.load(Ordering::Acquire).as_ref() }.map_or(&[], |list| &list.names)
}

/// Whether the name is listed.
pub fn is_listed(name: &CStr) -> bool {
    listed().iter().any(|n| n.as_c_str() == name)
}

#[derive(Debug)]
struct Variable {
    name: CString,
    /// Null while unset. Points into `kept` or at a string that the program gave to `putenv`.
    value: *const c_char,
}

/// The variables of one coroutine.
#[derive(Debug, Default)]
pub struct Environment {
    variables: Vec<Variable>,
    /// Every value that was ever set: pointers from `getenv` stay valid.
    kept: Vec<CString>,
}

impl Environment {
    /// The coroutine's own value: `None` when it never set the name, null when it unset it.
    pub fn get(&self, name: &CStr) -> Option<*const c_char> {
        self.variables.iter().find(|v| v.name.as_c_str() == name).map(|v| v.value)
    }

    /// Sets the name to a copy of `value`. `None` without memory, as for all that follows.
    pub fn set(&mut self, name: &CStr, value: &CStr) -> Option<()> {
        self.kept.try_reserve(1).ok()?;
        let value = heap::copy(value)?;
        self.point(name, value.as_ptr())?;
        self.kept.push(value);
        Some(())
    }

    /// Unsets the name.
    pub fn unset(&mut self, name: &CStr) -> Option<()> {
        self.point(name, ptr::null())
    }

    /// Lets the name's value be the program's own string, as `putenv` does.
    pub fn point(&mut self, name: &CStr, value: *const c_char) -> Option<()> {
        if let Some(variable) = self.variables.iter_mut().find(|v| v.name.as_c_str() == name) {
            variable.value = value;
            return Some(());
        }
        self.variables.try_reserve(1).ok()?;
        self.variables.push(Variable { name: heap::copy(name)?, value });
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_where_it_was_after_the_name_is_set_again() {
        let mut environment = Environment::default();
        environment.set(c"A", c"one").unwrap();
        let first = environment.get(c"A").unwrap();
        environment.set(c"A", c"two").unwrap();
        // SAFETY: both are strings that the environment keeps.
        let (old, new) = unsafe { (CStr::from_ptr(first), CStr::from_ptr(environment.get(c"A").unwrap())) };
        assert_eq!((old, new), (c"one", c"two"));
    }

    #[test]
    fn an_unset_name_differs_from_one_that_was_never_set() {
        let mut environment = Environment::default();
        assert!(environment.get(c"A").is_none());
        environment.unset(c"A").unwrap();
        assert!(environment.get(c"A").unwrap().is_null());
    }

    #[test]
    fn only_listed_names_are_listed() {
        list(vec![c"CGINAME".into()]).unwrap();
        assert!(is_listed(c"CGINAME") && !is_listed(c"CGI") && !is_listed(c"CGINAMES"));
    }
}
