//! may with one worker: coroutines with a scheduler, timers, conditions and sockets of its own.

use crate::measure::*;
use may::coroutine::{sleep, yield_now};
use may::go;
use may::sync::{Condvar, Mutex};
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, IntoRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3600);
static PARKED: AtomicUsize = AtomicUsize::new(0);

/// Runs `measure` as a coroutine, on one worker with stacks of 64 KiB (may counts words).
fn coroutine(measure: impl FnOnce() + Send + 'static) {
    may::config().set_workers(1).set_stack_size(8 * 1024);
    go!(move || {
        measure();
        finish();
    });
    std::thread::sleep(LONG);
}

/// Everybody counts his own turns: a yield need not go round in order. One worker, so that nobody else writes.
fn switch(count: usize) {
    static TURNS: AtomicUsize = AtomicUsize::new(0);
    for _ in 0..count {
        go!(|| {
            loop {
                TURNS.store(TURNS.load(Relaxed) + 1, Relaxed);
                yield_now();
            }
        });
    }
    sleep(Duration::from_millis(200));
    let (start, before) = (cpu_ns(), TURNS.load(Relaxed));
    sleep(Duration::from_secs_f64(budget_ns() / 1e9));
    figure("ns", (cpu_ns() - start) / (TURNS.load(Relaxed) - before) as f64);
}

fn park(count: usize) {
    for _ in 0..count {
        go!(|| {
            use_stack();
            PARKED.fetch_add(1, Relaxed);
            sleep(LONG);
        });
    }
    while PARKED.load(Relaxed) < count {
        sleep(Duration::from_millis(1));
    }
}

fn create(count: usize) {
    park(count - 1);
    let (mut spent, mut made) = (0.0, 0.0);
    while spent < budget_ns() {
        let start = cpu_ns();
        for _ in 0..1000 {
            go!(|| ()).join().expect("the coroutine ended");
        }
        spent += cpu_ns() - start;
        made += 1000.0;
    }
    figure("ns", spent / made);
}

fn memory(count: usize) {
    let (before, start) = (resident(), cpu_ns());
    park(count);
    figure("bytes", (resident() - before) / count as f64);
    figure("create_ns", (cpu_ns() - start) / count as f64);
}

fn lateness(late: &mut [f64]) {
    let early = late.iter().filter(|late| **late < 0.0).count();
    late.sort_by(f64::total_cmp);
    let not_early = &late[early..];
    figure("p50_us", share(not_early, 0.5) / 1e3);
    figure("p99_us", share(not_early, 0.99) / 1e3);
    figure("early_percent", 100.0 * early as f64 / late.len() as f64);
}

/// Sleeps of 1 to 1,000 ms; what comes after the first second counts. One worker: the lock is never waited for.
fn timers(count: usize) {
    static LATE: std::sync::Mutex<Vec<f64>> = std::sync::Mutex::new(Vec::new());
    let window = wall_ns() + 1e9;
    LATE.lock().expect("unpoisoned").reserve(1 << 20);
    for number in 0..count as u64 {
        go!(move || {
            let mut seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            loop {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let us = 1000 + seed % 999_000;
                let due = wall_ns() + us as f64 * 1e3;
                sleep(Duration::from_micros(us));
                let now = wall_ns();
                if now >= window {
                    LATE.lock().expect("unpoisoned").push(now - due);
                }
            }
        });
    }
    sleep(Duration::from_secs_f64(((window - wall_ns()) / 1e9).max(0.0)));
    let (start, before) = (cpu_ns(), LATE.lock().expect("unpoisoned").len());
    sleep(Duration::from_secs_f64(2.0 * budget_ns() / 1e9 + 0.5));
    let mut late = LATE.lock().expect("unpoisoned").split_off(before);
    figure("ns", (cpu_ns() - start) / late.len() as f64);
    lateness(&mut late);
}

fn precision(us: usize) {
    let (mut late, end) = (Vec::new(), wall_ns() + budget_ns());
    while wall_ns() < end {
        let due = wall_ns() + us as f64 * 1e3;
        sleep(Duration::from_micros(us as u64));
        late.push(wall_ns() - due);
    }
    lateness(&mut late);
}

#[derive(Default)]
struct Signal {
    set: Mutex<bool>,
    cond: Condvar,
}

impl Signal {
    fn wait(&self) {
        let mut set = self.set.lock().expect("unpoisoned");
        while !*set {
            set = self.cond.wait(set).expect("unpoisoned");
        }
        *set = false;
    }

    fn signal(&self) {
        *self.set.lock().expect("unpoisoned") = true;
        self.cond.notify_one();
    }
}

fn cond(pairs: usize) {
    let hand_offs = Arc::new(AtomicUsize::new(0));
    for pair in 0..pairs {
        let (ping, pong) = (Arc::new(Signal::default()), Arc::new(Signal::default()));
        let (ping_too, pong_too, done) = (ping.clone(), pong.clone(), hand_offs.clone());
        go!(move || {
            loop {
                pong_too.wait();
                ping_too.signal();
            }
        });
        go!(move || {
            let start = cpu_ns();
            for round in 1.. {
                pong.signal();
                ping.wait();
                let so_far = done.fetch_add(2, Relaxed) + 2;
                let look = round % 16 == 0 && (pairs > 1 || round % 4096 == 0);
                if pair == 0 && look && cpu_ns() > start + budget_ns() {
                    figure("ns", (cpu_ns() - start) / so_far as f64);
                    finish();
                }
            }
        });
    }
    sleep(LONG);
}

fn idle(count: usize) -> ! {
    // SAFETY: the process has one thread here.
    let child = unsafe { libc::fork() };
    if child == 0 {
        coroutine(move || {
            for _ in 0..count {
                let (mut left, right) = may::os::unix::net::UnixStream::pair().expect("a pair of sockets");
                go!(move || left.read(&mut [0; 1]));
                std::mem::forget(right);
                go!(|| sleep(LONG));
            }
            sleep(LONG);
        });
    }
    std::thread::sleep(Duration::from_secs(1));
    let (before, start) = (sleeps(child), wall_ns());
    std::thread::sleep(Duration::from_secs_f64(budget_ns() * 3.0 / 1e9));
    figure("wakeups", (sleeps(child) - before) / (wall_ns() - start) * 1e9);
    // SAFETY: the child is ours and not waited for yet.
    unsafe { libc::kill(child, libc::SIGKILL) };
    finish()
}

/// A coroutine a connection; the listener is descriptor 3.
fn echo() -> ! {
    may::config().set_workers(1).set_stack_size(4 * 1024);
    // SAFETY: whoever starts the program hands descriptor 3 over.
    let listener = unsafe { may::net::TcpListener::from_raw_fd(3) };
    go!(move || {
        for peer in listener.incoming().flatten() {
            go!(move || {
                let (mut peer, mut message) = (peer, [0; 1024]);
                while let Ok(got) = peer.read(&mut message) {
                    if got == 0 || peer.write_all(&message[..got]).is_err() {
                        break;
                    }
                }
            });
        }
        listener.into_raw_fd()
    });
    std::thread::sleep(LONG);
    finish()
}

pub fn run(mode: &str, count: usize) {
    pin();
    match mode {
        "switch" => coroutine(move || switch(count)),
        "create" => coroutine(move || create(count)),
        "memory" => coroutine(move || memory(count)),
        "timers" => coroutine(move || timers(count)),
        "precision" => coroutine(move || precision(count)),
        "cond" => coroutine(move || cond(count)),
        "idle" => idle(count),
        "echo" => echo(),
        _ => give_up(&format!("this peer has no {mode}")),
    }
}
