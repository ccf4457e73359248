//! What not every coroutine has: allocated when it is first asked for.

use core::ffi::c_int;
use core::mem::offset_of;
use core::ptr::{self, NonNull};

use super::{Coroutine, ResolverState};
use crate::annotate::Fiber;
use crate::environment::Environment;
use crate::heap;
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
    /// Where debuggers find it.
    pub const BASE: usize = offset_of!(More, base);

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

/// What look-ups return by pointer or through a thread's variables, here the coroutine's.
#[derive(Default)]
pub struct Answers {
    /// `h_errno`.
    pub h_errno: c_int,
    /// What functions have returned by pointer.
    kept: Vec<Kept>,
    /// The resolver's state as `__res_state` gives it, once asked for.
    pub resolver: Option<Box<ResolverState>>,
}

/// What a function has returned by pointer, until it is called again: an entry, and the bytes that it points into.
pub struct Kept {
    by: &'static str,
    entry: Box<[u64; Kept::ROOM / 8]>,
    bytes: Vec<u8>,
}

impl Kept {
    /// Bytes that are enough for any entry.
    pub const ROOM: usize = 72;
}

impl Answers {
    /// Keeps `bytes` for the function `by`, in the place of what it has kept before, and gives where the entry goes. `None`
    /// without memory.
    pub fn keep(&mut self, by: &'static str, bytes: Vec<u8>) -> Option<*mut u64> {
        let place = match self.kept.iter().position(|kept| kept.by == by) {
            Some(place) => place,
            None => {
                self.kept.try_reserve(1).ok()?;
                self.kept.push(Kept { by, entry: heap::boxed([0; Kept::ROOM / 8])?, bytes: Vec::new() });
                self.kept.len() - 1
            }
        };
        let kept = &mut self.kept[place];
        kept.bytes = bytes;
        Some(kept.entry.as_mut_ptr())
    }
}
