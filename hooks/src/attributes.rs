//! Calls that change what the kernel keeps for the calling thread alone: rights, namespaces, directories. Helpers that were
//! made before do not have it.

use core::ffi::{c_int, c_long, c_void};

use colib_core::{io, threads, tls};
use libc::{gid_t, uid_t};

use crate::real;

// SAFETY: as in `input`.

/// Those of `syscall`, by which libc's calls for the whole process are made for the thread.
pub const NUMBERS: &[c_long] = &[
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_landlock_restrict_self,
];

fn expect_own_attributes() {
    io::expect_own_attributes();
    if tls::hook_word() & tls::THREAD != 0
        && let Some(on) = threads::on()
    {
        on.warn_of_shared_attributes();
    }
}

/// Heeds a system call by number that is about to be made.
pub fn heed(number: c_long) {
    if NUMBERS.contains(&number) {
        expect_own_attributes();
    }
}

pub unsafe extern "C" fn setfsuid(user: uid_t) -> c_int {
    expect_own_attributes();
    // SAFETY: see above.
    unsafe { real::setfsuid(user) }
}

pub unsafe extern "C" fn setfsgid(group: gid_t) -> c_int {
    expect_own_attributes();
    // SAFETY: see above.
    unsafe { real::setfsgid(group) }
}

pub unsafe extern "C" fn capset(whose: *mut c_void, rights: *const c_void) -> c_int {
    expect_own_attributes();
    // SAFETY: see above.
    unsafe { real::capset(whose, rights) }
}

pub unsafe extern "C" fn unshare(what: c_int) -> c_int {
    expect_own_attributes();
    // SAFETY: see above.
    unsafe { real::unshare(what) }
}

pub unsafe extern "C" fn setns(namespace: c_int, kind: c_int) -> c_int {
    expect_own_attributes();
    // SAFETY: see above.
    unsafe { real::setns(namespace, kind) }
}
