#!/usr/bin/env bash
# The long versions: what chance decides with many seeds, storms of signals that last, checkers over everything.
# Usage: stress.sh [MINUTES]   the seeds get MINUTES (3); the rest takes about seven more
# A failure names its seed: SEED=0x... (or CHANCE=...) in the environment repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-3}
case $minutes in '' | *[!0-9]*) echo "Usage: stress.sh [MINUTES]" >&2; exit 1 ;; esac
lib=$PWD/target/release out=$PWD/target/stress cc=${CC:-cc}
[ -e "$lib/libcolib.so" ] || { echo "stress.sh: target/release/libcolib.so is missing: run 'make build' first" >&2; exit 1; }
mkdir -p "$out"
failed=0
build() { # PROGRAM, which is SUITE or SUITE/NAME; the file is named without the slash
  $cc -std=gnu11 -g -O1 -Iinclude "tests/c/$1.c" -o "$out/${1//\//_}" -L"$lib" -lcolib -Wl,-rpath,"$lib" -lpthread -lrt -lm
}
# attempt NAME COMMAND...: shows what it said when it fails
attempt() {
  local name=$1 said; shift
  said=$(timeout 300 "$@" 2>&1) && return
  echo "FAILED: $name"
  grep -v '^ok' <<<"$said" | tail -n 40
  return 1
}

# seeds PROGRAM CASES...: again and again, each time with a seed of its own, until the time is up
seeds() {
  local program=$1 runs=0 seed; shift
  while [ "$SECONDS" -lt "$until" ]; do
    seed=0x$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
    attempt "SEED=$seed $program $*" env SEED="$seed" "$out/${program//\//_}" "$@" || return 1
    runs=$((runs + 1))
  done
  echo "$program: $runs seeds"
}

# Programs that throw dice, and of them the cases that say so.
random=$(cd tests/c && grep -lr 'cast_dice()' --include='*.c' | xargs grep -l '^TEST([a-z0-9_]*random' | sed 's/\.c$//')
storms=$(cd tests/c && ls signals_storm/*.c | sed 's/\.c$//')
for program in $random $storms; do build "$program"; done
until=$((SECONDS + 60 * minutes)) jobs=()
for program in $random; do seeds "$program" random & jobs+=($!); done
(
  runs=0
  while [ "$SECONDS" -lt "$until" ]; do
    chance=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
    attempt "CHANCE=$chance DIFFERENTIAL=chance_given tests/differential.t" \
      env CHANCE="$chance" DIFFERENTIAL=chance_given tests/differential.t || exit 1
    runs=$((runs + 1))
  done
  echo "differential: $runs seeds"
) & jobs+=($!)
for job in "${jobs[@]}"; do wait "$job" || failed=1; done

echo "descriptors that threads close under each other"
$cc -std=gnu11 -g -O1 -Iinclude tests/stress/closing.c -o "$out/closing" -L"$lib" -lcolib -Wl,-rpath,"$lib" -lpthread
for _ in 1 2 3; do attempt 'tests/stress/closing.c, thirty seconds' "$out/closing" 30 || failed=1; done

echo "races that the thread sanitizer sees"
# Without its library nothing can be linked.
if printf 'int main(void) { return 0; }\n' | gcc -fsanitize=thread -x c - -o "$out/nothing" 2>/dev/null; then
  for program in stress/closing c/conditions/threads c/coroutines/releasing c/coroutines/resetting c/shared_stacks/order; do
    built=$out/tsan_${program//\//_}
    gcc -std=gnu11 -g -O1 -w -fsanitize=thread -Iinclude "tests/$program.c" -o "$built" -L"$lib" -lcolib -Wl,-rpath,"$lib" -lpthread
    # A number is what closing.c runs for, and names no case of the others.
    case $program in stress/closing) argument=30 ;; *) argument= ;; esac
    # shellcheck disable=SC2086  # one word or none
    TSAN_OPTIONS=exitcode=66 attempt "tests/$program.c with the thread sanitizer" timeout 120 "$built" $argument || failed=1
  done
else echo "the thread sanitizer is not installed"; fi

echo "storms of signals"
for program in $storms; do
  attempt "ROUNDS=10 $program" env ROUNDS=10 "$out/${program//\//_}" || failed=1
done
for suite in tests/linking.t tests/signals.t; do
  attempt "$suite" "$suite" || failed=1
done
echo "checkers"
LONG=1 timeout 900 prove --failures --comments --merge tests/sanitizers.t || failed=1
exit $failed
