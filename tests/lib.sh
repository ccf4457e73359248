# Sourced by every tests/*.t: paths, a compiler wrapper and TAP output.
# A test calls `plan N` (or `done_testing` at its end), then `ok`, `is`, `like`, `skip`.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LIB=$ROOT/target/release
OUT=$ROOT/target/tests/$(basename "$0" .t)
mkdir -p "$OUT"
CC=${CC:-cc} CXX=${CXX:-c++}
# Some compilers fortify by default, as Ubuntu's do: they would end programs that ask for the impossible.
CFLAGS="-g -O1 -Wall -Wextra -Werror -U_FORTIFY_SOURCE -I$ROOT/include"
SHARED="-L$LIB -lcolib -Wl,-rpath,$LIB -lpthread"
STATIC="$LIB/libcolib.a -lpthread -ldl -lm -lgcc_s"
PRELOAD=$LIB/libcolib.so
count=0 failed=0
plan() { echo "1..$1"; }
done_testing() { echo "1..$count"; [ "$failed" -eq 0 ]; }
diag() { printf '%s\n' "$@" | sed 's/^/# /' >&2; }
# ok STATUS NAME: passes when STATUS is 0
ok() {
  count=$((count + 1))
  if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else failed=$((failed + 1)); echo "not ok $count - $2"; fi
}
# is GOT EXPECTED NAME
is() {
  if [ "$1" = "$2" ]; then ok 0 "$3"; else ok 1 "$3"; diag "     got: $1" "expected: $2"; fi
}
# like GOT EXTENDED_REGEX NAME
like() {
  if printf '%s' "$1" | grep -Eq -- "$2"; then ok 0 "$3"; else ok 1 "$3"; diag "           got: $1" "does not match: $2"; fi
}
skip() { count=$((count + 1)); echo "ok $count - # SKIP $1"; }
# passes NAME COMMAND...: passes when the command exits 0; its output is shown when it does not
passes() {
  local name=$1 out; shift
  if out=$("$@" 2>&1); then ok 0 "$name"; else ok 1 "$name (exit $?)"; diag "$out"; fi
}
# build_c PROGRAM SOURCE [FLAGS...]: compiles and links with the shared library
build_c() { local to=$OUT/$1 from=$2; shift 2; $CC -std=gnu11 $CFLAGS "$from" -o "$to" $SHARED "$@"; }
build_cxx() { local to=$OUT/$1 from=$2; shift 2; $CXX -std=c++17 $CFLAGS "$from" -o "$to" $SHARED "$@"; }
