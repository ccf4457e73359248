//! What the loader tells of an object in memory: the program, or a library.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::{AtomicPtr, Ordering};
use core::{ptr, slice};

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

/// The kind of note in which Go's tools tell of a build.
const GO_BUILD: u32 = 4;

/// `Elf64_Dyn`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Dynamic {
    tag: i64,
    value: usize,
}

/// An object, which is not unloaded while [`find`] shows it.
#[derive(Clone, Copy)]
pub struct Object<'a>(&'a dl_phdr_info);

/// Shows all objects, the program first and then in the order in which they were loaded, until `look` gives something.
pub fn find<T>(look: impl FnMut(Object) -> Option<T>) -> Option<T> {
    let mut search = Search { look, found: None };
    // SAFETY: the callback gets what this function passes it.
    unsafe { libc::dl_iterate_phdr(Some(callback_for(&search)), (&raw mut search).cast()) };
    search.found
}

/// libc's function that finds the object of an address without any lock, since glibc 2.35; null before, and before
/// [`look_up`].
static FIND_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

type FindObject = unsafe extern "C" fn(*const c_void, *mut MaybeUninit<Found>) -> c_int;

/// `struct dl_find_object`, of which libc fills in some part.
#[repr(C)]
struct Found {
    flags: u64,
    start: *const libc::Elf64_Ehdr,
    end: *const c_void,
    /// `struct link_map`, which begins with how far the object is from where its file says.
    map: *const libc::Elf64_Addr,
    more: [u64; 12],
}

/// Finds out what [`at`] can do without a lock: once, before the process's first fork.
pub fn look_up() {
    // SAFETY: a valid name.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
    FIND_OBJECT.store(found, Ordering::Relaxed);
}

/// Looks at the object that has this address, which nobody unloads meanwhile. [`find`] waits for whoever is in the loader: a
/// thread that a child of fork does not have, or one that waits there for another.
pub fn at<T>(address: usize, mut look: impl FnMut(Object) -> T) -> Option<T> {
    let function = FIND_OBJECT.load(Ordering::Relaxed);
    if !function.is_null() {
        // SAFETY: libc's function of that type.
        let function = unsafe { core::mem::transmute::<*mut c_void, FindObject>(function) };
        let mut found = MaybeUninit::<Found>::zeroed();
        // SAFETY: there is room for what it gives, and zeroes are a value where it gives nothing. An object begins with its
        // header, as a rule, and is mapped while it is loaded.
        unsafe {
            if function(ptr::with_exposed_provenance(address), &raw mut found) != 0 {
                return None;
            }
            let Found { start: header, map, .. } = found.assume_init();
            if (*header).e_ident.starts_with(b"\x7fELF") {
                let mut object = core::mem::zeroed::<dl_phdr_info>();
                object.dlpi_addr = *map;
                object.dlpi_phdr = header.byte_add((*header).e_phoff as usize).cast();
                object.dlpi_phnum = (*header).e_phnum;
                return Some(look(Object(&object)));
            }
        }
    }
    find(|object| object.segment_of(address).map(|_| look(object)))
}

struct Search<T, F> {
    look: F,
    found: Option<T>,
}

type Callback = unsafe extern "C" fn(*mut dl_phdr_info, usize, *mut c_void) -> c_int;

fn callback_for<T, F: FnMut(Object) -> Option<T>>(_: &Search<T, F>) -> Callback {
    show::<T, F>
}

unsafe extern "C" fn show<T, F: FnMut(Object) -> Option<T>>(
    object: *mut dl_phdr_info, _: usize, search: *mut c_void,
) -> c_int {
    // SAFETY: by contract of `dl_iterate_phdr`; `search` is `find`'s.
    unsafe {
        let search = &mut *search.cast::<Search<T, F>>();
        search.found = (search.look)(Object(&*object));
        c_int::from(search.found.is_some())
    }
}

