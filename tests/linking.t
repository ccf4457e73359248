#!/usr/bin/env bash
# Every way a program comes to the library: linked (shared, static, other linkers and flags), in place of the original,
# preloaded, opened; and calls that come before its constructor or after its destructor.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/common/lines.sh"
HERE=$ROOT/tests/linking
LISTED=$ROOT/hooks/exports.txt

# builds NAME COMMAND...: one TAP line; fails when the command does
builds() { local name=$1 said; shift; said=$("$@" 2>&1) || { ok 1 "$name builds"; diag "$said"; return 1; }; }
program() { builds "$1" build_c "$@"; }
archived() { local to=$1 from=$2; shift 2; builds "$to" $CC -std=gnu11 $CFLAGS "$from" -o "$OUT/$to" "$@" $STATIC; }
shared_object() { local to=$1 from=$2; shift 2; builds "$to" $CC -std=gnu11 $CFLAGS -shared -fPIC "$from" -o "$OUT/$to" "$@"; }

# The library itself
exported=$(nm -D --defined-only "$LIB/libcolib.so" | awk '{print $3}' | LC_ALL=C sort)
is "$(diff <(echo "$exported") "$LISTED")" '' 'the library exports what hooks/exports.txt lists'
libc=$($CC -print-file-name=libc.so.6)
# glibc has had these since 2.38.
newer='__isoc23_v?f?scanf'
strange=$(echo "$exported" | c++filt | sed 's/(.*//' | grep -Ev "^(co_[a-z_]+|coctx_(init|make|swap)|GetCurrThreadCo|$newer)\$" \
  | LC_ALL=C sort -u | LC_ALL=C comm -23 - <(nm -D --defined-only "$libc" | awk '{sub(/@.*/, "", $3); print $3}' | LC_ALL=C sort -u))
is "$strange" "$(printf '%s\n' __cxa_get_globals __cxa_get_globals_fast __io_uring_get_cqe colib_debugger io_getevents io_pgetevents)" \
  'an exported name is one of the interface or one of libc, but for what C++ runtimes ask, those by which liburing and libaio wait, and what debuggers read'
interface=$(for header in co_routine co_routine_inner coctx; do
  printf '#include "%s.h"\n' $header | $CC -E -P -I"$ROOT/include" -x c - | tr '\n' ' ' | tr ';' '\n' \
    | grep -oE '\b(co_[a-z_]+|coctx_[a-z]+|GetCurrThreadCo) *\(' | tr -d ' ('; done | LC_ALL=C sort -u)
ok "$([ "$(echo "$interface" | wc -l)" -ge 35 ]; echo $?)" 'the headers were read'
is "$(echo "$interface" | LC_ALL=C comm -23 - <(echo "$exported"))" '' 'every function the headers declare is exported'
is "$(echo "$exported" | grep -E '^(co_|coctx_|GetCurr)' | LC_ALL=C comm -13 <(echo "$interface") - )" '' \
  'every exported function of the interface is declared'
stack_of() { readelf -lW "$1" | awk '/GNU_STACK/ {print $7}'; }
is "$(stack_of "$LIB/libcolib.so")" RW 'the library asks for no executable stack'
is "$(readelf -lW "$LIB/libcolib.so" | grep -c ' RWE ')" 0 'no segment is both writable and executable'
is "$(readelf -dW "$LIB/libcolib.so" | grep -c TEXTREL)" 0 'the library has no text relocation'
is "$(ldd -r "$LIB/libcolib.so" 2>&1 | grep -Ec 'undefined|not found')" 0 'the library finds all it refers to'
is "$(readelf -dW "$LIB/libcolib.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -Ev '^(libc|libgcc_s|ld-linux-x86-64|libm|libpthread|libdl)\.so')" '' \
  'the library needs nothing but libc and the unwinder'

