#!/usr/bin/env bash
# The public headers: each compiles alone in every standard it is for, and what the hand-written ones offer works.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/common/lines.sh"
HERE=$ROOT/tests/headers
STRICT="-Wall -Wextra -Wpedantic -Wshadow -Werror -I$ROOT/include"

# alone HEADER LANGUAGE STANDARD...: a source file that includes nothing else compiles without a warning
alone() {
  local header=$1 language=$2 compiler=$CC out=; shift 2
  [ "$language" = c ] || compiler=$CXX
  for standard; do
    out+=$(echo "#include \"$header\"" | $compiler -std="$standard" $STRICT -fsyntax-only -x "$language" - 2>&1)
  done
  ok "$([ -z "$out" ]; echo $?)" "$header compiles alone as $*"
  [ -z "$out" ] || diag "$out"
}

# refused DEFINITION SOURCE NAME: compiles without the definition and not with it
refused() {
  if $CXX -std=c++17 $STRICT -fsyntax-only "$2" && ! $CXX -std=c++17 $STRICT -fsyntax-only "$1" "$2" 2>/dev/null
  then ok 0 "$3"; else ok 1 "$3"; fi
}

C="c99 c11 c17" CXXS="c++98 c++11 c++14 c++17 c++20"
for header in co_routine.h co_routine_inner.h coctx.h; do alone $header c $C; done
for header in co_routine.h co_routine_inner.h coctx.h co_routine_specific.h co_closure.h co_comm.h; do
  alone $header c++ $CXXS
done

for standard in $CXXS; do
  sources=$(for source in closure specific specific_other mutex together; do echo "$HERE/$source.cpp"; done)
  passes "macros and classes are used without a warning as $standard" \
    $CXX -std="$standard" $STRICT -fsyntax-only $sources
done
refused -DCOPY_MUTEX "$HERE/mutex.cpp" "a clsCoMutex cannot be copied"
refused -DCOPY_LOCK "$HERE/mutex.cpp" "a clsSmartLock cannot be copied"

# run COMPILER PROGRAM ARGUMENT...: builds the program and runs it
run() { local how=$1; shift; if "$how" "$@"; then lines "$1" "$OUT/$1"; else ok 1 "$1 builds"; fi; }
run build_cxx closure "$HERE/closure.cpp"
run build_cxx specific "$HERE/specific.cpp" "$HERE/specific_other.cpp"
run build_cxx mutex "$HERE/mutex.cpp"
run build_cxx together "$HERE/together.cpp"
run build_c inner "$HERE/inner.c"
run build_c coctx "$HERE/coctx.c"

# Oldest standard, to see that no class leans on a newer one at run time.
run build_cxx closure98 "$HERE/closure.cpp" -std=c++98
run build_cxx specific98 "$HERE/specific.cpp" "$HERE/specific_other.cpp" -std=c++98
run build_cxx mutex98 "$HERE/mutex.cpp" -std=c++98
done_testing
