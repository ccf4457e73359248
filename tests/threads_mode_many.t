#!/usr/bin/env bash
# More threads than the kernel would give, as coroutines of one kernel thread and of two (COLIB_THREADS): connections held by the server of the examples,
# threads parked on a condition, and a million threads one after another.
. "$(dirname "$0")/lib.sh"
HERE=$ROOT/tests/threads_mode
CONNECTIONS=9000 PARKED=100000 MILLION=1000000
server= WORKERS=1

stop_server() { [ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null; server=; }
trap stop_server EXIT
coroutines() { COLIB_THREADS=$WORKERS LD_PRELOAD=$PRELOAD timeout -k 5 120 "$@" 2>&1; }
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
  for WORKERS in 1 2; do
    serve COLIB_THREADS=$WORKERS LD_PRELOAD="$PRELOAD"
    for turn in first second; do
      said=$(timeout 120 "$OUT/hold" "$port" "$server" $CONNECTIONS)
      like "$said" "^right=$CONNECTIONS threads=$WORKERS " \
        "$CONNECTIONS connections in one process, each byte as it was sent, on $WORKERS of the kernel's threads ($turn time)"
      at_most 24 "$(figure kilobytes "$said")" 'and a few kilobytes each'
    done
    stop_server
  done
fi

for WORKERS in 1 2; do
  for stack in 0 65536; do
    said=$(coroutines "$OUT/parked" $PARKED $stack)
    is "$(sed 's/ kilobytes.*//' <<<"$said")" "$(printf "waited=$PARKED woken=$PARKED joined=$PARKED\n%.0s" 1 2)" \
      "$PARKED threads wait for a condition, are woken and joined, twice (stacks of ${stack/#0/the default}, $WORKERS of the kernel's threads)"
    for each in $(figure kilobytes "$said"); do at_most 24 "$each" 'in a few kilobytes each'; done
  done
done

# What a thread leaves behind, ten bytes even, would be 9 MB in the end; what it grows is what the first ones need.
# leaks HOW COUNT NAME
leaks() {
  said=$(coroutines "$OUT/leaks" "$1" $(($2 / 10)) "$2")
  like "$said" "destroyed=$((2 * $2)) mistakes=0$" "$3"
  at_most 4096 "$(figure grown "$said")" 'and nine in ten of them leave no memory behind'
}
WORKERS=1
for how in joined detached mixed; do leaks $how $MILLION "$how: a million threads come and go"; done
# A thread that another kernel thread gets takes ten times as long to make.
WORKERS=2
leaks mixed $((MILLION / 5)) "mixed: two hundred thousand come and go on two of the kernel's threads"
done_testing
