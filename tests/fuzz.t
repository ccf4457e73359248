#!/usr/bin/env bash
# Hooks against the system calls they stand for, with arguments by chance: result, errno and memory are the same.
# SEED=0x... repeats a run. `make fuzz` (scripts/fuzz.sh) runs it for longer.
# And threads against each other, for a moment; `make stress` does so for longer.
. "$(dirname "$0")/lib.sh"
$CC -std=gnu11 $CFLAGS "$ROOT"/tests/fuzz/*.c -o "$OUT/fuzz" $SHARED -lrt || { echo "Bail out! the fuzzer does not compile"; exit 1; }
passes 'twenty thousand calls by chance are answered as by the kernel' timeout 100 "$OUT/fuzz" 20000
build_c closing "$ROOT/tests/stress/closing.c" || { echo "Bail out! the stress does not compile"; exit 1; }
passes 'threads that close descriptors under each other lose no wait' timeout 100 "$OUT/closing" 4
done_testing
