//! What the loader tells of an object in memory: the program, or a library.

use core::ffi::{CStr, c_char};
use core::ops::Range;
use core::ptr;

use libc::dl_phdr_info;

/// `DT_NEEDED`: the objects that it needs.
pub const NEEDED: i64 = 1;
/// `DT_SONAME`: the name by which others need it.
pub const NAME: i64 = 14;
/// `DT_STRTAB`, `DT_SYMTAB`, `DT_GNU_HASH` and `DT_VERSYM`.
const STRINGS: i64 = 5;
const SYMBOLS: i64 = 6;
const HASHES: i64 = 0x6fff_fef5;
const VERSIONS: i64 = 0x6fff_fff0;

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

/// What an object gives to others, as the loader looks it up (`DT_GNU_HASH`).
pub struct Symbols {
    base: usize,
    symbols: *const libc::Elf64_Sym,
    names: *const c_char,
    /// Of each symbol; null where none has one.
    versions: *const u16,
    /// A bit or two for each symbol's hash, modulo so many words.
    filter: (*const u64, usize),
    /// How far a hash is shifted for the second bit.
    shift: u32,
    /// The first symbol of each chain, modulo so many.
    heads: (*const u32, usize),
    /// The hashes from the first symbol on that can be found. The last of a chain is odd.
    chains: *const u32,
    first: usize,
}

impl Symbols {
    /// `None` where it gives nothing.
    ///
    /// # Safety
    /// As for [`headers`]; it must not be unloaded while this is used.
    pub unsafe fn of(object: &dl_phdr_info) -> Option<Symbols> {
        // SAFETY: by contract; the table begins with four numbers, then come filter, heads and chains.
        unsafe {
            let table = address(object, HASHES)? as *const u32;
            let [heads, first, filter, shift] = *table.cast::<[u32; 4]>();
            let (words, filter) = (table.add(4), filter as usize);
            let first_heads = words.add(2 * filter);
            Some(Symbols {
                base: object.dlpi_addr as usize,
                symbols: address(object, SYMBOLS)? as *const libc::Elf64_Sym,
                names: address(object, STRINGS)? as *const c_char,
                versions: address(object, VERSIONS).unwrap_or(0) as *const u16,
                filter: (words.cast(), filter),
                shift,
                heads: (first_heads, heads as usize),
                chains: first_heads.add(heads as usize),
                first: first as usize,
            })
        }
    }

    /// The function of that name which programs that are linked today get. `None` too where it is chosen when it is first
    /// called, as for the processor at hand.
    pub fn function(&self, name: &CStr) -> Option<*mut ()> {
        const FUNCTION: u8 = 2;
        /// In the version of a symbol: only programs that were linked with that very version get it.
        const HIDDEN: u16 = 1 << 15;
        let hash = name
            .to_bytes()
            .iter()
            .fold(5381_u32, |hash, &byte| hash.wrapping_mul(33).wrapping_add(byte.into()));
        let bits = 1_u64 << (hash % 64) | 1 << ((hash >> self.shift) % 64);
        // SAFETY: by contract of `of`.
        unsafe {
            if *self.filter.0.add(hash as usize / 64 % self.filter.1) & bits != bits {
                return None;
            }
            let head = *self.heads.0.add(hash as usize % self.heads.1) as usize;
            if head < self.first {
                return None;
            }
            for i in head.. {
                let (other, symbol) = (*self.chains.add(i - self.first), &*self.symbols.add(i));
                let is_it = (other | 1) == (hash | 1)
                    && symbol.st_shndx != 0
                    && symbol.st_info & 15 == FUNCTION
                    && (self.versions.is_null() || *self.versions.add(i) & HIDDEN == 0)
                    && CStr::from_ptr(self.names.add(symbol.st_name as usize)) == name;
                if is_it {
                    return Some((self.base + symbol.st_value as usize) as *mut ());
                }
                if other & 1 != 0 {
                    break;
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use core::ffi::{c_int, c_void};

    use super::*;

    struct Search {
        name: &'static CStr,
        found: Option<*mut ()>,
    }

    unsafe extern "C" fn look_into_libc(object: *mut dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
        // SAFETY: `in_libc` passes its own.
        unsafe {
            let (object, search) = (&*object, &mut *search.cast::<Search>());
            let is_libc = segment_of(object, libc::getpid as *const () as usize).is_some();
            if is_libc {
                search.found = Symbols::of(object).and_then(|symbols| symbols.function(search.name));
            }
            c_int::from(is_libc)
        }
    }

    fn in_libc(name: &'static CStr) -> Option<*mut ()> {
        let mut search = Search { name, found: None };
        // SAFETY: the callback gets what it expects.
        unsafe { libc::dl_iterate_phdr(Some(look_into_libc), (&raw mut search).cast()) };
        search.found
    }

    #[test]
    fn a_function_is_found_in_its_latest_version() {
        // SAFETY: valid names.
        unsafe {
            let latest =
                libc::dlvsym(libc::RTLD_DEFAULT, c"pthread_cond_wait".as_ptr(), c"GLIBC_2.3.2".as_ptr());
            let oldest =
                libc::dlvsym(libc::RTLD_DEFAULT, c"pthread_cond_wait".as_ptr(), c"GLIBC_2.2.5".as_ptr());
            assert_ne!(latest, oldest);
            assert_eq!(in_libc(c"pthread_cond_wait"), Some(latest.cast()));
        }
    }

    #[test]
    fn what_is_no_function_of_it_is_not_found() {
        assert_eq!(in_libc(c"no_such_function"), None);
        assert_eq!(in_libc(c"environ"), None);
        // Chosen by the processor, and kept for old programs.
        assert_eq!(in_libc(c"memcpy"), None);
        assert_eq!(in_libc(c"svc_exit"), None);
    }
}
