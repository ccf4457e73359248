#!/usr/bin/env bash
# Builds the shared and the static library; names in a line what the machine lacks.
set -euo pipefail
cd "$(dirname "$0")/.."
need() { command -v "$1" >/dev/null || { echo "colib needs $2: '$1' was not found" >&2; exit 1; }; }
need cargo "Rust 1.88 or later"
need cc "a C compiler"
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || { echo "colib needs Linux on x86-64; this is $(uname -s) on $(uname -m)" >&2; exit 1; }
cargo build --release --quiet
