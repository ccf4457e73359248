#!/usr/bin/env bash
# Python's own tests of threads, sockets, processes and files give the same results where threads are coroutines of one kernel
# thread and of two (COLIB_THREADS) as on threads, but for those that tests/threads_mode/python_exceptions.txt gives reasons for.
. "$(dirname "$0")/lib.sh"
missing=$("$ROOT/scripts/packages.sh" 2>&1) || diag "$missing"
TESTS="test_thread test_threading test_threading_local test_queue test_socketserver test_sched test_threadsignals test_threadedtempfile
       test_select test_epoll test_popen test_pty test_fcntl test_posix test_os test_asyncore test_httpservers"
PYTHON=/usr/bin/python3
PARTS=$ROOT/tests/threads_mode
IGNORED=$(sed '/^#/d; s/^/--ignore /' "$PARTS/python_exceptions.txt")

# run WAY COMMAND...: the tests as that; their results go to WAY.xml
run() {
  local way=$1; shift
  rm -f "$OUT/$way.xml"
  mkdir -p "$OUT/$way"
  # shellcheck disable=SC2086
  (cd "$OUT/$way" && timeout -k 5 300 "$@" $PYTHON -m test -u network --timeout 100 --tempdir "$OUT/$way" --junit-xml "$OUT/$way.xml" \
    $IGNORED $TESTS) >"$OUT/$way.log" 2>&1 </dev/null
}

if ! $PYTHON -c 'import test.test_threading' 2>/dev/null; then
  skip "Python's tests are not installed"
else
  # Not every Python has all of them.
  TESTS=$($PYTHON -c 'import sys, importlib.util as u; print(*(t for t in sys.argv[1:] if u.find_spec("test." + t)))' $TESTS)
  run plain env &
  for workers in 1 2; do run $workers env COLIB_THREADS=$workers LD_PRELOAD="$PRELOAD" & done
  wait
  for workers in 1 2; do
    said=$($PYTHON "$PARTS/python_results.py" "$OUT/plain.xml" "$OUT/$workers.xml" 2>&1)
    like "$said" '^([89]|1[0-9])[0-9][0-9] tests$' "a thousand tests give the same results on $workers of the kernel's threads"
    [[ $said =~ ^[0-9]+\ tests$ ]] || diag "$said" "$(tail -n 15 "$OUT/$workers.log")"
  done
fi
done_testing
