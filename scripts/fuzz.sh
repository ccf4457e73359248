#!/usr/bin/env bash
# Hooks against their system calls with arguments by chance (tests/fuzz/), each run with a seed of its own, until the time is up.
# Usage: fuzz.sh [SECONDS [NAME...]]   two minutes; NAMEs are the only functions called
# A failure names its seed: SEED=0x... in the environment repeats that run, and no other follows.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-120}
case $seconds in '' | *[!0-9]*) echo "Usage: fuzz.sh [SECONDS [NAME...]]" >&2; exit 1 ;; esac
shift || true
lib=$PWD/target/release out=$PWD/target/fuzz
[ -e "$lib/libcolib.so" ] || { echo "fuzz.sh: target/release/libcolib.so is missing: run 'make build' first" >&2; exit 1; }
mkdir -p "$out"
${CC:-cc} -std=gnu11 -g -O1 -Iinclude tests/fuzz/*.c -o "$out/fuzz" -L"$lib" -lcolib -Wl,-rpath,"$lib" -lpthread -lrt
until=$((SECONDS + seconds)) runs=0
while [ "$SECONDS" -lt "$until" ]; do
  seed=${SEED:-0x$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')}
  if ! said=$(SEED=$seed timeout 300 "$out/fuzz" 50000 "$@" 2>&1); then
    printf '%s\n' "$said" "FAILED: SEED=$seed scripts/fuzz.sh 1 $*"
    exit 1
  fi
  runs=$((runs + 1))
  [ -z "${SEED:-}" ] || break
done
echo "$((runs * 50000)) calls, no difference"
