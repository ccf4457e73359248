#!/usr/bin/env bash
# What is each coroutine's own: values by key, environment variables, errno, control words, exceptions.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c variables "$ROOT/tests/c/variables.c" -lm &&
  build_cxx variables_cxx "$ROOT/tests/c/variables_exceptions.cpp" ||
  { echo "Bail out! the programs do not compile"; exit 1; }
cases variables
cases variables_cxx
done_testing
