//! The peers that are crates: `bench-crates corosensei|may MODE COUNT` prints figures as the programs of benches/programs do.

mod measure;
mod peer_corosensei;
mod peer_may;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = arguments.get(2).and_then(|count| count.parse().ok()).unwrap_or(1);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["corosensei", mode, ..] => peer_corosensei::run(mode, count),
        ["may", mode, ..] => peer_may::run(mode, count),
        _ => measure::give_up("usage: bench-crates corosensei|may MODE COUNT"),
    }
}
