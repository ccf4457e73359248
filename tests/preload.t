#!/usr/bin/env bash
# Preloaded into a program that knows nothing of it, the library is not noticed: output, errors and exit status are those of a run without.
# Each case is a command or a script of tests/preload that prints nothing which changes from run to run; each runs in an empty directory
# with a small environment. COLIB_PRELOAD names another library, an empty one for instance, to see what a case itself varies by.
. "$(dirname "$0")/lib.sh"
missing=$("$ROOT/scripts/packages.sh" 2>&1) || diag "$missing"
TLS_COUNT=2
. "$ROOT/scripts/servers.sh"
CASES=$ROOT/tests/preload

# postgres runs as another user, who may not be able to look into the tree this stands in.
library=$SERVER_DIR/$(basename "${COLIB_PRELOAD:-$PRELOAD}")
cp "${COLIB_PRELOAD:-$PRELOAD}" "$library" && chmod 755 "$library" || { echo "Bail out! no ${COLIB_PRELOAD:-$PRELOAD}"; exit 1; }
name=$(basename "$library")

# need NAME WHAT...: whether all these commands are there. Where they should be (CI), their absence is a failure, elsewhere a skip.
need() {
  local case=$1 what lacks=; shift
  for what; do command -v "$what" >/dev/null || lacks+=" $what"; done
  [ -n "$lacks" ] || return 0
  if [ "${CI-}" = true ]; then ok 1 "$case: installed:$lacks"; else skip "$case: not installed:$lacks (${missing##*: })"; fi
  return 1
}

# observe TO LIBRARY COMMAND...: runs it in an empty directory, always the same; what it gave goes to TO.out, TO.err, TO.status
observe() {
  local to=$1 preload=$2 variable settings=() run=$SERVER_DIR/run; shift 2
  for variable in SERVER_HOST REDIS_PORT POSTGRES_PORT MARIADB_PORT MARIADB_SOCKET HTTP_PORT TLS_PORT TLS_CERT NGINX_PORT NGINX_TLS_PORT GIT_HOST GIT_PORT PYTHONWARNINGS; do
    [ -z "${!variable-}" ] || settings+=("$variable=${!variable}")
  done
  rm -rf "$run"
  mkdir "$run"
  (cd "$run" && exec timeout -k 5 60 env -i PATH="$PATH" HOME="$run" LANG=C.UTF-8 TZ=UTC "${settings[@]}" ${preload:+LD_PRELOAD="$preload"} "$@") \
    </dev/null >"$to.out" 2>"$to.err" 9>&-
  echo $? >"$to.status"
}

# differences OF: what differs between OF.plain.* and OF.preloaded.*, shortened
differences() {
  local part
  for part in status out err; do
    cmp -s "$1.plain.$part" "$1.preloaded.$part" || diff -U 2 "$1.plain.$part" "$1.preloaded.$part" | head -n 25
  done
}
verdict() { # STATUS NAME FILES
  local said
  if [ "$(cat "$3.plain.status")" != "$1" ]; then
    ok 1 "$2: exits with $1 when nothing is preloaded"
    diag "exits with $(cat "$3.plain.status")" "$(tail -n 5 "$3.plain.out" "$3.plain.err")"
  elif [ ! -s "$3.plain.out" ]; then ok 1 "$2: prints something when nothing is preloaded"
  else
    said=$(differences "$3")
    [ -z "$said" ]
    ok $? "$2"
    [ -z "$said" ] || diag "$said"
  fi
}

