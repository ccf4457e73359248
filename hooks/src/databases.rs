//! Look-ups of users, groups, services and protocols: whatever nsswitch.conf asks for, files or servers of the network.

use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use std::ffi::CString;

use colib_core::capi::set_errno;
use colib_core::heap;
use colib_core::io::offload::{self, Kind};
use colib_core::io::resolve::{self, Entry, Place};
use libc::{gid_t, group, passwd, protoent, servent, spwd, uid_t};

use crate::call::apart;
use crate::real;

// SAFETY: as in `input`.

/// What is asked for, in memory that a helper may read.
trait Key: Copy {
    type Owned: Send + Sync + 'static;
    /// `None` without memory.
    unsafe fn own(self) -> Option<Self::Owned>;
    fn of(owned: &Self::Owned) -> Self;
}

/// A text that may be null.
impl Key for *const c_char {
    type Owned = Option<CString>;

    unsafe fn own(self) -> Option<Option<CString>> {
        // SAFETY: null, or the program's.
        if self.is_null() { Some(None) } else { heap::copy(unsafe { CStr::from_ptr(self) }).map(Some) }
    }

    fn of(owned: &Option<CString>) -> Self {
        owned.as_ref().map_or(ptr::null(), |text| text.as_ptr())
    }
}

macro_rules! keys {
    ($($($part:ident)*;)*) => {$(
        impl<$($part: Key),*> Key for ($($part,)*) {
            type Owned = ($($part::Owned,)*);

            #[allow(non_snake_case)]
            unsafe fn own(self) -> Option<Self::Owned> {
                let ($($part,)*) = self;
                // SAFETY: see above.
                Some(($(unsafe { $part.own() }?,)*))
            }

            #[allow(non_snake_case, clippy::unused_unit)]
            fn of(owned: &Self::Owned) -> Self {
                let ($($part,)*) = owned;
                ($($part::of($part),)*)
            }
        }
    )*};
}

keys! { ; A; A B; }

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Key for $number {
            type Owned = $number;

            unsafe fn own(self) -> Option<$number> {
                Some(self)
            }

            fn of(owned: &$number) -> $number {
                *owned
            }
        }
    )*};
}

numbers! { c_int u32 }

/// Something to ask libc, on any thread.
trait Ask<E>: Fn(Place<E>) -> c_int + Send + Sync + 'static {}
impl<E, F: Fn(Place<E>) -> c_int + Send + Sync + 'static> Ask<E> for F {}

/// A look-up whose entry goes to memory of the program's.
unsafe fn into_place<E: Entry>(
    kind: Kind, place: (*mut E, *mut c_char, usize), found: *mut *mut E, ask: Option<impl Ask<E>>,
) -> c_int {
    // SAFETY: see above.
    let told = apart(|scheduler| unsafe { resolve::entry(scheduler, kind, place, found, ask) });
    set_errno(told.errno);
    told.code
}

/// A look-up whose entry is the coroutine's own.
unsafe fn kept<E: Entry>(kind: Kind, by: &'static str, ask: Option<impl Ask<E>>) -> *mut E {
    // SAFETY: see above.
    let (entry, told) = apart(|scheduler| unsafe { resolve::entry_kept(scheduler, kind, by, ask) });
    set_errno(told.errno);
    entry
}

/// What asks for an entry by keys of its own; `None` without memory.
unsafe fn by<K: Key + 'static, E>(
    keys: K, ask: impl Fn(K, Place<E>) -> c_int + Send + Sync + 'static,
) -> Option<impl Ask<E>> {
    // SAFETY: see above.
    let owned = unsafe { keys.own() }?;
    Some(move |place| ask(K::of(&owned), place))
}

/// What asks libc's reentrant function for an entry by these keys.
macro_rules! asks {
    ($into:ident: $entry:ident, $($key:ident)*) => {
        by(($($key,)*), |($($key,)*), p: Place<$entry>| {
            real::$into($($key,)* p.entry, p.buffer, p.length, p.found)
        })
    };
}

