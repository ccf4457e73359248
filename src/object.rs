//! What the loader tells of an object in memory: the program, or a library.

use core::ffi::{CStr, c_char};
use core::ops::Range;
use core::ptr;

use libc::dl_phdr_info;

/// `DT_NEEDED`: the objects that it needs.
pub const NEEDED: i64 = 1;
/// `DT_SONAME`: the name by which others need it.
pub const NAME: i64 = 14;
/// `DT_STRTAB`, `DT_SYMTAB` and `DT_GNU_HASH`.
const STRINGS: i64 = 5;
const SYMBOLS: i64 = 6;
const HASHES: i64 = 0x6fff_fef5;

/// `Elf64_Dyn`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Dynamic {
    tag: i64,
    value: usize,
}

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

/// The entries of its dynamic section.
unsafe fn dynamic(object: &dl_phdr_info) -> impl Iterator<Item = Dynamic> + Clone {
    // SAFETY: by contract of the callers; a dynamic section ends with a tag of zero.
    unsafe {
        let section = headers(object).iter().find(|header| header.p_type == libc::PT_DYNAMIC);
        let first = section.map_or(ptr::null::<Dynamic>(), |header| {
            (object.dlpi_addr as usize + header.p_vaddr as usize) as *const Dynamic
        });
        let entries = (0..).map(move |i| *first.add(i)).take_while(|entry| entry.tag != 0);
        (!first.is_null()).then_some(entries).into_iter().flatten()
    }
}

/// The address in its dynamic section under `tag`. glibc makes them absolute; those of the kernel's own object it leaves
/// alone, which nobody needs.
unsafe fn address(object: &dl_phdr_info, tag: i64) -> Option<usize> {
    // SAFETY: by contract of the callers.
    let found = unsafe { dynamic(object) }.find(|entry| entry.tag == tag);
    found.map(|entry| entry.value).filter(|&value| value >= object.dlpi_addr as usize)
}

/// The strings that its dynamic section has under `tag`.
///
/// # Safety
/// As for [`headers`]; the strings are there while the object is.
pub unsafe fn strings(object: &dl_phdr_info, tag: i64) -> impl Iterator<Item = &'static CStr> {
    // SAFETY: by contract; values under such tags are offsets among the strings.
    unsafe {
        let table = address(object, STRINGS);
        dynamic(object).filter_map(move |entry| {
            let place = (entry.tag == tag).then_some(table? + entry.value);
            place.map(|place| CStr::from_ptr(place as *const c_char))
        })
    }
}

/// The function of that name which it defines, looked up as the loader does (DT_GNU_HASH); of several versions any.
///
/// # Safety
/// As for [`headers`].
pub unsafe fn function(object: &dl_phdr_info, name: &CStr) -> Option<*mut ()> {
    const FUNCTION: u8 = 2;
    let hash =
        name.to_bytes().iter().fold(5381_u32, |hash, &byte| hash.wrapping_mul(33).wrapping_add(byte.into()));
    // SAFETY: by contract; the table is four words, the words of a filter, buckets, and a hash for each symbol from the first
    // that can be found on. The last of a chain is odd.
    unsafe {
        let table = address(object, HASHES)? as *const u32;
        let symbols = address(object, SYMBOLS)? as *const libc::Elf64_Sym;
        let names = address(object, STRINGS)? as *const c_char;
        let [buckets, first, filter] = [0, 1, 2].map(|i| *table.add(i) as usize);
        let heads = table.add(4 + 2 * filter);
        let chains = heads.add(buckets);
        let mut i = *heads.add(hash as usize % buckets) as usize;
        while i >= first {
            let (other, symbol) = (*chains.add(i - first), &*symbols.add(i));
            let is_it = (other | 1) == (hash | 1)
                && symbol.st_shndx != 0
                && symbol.st_info & 15 == FUNCTION
                && CStr::from_ptr(names.add(symbol.st_name as usize)) == name;
            if is_it {
                return Some((object.dlpi_addr as usize + symbol.st_value as usize) as *mut ());
            }
            if other & 1 != 0 {
                break;
            }
            i += 1;
        }
    }
    None
}
