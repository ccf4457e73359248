//! Calls on streams but for the formatting ones, which are in `stdio_format`.

use core::ffi::{c_char, c_int, c_long, c_void};

use colib_core::stdio::{self, EOF};
use libc::FILE;

use crate::call::apart;
use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn getc(stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::getc(scheduler, stream.cast(), true) })
}

pub unsafe extern "C" fn getchar() -> c_int {
    // SAFETY: see above.
    unsafe { getc(stdio::standard_input().cast()) }
}

pub unsafe extern "C" fn getc_unlocked(stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::getc(scheduler, stream.cast(), false) })
}

pub unsafe extern "C" fn getchar_unlocked() -> c_int {
    // SAFETY: see above.
    unsafe { getc_unlocked(stdio::standard_input().cast()) }
}

pub unsafe extern "C" fn underflow(stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::peek(scheduler, stream.cast()) })
}

pub unsafe extern "C" fn getw(stream: *mut FILE) -> c_int {
    let mut word: c_int = 0;
    // SAFETY: see above.
    if unsafe { fread((&raw mut word).cast(), size_of::<c_int>(), 1, stream) } == 1 { word } else { EOF }
}

pub unsafe extern "C" fn gets(line: *mut c_char) -> *mut c_char {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::gets(scheduler, line, usize::MAX) })
}

pub unsafe extern "C" fn gets_chk(line: *mut c_char, room: usize) -> *mut c_char {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::gets(scheduler, line, room) })
}

pub unsafe extern "C" fn fgets(line: *mut c_char, size: c_int, stream: *mut FILE) -> *mut c_char {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fgets(scheduler, line, size, stream.cast(), true) })
}

pub unsafe extern "C" fn fgets_unlocked(line: *mut c_char, size: c_int, stream: *mut FILE) -> *mut c_char {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fgets(scheduler, line, size, stream.cast(), false) })
}

pub unsafe extern "C" fn fgets_chk(
    line: *mut c_char, room: usize, size: c_int, stream: *mut FILE,
) -> *mut c_char {
    // SAFETY: see above. libc's own ends the program when the line does not fit, and has an answer of its own for a
    // line of no bytes.
    unsafe {
        if size <= 1 || size as usize > room {
            real::__fgets_chk(line, room, size, stream)
        } else {
            fgets(line, size, stream)
        }
    }
}

pub unsafe extern "C" fn fgets_unlocked_chk(
    line: *mut c_char, room: usize, size: c_int, stream: *mut FILE,
) -> *mut c_char {
    // SAFETY: see above.
    unsafe {
        if size <= 1 || size as usize > room {
            real::__fgets_unlocked_chk(line, room, size, stream)
        } else {
            fgets_unlocked(line, size, stream)
        }
    }
}

pub unsafe extern "C" fn fread(data: *mut c_void, size: usize, count: usize, stream: *mut FILE) -> usize {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fread(scheduler, data, size, count, stream.cast(), true) })
}

pub unsafe extern "C" fn fread_unlocked(
    data: *mut c_void, size: usize, count: usize, stream: *mut FILE,
) -> usize {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fread(scheduler, data, size, count, stream.cast(), false) })
}

fn too_many(size: usize, count: usize, room: usize) -> bool {
    size.checked_mul(count).is_none_or(|wanted| wanted > room)
}

pub unsafe extern "C" fn fread_chk(
    data: *mut c_void, room: usize, size: usize, count: usize, stream: *mut FILE,
) -> usize {
    // SAFETY: see above. libc's own ends the program when there is too little room.
    unsafe {
        if too_many(size, count, room) {
            real::__fread_chk(data, room, size, count, stream)
        } else {
            fread(data, size, count, stream)
        }
    }
}

pub unsafe extern "C" fn fread_unlocked_chk(
    data: *mut c_void, room: usize, size: usize, count: usize, stream: *mut FILE,
) -> usize {
    // SAFETY: see above.
    unsafe {
        if too_many(size, count, room) {
            real::__fread_unlocked_chk(data, room, size, count, stream)
        } else {
            fread_unlocked(data, size, count, stream)
        }
    }
}

pub unsafe extern "C" fn getline(line: *mut *mut c_char, size: *mut usize, stream: *mut FILE) -> isize {
    // SAFETY: see above.
    unsafe { getdelim(line, size, c_int::from(b'\n'), stream) }
}

pub unsafe extern "C" fn getdelim(
    line: *mut *mut c_char, size: *mut usize, delimiter: c_int, stream: *mut FILE,
) -> isize {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::getdelim(scheduler, line, size, delimiter, stream.cast()) })
}

