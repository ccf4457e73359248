//! The resolver's state that a coroutine has for itself, as a thread has one. It makes no look-up.

use core::ffi::{c_char, c_int, c_void};
use core::mem::{offset_of, size_of};
use core::ptr;

/// `struct __res_state` of glibc on x86-64.
#[repr(C)]
#[derive(Clone, Copy)]
struct Fields {
    settings: [u64; ResolverState::SETTINGS],
    /// How many name servers there are; 0 until it is initialised. Those with an IPv4 address follow.
    servers: c_int,
    addresses: [u32; 12],
    id: u16,
    /// What is searched: names that stand in this very structure.
    search: [*mut c_char; 7],
    names: [u64; 46],
    h_errno: c_int,
    /// A connection that is kept; negative for none.
    connection: c_int,
    flags: u64,
    known: [u16; 4],
    /// Those of the servers, -1 for none.
    sockets: [c_int; 3],
    begun: [u16; 2],
    /// Servers with an IPv6 address, in libc's memory.
    wide_addresses: [*mut libc::sockaddr_in6; 3],
    /// Which of libc's settings it holds a reference to; 0 for none.
    reference: u64,
}

const _: () = assert!(size_of::<Fields>() == 568 && offset_of!(Fields, search) == 72, "as in glibc");
const _: () = assert!(offset_of!(Fields, connection) == 500 && offset_of!(Fields, sockets) == 520);

unsafe extern "C" {
    fn __res_nclose(state: *mut c_void);
}

/// A state of the resolver, which owns what libc keeps in it.
#[repr(transparent)]
pub struct ResolverState(Fields);

impl ResolverState {
    /// Its first words are what programs set: retransmission time and tries, then the options.
    pub const SETTINGS: usize = 2;

    /// What the thread's state says, owning nothing of that: the program may close either.
    ///
    /// # Safety
    /// `thread` is the calling thread's, as libc's `__res_state` gives it.
    pub unsafe fn copy(thread: *const u64) -> ResolverState {
        let from: *const Fields = thread.cast();
        // SAFETY: by contract; the addresses are libc's, as many as fit or null.
        unsafe {
            let mut own = *from;
            own.connection = -1;
            own.sockets = [-1; 3];
            own.reference = 0;
            for address in own.wide_addresses.iter_mut().filter(|address| !address.is_null()) {
                let copy: *mut libc::sockaddr_in6 = libc::malloc(size_of::<libc::sockaddr_in6>()).cast();
                if !copy.is_null() {
                    ptr::copy_nonoverlapping(*address, copy, 1);
                }
                *address = copy;
            }
            ResolverState(own)
        }
    }

    /// Has the names that it searches be its own, at the place where it stays.
    ///
    /// # Safety
    /// `thread` is as for [`ResolverState::copy`], and has not changed since.
    pub unsafe fn settle(&mut self, thread: *const u64) {
        let here: *mut u8 = ptr::from_mut(self).cast();
        for name in &mut self.0.search {
            let offset = (*name as usize).wrapping_sub(thread as usize);
            if offset < size_of::<Fields>() {
                *name = here.wrapping_add(offset).cast();
            }
        }
    }

    /// What programs set.
    pub fn settings(&self) -> [u64; Self::SETTINGS] {
        self.0.settings
    }
}

impl Drop for ResolverState {
    fn drop(&mut self) {
        // As at a thread's end; one that was never initialised owns nothing, and has 0 for its connection.
        if self.0.servers != 0 {
            // SAFETY: the state is the coroutine's alone, which is over.
            unsafe { __res_nclose((&raw mut self.0).cast()) };
        }
    }
}
