#!/usr/bin/env bash
# Runs every benchmark of benches/, one after another: ratios of one run each, interleaved, medians.
set -euo pipefail
cd "$(dirname "$0")/.."
printf '%s, %s cores, Linux %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" "$(nproc)" "$(uname -r)"
for bench in benches/*.sh; do
  [ "$bench" = benches/run.sh ] || { printf '\n== %s\n' "$bench"; bash "$bench"; }
done