/// The functions of each row: the one that keeps its result, and the reentrant one.
macro_rules! look_ups {
    ($($kind:ident $entry:ident: $kept:ident, $into:ident($($key:ident: $type:ty),*);)*) => {$(
        pub unsafe extern "C" fn $kept($($key: $type),*) -> *mut $entry {
            // SAFETY: see above; keys and places are the job's own.
            unsafe { kept(Kind::$kind, stringify!($kept), asks!($into: $entry, $($key)*)) }
        }

        pub unsafe extern "C" fn $into(
            $($key: $type,)* entry: *mut $entry, buffer: *mut c_char, length: usize, found: *mut *mut $entry,
        ) -> c_int {
            // SAFETY: as above.
            unsafe { into_place(Kind::$kind, (entry, buffer, length), found, asks!($into: $entry, $($key)*)) }
        }
    )*};
}

look_ups! {
    SHORT passwd: getpwnam, getpwnam_r(name: *const c_char);
    SHORT passwd: getpwuid, getpwuid_r(user: uid_t);
    SHORT_DEED passwd: getpwent, getpwent_r();
    SHORT group: getgrnam, getgrnam_r(name: *const c_char);
    SHORT group: getgrgid, getgrgid_r(group: gid_t);
    SHORT_DEED group: getgrent, getgrent_r();
    SHORT spwd: getspnam, getspnam_r(name: *const c_char);
    SHORT servent: getservbyname, getservbyname_r(name: *const c_char, protocol: *const c_char);
    SHORT servent: getservbyport, getservbyport_r(port: c_int, protocol: *const c_char);
    SHORT protoent: getprotobyname, getprotobyname_r(name: *const c_char);
    SHORT protoent: getprotobynumber, getprotobynumber_r(number: c_int);
}

/// Where a walk through all entries begins or ends: the process's own.
macro_rules! walks {
    ($($function:ident)*) => {$(
        pub unsafe extern "C" fn $function() {
            // SAFETY: see above.
            let done = apart(|scheduler| unsafe { offload::run(scheduler, || real::$function()) });
            if done.is_err() {
                // SAFETY: see above.
                unsafe { real::$function() };
            }
        }
    )*};
}

walks! { setpwent endpwent setgrent endgrent }

/// The groups of a user, as many as there is room for, and libc's answer.
struct Groups {
    list: Vec<gid_t>,
    /// -1 when there are more than there is room for.
    result: c_int,
    /// How many there are.
    count: c_int,
}

/// Has a helper ask for them; `None` without memory.
unsafe fn groups_of(user: *const c_char, group: gid_t, room: usize) -> Option<Groups> {
    // SAFETY: see above.
    unsafe {
        let (user, errno) = (user.own()?, last_error());
        let ask = move || {
            let (mut list, mut count) = (Vec::new(), room as c_int);
            list.try_reserve_exact(room).ok()?;
            list.resize(room, 0);
            set_errno(errno);
            let result = real::getgrouplist(Key::of(&user), group, list.as_mut_ptr(), &mut count);
            Some((Groups { list, result, count }, last_error()))
        };
        let (groups, errno) = apart(|scheduler| offload::run(scheduler, ask)).ok().flatten()?;
        set_errno(errno);
        Some(groups)
    }
}

pub unsafe extern "C" fn initgroups(user: *const c_char, group: gid_t) -> c_int {
    let mut room = 64;
    // SAFETY: see above.
    unsafe {
        let groups = loop {
            match groups_of(user, group, room) {
                Some(groups) if groups.result >= 0 => break groups,
                Some(groups) if groups.count as usize > room => room = groups.count as usize,
                _ => return real::initgroups(user, group),
            }
        };
        // As libc does it: as many as the kernel takes.
        let mut count = groups.count as usize;
        loop {
            let result = libc::setgroups(count, groups.list.as_ptr());
            if result == 0 || count <= 1 || last_error() != libc::EINVAL {
                return result;
            }
            count -= 1;
        }
    }
}

fn last_error() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

pub unsafe extern "C" fn getgrouplist(
    user: *const c_char, group: gid_t, groups: *mut gid_t, count: *mut c_int,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        let room = (*count).max(0) as usize;
        let Some(found) = groups_of(user, group, room) else {
            return real::getgrouplist(user, group, groups, count);
        };
        ptr::copy_nonoverlapping(found.list.as_ptr(), groups, room.min(found.count.max(0) as usize));
        *count = found.count;
        found.result
    }
}
