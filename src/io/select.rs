//! `select` for coroutines, in the same way as `poll`.

use core::ffi::c_int;
use core::ptr;
use std::io;

use super::error;
use super::signal::{Admitted, Masked};
use crate::clock::{self, Nanos};
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::Wake;

/// The sets of a `select`: for reading, writing, exceptions; each may be null.
pub type Sets = [*mut libc::fd_set; 3];

/// What each set waits for. Exceptional is what poll calls urgent.
const EVENTS: [u32; 3] =
    [(libc::EPOLLIN | libc::EPOLLRDHUP) as u32, libc::EPOLLOUT as u32, libc::EPOLLPRI as u32];

/// The kernel's largest table of descriptors; a larger `count` is cut to the table's size by the kernel.
const MOST: usize = 1 << 20;

/// `select`, and `pselect` with a signal mask. Gives the number of bits set; zero with empty sets at
/// `deadline`. EBADF when a descriptor of a set is, or becomes while it is waited for, closed.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; the sets are the program's, as for the call itself.
pub unsafe fn select(
    scheduler: *mut Scheduler, count: c_int, sets: Sets, deadline: Nanos, mask: *const libc::sigset_t,
) -> io::Result<usize> {
    let bytes = usize::try_from(count).map_err(|_| error(libc::EINVAL))?.min(MOST).div_ceil(64) * 8;
    // SAFETY: by contract; the kernel reads and writes `count` bits of each set, in whole words.
    unsafe {
        // The kernel overwrites its sets each time it is asked; the program's change when the answer is known.
        let asked = Scheduler::scratch(scheduler, 6 * bytes)?;
        let answers = asked.add(3 * bytes);
        for (i, set) in sets.iter().enumerate().filter(|(_, set)| !set.is_null()) {
            sys::copy_in(set.cast(), asked.add(i * bytes), bytes)?;
        }
        let mut places = [0, 1, 2].map(|i| answers.add(i * bytes).cast::<libc::fd_set>());
        for (place, set) in places.iter_mut().zip(sets) {
            if set.is_null() {
                *place = ptr::null_mut();
            }
        }
        let look = || {
            ptr::copy_nonoverlapping(asked, answers, 3 * bytes);
            sys::select_now(count, places, mask)
        };
        Scheduler::begin_wait(scheduler, deadline);
        let mut found = look()?;
        let mut masked = Masked::new(scheduler, Admitted::by(mask)?);
        while found == 0 && clock::is_ahead(deadline) {
            let watched = (0..bytes * 8).filter(|&fd| events(asked, bytes, fd) != 0).count();
            let mut closed = false;
            let wake = masked.park(scheduler, deadline, |signals, until| {
                let fds = (0..bytes * 8).filter(|&fd| events(asked, bytes, fd) != 0);
                let wants = fds.map(|fd| (fd as c_int, events(asked, bytes, fd)));
                let own = signals.map(|fd| (fd, libc::EPOLLIN as u32));
                let wants = Counted(wants.chain(own), watched + usize::from(own.is_some()));
                Scheduler::wait(scheduler, wants, until, |_| closed = true)
            });
            if closed {
                return Err(error(libc::EBADF));
            }
            found = look()?;
            if found == 0 && masked.ends(wake) {
                return Err(error(libc::EINTR));
            }
            if wake == Wake::TimedOut {
                break;
            }
        }
        for (place, set) in places.iter().zip(sets).filter(|(_, set)| !set.is_null()) {
            sys::copy_out(place.cast(), set.cast(), bytes)?;
        }
        Ok(found)
    }
}

/// The events that `fd` is waited for with.
unsafe fn events(asked: *const u8, bytes: usize, fd: usize) -> u32 {
    EVENTS.iter().enumerate().fold(0, |all, (i, events)| {
        // SAFETY: `fd` is below the number of bits in each of the three sets.
        let set = unsafe { *asked.add(i * bytes + fd / 8) } & (1 << (fd % 8)) != 0;
        if set { all | events } else { all }
    })
}

/// An iterator whose length was counted beforehand.
struct Counted<I>(I, usize);

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}
