#!/usr/bin/env bash
# Builds the programs of benches/ into target/benches/bin. A peer that cannot be built is left out; NAME.why beside it says why.
# Usage: benches/build.sh     needs target/release/libcolib.so (make build)
set -euo pipefail
cd "$(dirname "$0")"
ROOT=$(cd .. && pwd) LIB=$ROOT/target/release BIN=$ROOT/target/benches/bin
[ -e "$LIB/libcolib.so" ] || { echo "no $LIB/libcolib.so: run make build first" >&2; exit 1; }
mkdir -p "$BIN"
flags=(-O2 -Wall -Wextra -I"$ROOT/include")
colib=(-L"$LIB" -Wl,-rpath,"$LIB" -lcolib)

# build NAME COMPILER SOURCE [OPTION...]: nothing to do when the program is newer than every source (the library is shared)
build() {
  local name=$1 compiler=$2 source=programs/$3
  shift 3
  [ -e "$BIN/$name" ] && [ -z "$(find programs build.sh "$ROOT/include" -newer "$BIN/$name" -print -quit)" ] && return
  rm -f "$BIN/$name" "$BIN/$name.why"
  "$compiler" "${flags[@]}" "$source" -o "$BIN/$name" "$@" -lpthread 2>"$BIN/$name.why" && rm "$BIN/$name.why" && return
  echo "not built: $name: $(grep -m1 -E 'error|cannot find' "$BIN/$name.why")" >&2
}
peer() { build "$1-$2" "${CXX:-c++}" "$1.cpp" -DPEER="\"$1/$2.h\"" "${@:3}"; }
program() { build "$1" "${CC:-cc}" "$2" "${@:3}"; }

peer contexts colib "${colib[@]}"
peer contexts own "${colib[@]}"
peer contexts fcontext -lboost_context
peer contexts swapcontext
build libinterface.so "${CXX:-c++}" contexts/interface.cpp -shared -fPIC -ftls-model=initial-exec -lboost_context
peer contexts interface -L"$BIN" -Wl,-rpath,"$BIN" -linterface
peer tasks colib "${colib[@]}"
peer tasks st -lst
peer tasks fiber -lboost_fiber -lboost_context
peer tasks threads
for server in epoll threads uring load; do program echo-$server echo/$server.c; done
program echo-st echo/st.c -lst
build echo-fcontext "${CXX:-c++}" echo/fcontext.cpp -lboost_context
program echo-colib echo/colib.c "${colib[@]}"
for name in shared timeouts resolver parked prefork; do program "$name" "$name.c" "${colib[@]}"; done
for name in passthrough handover; do program "$name" "$name.c"; done
program servers-load servers/load.c
program thread_per_connection ../../examples/thread_per_connection.c
program microhttpd ../../tests/threads_mode/microhttpd.c -lmicrohttpd

# What servers need that are not programs of ours. Without it their row says that they do not start.
servers=$ROOT/target/benches
[ -s "$servers/cert.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$servers/key.pem" \
  -out "$servers/cert.pem" -days 3650 -subj /CN=localhost 2>/dev/null || echo "no certificate: openssl failed" >&2
[ -d "$servers/mariadb" ] || mariadb-install-db --no-defaults --datadir="$servers/mariadb" --auth-root-authentication-method=normal \
  --skip-test-db --skip-name-resolve --innodb-log-file-size=10M --user="$(id -un)" >/dev/null 2>&1 \
  || echo "no tables for mariadbd: mariadb-install-db failed" >&2

crates=$ROOT/target/benches/crates
if CARGO_TARGET_DIR=$crates cargo build --release --quiet --locked --manifest-path crates/Cargo.toml 2>"$BIN/bench-crates.why"; then
  rm -f "$BIN/bench-crates.why"
  ln -sf "$crates/release/bench-crates" "$BIN/bench-crates"
else
  echo "not built: the crates: $(grep -m1 error "$BIN/bench-crates.why")" >&2
fi
