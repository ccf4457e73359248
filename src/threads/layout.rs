//! Where libc keeps what it knows of a thread: offsets in its `struct pthread`, and the functions that lay out
//! thread-local storage.
//!
//! libc tells debuggers some of the offsets (`_thread_db_*`); the others come from a table by version. Nothing is
//! believed that the main thread's own structure does not bear out. Nothing is changed here.

use core::ffi::{CStr, c_int, c_void};
use core::mem::transmute_copy;
use core::ptr;

use crate::object;
use crate::sys;

/// Offsets that libc does not tell.
#[derive(Clone, Copy)]
pub struct Table {
    /// libc's version.
    version: &'static CStr,
    /// `sizeof(struct pthread)`: a structure of another size has other fields.
    size: usize,
    /// `robust_head`; the word before it is `robust_prev`, the one behind it the offset of the futex.
    pub robust: usize,
    /// `cleanup_jmp_buf`: where the unwinding of a thread that exits ends.
    pub cleanup: usize,
    /// `specific_1stblock`: the values of the first keys.
    pub first_values: usize,
    /// Where it is noted that the stack is not libc's, and by which byte: `user_stack`, or since 2.42 `stack_mode`.
    pub user_stack: (usize, u8),
    /// Whether the thread is detached.
    pub join: Join,
    /// `result`.
    pub result: usize,
    /// `stackblock`, and then its size, its guard's size, and the latter as it is reported.
    pub stack: usize,
    /// `res`: the resolver's state.
    pub resolver: usize,
    /// `cancelstate` and then `canceltype`, a byte each, where they are no bits of `cancelhandling`.
    pub cancel_state: Option<usize>,
    /// `tls_state`: texts of `strsignal` and of `strerror_l`.
    pub texts: usize,
    /// `getrandom_buf`: memory for random numbers that libc alone can give back.
    pub random: Option<usize>,
    /// Whether a cancellation ends the thread behind a call that has had its effect, as `close` of a socket that lingers.
    pub cancels_late: bool,
    /// Whether `exit` has a lock, which the first thread that calls it keeps.
    pub exits_once: bool,
}

/// Where libc notes whether a thread is detached.
#[derive(Clone, Copy)]
pub enum Join {
    /// `joinid`: who joins it; itself when it is detached.
    Id(usize),
    /// `joinstate`, a number of 32 bits since 2.43.
    State(usize),
}

impl Join {
    /// What `joinstate` is for a thread that runs, or has not been joined.
    pub const JOINABLE: u32 = 2;
    pub const DETACHED: u32 = 3;

    fn offset(self) -> usize {
        let (Join::Id(offset) | Join::State(offset)) = self;
        offset
    }
}

const GLIBC_2_36: Table = Table {
    version: c"2.36",
    size: 2368,
    robust: 736,
    cleanup: 768,
    first_values: 784,
    user_stack: (1554, 1),
    join: Join::Id(1568),
    result: 1576,
    stack: 1680,
    resolver: 1720,
    cancel_state: None,
    texts: 2304,
    random: None,
    cancels_late: true,
    exits_once: false,
};

const GLIBC_2_41: Table = Table {
    version: c"2.41",
    texts: 2312,
    random: Some(2328),
    cancels_late: false,
    exits_once: true,
    ..GLIBC_2_36
};

const GLIBC_2_43: Table =
    Table { version: c"2.43", user_stack: (1556, 2), join: Join::State(1576), result: 1584, ..GLIBC_2_41 };

/// What Ubuntu 22.04, Debian 12, Ubuntu 24.04, Debian 13, Ubuntu 25.10 and 26.04, and Debian's experimental have: each was
/// read from their debug information.
const TABLES: [Table; 7] = [
    Table {
        version: c"2.35",
        size: 2496,
        join: Join::Id(1576),
        result: 1584,
        cancel_state: Some(2417),
        texts: 2424,
        ..GLIBC_2_36
    },
    GLIBC_2_36,
    Table { version: c"2.39", texts: 2312, ..GLIBC_2_36 },
    GLIBC_2_41,
    Table { version: c"2.42", join: Join::Id(1576), ..GLIBC_2_43 },
    GLIBC_2_43,
    Table { version: c"2.44", ..GLIBC_2_43 },
];

/// `PTHREAD_KEY_1STLEVEL_SIZE`: arrays of values by key.
pub const KEY_ARRAYS: usize = 32;

