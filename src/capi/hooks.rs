use crate::scheduler::Scheduler;
use crate::tls;

/// Turns hooks on for the running coroutine: from now on its blocking calls let the thread go on. Outside
/// any coroutine it is remembered for co_is_enable_sys_hook, once the thread has made one, and changes nothing else:
/// calls block.
///
/// A coroutine that co_eventloop resumed and whose calls never have to wait lets the others run now and then, in a
/// call that could wait. One that co_resume went on with does so after some thousand calls in a row: co_resume returns
/// then, as when the coroutine waits. Calls on non-blocking descriptors, and co_poll without time, never do.
#[unsafe(no_mangle)]
pub extern "C" fn co_enable_hook_sys() {
    set(true);
}

/// Turns hooks off for the running coroutine: its calls are libc's own and block the thread.
#[unsafe(no_mangle)]
pub extern "C" fn co_disable_hook_sys() {
    set(false);
}

fn set(on: bool) {
    let this = Scheduler::get();
    if this.is_null() {
        return;
    }
    // SAFETY: the calling thread's scheduler is valid.
    unsafe {
        let me = Scheduler::current(this);
        (*me).hooked = on;
        if !(*me).is_main && tls::handlers() == 0 {
            Scheduler::go_over(if on { tls::HOOKED } else { 0 });
        }
    }
}

/// Whether hooks are on for the running coroutine; outside any, what was last asked for there, and false before the
/// thread has made a coroutine.
#[unsafe(no_mangle)]
pub extern "C" fn co_is_enable_sys_hook() -> bool {
    let this = Scheduler::get();
    // SAFETY: as above.
    !this.is_null() && unsafe { (*Scheduler::current(this)).hooked }
}
