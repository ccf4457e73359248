#!/usr/bin/env bash
# Threads as coroutines under load: tests/stress/torture/torture.c on one, two and four kernel threads.
# Usage: torture.sh [SECONDS]   on each of them (120)
# A failure names its seed: SEED=0x... in the environment repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-120}
case $seconds in '' | *[!0-9]*) echo "Usage: torture.sh [SECONDS]" >&2; exit 1 ;; esac
lib=$PWD/target/release/libcolib.so out=$PWD/target/stress
[ -e "$lib" ] || { echo "torture.sh: target/release/libcolib.so is missing: run 'make build' first" >&2; exit 1; }
mkdir -p "$out"
${CC:-cc} -std=gnu11 -g -O1 -Wall -Wextra -Werror tests/stress/torture/torture.c -o "$out/torture" -lpthread
failed=0
for workers in 1 2 4; do
  printf '%d kernel thread(s): ' "$workers"
  if ! COLIB_THREADS=$workers LD_PRELOAD=$lib "$out/torture" "$seconds"; then failed=1; echo "FAILED with COLIB_THREADS=$workers"; fi
done
exit $failed
