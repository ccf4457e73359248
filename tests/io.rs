//! Blocking calls as coroutines make them, through the core: no hook takes part.

mod common;

use core::ffi::c_int;
use core::ptr;
use core::time::Duration;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use colib_core::clock::{self, NEVER};
use colib_core::io;
use colib_core::scheduler::{self, Scheduler};
use colib_core::sys;
use common::{release, run_all, spawn};

fn pair(kind: c_int) -> [c_int; 2] {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    assert_eq!(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) }, 0);
    fds
}

fn pipe() -> [c_int; 2] {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    assert_eq!(unsafe { libc::pipe(fds.as_mut_ptr()) }, 0);
    fds
}

fn close(fds: &[c_int]) {
    for &fd in fds {
        scheduler::closing(fd);
        sys::close(fd);
    }
}

fn errno<T>(result: std::io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

fn wait(scheduler: *mut Scheduler, millis: u64) {
    // SAFETY: called in a coroutine of this thread.
    unsafe { io::sleep_until(scheduler, clock::after(Duration::from_millis(millis))) }.unwrap();
}

fn read(scheduler: *mut Scheduler, fd: c_int, buffer: &mut [u8]) -> std::io::Result<usize> {
    // SAFETY: as above; the buffer is writable.
    unsafe { io::read(scheduler, fd, buffer.as_mut_ptr().cast(), buffer.len()) }
}

fn write(scheduler: *mut Scheduler, fd: c_int, bytes: &[u8]) -> std::io::Result<usize> {
    // SAFETY: as above; the bytes are readable.
    unsafe { io::write(scheduler, fd, bytes.as_ptr().cast(), bytes.len()) }
}

#[test]
fn a_read_waits_for_the_write_of_another_coroutine() {
    for [reader, writer] in [pair(libc::SOCK_STREAM), pair(libc::SOCK_DGRAM), pipe()] {
        let first = spawn(move |scheduler| {
            let mut buffer = [0; 16];
            assert_eq!(read(scheduler, reader, &mut buffer).unwrap(), 5);
            assert_eq!(&buffer[..5], b"hello");
        });
        let second = spawn(move |scheduler| {
            wait(scheduler, 5);
            assert_eq!(write(scheduler, writer, b"hello").unwrap(), 5);
        });
        run_all();
        release(first, true);
        release(second, true);
        close(&[reader, writer]);
    }
}

#[test]
fn a_large_write_returns_when_all_is_written() {
    const SIZE: usize = 3 << 20;
    for [reader, writer] in [pair(libc::SOCK_STREAM), pipe()] {
        let first = spawn(move |scheduler| {
            let bytes: Vec<u8> = (0..SIZE).map(|i| (i % 251) as u8).collect();
            assert_eq!(write(scheduler, writer, &bytes).unwrap(), SIZE);
            close(&[writer]);
        });
        let second = spawn(move |scheduler| {
            let (mut buffer, mut seen) = (vec![0; 10_000], 0);
            loop {
                let n = read(scheduler, reader, &mut buffer).unwrap();
                if n == 0 {
                    break;
                }
                assert!(buffer[..n].iter().enumerate().all(|(i, &b)| b == ((seen + i) % 251) as u8));
                seen += n;
            }
            assert_eq!(seen, SIZE);
            close(&[reader]);
        });
        run_all();
        release(first, true);
        release(second, true);
    }
}

#[test]
fn a_read_times_out_with_eagain_after_so_rcvtimeo() {
    let [reader, writer] = pair(libc::SOCK_STREAM);
    let time = libc::timeval { tv_sec: 0, tv_usec: 20_000 };
    let size = size_of::<libc::timeval>() as u32;
    // SAFETY: a readable option of the right size.
    let set = unsafe {
        libc::setsockopt(reader, libc::SOL_SOCKET, libc::SO_RCVTIMEO, (&raw const time).cast(), size)
    };
    assert_eq!(set, 0);
    let co = spawn(move |scheduler| {
        let begin = clock::now();
        assert_eq!(errno(read(scheduler, reader, &mut [0; 4])), Some(libc::EAGAIN));
        assert!(clock::now() - begin >= 20_000_000);
    });
    run_all();
    release(co, true);
    close(&[reader, writer]);
}

#[test]
fn a_non_blocking_description_never_waits() {
    let [reader, writer] = pair(libc::SOCK_STREAM);
    sys::fcntl(reader, libc::F_SETFL, libc::O_NONBLOCK).unwrap();
    let co = spawn(move |scheduler| {
        assert_eq!(errno(read(scheduler, reader, &mut [0; 4])), Some(libc::EAGAIN));
    });
    release(co, true);
    close(&[reader, writer]);
}

#[test]
fn every_waiter_of_one_descriptor_is_served() {
    let [reader, writer] = pair(libc::SOCK_STREAM);
    let served = Rc::new(Cell::new(0));
    let all: Vec<_> = (0..10)
        .map(|_| {
            let served = served.clone();
            spawn(move |scheduler| {
                assert_eq!(read(scheduler, reader, &mut [0; 1]).unwrap(), 1);
                served.set(served.get() + 1);
            })
        })
        .collect();
    let co = spawn(move |scheduler| assert_eq!(write(scheduler, writer, b"0123456789").unwrap(), 10));
    run_all();
    assert_eq!(served.get(), 10);
    all.into_iter().chain([co]).for_each(|co| release(co, true));
    close(&[reader, writer]);
}

#[test]
fn closing_wakes_who_waits_with_ebadf_although_a_duplicate_lives() {
    let [reader, writer] = pair(libc::SOCK_STREAM);
    let duplicate = sys::fcntl(reader, libc::F_DUPFD_CLOEXEC, 0).unwrap();
    let first = spawn(move |scheduler| {
        assert_eq!(errno(read(scheduler, reader, &mut [0; 1])), Some(libc::EBADF));
    });
    let second = spawn(move |_| close(&[reader]));
    run_all();
    release(first, true);
    release(second, true);
    close(&[duplicate, writer]);
}

#[test]
fn a_number_closed_unseen_and_used_again_does_not_hang() {
    let [old, peer] = pair(libc::SOCK_STREAM);
    let first = spawn(move |scheduler| assert_eq!(read(scheduler, old, &mut [0; 1]).unwrap(), 0));
    close(&[peer]);
    run_all();
    // No hook, no word to the library: as libc closes inside itself.
    sys::close(old);
    let [reader, writer] = pair(libc::SOCK_STREAM);
    assert!(reader == old || writer == old, "the number is used again");
    let (reader, writer) = if reader == old { (reader, writer) } else { (writer, reader) };
    let second = spawn(move |scheduler| assert_eq!(read(scheduler, reader, &mut [0; 1]).unwrap(), 1));
    let third = spawn(move |scheduler| {
        wait(scheduler, 30);
        assert_eq!(write(scheduler, writer, b"x").unwrap(), 1);
    });
    run_all();
    [first, second, third].into_iter().for_each(|co| release(co, true));
    close(&[reader, writer]);
}

#[test]
fn poll_tells_of_each_element_what_the_kernel_would() {
    let ([reader, writer], [quiet, other]) = (pipe(), pipe());
    let co = spawn(move |scheduler| {
        let element = |fd, events| libc::pollfd { fd, events, revents: 0x55 };
        let mut fds = [
            element(reader, libc::POLLIN),
            element(quiet, libc::POLLIN),
            element(-1, libc::POLLIN),
            element(reader, libc::POLLIN),
        ];
        // SAFETY: a coroutine of this thread runs; four elements.
        let found = unsafe { io::poll(scheduler, fds.as_mut_ptr(), 4, NEVER, ptr::null()) };
        assert_eq!(found.unwrap(), 2);
        assert_eq!(fds.map(|f| f.revents), [libc::POLLIN, 0, 0, libc::POLLIN]);
        // SAFETY: as above.
        let found = unsafe { io::poll(scheduler, &mut fds[1], 1, clock::after_millis(10), ptr::null()) };
        assert_eq!((found.unwrap(), fds[1].revents), (0, 0));
    });
    let feeder = spawn(move |scheduler| {
        wait(scheduler, 5);
        assert_eq!(write(scheduler, writer, b"x").unwrap(), 1);
    });
    run_all();
    release(co, true);
    release(feeder, true);
    close(&[reader, writer, quiet, other]);
}

#[test]
fn helpers_work_while_coroutines_go_on() {
    let ticks = Rc::new(Cell::new(0));
    let (counted, seen) = (ticks.clone(), ticks.clone());
    let slow = spawn(move |scheduler| {
        let work = || {
            std::thread::sleep(Duration::from_millis(60));
            42
        };
        // SAFETY: a coroutine of this thread runs.
        assert_eq!(unsafe { io::offload::run(scheduler, work) }.unwrap(), 42);
        assert!(seen.get() > 0, "the thread went on");
    });
    let ticker = spawn(move |scheduler| {
        for _ in 0..5 {
            wait(scheduler, 5);
            counted.set(counted.get() + 1);
        }
    });
    run_all();
    release(slow, true);
    release(ticker, true);
}

#[test]
fn a_coroutine_released_during_a_helpers_work_is_not_missed() {
    let co = spawn(|scheduler| {
        // SAFETY: as above.
        let _ = unsafe { io::offload::run(scheduler, || std::thread::sleep(Duration::from_millis(20))) };
        unreachable!("it was released");
    });
    release(co, false);
    let other = spawn(|scheduler| wait(scheduler, 50));
    run_all();
    release(other, true);
}

#[test]
fn short_jobs_share_a_limited_number_of_helpers() {
    static AT_WORK: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let work = || {
        MOST.fetch_max(AT_WORK.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        AT_WORK.fetch_sub(1, Ordering::SeqCst);
    };
    let jobs: Vec<_> = (0..200)
        .map(|_| {
            spawn(move |scheduler| {
                // SAFETY: as above.
                unsafe { io::offload::run(scheduler, work) }.unwrap()
            })
        })
        .collect();
    run_all();
    jobs.into_iter().for_each(|job| release(job, true));
    let most = MOST.load(Ordering::SeqCst);
    assert!((2..=64).contains(&most), "{most} at once");
}
