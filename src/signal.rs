//! The program's signal handlers, and the report of an overflown stack.
//!
//! Once the process has coroutines, each handler runs behind a wrapper that turns hooks off for its time: a
//! handler may interrupt anything, malloc included, and parking it there would hand a held lock to other
//! coroutines. So its calls are the real ones, as they would be on a thread. The program still sees its own
//! handlers when it asks (`sigaction`), and SIGSEGV still ends it when it never asked for anything else.

use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::coroutine::Coroutine;
use crate::reactor::registry;
use crate::scheduler::{Scheduler, expected_handler, handler_ran};
use crate::stack::GUARD;
use crate::{context, sys, tls};

mod running;

pub use running::{Interruption, interruption, jumps, leave, leave_for, leaves_all, target_of};
use running::{Running, innermost};

/// Signal numbers run from 1 to 64.
const SIGNALS: usize = 65;

/// What the program installed, as far as the kernel's own record no longer tells.
struct Handler {
    function: AtomicUsize,
    flags: AtomicUsize,
}

static HANDLERS: [Handler; SIGNALS] =
    [const { Handler { function: AtomicUsize::new(0), flags: AtomicUsize::new(0) } }; SIGNALS];
static WRAPPED: AtomicBool = AtomicBool::new(false);

/// Flags that the wrapper changes behind the program's back.
const OURS: c_int = libc::SA_SIGINFO | libc::SA_ONSTACK;

/// `SI_TKILL` of asm-generic/siginfo.h: sent to a thread.
const SI_TKILL: c_int = -6;

/// Whether the calls that the program's handler of `signal` interrupts go on; `None` when there is no handler.
pub fn restarts(signal: c_int) -> Option<bool> {
    let handler = HANDLERS.get(usize::try_from(signal).ok()?)?;
    let function = handler.function.load(Ordering::Acquire);
    is_function(function).then(|| handler.flags.load(Ordering::Acquire) as c_int & libc::SA_RESTART != 0)
}

/// Whether handlers run behind the wrapper, so that `sigaction` must translate.
pub fn wraps_handlers() -> bool {
    WRAPPED.load(Ordering::Acquire)
}

/// Puts every handler of the process behind the wrapper. Called when a coroutine is made; see `fork` on what is
/// done once for a process.
#[inline(always)]
pub fn wrap_handlers() {
    if !ALL_WRAPPED.load(Ordering::Acquire) {
        wrap_all();
    }
}

static ALL_WRAPPED: AtomicBool = AtomicBool::new(false);

#[cold]
fn wrap_all() {
    WRAPPED.store(true, Ordering::Release);
    registry::ACTIVE.store(1, Ordering::Release);
    for signal in 1..SIGNALS as c_int {
        let Ok(mut action) = sys::signal_action(signal, None) else { continue };
        if action.handler == wrapper as *const () as usize {
            continue;
        }
        if is_function(action.handler) || signal == libc::SIGSEGV {
            let (function, flags) = translate(signal, action.handler, action.flags as c_int);
            action.handler = function;
            action.flags = flags as usize | SA_RESTORER;
            if action.restorer == 0 {
                action.restorer = restorer as *const () as usize;
            }
            let _ = sys::signal_action(signal, Some(&action));
        }
    }
    ALL_WRAPPED.store(true, Ordering::Release);
}

/// `SA_RESTORER` of the kernel's signal.h: the action names its own way back.
const SA_RESTORER: usize = 0x0400_0000;

fn is_function(handler: usize) -> bool {
    handler != libc::SIG_DFL && handler != libc::SIG_IGN && handler != wrapper as *const () as usize
}

/// Remembers what the program wants for `signal`, and gives what the kernel is to be told instead.
pub fn translate(signal: c_int, function: usize, flags: c_int) -> (usize, c_int) {
    let Some(handler) = HANDLERS.get(signal as usize) else { return (function, flags) };
    if !is_function(function) && signal != libc::SIGSEGV || function == libc::SIG_IGN {
        return (function, flags);
    }
    handler.function.store(function, Ordering::Release);
    handler.flags.store(flags as usize, Ordering::Release);
    let on_stack = if signal == libc::SIGSEGV { libc::SA_ONSTACK } else { 0 };
    (wrapper as *const () as usize, flags | libc::SA_SIGINFO | on_stack)
}

