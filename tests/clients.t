#!/usr/bin/env bash
# A hundred coroutines of one thread, each with its own connection through an unchanged blocking client library. Every answer is checked;
# a hundred waits of 0.1 s must take less than a third of the 10 s they would take one after another.
. "$(dirname "$0")/lib.sh"
missing=$("$ROOT/scripts/packages.sh" 2>&1) || diag "$missing"
. "$ROOT/scripts/servers.sh"

BOUND=3.33
available=() # the servers that run

# need NAME WHAT...: whether all of it is installed. Where it should be (CI), its absence is a failure, elsewhere a skip with the reason.
need() {
  local name=$1 what lacks=; shift
  for what; do
    case $what in
      /*) [ -e "$what" ] || lacks+=" $what" ;;
      *.pc) pkg-config --exists "${what%.pc}" 2>/dev/null || lacks+=" ${what%.pc}" ;;
      *) command -v "$what" >/dev/null || lacks+=" $what" ;;
    esac
  done
  [ -n "$lacks" ] || return 0
  if [ "${CI-}" = true ]; then ok 1 "$name: installed:$lacks"; else skip "$name: not installed:$lacks (${missing##*: })"; fi
  return 1
}

# build NAME LIBRARIES...: NAME.c or NAME.cpp with libcolib and these libraries, as their own pkg-config files say
build() {
  local name=$1 how=build_c source=$ROOT/tests/clients/$1.c; shift
  [ -e "$source" ] || { how=build_cxx; source+=pp; }
  # shellcheck disable=SC2046
  passes "$name: builds" $how "$name" "$source" $([ $# -eq 0 ] || pkg-config --cflags --libs "$@")
}

# seconds OUTPUT, threads OUTPUT
seconds() { sed -n 's/.*failed, \([0-9.]*\) seconds.*/\1/p' <<<"$1"; }
threads() { sed -n 's/.*seconds, \([0-9]*\) threads.*/\1/p' <<<"$1"; }
less() { awk -v a="${1:-x}" -v b="$2" 'BEGIN { exit !(a ~ /^[0-9.]+$/ && a + 0 < b + 0) }'; }

# hundred NAME PROGRAM [MODE [THREADS]]: the three claims about one program; THREADS are the kernel threads it may have at most, or `any`
hundred() {
  local name=$1 program=$2 mode=${3-coroutines} most=${4-1} out
  out=$(timeout -k 5 60 "$program" "$mode" 100 2>&1)
  is "$?: $(sed 's/failed,.*/failed/' <<<"$out")" '0: 100 ok, 0 failed' "$name: 100 coroutines each get their own answer"
  less "$(seconds "$out")" $BOUND
  ok $? "$name: 100 waits of 0.1 s take under $BOUND s ($(seconds "$out") s)"
  [ "$most" != any ] || return
  less 0 "$(threads "$out")" && less "$(threads "$out")" $((most + 1))
  ok $? "$name: on $most kernel thread$([ "$most" = 1 ] || echo 's at most') ($(threads "$out"))"
}

# serial NAME PROGRAM: without a coroutine the same program waits for each answer, which shows that the servers do take their time
serial() {
  local out
  out=$(timeout -k 5 60 "$2" serial 3 2>&1)
  like "$out" '^3 ok, 0 failed' "$1: outside a coroutine the library works as ever"
  ! less "$(seconds "$out")" 0.29
  ok $? "$1: and its calls take 0.1 s each ($(seconds "$out") s for 3)"
}

# client NAME SERVER LIBRARY WHAT...: everything for one client library
client() {
  local name=$1 server=$2 library=$3; shift 3
  need "$name" pkg-config "$library.pc" "$@" || return
  if [ -z "${server_pid[$server]-}" ] && ! start_servers "$server"; then ok 1 "$name: its server starts"; return; fi
  available+=("$name")
  build "$name" "$library"
  serial "$name" "$OUT/$name"
  hundred "$name" "$OUT/$name" coroutines "${ALONE[$name]-1}"
}

# Before version 15, libpq looks the user up at each connection, which takes helper threads.
declare -A ALONE=()
! pkg-config --exists 'libpq < 15' || ALONE[postgres]=any
# Since 0.24 it looks up by getaddrinfo_a, which is libc's threads, and waits for that on helpers.
! pkg-config --exists 'cpp-httplib >= 0.24' || ALONE[httplib]=any

client redis redis hiredis redis-server redis-cli
client postgres postgres libpq psql
client mariadb mariadb libmariadb mariadbd mariadb-install-db mariadb
client curl http libcurl python3
client openssl tls openssl openssl python3
[[ " ${available[*]-} " != *" openssl "* ]] || hundred 'openssl, four loops' "$OUT/openssl" loops 5
client httplib http cpp-httplib c++ python3
[[ " ${available[*]-} " != *" httplib "* ]] || hundred 'httplib, four loops' "$OUT/httplib" loops "${ALONE[httplib]-5}"

# Its server is a part of the program.
if need thrift pkg-config thrift.pc c++ /usr/include/boost/numeric/conversion/cast.hpp; then
  build thrift thrift
  serial thrift "$OUT/thrift"
  hundred thrift "$OUT/thrift" coroutines any
  hundred 'thrift, four loops' "$OUT/thrift" loops any
fi

# own NAME LIBRARIES...: a library that keeps in thread-local variables what belongs to one call
own() {
  local name=$1; shift
  build "$name" "$@"
  serial "$name" "$OUT/$name"
  hundred "$name, thread-local variables of their own" "$OUT/$name" own any
}
! need grpc pkg-config c++ grpc++.pc || own grpc grpc++
if [ -n "${server_pid[http]-}" ]; then
  ! need gio pkg-config gio-2.0.pc || own gio gio-2.0
  ! need asio c++ /usr/include/boost/asio.hpp || own asio
else
  skip 'gio, asio: their server does not run'
fi

if [ "$(printf '%s\n' "${available[@]-}" | grep -cxE 'redis|postgres|mariadb|curl|openssl')" -eq 5 ]; then
  build mixed hiredis libpq libmariadb libcurl openssl
  hundred 'all five together' "$OUT/mixed" coroutines "${ALONE[postgres]-1}"
  hundred 'all five together, four loops' "$OUT/mixed" loops "${ALONE[postgres]-5}"
  hundred 'all five together, shared stacks' "$OUT/mixed" shared "${ALONE[postgres]-1}"

  build failures hiredis libpq libmariadb libcurl openssl
  timeout -k 5 60 "$OUT/failures" serial 1 2>&1 | tail -n +2 | sort -u >"$OUT/failures.serial"
  timeout -k 5 60 "$OUT/failures" coroutines 4 2>&1 | tee "$OUT/failures.out" | tail -n +2 | sort -u >"$OUT/failures.coroutines"
  [ -s "$OUT/failures.serial" ] && said=$(diff "$OUT/failures.serial" "$OUT/failures.coroutines")
  ok $? 'failures: refused, silent and killing servers, limits and certificates look as they do to a thread'
  [ -z "$said" ] || diag "$said"
  less "$(seconds "$(cat "$OUT/failures.out")")" $BOUND
  ok $? "failures: four rounds side by side take less than one after another ($(seconds "$(cat "$OUT/failures.out")") s)"
else
  skip 'all five together, failures: not every library is here'
fi
if [[ " ${available[*]-} " = *" redis "* ]]; then
  # -rdynamic: the client library must find the hooks in the program.
  # shellcheck disable=SC2046
  passes 'redis: builds with the static library' $CC -std=gnu11 $CFLAGS "$ROOT/tests/clients/redis.c" -o "$OUT/redis-static" -rdynamic \
    $STATIC $(pkg-config --cflags --libs hiredis)
  hundred 'redis, colib linked statically' "$OUT/redis-static"
  # The servers' address is 127.x.y.z: a client that looks up a name needs one at 127.0.0.1.
  stop_server redis
  SERVER_HOST=127.0.0.1 start_servers redis
  # Look-ups take helper threads: how many is a matter of the machine, and their limit that of tests/io.rs.
  SERVER_HOST=localhost hundred 'redis by name' "$OUT/redis" coroutines any
fi
done_testing
