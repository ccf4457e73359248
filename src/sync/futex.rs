//! The system call `futex`, for programs that make locks of it themselves: those who wait stand in the lot.

use core::ffi::c_int;
use core::time::Duration;

use super::Limit;
use super::lot::{self, Ended};
use crate::clock;
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::Interrupt;

/// Wake-ups by other processes reach nobody in the lot.
const SHARED_RELOOK: Duration = Duration::from_millis(10);

/// What a thread waits for.
pub struct Wait {
    /// The word.
    pub address: usize,
    /// What it must still be when the wait begins.
    pub value: u32,
    /// Which wake-ups count.
    pub bits: u32,
    /// Until when.
    pub limit: Limit,
    /// Other processes use the word too.
    pub shared: bool,
}

/// The limit that `time` means: a point on the clock, or how long from now on. Null never comes.
///
/// # Safety
/// `time` is the program's.
pub unsafe fn limit(clock: c_int, time: *const libc::timespec, relative: bool) -> Result<Limit, c_int> {
    if time.is_null() {
        return Ok(Limit::NEVER);
    }
    // SAFETY: by contract; any bytes are a time.
    let mut at = unsafe { sys::read_in(time) }.map_err(|_| libc::EFAULT)?;
    if clock::duration(at).is_none() {
        return Err(libc::EINVAL);
    }
    if relative {
        let now = clock::read(clock);
        let nanos = at.tv_nsec + now.tv_nsec;
        at.tv_sec = at.tv_sec.saturating_add(now.tv_sec).saturating_add(nanos / 1_000_000_000);
        at.tv_nsec = nanos % 1_000_000_000;
    }
    // SAFETY: it is there.
    unsafe { Limit::new(clock, &at) }
}

/// `FUTEX_WAIT` of the running thread; gives an error's number.
///
/// # Safety
/// A thread runs, with the library's own code; the word is the program's.
pub unsafe fn wait(scheduler: *mut Scheduler, wait: &Wait) -> c_int {
    let address = core::ptr::with_exposed_provenance::<u32>(wait.address);
    // SAFETY: by contract. The place is left on every way.
    unsafe {
        let changed = || match sys::futex_compare(address, wait.value) {
            Ok(true) => 0,
            Ok(false) => libc::EAGAIN,
            Err(e) => e.raw_os_error().unwrap_or(libc::EFAULT),
        };
        let key = key(wait.address, wait.shared);
        let Some(place) = lot::stand(scheduler, key, wait.bits) else { return libc::ENOMEM };
        let error = changed();
        if error != 0 {
            lot::leave(scheduler, place, false);
            return error;
        }
        let relook = if wait.shared { SHARED_RELOOK } else { Duration::MAX };
        let by = if wait.limit.is_never() { Interrupt::Unrestarted } else { Interrupt::Any };
        let mut seen = false;
        let look = |poked| {
            seen = poked || wait.shared && changed() != 0;
            seen
        };
        match lot::until_called(scheduler, place, &wait.limit, relook, by, look) {
            Ended::Called => 0,
            Ended::TimedOut => libc::ETIMEDOUT,
            Ended::Looked if seen => 0,
            Ended::Looked => libc::EINTR,
        }
    }
}

/// `FUTEX_WAKE`: wakes up to `most` who wait for one of `bits`, and gives how many.
pub fn wake(address: usize, shared: bool, most: usize, bits: u32) -> usize {
    lot::wake(key(address, shared), most, bits)
}

/// Where those stand in the lot who wait for a word. Private and shared waits for the same one do not know of each other;
/// words are aligned.
fn key(address: usize, shared: bool) -> usize {
    address | usize::from(shared)
}
