#!/usr/bin/env bash
# Builds a slow server and a blocking client, and runs the client's hundred calls one after another and as coroutines. Then it
# loads a server with a thread for each connection, as it is and with its threads as coroutines.
# Usage: demo.sh [CLIENTS [MILLISECONDS]]
set -euo pipefail
cd "$(dirname "$0")/.."
clients=${1:-100} delay=${2:-100}
lib=$PWD/target/release out=$PWD/target/demo cc=${CC:-cc}
[ -e "$lib/libcolib.so" ] || { echo "target/release/libcolib.so is missing: run 'make build' first" >&2; exit 1; }
mkdir -p "$out"
$cc -O2 examples/slow_server.c -o "$out/slow_server" -lpthread
$cc -O2 -Iinclude examples/blocking_client.c -o "$out/blocking_client" -L"$lib" -lcolib -Wl,-rpath,"$lib" -lpthread

: >"$out/port"
"$out/slow_server" "$delay" >"$out/port" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
trap 'exit 1' INT TERM
for _ in $(seq 100); do
  [ -s "$out/port" ] && break
  sleep 0.05
done
[ -s "$out/port" ] || { echo "the server did not start" >&2; exit 1; }
"$out/blocking_client" "$(cat "$out/port")" "$clients" "$delay"

# The same binary, unmodified, twice. CPU is that of the server, all of its threads together; load has a CPU of its own.
connections=1000
$cc -O2 examples/thread_per_connection.c -o "$out/thread_per_connection" -lpthread
$cc -O2 benches/programs/servers/load.c -o "$out/load" -lpthread
measured() { BENCH_SECONDS=0.5 "$out/load" echo $connections "$@" "$out/thread_per_connection" PORT; }
row() { awk -v name="$1" '{ v[$1] = $2 } END { printf "  %-22s %8d %12.1f %16.1f\n", name, v["threads"], v["kilobytes"] / 1024, v["cpu_ns"] / 1000 }'; }
printf '\na thread for each of %d connections that echo, the same server twice\n' $connections
printf '  %-22s %8s %12s %16s\n' '' threads 'resident MB' 'µs CPU/request'
measured | row 'as it is'
asked=(/usr/bin/env COLIB_THREADS=1 LD_PRELOAD="$lib/libcolib.so")
# Where threads cannot be coroutines, the library says why.
refusal=$("${asked[@]}" true 2>&1)
if [ -n "$refusal" ]; then echo "  $refusal"; else measured "${asked[@]}" | row 'COLIB_THREADS=1'; fi
