//! How a hook enters the core: with hooks off, and answering as libc does.

use std::io;

use colib_core::capi::answer;
use colib_core::scheduler::Scheduler;
use colib_core::tls;

/// Does a coroutine's call in the core, with hooks off meanwhile (invariant 7), and answers as libc does.
#[inline(always)]
pub fn call<T: TryInto<isize>>(work: impl FnOnce(*mut Scheduler) -> io::Result<T>) -> isize {
    answer(apart(work))
}

/// Does something in the core on behalf of the program, with hooks off meanwhile.
#[inline(always)]
pub fn apart<T>(work: impl FnOnce(*mut Scheduler) -> T) -> T {
    let word = tls::hook_word();
    tls::set_hook_word(0);
    let result = work(Scheduler::get());
    tls::set_hook_word(word);
    result
}
