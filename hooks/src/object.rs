//! What the loader tells of an object in memory: the program, or a library.

use core::ops::Range;

use libc::dl_phdr_info;

/// The object's program headers.
///
/// # Safety
/// `object` is what a callback of `dl_iterate_phdr` got, which still runs.
pub unsafe fn headers(object: &dl_phdr_info) -> &[libc::Elf64_Phdr] {
    // SAFETY: by contract; headers are mapped while the object is loaded.
    unsafe { core::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum)) }
}

/// The addresses of its segment that has `address`; `None` where none has.
///
/// # Safety
/// As for [`headers`].
pub unsafe fn segment_of(object: &dl_phdr_info, address: usize) -> Option<Range<usize>> {
    // SAFETY: by contract.
    let segments = unsafe { headers(object) }.iter().filter(|header| header.p_type == libc::PT_LOAD);
    segments
        .map(|header| {
            let start = (object.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
            start..start.wrapping_add(header.p_memsz as usize)
        })
        .find(|segment| segment.contains(&address))
}
