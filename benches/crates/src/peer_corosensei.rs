//! corosensei: the switch is inlined into whoever resumes; a stack is kept for the next coroutine.

use crate::measure::{budget_ns, cpu_ns, figure, finish, give_up, pin, resident, use_stack};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};

type Peer = Coroutine<(), (), ()>;

fn stack(made: usize) -> DefaultStack {
    DefaultStack::new(64 * 1024).unwrap_or_else(|error| give_up(&format!("stacks end at {made}: {error}")))
}

fn parked(count: usize) -> Vec<Peer> {
    let make = |number| {
        let mut peer = Peer::with_stack(stack(number), |yielder, ()| {
            use_stack();
            loop {
                yielder.suspend(());
            }
        });
        peer.resume(());
        peer
    };
    let mut all = Vec::with_capacity(count);
    all.extend((0..count).map(make));
    all
}

fn switch(count: usize) {
    let mut all = parked(count);
    let rounds = 200_000 / count + 1;
    let (mut spent, mut switches) = (0.0, 0.0);
    while spent < budget_ns() {
        let start = cpu_ns();
        for _ in 0..rounds {
            for peer in &mut all {
                peer.resume(());
            }
        }
        spent += cpu_ns() - start;
        switches += 2.0 * (rounds * count) as f64;
    }
    figure("ns", spent / switches);
    std::mem::forget(all);
}

fn create(count: usize) {
    let others = parked(count - 1);
    let mut kept = Some(stack(0));
    let (mut spent, mut made) = (0.0, 0.0);
    while spent < budget_ns() {
        let start = cpu_ns();
        for _ in 0..100_000 {
            let mut peer = Peer::with_stack(kept.take().expect("the stack came back"), |_, ()| ());
            assert!(matches!(peer.resume(()), CoroutineResult::Return(())));
            kept = Some(peer.into_stack());
        }
        spent += cpu_ns() - start;
        made += 100_000.0;
    }
    figure("ns", spent / made);
    std::mem::forget(others);
}

fn memory(count: usize) {
    let warm = parked(1);
    let (before, start) = (resident(), cpu_ns());
    let all = parked(count);
    let spent = cpu_ns() - start;
    figure("bytes", (resident() - before) / count as f64);
    figure("create_ns", spent / count as f64);
    std::mem::forget((warm, all));
}

pub fn run(mode: &str, count: usize) {
    pin();
    match mode {
        "switch" => switch(count),
        "create" => create(count),
        "memory" => memory(count),
        _ => give_up(&format!("this peer has no {mode}")),
    }
    finish();
}
