#!/usr/bin/env bash
# Python's own tests of threads give the same results where threads are coroutines (COLIB_THREADS=1) as on threads, but for those
# that tests/threads_mode/python_exceptions.txt gives reasons for.
. "$(dirname "$0")/lib.sh"
missing=$("$ROOT/scripts/packages.sh" 2>&1) || diag "$missing"
TESTS="test_thread test_threading test_threading_local test_queue test_socketserver test_sched test_threadsignals"
PYTHON=/usr/bin/python3
PARTS=$ROOT/tests/threads_mode
IGNORED=$(sed '/^#/d; s/^/--ignore /' "$PARTS/python_exceptions.txt")

# run WAY COMMAND...: the tests as that; their results go to WAY.xml
run() {
  local way=$1; shift
  rm -f "$OUT/$way.xml"
  mkdir -p "$OUT/$way"
  # shellcheck disable=SC2086
  (cd "$OUT/$way" && timeout -k 5 200 "$@" $PYTHON -m test -u network --timeout 100 --tempdir "$OUT/$way" --junit-xml "$OUT/$way.xml" \
    $IGNORED $TESTS) >"$OUT/$way.log" 2>&1 </dev/null
}

if ! $PYTHON -c 'import test.test_threading' 2>/dev/null; then
  skip "Python's tests are not installed"
else
  run plain env & plain=$!
  run coroutines env COLIB_THREADS=1 LD_PRELOAD="$PRELOAD"
  wait $plain
  said=$($PYTHON "$PARTS/python_results.py" "$OUT/plain.xml" "$OUT/coroutines.xml" 2>&1)
  like "$said" '^[3-9][0-9][0-9] tests$' 'some hundred tests give the same results'
  [[ $said =~ ^[0-9]+\ tests$ ]] || diag "$said" "$(tail -n 15 "$OUT/coroutines.log")"
fi
done_testing
