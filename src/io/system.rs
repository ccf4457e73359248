//! Commands: `system` and `pclose`.
//!
//! libc's `system` gives its child the calling thread's signal mask, and a helper's blocks everything, so the
//! command is started here, on the coroutine's own thread, and its end is readiness of its pidfd.

use core::ffi::{CStr, c_char, c_int};
use core::mem::{MaybeUninit, offset_of, zeroed};
use core::ptr;
use std::io;

use super::child::{Looks, await_end_of};
use super::error;
use super::owned::discard;
use crate::clock::NEVER;
use crate::fork::{Handlers, Side};
use crate::latch::Mutex;
use crate::reactor::{adopt, registry};
use crate::scheduler::Scheduler;
use crate::sys::{self, SignalAction};
use crate::waiter::{Exit, Interrupt, Waiter, Wake};

unsafe extern "C" {
    static mut environ: *const *mut c_char;
    fn __errno_location() -> *mut c_int;
}

/// The status of a shell that could not be started.
const NO_SHELL: c_int = 127 << 8;

/// The signals of the keyboard are ignored while a command runs: how many do, and what they did before.
struct Keyboard {
    commands: usize,
    before: [SignalAction; 2],
}

const KEYBOARD_SIGNALS: [c_int; 2] = [libc::SIGINT, libc::SIGQUIT];
static KEYBOARD: Mutex<Keyboard> = Mutex::new(Keyboard {
    commands: 0,
    before: [SignalAction { handler: 0, flags: 0, restorer: 0, mask: 0 }; 2],
});

/// What this part of the library does around a fork.
pub static FORK: Handlers = Handlers { stop, go_on, later: |_| () };

fn stop() {
    core::mem::forget(KEYBOARD.lock());
}

unsafe fn go_on(_: Side) {
    // SAFETY: `stop` ran on this thread.
    unsafe { KEYBOARD.force_unlock() };
}

/// A command begins. Gives which of the signals of the keyboard the command does not ignore.
fn ignore_keyboard() -> [bool; 2] {
    let mut keyboard = KEYBOARD.lock();
    keyboard.commands += 1;
    if keyboard.commands == 1 {
        let ignore = SignalAction { handler: libc::SIG_IGN, ..SignalAction::default() };
        keyboard.before =
            KEYBOARD_SIGNALS.map(|signal| sys::signal_action(signal, Some(&ignore)).unwrap_or_default());
    }
    keyboard.before.map(|before| before.handler != libc::SIG_IGN)
}

fn heed_keyboard() {
    let mut keyboard = KEYBOARD.lock();
    keyboard.commands -= 1;
    if keyboard.commands == 0 {
        for (signal, before) in KEYBOARD_SIGNALS.into_iter().zip(&keyboard.before) {
            let _ = sys::signal_action(signal, Some(before));
        }
    }
}

/// A command that runs. The coroutine owns it through `exit`.
struct Command {
    exit: Exit,
    pid: libc::pid_t,
    pidfd: c_int,
}

impl Drop for Command {
    fn drop(&mut self) {
        discard(self.pidfd);
        heed_keyboard();
    }
}

unsafe fn abandon(exit: *const Exit, _: *const Waiter, _: Option<Wake>) -> Option<Wake> {
    let command = exit.wrapping_byte_sub(offset_of!(Command, exit)).cast_mut().cast::<Command>();
    // SAFETY: `system` made it.
    drop(unsafe { Box::from_raw(command) });
    None
}

/// `system`: the status of the command; zero or not without one, as there is a shell or not.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `command` is null or the program's.
pub unsafe fn system(scheduler: *mut Scheduler, command: *const c_char) -> io::Result<c_int> {
    // SAFETY: by contract.
    unsafe {
        if command.is_null() {
            return Ok(c_int::from(system(scheduler, c"exit 0".as_ptr())? == 0));
        }
        if !super::offload::has_memory() {
            return Err(error(libc::ENOMEM));
        }
        let running = match start(CStr::from_ptr(command)) {
            Ok(running) => running,
            Err((status, errno)) => {
                *__errno_location() = errno;
                return Ok(status);
            }
        };
        let running = Box::into_raw(Box::new(running));
        let waiter = &raw const (*Scheduler::current(scheduler)).waiter;
        (*waiter).exit.set(&raw const (*running).exit);
        let status = end_of(scheduler, running);
        (*waiter).exit.set(ptr::null());
        abandon(&raw const (*running).exit, waiter, None);
        status
    }
}