/// The bytes of the area of restartable sequences that are used here.
const RSEQ: usize = 8;

/// How much of libc's own thread-local variables a block can keep between two threads.
pub const MOST_KEPT: usize = 1024;

/// All there is to know.
pub struct Layout {
    /// What libc does not tell.
    pub table: Table,
    /// `sizeof(struct pthread)`.
    pub size: usize,
    /// `tid`.
    pub tid: usize,
    /// `list`: a node of the list of all threads with stacks of their own.
    pub list: usize,
    /// `cancelhandling`.
    pub cancellation: usize,
    /// `specific`: the blocks of values by key.
    pub values: usize,
    /// `start_routine`.
    pub routine: usize,
    /// Bytes of static thread-local storage, `struct pthread` included, and their alignment.
    pub storage: (usize, usize),
    /// Where libc's own thread-local variables lie, as a distance from the base, and how many bytes they are.
    pub own: (isize, usize),
    /// `__rseq_offset`: where the area of restartable sequences lies, as a distance from the base. The second half of its
    /// first word is the number of the CPU.
    pub rseq: isize,
    /// Where `__resp` lies, which points to the resolver's state.
    pub resolver_pointer: isize,
    /// `_dl_allocate_tls`.
    pub allocate: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    /// `_dl_deallocate_tls`.
    pub deallocate: unsafe extern "C" fn(*mut c_void, bool),
    /// `__ctype_init`.
    begin_ctype: unsafe extern "C" fn(),
    /// `__call_tls_dtors`.
    pub call_destructors: unsafe extern "C" fn(),
}

/// `LC_GLOBAL_LOCALE` of locale.h.
const GLOBAL_LOCALE: libc::locale_t = ptr::without_provenance_mut(usize::MAX);

/// Why threads stay what they are.
pub type Refusal = &'static str;

fn table_of(version: &CStr) -> Option<Table> {
    TABLES.into_iter().find(|table| table.version == version)
}

fn symbol(name: &CStr) -> Result<*mut c_void, Refusal> {
    // SAFETY: a valid name.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if found.is_null() { Err("libc lacks what describes its threads") } else { Ok(found) }
}

/// The function of that name.
///
/// # Safety
/// It has the type `F`, a function pointer.
unsafe fn function<F>(name: &CStr) -> Result<F, Refusal> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: by contract.
    symbol(name).map(|address| unsafe { transmute_copy(&address) })
}

/// The offset of a field as libc describes it: its size in bits, how many there are, and the offset.
fn field(name: &CStr) -> Result<usize, Refusal> {
    // SAFETY: libc's descriptors are three words.
    let [_, _, offset] = unsafe { symbol(name)?.cast::<[u32; 3]>().read() };
    Ok(offset as usize)
}

/// A word of the structure at `thread`.
unsafe fn word(thread: usize, offset: usize) -> usize {
    // SAFETY: by contract of the callers, it lies in the structure.
    unsafe { ptr::with_exposed_provenance::<usize>(thread + offset).read() }
}

impl Layout {
    /// Finds everything out, on the thread at `thread`, its base; `main` is that of the process's first thread.
    pub fn find(thread: usize, main: usize) -> Result<Layout, Refusal> {
        const FSGSBASE: u64 = 2;
        // SAFETY: asks for a word of the auxiliary vector, and for a string of libc's own.
        let (features, version) =
            unsafe { (libc::getauxval(libc::AT_HWCAP2), CStr::from_ptr(libc::gnu_get_libc_version())) };
        if features & FSGSBASE == 0 {
            return Err("the CPU or the kernel lacks FSGSBASE");
        }
        let table = table_of(version).ok_or("this version of libc is not known")?;
        let mut storage = (0, 0);
        // SAFETY: the names have these types in every libc that has them.
        let layout = unsafe {
            let describe: unsafe extern "C" fn(*mut usize, *mut usize) =
                function(c"_dl_get_tls_static_info")?;
            describe(&mut storage.0, &mut storage.1);
            Layout {
                table,
                size: symbol(c"_thread_db_sizeof_pthread")?.cast::<u32>().read() as usize,
                tid: field(c"_thread_db_pthread_tid")?,
                list: field(c"_thread_db_pthread_list")?,
                cancellation: field(c"_thread_db_pthread_cancelhandling")?,
                values: field(c"_thread_db_pthread_specific")?,
                routine: field(c"_thread_db_pthread_start_routine")?,
                storage,
                own: own_variables(thread),
                rseq: symbol(c"__rseq_offset")?.cast::<isize>().read(),
                resolver_pointer: symbol(c"__resp")?.addr().wrapping_sub(thread) as isize,
                allocate: function(c"_dl_allocate_tls")?,
                deallocate: function(c"_dl_deallocate_tls")?,
                begin_ctype: function(c"__ctype_init")?,
                call_destructors: function(c"__call_tls_dtors")?,
            }
        };
        if !layout.is_true(thread, main)? {
            return Err("libc's threads do not look as expected");
        }
        Ok(layout)
    }

