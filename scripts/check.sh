#!/usr/bin/env bash
# What must hold of the source itself: format, lints, docs, import order, generated header, exported symbols.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { printf '%-18s' "$1"; shift; if "$@" >"$log" 2>&1; then echo ok; else echo FAILED; cat "$log"; exit 1; fi; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
step format cargo fmt --all --check
step lints cargo clippy --quiet --workspace --all-targets -- -D warnings
step docs env RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --document-private-items
step layers scripts/layers.sh
step header cargo run --quiet -p header -- --check
step build scripts/build.sh
step symbols scripts/symbols.sh
