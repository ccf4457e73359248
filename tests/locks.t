#!/usr/bin/env bash
# Locks of pthread and of C11: a coroutine that waits for one parks, whoever has it; owners are coroutines.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

for program in locks locks_wait locks_meet locks_mixed locks_running; do
  build_c $program "$ROOT/tests/c/$program.c" || { echo "Bail out! $program does not compile"; exit 1; }
done
build_c locks_meanwhile "$ROOT/tests/c/locks_meanwhile.c" -ldl || { echo "Bail out! locks_meanwhile does not compile"; exit 1; }
$CC -shared -fPIC -O1 -o "$OUT/liballocator.so" "$ROOT/tests/c/locks_allocator.c" -ldl -lpthread || { echo "Bail out! no allocator"; exit 1; }
build_cxx locks_exception "$ROOT/tests/c/locks_exception.cpp" || { echo "Bail out! locks_exception does not compile"; exit 1; }
build_cxx locks_futex "$ROOT/tests/c/locks_futex.cpp" -std=c++20 || { echo "Bail out! locks_futex does not compile"; exit 1; }
for program in locks locks_wait locks_meet locks_mixed locks_running locks_meanwhile locks_exception locks_futex; do cases $program; done
ALLOCATOR=$OUT/liballocator.so
passes 'an allocator with locks of its own is not left in the middle of malloc' \
  env LD_PRELOAD="$ALLOCATOR" "$OUT/locks_meanwhile" nobody_parks_inside_the_allocator
build_c locks_at_one_place "$ROOT/tests/c/locks_meanwhile.c" -fno-pic -no-pie -ldl || { echo "Bail out! locks_at_one_place does not compile"; exit 1; }
passes 'nor where the program has the address of malloc in its own code' \
  env LD_PRELOAD="$ALLOCATOR" "$OUT/locks_at_one_place" nobody_parks_inside_the_allocator
build_cxx locks_futex_at_one_place "$ROOT/tests/c/locks_futex.cpp" -std=c++20 -fno-pic -no-pie || { echo "Bail out! locks_futex_at_one_place does not compile"; exit 1; }
passes 'nor is a static variable made twice where the program has the address of pthread_create in its own code' \
  "$OUT/locks_futex_at_one_place" a_static_variable_is_made_once_while_others_wait_for_it
# Real ones, whose threads wait for each other in ways of their own.
build_cxx locks_allocators "$ROOT/tests/c/locks_allocators.cpp" || { echo "Bail out! locks_allocators does not compile"; exit 1; }
passes "libc's allocator: memory from thread to thread" "$OUT/locks_allocators"
for allocator in /usr/lib/*/{libtcmalloc_minimal.so.4,libjemalloc.so.2,libmimalloc.so.[23]}; do
  name=$(basename "$allocator")
  if [ ! -e "$allocator" ]; then skip "$name is not installed"; continue; fi
  passes "$name: memory from thread to thread" env LD_PRELOAD="$allocator" "$OUT/locks_allocators"
done
done_testing