/// What the program last gave for `signal`, if that was behind the wrapper.
pub fn remembered(signal: c_int) -> (usize, c_int) {
    HANDLERS.get(signal as usize).map_or((libc::SIG_DFL, 0), |handler| {
        (handler.function.load(Ordering::Acquire), handler.flags.load(Ordering::Acquire) as c_int)
    })
}

/// The program's view of an action that the kernel records as `function` and `flags`, when `asked` is what
/// was remembered at that time.
pub fn original(asked: (usize, c_int), function: usize, flags: c_int) -> (usize, c_int) {
    if function == wrapper as *const () as usize {
        (asked.0, flags & !OURS | asked.1 & OURS)
    } else {
        (function, flags)
    }
}

/// What libc sends itself when the process changes its user or groups: each kernel thread must do so.
const SIGSETXID: c_int = 33;
/// libc's handler for that.
static IDENTITY: AtomicUsize = AtomicUsize::new(0);

/// Where threads are coroutines, libc's handler for changes of identity runs as the kernel's thread: it tells the one
/// who waits for that thread by what libc keeps of the running one. Called when the process may have got another
/// kernel thread, because libc installs the handler with the first.
pub fn heed_identity() {
    if Scheduler::kernel_base() == 0 || IDENTITY.load(Ordering::Acquire) != 0 {
        return;
    }
    let Ok(mut action) = sys::signal_action(SIGSETXID, None) else { return };
    if is_function(action.handler) {
        IDENTITY.store(action.handler, Ordering::Release);
        action.handler = change_identity as *const () as usize;
        let _ = sys::signal_action(SIGSETXID, Some(&action));
    }
}

unsafe extern "C" fn change_identity(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let (kernel, base) = (Scheduler::kernel_base(), tls::base());
    let function = IDENTITY.load(Ordering::Acquire);
    // SAFETY: libc's own handler, which gets what the kernel gave, on the block that libc made for this thread.
    unsafe {
        let handle = core::mem::transmute::<usize, WithInfo>(function);
        tls::on_base(if kernel == 0 { base } else { kernel }, || handle(signal, info, context));
    }
}

#[unsafe(naked)]
unsafe extern "C" fn restorer() {
    naked_asm!(include_str!("../asm/x86_64/restorer.S"), options(att_syntax))
}

type Plain = unsafe extern "C" fn(c_int);
type WithInfo = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

unsafe extern "C" fn wrapper(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let (word, own_word) = (tls::hook_word(), Scheduler::word());
    Scheduler::go_over(0);
    // SAFETY: the kernel calls this with a valid `info`.
    let (own_doing, for_a_thread) = unsafe { (is_own_doing(signal, info), is_for_a_thread(signal, info)) };
    // SAFETY: as above.
    let of_program = word != 0 && unsafe { !context::is_switch(instruction(context)) };
    let (outer, base, is_own) = (innermost(), tls::base(), own_doing || for_a_thread);
    if !is_own {
        change_base(signal, base);
    }
    let running = Running {
        outer,
        word,
        own_word,
        of_program,
        base,
        inner_there: tls::handlers(),
        context,
        signal,
        is_own,
    };
    tls::set_handlers((&raw const running).expose_provenance());
    let handler = &HANDLERS[signal as usize % SIGNALS];
    let function = handler.function.load(Ordering::Acquire);
    if is_function(function) && !own_doing {
        let restarts = handler.flags.load(Ordering::Acquire) as c_int & libc::SA_RESTART != 0;
        handler_ran(signal, restarts, for_a_thread);
    }
    // SAFETY: the kernel calls this with a valid `info`; `function` is the program's handler, which takes
    // one argument or three as its flags say.
    unsafe {
        if signal == libc::SIGSEGV {
            report_overflow((*info).si_addr() as usize, (*info).si_code);
        }
        if function == libc::SIG_DFL {
            die(signal, (*info).si_code);
        } else if handler.flags.load(Ordering::Acquire) as c_int & libc::SA_SIGINFO != 0 {
            core::mem::transmute::<usize, WithInfo>(function)(signal, info, context);
        } else {
            core::mem::transmute::<usize, Plain>(function)(signal);
        }
    }
    running.ends();
}