    /// Begins as libc does in a new thread, on the block in force: what libc's own variables hold may be left from the block's
    /// last use.
    ///
    /// # Safety
    /// The block is laid out, and a thread begins there.
    pub unsafe fn begin(&self) {
        // SAFETY: by contract.
        unsafe {
            libc::uselocale(GLOBAL_LOCALE);
            (self.begin_ctype)();
            *libc::__errno_location() = 0;
        }
    }

    /// Whether the structures of the calling thread and of the main thread have in them what must be there.
    fn is_true(&self, thread: usize, main: usize) -> Result<bool, Refusal> {
        let Table { robust, first_values, user_stack, join, stack, cancel_state, texts, random, .. } =
            self.table;
        let top_of_stack = symbol(c"__libc_stack_end")?.cast::<usize>();
        let values = self.values + (KEY_ARRAYS - 1) * size_of::<usize>();
        let last = [robust + 16, stack + 24, self.list + 8, values, self.routine, join.offset(), texts + 8];
        let lowest = self.size.wrapping_sub(self.storage.0) as isize;
        if self.size != self.table.size
            || last.iter().any(|offset| offset + size_of::<usize>() > self.size)
            || !(lowest..(self.size - RSEQ) as isize).contains(&self.rseq)
            || field(c"_thread_db_pthread_dtvp")? != size_of::<usize>()
            || self.own.1 == 0
            || self.own.1 > MOST_KEPT
            || self.storage.0 < self.size
            || !self.storage.1.is_power_of_two()
        {
            return Ok(false);
        }
        // SAFETY: the structure of a thread has `size` bytes, and the main thread's stays; a list's nodes stay in place; no
        // signal is -1, so libc makes a text of it.
        unsafe {
            let text = libc::strsignal(-1);
            let neighbour = word(thread, self.list);
            Ok(word(thread, 0) == thread
                && word(thread, 16) == thread
                && word(thread, self.tid) as u32 as c_int == sys::thread_id()
                && word(thread, robust) == thread + robust
                && word(thread, robust + 8) as isize == -32
                && word(thread, self.values) == thread + first_values
                && word(neighbour, size_of::<usize>()) == thread + self.list
                && cancel_state.is_none_or(|state| word(thread, state) as u16 == 0)
                && random.is_none_or(|random| word(thread, random).is_multiple_of(size_of::<usize>()))
                && word(thread, texts) == text.addr()
                && word(main, self.tid) as u32 as c_int == sys::process_id()
                && word(main, user_stack.0) as u8 == user_stack.1
                && match join {
                    Join::Id(offset) => word(main, offset) == 0,
                    Join::State(offset) => word(main, offset) as u32 == Join::JOINABLE,
                }
                && word(main, stack) == 0
                && word(main, stack + 8) == top_of_stack.read())
        }
    }
}

/// Where libc's own thread-local variables lie as a distance from `base`, the calling thread's, and how many bytes they are.
fn own_variables(base: usize) -> (isize, usize) {
    let own = object::find(|object| {
        object.segment_of(libc::getpid as *const () as usize)?;
        Some(object.thread_locals())
    });
    own.flatten().map_or((0, 0), |(place, size)| (place.addr().wrapping_sub(base) as isize, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_libc_that_nobody_has_looked_at_is_not_known() {
        for known in [c"2.35", c"2.36", c"2.39", c"2.41", c"2.42", c"2.43", c"2.44"] {
            assert!(table_of(known).is_some_and(|table| table.version == known));
        }
        assert!(table_of(c"2.37").is_none());
        assert!(table_of(c"2.360").is_none());
        assert!(table_of(c"9.99").is_none());
    }
}
