#!/usr/bin/env bash
# Blocking calls in coroutines: nobody else waits, whatever the descriptor and wherever it comes from; and with hooks off they are libc's own.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/c/cases.sh"
builds=
for program in io_others io_whoever io_names; do build_c $program "$ROOT/tests/c/$program.c" & builds+=" $!"; done
build_c io_plain "$ROOT/tests/c/io_plain.c" -fexceptions & builds+=" $!"
build_cxx io_exception "$ROOT/tests/c/io_exception.cpp" -fnon-call-exceptions -fasynchronous-unwind-tables & builds+=" $!"
for build in $builds; do wait "$build" || { echo "Bail out! a program does not compile"; exit 1; }; done
for program in io_others io_whoever io_names io_plain io_exception; do cases $program; done
done_testing