# Linked with the shared library
program core "$HERE/core.c" && lines 'shared' "$OUT/core"
is "$(stack_of "$OUT/core")" RW 'shared: the program asks for no executable stack'
lines 'LD_BIND_NOW' env LD_BIND_NOW=1 "$OUT/core"
program now "$HERE/core.c" -Wl,-z,now -Wl,-z,relro -Wl,--no-undefined -Wl,--fatal-warnings && lines '-z now' "$OUT/now"
builds as-needed $CC -std=gnu11 $CFLAGS "$HERE/core.c" -o "$OUT/as-needed" -Wl,--as-needed $SHARED && lines '--as-needed' "$OUT/as-needed"
program no-pie "$HERE/core.c" -no-pie -fno-pie && lines 'no-pie' "$OUT/no-pie"
program fortified "$HERE/core.c" -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 && lines 'fortified' "$OUT/fortified"
builds c89 $CC -std=gnu89 -Wdeclaration-after-statement $CFLAGS "$HERE/core.c" -o "$OUT/c89" $SHARED && lines 'gnu89' "$OUT/c89"
for standard in c++98 c++11 c++20; do
  builds $standard $CXX -x c++ -std=$standard -Wpedantic $CFLAGS "$HERE/core.c" -x none -o "$OUT/$standard" $SHARED && lines "$standard" "$OUT/$standard"
done
if command -v clang >/dev/null; then
  builds clang clang -std=gnu11 $CFLAGS "$HERE/core.c" -o "$OUT/clang" $SHARED && lines 'clang' "$OUT/clang"
else skip 'clang is not installed'; fi

# What a program makes before its first coroutine is known if it is linked with the library: a listener that no other process can have is
# registered once, and not so that one of several processes is woken.
known() { # WAY PROGRAM...
  local way=$1 said; shift
  if ! strace -o /dev/null true 2>/dev/null; then skip 'strace does not work here'; return; fi
  is "$(timeout 20 strace -f -o "$OUT/known.txt" -e trace=epoll_ctl "$@")" works "$way: a server whose listener was there before its coroutines"
  said=$(grep -c EPOLL_CTL_ADD "$OUT/known.txt"), said+=$(grep -c EPOLLEXCLUSIVE "$OUT/known.txt")
  like "$said" '^[1-9].*,0$' "$way: its listener is known to be its own"
}
program listens "$HERE/listens.c" -lpthread && known shared "$OUT/listens"

# Linked with the archive
archived self "$HERE/self.c" && is "$("$OUT/self")" works 'archive: a program that wants co_self alone runs'
archived log "$HERE/log.c" && is "$("$OUT/log" 2>&1)" works 'archive: a program that wants co_log_err alone runs'
archived core-archived "$HERE/core.c" && lines 'archive' "$OUT/core-archived"
archived core-collected "$HERE/core.c" -ffunction-sections -Wl,--gc-sections && lines 'archive, unused sections dropped' "$OUT/core-collected"
archived core-whole "$HERE/core.c" -Wl,--whole-archive "$LIB/libcolib.a" -Wl,--no-whole-archive && lines 'archive, taken whole' "$OUT/core-whole"
builds archived-c++ $CXX -x c++ -std=c++17 $CFLAGS "$HERE/core.c" -x none -o "$OUT/archived-c++" $STATIC && lines 'archive, C++' "$OUT/archived-c++"
archived listens-archived "$HERE/listens.c" && known archive "$OUT/listens-archived"
for one in self log core-archived core-collected; do
  # What the program itself does not call of the interface may be dropped with its section; a hook may not. Names that libc
  # keeps for what was linked long ago are none that a program linked now could be called by, nor are newer ones, nor are liburing's and libaio's
  # or a C++ runtime's without it. What debuggers read is no function.
  wanted=$(grep -Ev "^(_Z|co_|coctx_|GetCurr|__pthread_(mutex|rwlock|once)|__res_n?(query|querydomain|search|send)$|pthread_yield$|__io_uring_get_cqe$|io_p?getevents$|__cxa_|colib_debugger$|$newer$)" "$LISTED")
  is "$(echo "$wanted" | LC_ALL=C sort | LC_ALL=C comm -23 - <(nm --defined-only "$OUT/$one" | awk '$2 ~ /[TW]/ {print $3}' | LC_ALL=C sort))" '' \
    "archive: every hook is in a program of which $one is the only text"
  is "$(stack_of "$OUT/$one")" RW "archive: $one asks for no executable stack"
  is "$(readelf -dW "$OUT/$one" | grep -c 'NEEDED.*libcolib')" 0 "archive: $one does not need the shared library"
