//! Clocks and figures, as in benches/programs/bench.h.

use std::io::Write;

fn clock_ns(clock: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec that the call fills in.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

pub fn cpu_ns() -> f64 {
    clock_ns(libc::CLOCK_PROCESS_CPUTIME_ID)
}

pub fn wall_ns() -> f64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

pub fn budget_ns() -> f64 {
    std::env::var("BENCH_SECONDS").ok().and_then(|seconds| seconds.parse::<f64>().ok()).unwrap_or(0.3) * 1e9
}

pub fn figure(name: &str, value: f64) {
    println!("{name} {value:.5}");
}

/// Ends the process with what was printed; what waits elsewhere is not waited for.
pub fn finish() -> ! {
    let _ = std::io::stdout().flush();
    // SAFETY: ends the process and touches nothing.
    unsafe { libc::_exit(0) }
}

pub fn give_up(reason: &str) -> ! {
    eprintln!("{reason}");
    std::process::exit(77)
}

/// Keeps the process and its later threads on the first CPU.
pub fn pin() {
    // SAFETY: a set of CPUs is plain bits, and the call reads it only.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}

fn status(path: &str, key: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

/// Resident memory and page tables of the process, bytes.
pub fn resident() -> f64 {
    (status("/proc/self/status", "VmRSS") + status("/proc/self/status", "VmPTE")) * 1024.0
}

/// Times that a thread of the process has gone to sleep.
pub fn sleeps(process: libc::pid_t) -> f64 {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else { return 0.0 };
    tasks
        .flatten()
        .map(|task| status(&format!("{}/status", task.path().display()), "voluntary_ctxt_switches"))
        .sum()
}

/// 200 bytes of stack in use.
#[inline(always)]
pub fn use_stack() {
    std::hint::black_box(&mut [1u8; 200]);
}

/// The element below which `share` of all lie.
pub fn share(sorted: &[f64], share: f64) -> f64 {
    sorted.get((sorted.len() as f64 * share) as usize).copied().unwrap_or(0.0)
}