impl<'a> Object<'a> {
    fn headers(self) -> &'a [libc::Elf64_Phdr] {
        // SAFETY: headers are mapped while the object is loaded.
        unsafe { slice::from_raw_parts(self.0.dlpi_phdr, usize::from(self.0.dlpi_phnum)) }
    }

    /// The addresses of its segment that has `address`; `None` where none has.
    pub fn segment_of(self, address: usize) -> Option<Range<usize>> {
        let segments = self.headers().iter().filter(|header| header.p_type == libc::PT_LOAD);
        segments
            .map(|header| {
                let start = (self.0.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
                start..start.wrapping_add(header.p_memsz as usize)
            })
            .find(|segment| segment.contains(&address))
    }

    /// Where the calling thread has its thread-local variables, and how many bytes they are; `None` where it has none.
    pub fn thread_locals(self) -> Option<(*mut c_void, usize)> {
        let header = self.headers().iter().find(|header| header.p_type == libc::PT_TLS)?;
        Some((self.0.dlpi_tls_data, header.p_memsz as usize))
    }

    /// Whether Go's tools made it: they leave a note of its build.
    pub fn is_of_go(self) -> bool {
        self.notes().any(|(name, kind)| name == *b"Go\0\0" && kind == GO_BUILD)
    }

    /// Its notes whose names are as long as Go's: name and kind.
    fn notes(self) -> impl Iterator<Item = ([u8; 4], u32)> + use<'a> {
        let segments = self.headers().iter().filter(|header| header.p_type == libc::PT_NOTE);
        let notes = segments.filter_map(move |header| {
            let start = (self.0.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
            // What no other segment loads is only in the file.
            let loaded = self.segment_of(start)?;
            let size = (header.p_memsz as usize).min(loaded.end - start);
            // SAFETY: the segment is mapped while the object is loaded.
            let all = unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(start), size) };
            Some(Notes { left: all, alignment: (header.p_align as usize).max(4) })
        });
        notes.flatten()
    }

    /// The entries of its dynamic section.
    fn dynamic(self) -> impl Iterator<Item = Dynamic> + use<> {
        let section = self.headers().iter().find(|header| header.p_type == libc::PT_DYNAMIC);
        let first = section.map_or(ptr::null::<Dynamic>(), |header| {
            (self.0.dlpi_addr as usize + header.p_vaddr as usize) as *const Dynamic
        });
        // SAFETY: a dynamic section ends with a tag of zero.
        let entries = (0..).map(move |i| unsafe { *first.add(i) }).take_while(|entry| entry.tag != 0);
        (!first.is_null()).then_some(entries).into_iter().flatten()
    }

    /// The address in its dynamic section under `tag`. glibc makes them absolute; those of the kernel's own object it
    /// leaves alone, which nobody needs.
    fn address(self, tag: i64) -> Option<usize> {
        let found = self.dynamic().find(|entry| entry.tag == tag);
        found.map(|entry| entry.value).filter(|&value| value >= self.0.dlpi_addr as usize)
    }

    /// The strings that its dynamic section has under `tag`.
    pub fn strings(self, tag: i64) -> impl Iterator<Item = &'a CStr> {
        let table = self.address(STRINGS);
        self.dynamic().filter_map(move |entry| {
            let place = (entry.tag == tag).then_some(table? + entry.value);
            // SAFETY: values under such tags are offsets among the strings.
            place.map(|place| unsafe { CStr::from_ptr(place as *const c_char) })
        })
    }

    /// What it gives to others; `None` where that is nothing.
    pub fn symbols(self) -> Option<Symbols<'a>> {
        let table = self.address(HASHES)? as *const u32;
        // SAFETY: the table begins with four numbers, then come filter, heads and chains.
        let ([heads, first, filter, shift], words) =
            unsafe { (*table.cast::<[u32; 4]>(), table.wrapping_add(4)) };
        let first_heads = words.wrapping_add(2 * filter as usize);
        Some(Symbols {
            base: self.0.dlpi_addr as usize,
            symbols: self.address(SYMBOLS)? as *const libc::Elf64_Sym,
            names: self.address(STRINGS)? as *const c_char,
            versions: self.address(VERSIONS).unwrap_or(0) as *const u16,
            filter: (words.cast(), filter as usize),
            shift,
            heads: (first_heads, heads as usize),
            chains: first_heads.wrapping_add(heads as usize),
            first: first as usize,
            object: PhantomData,
        })
    }
}

/// The notes of a segment, each with the lengths of its name and of what it says, and its kind.
struct Notes<'a> {
    left: &'a [u8],
    alignment: usize,
}

impl Iterator for Notes<'_> {
    type Item = ([u8; 4], u32);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&[name, text, kind], rest) = self.left.as_chunks::<4>().0.split_first_chunk::<3>()?;
            let [name, text, kind] = [name, text, kind].map(u32::from_ne_bytes);
            let found = rest.first().copied().filter(|_| name == 4);
            let text_at = (12 + name as usize).next_multiple_of(self.alignment);
            let next = (text_at + text as usize).next_multiple_of(self.alignment);
            self.left = self.left.get(next..).unwrap_or_default();
            if let Some(name) = found {
                return Some((name, kind));
            }
        }
    }
}

/// What an object gives to others, as the loader looks it up (`DT_GNU_HASH`).
pub struct Symbols<'a> {
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
    object: PhantomData<&'a dl_phdr_info>,
}

impl Symbols<'_> {
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
        // SAFETY: the object has these tables as the loader reads them.
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
    use super::*;

    fn in_libc(name: &CStr) -> Option<*mut ()> {
        find(|object| {
            object.segment_of(libc::getpid as *const () as usize)?;
            Some(object.symbols().and_then(|symbols| symbols.function(name)))
        })?
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
