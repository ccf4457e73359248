#!/usr/bin/env bash
# Builds a slow server and a blocking client, and runs the client's hundred calls one after another and as coroutines.
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
