#!/usr/bin/env bash
# epoll instances of the program: a wait parks the coroutine only, and no event is lost.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c epoll "$ROOT/tests/c/epoll.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases epoll
done_testing