/// The instruction that comes next once the handler has returned.
unsafe fn instruction(interrupted: *const c_void) -> usize {
    // SAFETY: by contract of the caller: the kernel's picture of what it interrupted.
    let registers = unsafe { (*interrupted.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    registers[libc::REG_RIP as usize].cast_unsigned() as usize
}

/// Tells on whose thread-local storage a handler runs; null where each runs on that of what it interrupts.
static BASE_FOR: AtomicUsize = AtomicUsize::new(0);

/// From now on the handlers of signals to the process run on the thread-local storage whose base `base_for` gives, if
/// that is not zero. Nothing of the program runs there meanwhile, and its hook word is zero.
pub fn have_bases(base_for: fn(c_int) -> usize) {
    BASE_FOR.store(base_for as usize, Ordering::Release);
}

fn change_base(signal: c_int, base: usize) {
    let of = BASE_FOR.load(Ordering::Acquire);
    if of == 0 || Scheduler::kernel_base() == 0 {
        return;
    }
    // SAFETY: nonzero words were stored from functions of this type, which give blocks that nobody runs on.
    unsafe {
        let wanted = core::mem::transmute::<usize, fn(c_int) -> usize>(of)(signal);
        if wanted != 0 && wanted != base {
            tls::set_base(wanted);
        }
    }
}

/// Whether this process sent the signal to one of its threads.
unsafe fn is_for_a_thread(signal: c_int, info: *const libc::siginfo_t) -> bool {
    // SAFETY: by contract of the caller.
    unsafe {
        match (*info).si_code {
            SI_TKILL => (*info).si_pid() == sys::process_id(),
            libc::SI_QUEUE => (*info).si_pid() == sys::process_id() && expected_handler(signal),
            _ => false,
        }
    }
}

/// Whether the running code itself brought the signal about: then it interrupts no call.
unsafe fn is_own_doing(signal: c_int, info: *const libc::siginfo_t) -> bool {
    // SAFETY: by contract of the caller.
    unsafe {
        match signal {
            // The kernel sends it in the name of the process that writes.
            libc::SIGPIPE => (*info).si_code == libc::SI_USER && (*info).si_pid() == sys::process_id(),
            libc::SIGSEGV | libc::SIGBUS | libc::SIGFPE | libc::SIGILL | libc::SIGTRAP | libc::SIGSYS => {
                (*info).si_code > 0
            }
            _ => false,
        }
    }
}

/// Lets the signal do what it does by default: the instruction faults again on return, and a signal that
/// somebody sent is sent again.
fn die(signal: c_int, code: c_int) {
    let default = sys::SignalAction { handler: libc::SIG_DFL, flags: 0, restorer: 0, mask: 0 };
    let _ = sys::signal_action(signal, Some(&default));
    if code <= 0 {
        sys::raise(signal);
    }
}

fn report_overflow(address: usize, code: c_int) {
    let co: *mut Coroutine = Scheduler::running();
    if co.is_null() || code <= 0 {
        return;
    }
    // SAFETY: the coroutine that runs is valid.
    let Some((low, size)) = (unsafe { (*co).stack() }) else { return };
    let (low, high) = (low as usize, low as usize + size);
    if (low - GUARD..low).contains(&address) {
        // SAFETY: as above.
        match unsafe { ((*co).is_thread(), (*co).base()) } {
            (false, _) => {
                complain!("stack overflow in coroutine {co:p}: its stack is {low:#x}-{high:#x}, {size} bytes")
            }
            (true, thread) => {
                complain!(
                    "stack overflow in thread {thread:#x}: its stack is {low:#x}-{high:#x}, {size} bytes"
                );
            }
        }
    }
}