pub unsafe extern "C" fn putc(byte: c_int, stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::putc(scheduler, byte, stream.cast(), true) })
}

pub unsafe extern "C" fn putchar(byte: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { putc(byte, stdio::standard_output().cast()) }
}

pub unsafe extern "C" fn putc_unlocked(byte: c_int, stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::putc(scheduler, byte, stream.cast(), false) })
}

pub unsafe extern "C" fn putchar_unlocked(byte: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { putc_unlocked(byte, stdio::standard_output().cast()) }
}

pub unsafe extern "C" fn overflow(stream: *mut FILE, byte: c_int) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::overflow(scheduler, stream.cast(), byte) })
}

pub unsafe extern "C" fn putw(word: c_int, stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    if unsafe { fwrite((&raw const word).cast(), size_of::<c_int>(), 1, stream) } == 1 { 0 } else { EOF }
}

pub unsafe extern "C" fn puts(text: *const c_char) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::puts(scheduler, text) })
}

pub unsafe extern "C" fn fputs(text: *const c_char, stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fputs(scheduler, text, stream.cast(), true) })
}

pub unsafe extern "C" fn fputs_unlocked(text: *const c_char, stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fputs(scheduler, text, stream.cast(), false) })
}

pub unsafe extern "C" fn fwrite(data: *const c_void, size: usize, count: usize, stream: *mut FILE) -> usize {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fwrite(scheduler, data, size, count, stream.cast(), true) })
}

pub unsafe extern "C" fn fwrite_unlocked(
    data: *const c_void, size: usize, count: usize, stream: *mut FILE,
) -> usize {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fwrite(scheduler, data, size, count, stream.cast(), false) })
}

unsafe fn flush(stream: *mut FILE, locks: bool) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        if stream.is_null() {
            stdio::fflush_all(scheduler)
        } else {
            stdio::fflush(scheduler, stream.cast(), locks)
        }
    })
}

pub unsafe extern "C" fn fflush(stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    unsafe { flush(stream, true) }
}

pub unsafe extern "C" fn fflush_unlocked(stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    unsafe { flush(stream, false) }
}

pub unsafe extern "C" fn perror(what: *const c_char) {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::print_error(scheduler, what) });
}

pub unsafe extern "C" fn fopen(path: *const c_char, mode: *const c_char) -> *mut FILE {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fopen(scheduler, path, mode).cast() })
}

/// Writes what libc's own function would have to write first; `false` when that fails.
unsafe fn written(stream: *mut FILE) -> bool {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::write_out(scheduler, stream.cast()) })
}

pub unsafe extern "C" fn fseek(stream: *mut FILE, offset: c_long, whence: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { if written(stream) { real::fseek(stream, offset, whence) } else { EOF } }
}

pub unsafe extern "C" fn fsetpos(stream: *mut FILE, position: *const c_void) -> c_int {
    // SAFETY: see above.
    unsafe { if written(stream) { real::fsetpos(stream, position) } else { EOF } }
}

pub unsafe extern "C" fn rewind(stream: *mut FILE) {
    // SAFETY: see above.
    unsafe {
        written(stream);
        real::rewind(stream);
    }
}

pub unsafe extern "C" fn setvbuf(stream: *mut FILE, buffer: *mut c_char, mode: c_int, size: usize) -> c_int {
    // SAFETY: see above.
    unsafe { if written(stream) { real::setvbuf(stream, buffer, mode, size) } else { EOF } }
}

pub unsafe extern "C" fn setbuf(stream: *mut FILE, buffer: *mut c_char) {
    // SAFETY: see above. Where writing fails, libc keeps the buffer too.
    unsafe {
        if written(stream) {
            real::setbuf(stream, buffer);
        }
    }
}

pub unsafe extern "C" fn setbuffer(stream: *mut FILE, buffer: *mut c_char, size: usize) {
    // SAFETY: see above.
    unsafe {
        if written(stream) {
            real::setbuffer(stream, buffer, size);
        }
    }
}

pub unsafe extern "C" fn pclose(stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::fclose(scheduler, stream.cast(), libc::pclose) })
}

pub unsafe extern "C" fn flockfile(stream: *mut FILE) {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::flockfile(scheduler, stream.cast()) });
}

pub unsafe extern "C" fn ftrylockfile(stream: *mut FILE) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::ftrylockfile(scheduler, stream.cast()) })
}

pub unsafe extern "C" fn funlockfile(stream: *mut FILE) {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::funlockfile(scheduler, stream.cast()) });
}
