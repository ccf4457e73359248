#!/usr/bin/env bash
# More threads than the kernel would give, as coroutines (COLIB_THREADS=1): connections held by the server of the examples,
# threads parked on a condition, and a million threads one after another.
. "$(dirname "$0")/lib.sh"
HERE=$ROOT/tests/threads_mode
CONNECTIONS=9000 PARKED=100000 MILLION=1000000
server=

stop_server() { [ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null; server=; }
trap stop_server EXIT
coroutines() { COLIB_THREADS=1 LD_PRELOAD=$PRELOAD timeout -k 5 120 "$@" 2>&1; }
# figure NAME TEXT: the number behind `NAME=`
figure() { sed -n "s/.*$1=\\(-\\{0,1\\}[0-9]*\\).*/\\1/p" <<<"$2"; }
# at_most LIMIT NUMBER NAME
at_most() { ok "$([ "${2:-$(($1 + 1))}" -le "$1" ]; echo $?)" "$3 (${2:-no number})"; }

passes 'the example builds' $CC -std=gnu11 $CFLAGS "$ROOT/examples/thread_per_connection.c" -o "$OUT/server" -lpthread
passes 'its client builds' $CC -std=gnu11 $CFLAGS "$HERE/hold.c" -o "$OUT/hold"
passes 'what parks builds' $CC -std=gnu11 $CFLAGS "$HERE/parked.c" -o "$OUT/parked" -lpthread
passes 'what may leak builds' $CXX -std=c++17 $CFLAGS "$HERE/leaks.cpp" -o "$OUT/leaks" -lpthread

# serve [VARIABLE=VALUE...]: the example, with descriptors for all connections; sets `server` and `port`
serve() {
  : >"$OUT/port"
  ulimit -Sn "$(ulimit -Hn)"
  env "$@" "$OUT/server" >"$OUT/port" &
  server=$!
  for _ in $(seq 200); do [ -s "$OUT/port" ] && break; sleep 0.05; done
  port=$(cat "$OUT/port")
}
if [ "$(ulimit -Hn)" != unlimited ] && [ "$(ulimit -Hn)" -lt $((CONNECTIONS + 100)) ]; then
  skip "$CONNECTIONS connections: a process may have $(ulimit -Hn) descriptors only"
else
  serve
  said=$(timeout 60 "$OUT/hold" "$port" "$server" 100)
  stop_server
  like "$said" '^right=100 threads=101 ' 'on threads, the kernel has one for each connection'
  serve COLIB_THREADS=1 LD_PRELOAD="$PRELOAD"
  for turn in first second; do
    said=$(timeout 120 "$OUT/hold" "$port" "$server" $CONNECTIONS)
    like "$said" "^right=$CONNECTIONS threads=1 " "$CONNECTIONS connections in one process, each byte as it was sent, on one kernel thread ($turn time)"
    at_most 24 "$(figure kilobytes "$said")" 'and a few kilobytes each'
  done
  stop_server
fi

for stack in 0 65536; do
  said=$(coroutines "$OUT/parked" $PARKED $stack)
  is "$(sed 's/ kilobytes.*//' <<<"$said")" "$(printf "waited=$PARKED woken=$PARKED joined=$PARKED\n%.0s" 1 2)" \
    "$PARKED threads wait for a condition, are woken and joined, twice (stacks of ${stack/#0/the default})"
  for each in $(figure kilobytes "$said"); do at_most 24 "$each" 'in a few kilobytes each'; done
done

# What a thread leaves behind, ten bytes even, would be 9 MB in the end; what it grows is what the first ones need.
for how in joined detached mixed; do
  said=$(coroutines "$OUT/leaks" $how $((MILLION / 10)) $MILLION)
  like "$said" "destroyed=$((2 * MILLION)) mistakes=0$" "$how: a million threads come and go"
  at_most 4096 "$(figure grown "$said")" 'and nine in ten of them leave no memory behind'
done
done_testing
