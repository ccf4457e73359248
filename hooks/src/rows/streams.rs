//! Rows of calls on streams, and of messages.

/// Adds them to those before, and goes on with `processes`.
macro_rules! rows {
    ($macro:ident: $($before:tt)*) => {
        $crate::rows::processes::rows! { $macro: $($before)*
    // Streams: bytes in.
    coroutine fn getc | fgetc | _IO_getc(stream: *mut FILE) -> c_int => stdio::getc;
    coroutine fn getchar() -> c_int => stdio::getchar;
    coroutine fn getc_unlocked | fgetc_unlocked | __uflow(stream: *mut FILE) -> c_int => stdio::getc_unlocked;
    coroutine fn getchar_unlocked() -> c_int => stdio::getchar_unlocked;
    coroutine fn __underflow(stream: *mut FILE) -> c_int => stdio::underflow;
    coroutine fn getw(stream: *mut FILE) -> c_int => stdio::getw;
    coroutine fn gets | _IO_gets(line: *mut c_char) -> *mut c_char => stdio::gets;
    coroutine fn __gets_chk(line: *mut c_char, room: usize) -> *mut c_char => stdio::gets_chk;
    coroutine fn fgets | _IO_fgets(line: *mut c_char, size: c_int, stream: *mut FILE) -> *mut c_char => stdio::fgets;
    coroutine fn fgets_unlocked(line: *mut c_char, size: c_int, stream: *mut FILE) -> *mut c_char => stdio::fgets_unlocked;
    coroutine fn __fgets_chk(line: *mut c_char, room: usize, size: c_int, stream: *mut FILE) -> *mut c_char => stdio::fgets_chk;
    coroutine fn __fgets_unlocked_chk(line: *mut c_char, room: usize, size: c_int, stream: *mut FILE) -> *mut c_char => stdio::fgets_unlocked_chk;
    coroutine fn fread | _IO_fread(data: *mut c_void, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fread;
    coroutine fn fread_unlocked(data: *mut c_void, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fread_unlocked;
    coroutine fn __fread_chk(data: *mut c_void, room: usize, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fread_chk;
    coroutine fn __fread_unlocked_chk(data: *mut c_void, room: usize, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fread_unlocked_chk;
    coroutine fn getline(line: *mut *mut c_char, size: *mut usize, stream: *mut FILE) -> isize => stdio::getline;
    coroutine fn getdelim | __getdelim(line: *mut *mut c_char, size: *mut usize, delimiter: c_int, stream: *mut FILE) -> isize => stdio::getdelim;
    coroutine fn fscanf(stream: *mut FILE, format: *const c_char) -> c_int => stdio_format::fscanf;
    coroutine fn scanf(format: *const c_char) -> c_int => stdio_format::scanf;
    coroutine fn vfscanf | __vfscanf(stream: *mut FILE, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vfscanf;
    coroutine fn vscanf(format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vscanf;
    coroutine fn __isoc99_fscanf(stream: *mut FILE, format: *const c_char) -> c_int => stdio_format::isoc99_fscanf;
    coroutine fn __isoc99_scanf(format: *const c_char) -> c_int => stdio_format::isoc99_scanf;
    coroutine fn __isoc99_vfscanf(stream: *mut FILE, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::isoc99_vfscanf;
    coroutine fn __isoc99_vscanf(format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::isoc99_vscanf;
    coroutine fn __isoc23_fscanf(stream: *mut FILE, format: *const c_char) -> c_int => stdio_format::isoc23_fscanf;
    coroutine fn __isoc23_scanf(format: *const c_char) -> c_int => stdio_format::isoc23_scanf;
    coroutine fn __isoc23_vfscanf(stream: *mut FILE, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::isoc23_vfscanf;
    coroutine fn __isoc23_vscanf(format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::isoc23_vscanf;

    // Streams: bytes out.
    coroutine fn putc | fputc | _IO_putc(byte: c_int, stream: *mut FILE) -> c_int => stdio::putc;
    coroutine fn putchar(byte: c_int) -> c_int => stdio::putchar;
    coroutine fn putc_unlocked | fputc_unlocked(byte: c_int, stream: *mut FILE) -> c_int => stdio::putc_unlocked;
    coroutine fn putchar_unlocked(byte: c_int) -> c_int => stdio::putchar_unlocked;
    coroutine fn __overflow(stream: *mut FILE, byte: c_int) -> c_int => stdio::overflow;
    coroutine fn putw(word: c_int, stream: *mut FILE) -> c_int => stdio::putw;
    coroutine fn puts | _IO_puts(text: *const c_char) -> c_int => stdio::puts;
    coroutine fn fputs | _IO_fputs(text: *const c_char, stream: *mut FILE) -> c_int => stdio::fputs;
    coroutine fn fputs_unlocked(text: *const c_char, stream: *mut FILE) -> c_int => stdio::fputs_unlocked;
    coroutine fn fwrite | _IO_fwrite(data: *const c_void, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fwrite;
    coroutine fn fwrite_unlocked(data: *const c_void, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fwrite_unlocked;
    coroutine fn fflush | _IO_fflush(stream: *mut FILE) -> c_int => stdio::fflush;
    coroutine fn fflush_unlocked(stream: *mut FILE) -> c_int => stdio::fflush_unlocked;
    coroutine fn fprintf | _IO_fprintf(stream: *mut FILE, format: *const c_char) -> c_int => stdio_format::fprintf;
    coroutine fn printf | _IO_printf(format: *const c_char) -> c_int => stdio_format::printf;
    coroutine fn dprintf(fd: c_int, format: *const c_char) -> c_int => stdio_format::dprintf;
    coroutine fn vfprintf | _IO_vfprintf(stream: *mut FILE, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vfprintf;
    coroutine fn vprintf(format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vprintf;
    coroutine fn vdprintf(fd: c_int, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vdprintf;
    coroutine fn __fprintf_chk(stream: *mut FILE, flag: c_int, format: *const c_char) -> c_int => stdio_format::fprintf_chk;
    coroutine fn __printf_chk(flag: c_int, format: *const c_char) -> c_int => stdio_format::printf_chk;
    coroutine fn __dprintf_chk(fd: c_int, flag: c_int, format: *const c_char) -> c_int => stdio_format::dprintf_chk;
    coroutine fn __vfprintf_chk(stream: *mut FILE, flag: c_int, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vfprintf_chk;
    coroutine fn __vprintf_chk(flag: c_int, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vprintf_chk;
    coroutine fn __vdprintf_chk(fd: c_int, flag: c_int, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vdprintf_chk;
    coroutine fn perror(what: *const c_char) -> () => stdio::perror;
    coroutine fn err(status: c_int, format: *const c_char) -> () => stdio_diagnostics::err;
    coroutine fn errx(status: c_int, format: *const c_char) -> () => stdio_diagnostics::errx;
    coroutine fn warn(format: *const c_char) -> () => stdio_diagnostics::warn;
    coroutine fn warnx(format: *const c_char) -> () => stdio_diagnostics::warnx;
    coroutine fn verr(status: c_int, format: *const c_char, arguments: *mut c_void) -> () => stdio_diagnostics::verr;
    coroutine fn verrx(status: c_int, format: *const c_char, arguments: *mut c_void) -> () => stdio_diagnostics::verrx;
    coroutine fn vwarn(format: *const c_char, arguments: *mut c_void) -> () => stdio_diagnostics::vwarn;
    coroutine fn vwarnx(format: *const c_char, arguments: *mut c_void) -> () => stdio_diagnostics::vwarnx;
    coroutine fn error(status: c_int, error: c_int, format: *const c_char) -> () => stdio_diagnostics::error;
    coroutine fn error_at_line(status: c_int, error: c_int, file: *const c_char, line: c_uint, format: *const c_char) -> () => stdio_diagnostics::error_at_line;
    coroutine fn psignal(signal: c_int, what: *const c_char) -> () => stdio_diagnostics::psignal;
    coroutine fn psiginfo(info: *const siginfo_t, what: *const c_char) -> () => stdio_diagnostics::psiginfo;
    coroutine fn syslog(priority: c_int, format: *const c_char) -> () => syslog::syslog;
    coroutine fn vsyslog(priority: c_int, format: *const c_char, arguments: *mut c_void) -> () => syslog::vsyslog;
    coroutine fn __syslog_chk(priority: c_int, flag: c_int, format: *const c_char) -> () => syslog::syslog_chk;
    coroutine fn __vsyslog_chk(priority: c_int, flag: c_int, format: *const c_char, arguments: *mut c_void) -> () => syslog::vsyslog_chk;
    coroutine fn openlog(name: *const c_char, options: c_int, facility: c_int) -> () => syslog::openlog;
    coroutine fn closelog() -> () => syslog::closelog;
    always fn setlogmask(mask: c_int) -> c_int => syslog::setlogmask;

    // Streams as a whole.
    coroutine fn fopen | fopen64 | _IO_fopen(path: *const c_char, mode: *const c_char) -> *mut FILE => stdio::fopen;
    keeper fn freopen | freopen64(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE => descriptor::freopen;
    keeper fn fclose | _IO_fclose(stream: *mut FILE) -> c_int => descriptor::fclose;
    coroutine fn pclose(stream: *mut FILE) -> c_int => stdio::pclose;
    coroutine fn fseek | fseeko | fseeko64(stream: *mut FILE, offset: c_long, whence: c_int) -> c_int => stdio::fseek;
    coroutine fn fsetpos | fsetpos64(stream: *mut FILE, position: *const c_void) -> c_int => stdio::fsetpos;
    coroutine fn rewind(stream: *mut FILE) -> () => stdio::rewind;
    coroutine fn setvbuf(stream: *mut FILE, buffer: *mut c_char, mode: c_int, size: usize) -> c_int => stdio::setvbuf;
    coroutine fn setbuf(stream: *mut FILE, buffer: *mut c_char) -> () => stdio::setbuf;
    coroutine fn setbuffer(stream: *mut FILE, buffer: *mut c_char, size: usize) -> () => stdio::setbuffer;
    coroutine fn flockfile(stream: *mut FILE) -> () => stdio::flockfile;
    coroutine fn ftrylockfile(stream: *mut FILE) -> c_int => stdio::ftrylockfile;
    keeper fn funlockfile(stream: *mut FILE) -> () => stdio::funlockfile;
        }
    };
}

pub(crate) use rows;
