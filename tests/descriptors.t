#!/usr/bin/env bash
# Descriptors that are closed, replaced, shut down and used again under coroutines that wait, and programs that close everything.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/c/cases.sh"
builds=
for program in descriptors descriptors_all descriptors_random; do build_c $program "$ROOT/tests/c/$program.c" & builds+=" $!"; done
for build in $builds; do wait "$build" || { echo "Bail out! a program does not compile"; exit 1; }; done
for program in descriptors descriptors_all descriptors_random; do cases $program; done
done_testing
