//! The library's own descriptors: late, high, and out of the program's way.

mod common;

use core::sync::atomic::{AtomicBool, Ordering};

use colib_core::io;
use colib_core::reactor::{Remote, registry};
use colib_core::scheduler::Scheduler;
use colib_core::{clock, sys};
use common::{release, run_all, spawn};

/// A socket with nothing to read, and what could be read from it.
fn quiet_socket() -> [i32; 2] {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    assert_eq!(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, fds.as_mut_ptr()) }, 0);
    fds
}

fn wait_briefly(scheduler: *mut Scheduler, fd: i32) {
    let mut one = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: a coroutine of this thread runs; one element.
    let found = unsafe { io::poll(scheduler, &mut one, 1, clock::after_millis(3), core::ptr::null()) };
    assert_eq!(found.unwrap(), 0);
}

#[test]
fn the_librarys_descriptors_are_known_as_its_own_and_close_on_exec() {
    let [quiet, peer] = quiet_socket();
    let co = spawn(move |scheduler| wait_briefly(scheduler, quiet));
    run_all();
    release(co, true);
    let own: Vec<_> = registry::known(0, i32::MAX).filter(|(_, own)| *own).map(|(fd, _)| fd).collect();
    assert!(own.len() >= 2, "an epoll instance and a bell");
    for fd in own {
        assert!(registry::is_own(fd));
        assert_eq!(sys::fcntl(fd, libc::F_GETFD, 0).unwrap() & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    }
    assert!(!registry::is_own(quiet));
    sys::close(quiet);
    sys::close(peer);
}

#[test]
fn a_loop_whose_epoll_instance_was_closed_from_outside_makes_a_new_one() {
    let [quiet, peer] = quiet_socket();
    let co = spawn(move |scheduler| {
        wait_briefly(scheduler, quiet);
        // SAFETY: as above.
        let epoll = unsafe { Scheduler::remote(scheduler) }.epoll.load(core::sync::atomic::Ordering::Relaxed);
        // As a raw system call of the program would.
        sys::close(epoll);
        wait_briefly(scheduler, quiet);
        wait_briefly(scheduler, quiet);
    });
    run_all();
    release(co, true);
    sys::close(quiet);
    sys::close(peer);
}

#[test]
fn a_closing_after_a_registration_is_seen_or_finds_its_mark() {
    const ROUNDS: usize = 1_000_000;
    // The process is one that runs coroutines; the number is nobody's.
    release(spawn(|_| ()), true);
    let (fd, remote, over) = (70_000, Remote::new(), AtomicBool::new(false));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                registry::closing_in_handler(fd);
            }
        });
        for _ in 0..ROUNDS {
            let generation = registry::registered(fd, &remote).unwrap();
            let doubts = registry::DOUBTS.load(Ordering::SeqCst);
            registry::closed_in_handler(fd);
            let found = registry::DOUBTS.load(Ordering::SeqCst) != doubts;
            if !found && registry::generation(fd) == generation {
                over.store(true, Ordering::Relaxed);
                panic!("nobody would make sure of a registration of what was closed");
            }
        }
        over.store(true, Ordering::Relaxed);
    });
}
