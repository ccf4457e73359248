#!/usr/bin/env bash
# The examples: each builds as it stands, and does what it is an example of.
. "$(dirname "$0")/lib.sh"
HERE=$ROOT/examples
group=

# Server processes have a session of their own: killing its group takes the forked ones along.
stop_server() { [ -z "$group" ] || { kill -- "-$group"; wait "$group"; } 2>/dev/null; group=; }
trap stop_server EXIT

# start_server ARGUMENTS...: example_echosvr on a port the kernel chooses; sets `port` and `group`
start_server() {
  : >"$OUT/server.out"
  setsid "$OUT/example_echosvr" 127.0.0.1 0 "$@" >"$OUT/server.out" 2>&1 &
  group=$! port=
  for _ in $(seq 100); do
    port=$(sed -n 's/^listening on .* port //p' "$OUT/server.out")
    [ -n "$port" ] && return
    sleep 0.05
  done
  diag "no server: $(cat "$OUT/server.out")"
}

# run EXAMPLE ARGUMENTS...: its output in `output`, its exit code in `status`
run() { local example=$1; shift; output=$(timeout 60 "$OUT/$example" "$@" 2>&1); status=$?; }
matching() { printf '%s\n' "$output" | grep -Ec -- "$1"; }

for name in closure cond copystack echosvr echocli poll setenv specific thread thread_local; do
  passes "example_$name builds" build_cxx "example_$name" "$HERE/example_$name.cpp"
done
passes "an example builds as C++98" build_cxx example98 "$HERE/example_specific.cpp" -std=gnu++98

run example_closure
is "$status" 0 "closure ends"
like "$output" '10 closures ran, total 45' "closure: every body ran on the shared variables"
is "$(matching '^closure [01] step [01]$')" 4 "closure: bodies have copies of their own"

run example_cond 5 10
is "$status" 0 "cond ends"
is "$(printf '%s\n' "$output" | grep -o 'consumer: job .' | paste -sd,)" \
  "consumer: job 0,consumer: job 1,consumer: job 2,consumer: job 3,consumer: job 4" \
  "cond: the consumer gets every job in order"
is "$(printf '%s\n' "$output" | tail -2 | paste -sd,)" "producer: job 4,consumer: job 4" \
  "cond: a signal wakes the consumer while the producer sleeps"

run example_copystack 4 10
is "$status" 0 "copystack ends"
is "$(matching '^routine [01] round [0-3] stack address 0x')" 8 "copystack: both coroutines find their values again"
is "$(printf '%s' "$output" | grep -o '0x[0-9a-f]*' | sort -u | wc -l)" 1 "copystack: both see the same stack address"
is "$(printf '%s' "$output" | cut -d' ' -f2,4 | sort | paste -sd,)" "0 0,0 1,0 2,0 3,1 0,1 1,1 2,1 3" \
  "copystack: each has its own numbers"

REMOTE_USER=somebody run example_setenv 20
is "$status" 0 "setenv ends"
is "$(matching '^routine ([0-2]): QUERY_STRING id=\1,')" 3 "setenv: one variable has three values"
is "$(matching 'REMOTE_USER somebody$')" 3 "setenv: a listed name nobody set is the process's"
like "$output" '^process: QUERY_STRING process$' "setenv: the process keeps its own value"

start=$(date +%s%N)
run example_specific 5 40
elapsed=$((($(date +%s%N) - start) / 1000000))
is "$status" 0 "specific ends"
is "$(matching '^routine ([0-9]): specific \1, round [0-4]$')" 50 "specific: ten coroutines keep their own value"
ok "$([ "$elapsed" -ge 200 ] && [ "$elapsed" -lt 1500 ]; echo $?)" "specific: ten coroutines wait side by side ($elapsed ms)"

run example_thread 3 4 10
is "$status" 0 "thread ends"
is "$(matching '^thread [0-2]: round [0-3]$')" 12 "thread: three loops run"
is "$(matching '^thread [0-2]: done, its coroutine stayed$')" 3 "thread: coroutines stay in their thread"

run example_thread_local 20
is "$status" 0 "thread_local ends"
is "$(matching '^request ([0-9]): answer to \1$')" 10 "thread_local: each finds its own request again"

# Fewer tasks than clients: the rest waits in the backlog until a task is idle again.
start_server 4 1 -n 20
run example_echocli 127.0.0.1 "$port" 10 2 -n 50
is "$status" 0 "echocli: every answer was right"
is "$(matching '^in all: 500 echoed, 0 failed$')" 2 "echocli: both processes exchanged all messages"
wait "$group"
is "$?" 0 "echosvr ends after its number of connections"
group=
like "$(cat "$OUT/server.out")" 'process 0: served 20 connections' "echosvr: one process served all, four at a time"

start_server 20 2
run example_echocli 127.0.0.1 "$port" 10 1 -n 50
like "$output" '^in all: 500 echoed, 0 failed$' "echosvr: two processes share a port"

run example_poll 127.0.0.1 "$port" 127.0.0.1 "$port"
is "$status" 0 "poll ends"
is "$(matching '^thread: connected 2 of 2$')" 1 "poll: works once outside of coroutines"
is "$(matching '^routine [0-9]: connected 2 of 2$')" 10 "poll: works in ten coroutines"
stop_server
run example_poll 127.0.0.1 "$port" 127.0.0.1 "$port" -n 3
is "$status $(matching 'connected 0 of 2$')" "0 4" "poll: tells of refused connections"

demo=$("$ROOT/scripts/demo.sh" 50 50 2>&1)
is "$?" 0 "the demo's answers are right both ways"
like "$demo" 'as coroutines +[0-9.]+ s +50/50 ' "the demo prints a table"
like "$demo" "as it is +1001 " "the demo's server has a thread for each connection"
like "$demo" "COLIB_THREADS=1 +1 " "and one to the kernel when its threads are coroutines"
factor=$(printf '%s' "$demo" | sed -n 's/.*ran \([0-9]*\)\.[0-9] times as fast.*/\1/p')
ok "$([ "${factor:-0}" -ge 5 ]; echo $?)" "the demo's coroutines wait side by side (${factor:-?} times as fast)"
[ -n "$factor" ] || diag "$demo"
"$ROOT/scripts/demo.sh" 0 50 >/dev/null 2>&1
is "$?" 2 "the demo fails without clients"
ok "$( (exec 3<>"/dev/tcp/127.0.0.1/$(cat "$ROOT/target/demo/port")") 2>/dev/null; [ $? -ne 0 ]; echo $?)" \
  "the demo stops its server also when it fails"
done_testing