done
shared_object liboutside.so "$HERE/outside.c" -O2 -fno-builtin
archived borrows-archived "$HERE/borrows.c" "$OUT/liboutside.so" -Wl,-rpath,"$OUT" && lines "archive, another library's calls" "$OUT/borrows-archived"
program borrows "$HERE/borrows.c" "$OUT/liboutside.so" -Wl,-rpath,"$OUT" && lines "shared, another library's calls" "$OUT/borrows"

# Other linkers
with_linker() { # NAME FLAGS...
  local name=$1; shift
  program "core-$name" "$HERE/core.c" "$@" && lines "$name, shared" "$OUT/core-$name"
  archived "core-archived-$name" "$HERE/core.c" "$@" && lines "$name, archive" "$OUT/core-archived-$name"
}
if command -v ld.gold >/dev/null; then with_linker gold -fuse-ld=gold; else skip 'gold is not installed'; fi
lld=$(command -v ld.lld || ls "$(rustc --print sysroot 2>/dev/null)"/lib/rustlib/*/bin/gcc-ld/ld.lld 2>/dev/null)
if [ -n "$lld" ]; then with_linker lld -fuse-ld=lld -B"$(dirname "$lld")"; else skip 'lld is not installed'; fi
if command -v mold >/dev/null; then with_linker mold -fuse-ld=mold; else skip 'mold is not installed'; fi

# In place of the original: linked with a library of that name and C++ names, run with ours
mkdir -p "$OUT/original"
builds original $CXX -std=c++11 -g -shared -fPIC "$HERE/original.cpp" -o "$OUT/original/libcolib.so"
# Newer compilers warn of a keyword of C++20 that the original declares.
MANGLED='-g -O1 -Wall -Wextra -Wno-c++20-compat -Werror'
if builds mangled $CXX -std=c++11 $MANGLED "$HERE/mangled.cpp" -o "$OUT/mangled" -L"$OUT/original" -lcolib -lpthread; then
  { (exec env LD_LIBRARY_PATH="$OUT/original" "$OUT/mangled") >/dev/null; } 2>/dev/null
  is "$?" 134 'original: the program really calls the library'
  lines 'in place of the original' env LD_LIBRARY_PATH="$LIB" "$OUT/mangled"
  is "$(cat "$OUT/err")" 'log-7-2.5' 'in place of the original: co_log_err formats'
  declared=$(nm -D --defined-only "$OUT/original/libcolib.so" | awk '$2 == "T" {print $3}' | LC_ALL=C sort)
  is "$(nm -D --undefined-only "$OUT/mangled" | awk '{print $2}' | LC_ALL=C sort | LC_ALL=C comm -13 - <(echo "$declared"))" '' \
    'in place of the original: the program uses every function'
fi
builds mangled-direct $CXX -std=c++98 $MANGLED "$HERE/mangled.cpp" -o "$OUT/mangled-direct" $SHARED \
  && lines 'C++ names, linked with ours' "$OUT/mangled-direct"
builds mangled-archived $CXX -std=c++98 $MANGLED "$HERE/mangled.cpp" -o "$OUT/mangled-archived" $STATIC \
  && lines 'C++ names, archive' "$OUT/mangled-archived"

# Opened
builds opened $CC -std=gnu11 $CFLAGS "$HERE/opened.c" -o "$OUT/opened" -ldl -lpthread && {
  lines 'preloaded, names by dlsym' env LD_PRELOAD="$PRELOAD" "$OUT/opened" preloaded
  lines 'opened, RTLD_GLOBAL' "$OUT/opened" global "$PRELOAD"
  lines 'opened, RTLD_LOCAL' "$OUT/opened" local "$PRELOAD"
}

# Before our constructor and after our destructor: what a program observes is what it observes without us.
# early NAME PLAIN PRELOAD PROGRAM: compares standard error of the program with PLAIN and with PRELOAD preloaded
early() {
  local status
  timeout 60 env EARLY=4 LD_PRELOAD="$2" "$4" 2>"$OUT/plain"
  timeout 60 env EARLY=4 LD_PRELOAD="$3" "$4" 2>"$OUT/with"; status=$?
  is "$status" 0 "$1: ends as it should"
  ok "$([ "$(grep -c 'longjmp 2' "$OUT/plain")" -ge 2 ]; echo $?)" "$1: without the library everything is called"
  is "$(diff "$OUT/plain" "$OUT/with")" '' "$1: every call gives the same"
}
builds early $CC -std=gnu11 $CFLAGS -DPROGRAM "$HERE/early.c" -o "$OUT/early" -lpthread
shared_object libearly.so "$HERE/early.c" '-DWHO="library"'
builds uses $CC -std=gnu11 $CFLAGS "$HERE/uses.c" -o "$OUT/uses"
program early-linked "$HERE/early.c" -DPROGRAM -Wl,--no-as-needed
archived early-archived "$HERE/early.c" -DPROGRAM -Wl,--undefined=co_self
early '.preinit_array, constructors, destructors of a program' '' "$PRELOAD" "$OUT/early"
# The loader begins with the last of the list, and ends with it.
early 'a library that begins before and ends after ours' "$OUT/libearly.so" "$PRELOAD $OUT/libearly.so" "$OUT/uses"
early 'a library that begins after and ends before ours' "$OUT/libearly.so" "$OUT/libearly.so $PRELOAD" "$OUT/uses"
for how in linked archived; do
  EARLY=4 timeout 60 "$OUT/early" 2>"$OUT/plain"
  EARLY=4 timeout 60 "$OUT/early-$how" 2>"$OUT/with"
  is "$(diff "$OUT/plain" "$OUT/with")" '' "a program $how with the library: every early and late call gives the same"
done
shared_object libearly_coroutines.so "$HERE/early_coroutines.c"
lines 'coroutines before our constructor and after our destructor' env LD_PRELOAD="$PRELOAD $OUT/libearly_coroutines.so" "$OUT/uses"
lines 'coroutines in constructors and destructors' env LD_PRELOAD="$OUT/libearly_coroutines.so $PRELOAD" "$OUT/uses"
program exits "$HERE/exits.c" && {
  said=$(timeout 60 "$OUT/exits" 2>&1); status=$?
  is "$status $said" '7 hooked calls work at exit' 'exit in a coroutine runs what was registered and gives the status'
}

# An allocator that makes hooked calls
shared_object liballocator.so "$HERE/allocator.c" -fno-builtin
program allocates "$HERE/allocates.c"
export ALLOCATOR=1
for order in "$PRELOAD $OUT/liballocator.so" "$OUT/liballocator.so $PRELOAD"; do
  [ "${order%% *}" = "$PRELOAD" ] && name='an allocator preloaded behind the library' || name='an allocator preloaded before the library'
  lines "$name" env LD_PRELOAD="$order" "$OUT/allocates"
  is "$(cat "$OUT/err")" 'allocator used' "$name: was used"
  is "$(LD_PRELOAD=$order sh -c 'echo "$(echo one | cat)" two' 2>/dev/null)" 'one two' "$name: a shell works"
done
lines 'an allocator preloaded into a program linked with the library' env LD_PRELOAD="$OUT/liballocator.so" "$OUT/allocates"
done_testing