# same STATUS NAME COMMAND...: the command gives the same with the library preloaded into it and its children. STATUS is what it should exit with.
same() {
  local status=$1 case=$2 files=$OUT/${2//[^a-z0-9]/_}; shift 2
  observe "$files.plain" '' "$@"
  observe "$files.preloaded" "$library" "$@"
  verdict "$status" "$case" "$files"
}

# same_server SERVER NAME COMMAND...: the command gives the same when the library is preloaded into the server it talks to, and the server
# ends as it does without. The server that runs already is the one without.
same_server() {
  local server=$1 case=$2 files=$OUT/server_$1 pid; shift 2
  observe "$files.plain" '' "$@"
  stop_server "$server"; echo "the server ended with $?" >>"$files.plain.out"
  SERVER_ENV="env LD_PRELOAD=$library"
  if start_servers "$server"; then
    pid=${server_pid[$server]}
    grep -q "$name" "/proc/$pid/maps"
    ok $? "$case: the library is in the server"
    observe "$files.preloaded" '' "$@"
    stop_server "$server"; echo "the server ended with $?" >>"$files.preloaded.out"
    verdict 0 "$case" "$files"
  else
    ok 1 "$case: starts with the library preloaded"
  fi
  SERVER_ENV=
}

observe "$OUT/maps" "$library" cat /proc/self/maps
grep -q "$name" "$OUT/maps.out"
ok $? 'the library is really in a program it is preloaded into'
is "$(cat "$OUT/maps.err")" '' 'the loader has no complaint'

# searched LIBRARY: the libraries that the loader searches the disk for when a program starts and ends
searched() { observe "$OUT/searched" "$1" env LD_DEBUG=libs cat; sed -n 's/.*find library=\([^ ]*\).*/\1/p' "$OUT/searched.err" | sort -u; }
needed=$(ldd "$library" | sed -n 's/^\s*\(\S*\) => .*/\1/p')
plain=$(searched '') preloaded=$(searched "$library")
is "$(grep -c '^libc\.so' <<<"$plain")" 1 'the loader tells what it searches the disk for'
is "$(grep -vxFf <(printf '%s\n' "$plain" "$needed") <<<"$preloaded")" '' 'it searches for nothing more than the library needs'

same 42 'bash: jobs, traps, pipes, coprocesses' bash "$CASES/shell.sh"
same 0 'tar, find, sort, xargs, gzip, xz, timeout, flock, tail and others' bash "$CASES/tools.sh"
need python3 python3 && {
  python=$(command -v /usr/bin/python3 || command -v python3)
  # From 3.12 on it warns of a fork beside a thread that has been joined and not quite ended.
  export PYTHONWARNINGS=ignore::DeprecationWarning
  same 0 'python3: sockets, threads, poll, select, epoll, asyncio' "$python" -S "$CASES/sockets.py"
  same 0 'python3: fork, exec, subprocess, pools, close loops, a daemon, environment' "$python" -S "$CASES/processes.py"
  same 0 'python3: signals in blocking calls' "$python" -S "$CASES/signals.py"
  unset PYTHONWARNINGS
}
need perl perl && same 0 'perl: sockets, forks, alarms, pipes, a daemon, threads' perl "$CASES/io.pl"
need node node && same 6 'node: http, sockets, children, workers, names, a cluster' node "$CASES/net.js"
need git git && GIT_HOST=$SERVER_HOST GIT_PORT=$(free_port) same 0 'git: commits, clones, pushes, hooks, a daemon, maintenance' bash "$CASES/git.sh"
need 'compiler, make, gdb' "$CC" make gdb && same 0 'a compiler, make with jobs, gdb' bash "$CASES/build.sh"
need socat socat && same 0 'socat: relays, programs, terminals, datagrams' bash "$CASES/relays.sh"
need ssh-keygen ssh-keygen ssh-agent openssl && same 0 'ssh-keygen, ssh-agent, openssl, s_client to s_server' bash "$CASES/keys.sh"
need daemons redis-server redis-cli nginx curl && same 0 'redis-server and nginx as daemons' bash "$CASES/daemons.sh"

# Commands against servers without the library; then the same against servers with it
need redis redis-server redis-cli redis-benchmark && {
  REDIS_OPTIONS=(--appendonly yes --io-threads 2 --io-threads-do-reads yes)
  # Before 7 it needs no permission.
  [[ $(redis-server --version) =~ \ v=[0-6]\. ]] || REDIS_OPTIONS+=(--enable-debug-command yes)
  start_servers redis
  same 0 'redis-cli, redis-benchmark' bash "$CASES/redis.sh"
  same_server redis 'redis-server: threads for I/O, saving children' bash "$CASES/redis.sh"
}
need web curl ab nginx python3 && {
  start_servers http nginx
  same 0 'curl, ab' bash "$CASES/web.sh"
  same_server nginx 'nginx: workers, TLS, under ab' bash "$CASES/web.sh"
}
need postgres psql pg_dump pg_config && {
  start_servers postgres
  same 0 'psql, pg_dump, pgbench' bash "$CASES/postgres.sh"
  same_server postgres 'postgres: a process for each connection, parallel workers' bash "$CASES/postgres.sh"
}
need mariadb mariadbd mariadb mariadb-install-db mariadb-dump && {
  start_servers mariadb
  same 0 'mariadb and its tools' bash "$CASES/mariadb.sh"
  same_server mariadb 'mariadbd: a thread for each connection' bash "$CASES/mariadb.sh"
}
done_testing
