//! Addresses of peers that the program asks for.

use core::ffi::c_int;
use core::ptr;
use std::io;

use super::error;
use crate::sys;

/// Gives the program an address of `known` bytes as the kernel does, which looks at the room for it only then.
///
/// # Safety
/// `address` and `length` are the program's; `from` has `known` bytes.
pub(super) unsafe fn hand_out(
    from: &libc::sockaddr_storage, known: libc::socklen_t, address: *mut libc::sockaddr,
    length: *mut libc::socklen_t,
) -> io::Result<()> {
    // SAFETY: by contract.
    unsafe {
        let Ok(fits) = usize::try_from(sys::read_in(length.cast::<c_int>())?) else {
            return Err(error(libc::EINVAL));
        };
        sys::copy_out((&raw const known).cast(), length.cast(), size_of::<libc::socklen_t>())?;
        let fits = fits.min(known as usize);
        if fits == 0 { Ok(()) } else { sys::copy_out(ptr::from_ref(from).cast(), address.cast(), fits) }
    }
}
