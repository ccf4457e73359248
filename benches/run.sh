#!/usr/bin/env bash
# Measures the library against its peers: a table on the terminal, plots and single runs in target/benches.
# Usage: benches/run.sh [--quick] [--rounds N] [ROW...]     all rows when none is named; make bench ROWS="switch echo" QUICK=1 is the same
set -euo pipefail
cd "$(dirname "$0")"
command -v python3 >/dev/null || { echo "the benchmarks need python3" >&2; exit 1; }
./packages.sh
./build.sh
PYTHONDONTWRITEBYTECODE=1 exec python3 suite/main.py "$@"
