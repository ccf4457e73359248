//! What not every coroutine has: allocated when it is first asked for.

use core::ffi::c_int;
use core::mem::offset_of;
use core::ptr::{self, NonNull};

use super::{Coroutine, ResolverState};
use crate::annotate::Fiber;
use crate::environment::Environment;
use crate::list::Link;
use crate::local::Locals;
use crate::waiter::Interest;

/// What those have that ever waited for a descriptor, or have what few have.
pub struct More {
    /// The descriptor that the call in progress waits for, when it is one.
    pub interest: Interest,
    /// The descriptors it waits for, when there are several.
    pub interests: Box<[Interest]>,
    /// Bytes that a call in progress needs; freed with the coroutine when the call never ends.
    pub scratch: Box<[u8]>,
    pub(super) rare: Option<Box<Rare>>,
    /// The base of its own thread-local storage, when it has one.
    pub(super) base: usize,
    /// Its next wait that a cancellation ends is to end at once.
    pub(super) cancelled: bool,
}

// With malloc's eight, six steps of it.
const _: () = assert!(size_of::<More>() == 88);

impl More {
    /// All that the call in progress waits for, in the order of asking.
    pub fn all(&self) -> impl Iterator<Item = &Interest> {
        self.interests.iter().chain(core::iter::once(&self.interest))
    }

    /// Forgets the call in progress.
    pub fn end_call(&mut self) {
        self.interest = Interest::new(ptr::null(), -1, 0);
        self.interests = Box::default();
        self.scratch = Box::default();
    }
}

impl Default for More {
    fn default() -> Self {
        More {
            interest: Interest::new(ptr::null(), -1, 0),
            interests: Box::default(),
            scratch: Box::default(),
            rare: None,
            base: 0,
            cancelled: false,
        }
    }
}

/// What few coroutines have.
#[derive(Default)]
pub struct Rare {
    /// Values by key.
    pub locals: Locals,
    /// Environment variables of its own.
    pub environment: Environment,
    /// Static results of the resolver functions.
    pub answers: Option<Box<Answers>>,
    /// What ThreadSanitizer keeps of it.
    pub fiber: Fiber,
    /// What those have that were made for another thread.
    pub dealt: Option<Dealt>,
}

/// What those have that were made for another thread.
pub struct Dealt {
    /// Which store of the process it comes from.
    pub store: u32,
    /// Among those that its thread has taken in.
    pub link: Link,
    /// Whose it is.
    pub coroutine: NonNull<Coroutine>,
}

impl Dealt {
    /// The coroutine whose [`Dealt::link`] this is.
    ///
    /// # Safety
    /// It is one.
    pub unsafe fn of(link: *const Link) -> *mut Coroutine {
        // SAFETY: by contract.
        unsafe { (*link.wrapping_byte_sub(offset_of!(Dealt, link)).cast::<Dealt>()).coroutine.as_ptr() }
    }
}

/// What the resolver functions return by pointer or through a thread's variables, here the coroutine's.
pub struct Answers {
    /// `h_errno`.
    pub h_errno: c_int,
    /// The results of `gethostbyname`, `gethostbyname2` and `gethostbyaddr`, and the bytes they point into.
    pub hosts: [(libc::hostent, Vec<u8>); 3],
    /// The resolver's state as `__res_state` gives it, once asked for.
    pub resolver: Option<Box<ResolverState>>,
}

impl Answers {
    /// An entry that names nobody.
    pub const NO_HOST: libc::hostent = libc::hostent {
        h_name: ptr::null_mut(),
        h_aliases: ptr::null_mut(),
        h_addrtype: 0,
        h_length: 0,
        h_addr_list: ptr::null_mut(),
    };
}

impl Default for Answers {
    fn default() -> Self {
        let hosts = [const { (Self::NO_HOST, Vec::new()) }; 3];
        Answers { h_errno: 0, hosts, resolver: None }
    }
}