/// Starts the shell with the mask of this thread; the signals of the keyboard are what they were before any
/// command. The status and `errno` when there is no shell.
unsafe fn start(command: &CStr) -> Result<Command, (c_int, c_int)> {
    let heeded = ignore_keyboard();
    // SAFETY: every object is initialised before it is used, and destroyed after. The child cannot be gone before
    // its pidfd is open: whoever would wait for it in a handler of its end is kept waiting.
    unsafe {
        let (mut ends, mut before, mut reset) = (zeroed(), zeroed(), zeroed());
        libc::sigemptyset(&mut ends);
        libc::sigaddset(&mut ends, libc::SIGCHLD);
        libc::pthread_sigmask(libc::SIG_BLOCK, &ends, &mut before);
        libc::sigemptyset(&mut reset);
        for (signal, _) in KEYBOARD_SIGNALS.into_iter().zip(heeded).filter(|(_, heeded)| *heeded) {
            libc::sigaddset(&mut reset, signal);
        }
        let mut attributes = MaybeUninit::uninit();
        libc::posix_spawnattr_init(attributes.as_mut_ptr());
        let attributes = attributes.as_mut_ptr();
        libc::posix_spawnattr_setsigmask(attributes, &before);
        libc::posix_spawnattr_setsigdefault(attributes, &reset);
        let flags = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;
        libc::posix_spawnattr_setflags(attributes, flags as i16);
        let arguments = [c"sh".as_ptr(), c"-c".as_ptr(), command.as_ptr(), ptr::null()];
        let mut pid = 0;
        let failed = libc::posix_spawn(
            &mut pid,
            c"/bin/sh".as_ptr(),
            ptr::null(),
            attributes,
            arguments.as_ptr().cast(),
            environ,
        );
        libc::posix_spawnattr_destroy(attributes);
        let pidfd = if failed == 0 { sys::pidfd(pid).and_then(adopt) } else { Ok(-1) };
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        if failed != 0 {
            heed_keyboard();
            return Err((NO_SHELL, failed));
        }
        Ok(Command { exit: Exit { leave: abandon }, pid, pidfd: pidfd.unwrap_or(-1) })
    }
}

/// Waits for the command's end, and kills it when the thread that waits is to be cancelled. A handler of the program's may
/// have waited for all its children: then the kernel still knows the status, where it is recent enough.
unsafe fn end_of(scheduler: *mut Scheduler, running: *const Command) -> io::Result<c_int> {
    // SAFETY: by contract of `system`; the command is the coroutine's.
    unsafe {
        let Command { pid, pidfd, .. } = *running;
        let since = Scheduler::moment(scheduler);
        let (mut looks, mut status) = (Looks::AT_THE_END, 0);
        let mut ends_by = Interrupt::Cancelled;
        loop {
            match sys::wait4(pid, &raw mut status, libc::WNOHANG, ptr::null_mut()) {
                Ok(0) => {
                    // The kernel has none to give, or somebody has closed it.
                    let (pidfd, until) =
                        if registry::is_own(pidfd) { (pidfd, NEVER) } else { (-1, looks.next()) };
                    // Only the cancellation of a thread interrupts this.
                    let waited = await_end_of(scheduler, pidfd, (ends_by, since), until);
                    if waited.is_err_and(|e| e.raw_os_error() == Some(libc::EINTR)) {
                        ends_by = Interrupt::Never;
                        sys::kill(pid);
                    }
                }
                Ok(_) if ends_by == Interrupt::Never => return Err(error(libc::EINTR)),
                Ok(_) => return Ok(status),
                Err(e) if registry::is_own(pidfd) => return sys::status_of_ended(pidfd).map_err(|_| e),
                Err(e) => return Err(e),
            }
        }
    }
}
