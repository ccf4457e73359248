#!/usr/bin/env bash
# Unchanged blocking client libraries: wall time of 100 coroutines on one thread against 100 threads, same program, same server.
# The two are run in turns, so that what disturbs one disturbs the other; the medians of ROUNDS are compared. Target: below 1.5.
# Usage: benches/clients.sh [ROUNDS]     prints a table; asserts nothing about time, yet stops when an answer is wrong
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
LIB=$ROOT/target/release OUT=$ROOT/target/benches/clients ROUNDS=${1:-5} COUNT=100
mkdir -p "$OUT"
[ -e "$LIB/libcolib.so" ] || { echo "no $LIB/libcolib.so: run make build first" >&2; exit 1; }
"$ROOT/scripts/packages.sh"
. "$ROOT/scripts/servers.sh"

declare -A libraries=([redis]=hiredis [postgres]=libpq [mariadb]=libmariadb [curl]=libcurl [openssl]=openssl)
declare -A servers=([redis]=redis [postgres]=postgres [mariadb]=mariadb [curl]=http [openssl]=tls)
clients=(redis postgres mariadb curl openssl)

seconds() { # PROGRAM MODE
  local out
  out=$(timeout -k 5 60 "$OUT/$1" "$2" $COUNT) || { echo "$1 $2: ${out:-no answer}" >&2; return 1; }
  sed -n 's/.*failed, \([0-9.]*\) seconds.*/\1/p' <<<"$out"
}
median() { sort -n | awk '{ a[NR] = $1 } END { print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'; }

for client in "${clients[@]}"; do
  # shellcheck disable=SC2046
  ${CC:-cc} -std=gnu11 -O2 -I"$ROOT/include" "$ROOT/tests/clients/$client.c" -o "$OUT/$client" \
    -L"$LIB" -lcolib -Wl,-rpath,"$LIB" -lpthread $(pkg-config --cflags --libs "${libraries[$client]}")
done

printf '%-10s %12s %12s %8s\n' "$COUNT × 0.1 s" 'threads, s' 'coroutines, s' ratio
for client in "${clients[@]}"; do
  start_servers "${servers[$client]}" # one at a time: an idle database would still take its share of the processor
  threads= coroutines=
  seconds "$client" threads >/dev/null # what the server does only for the first time is nobody's time
  for ((round = 0; round < ROUNDS; round++)); do
    threads+=$(seconds "$client" threads)$'\n'
    coroutines+=$(seconds "$client" coroutines)$'\n'
  done
  stop_server "${servers[$client]}" || true
  awk -v name="$client" -v t="$(median <<<"${threads%$'\n'}")" -v c="$(median <<<"${coroutines%$'\n'}")" \
    'BEGIN { printf "%-10s %12.3f %12.3f %8.2f\n", name, t, c, c / t }'
done
