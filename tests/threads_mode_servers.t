#!/usr/bin/env bash
# Servers of Debian's that have a thread for each connection, on one kernel thread and on two (COLIB_THREADS): they serve correct data to many
# connections at once, and end as they do without. SERVERS="stunnel mariadbd" tries those alone.
. "$(dirname "$0")/lib.sh"
missing=$("$ROOT/scripts/packages.sh" 2>&1) || diag "$missing"
. "$ROOT/scripts/servers.sh"
PATH=$PATH:/usr/sbin
PROGRAMS=$ROOT/tests/threads_mode
CONNECTIONS=200
coroutines() { echo "env COLIB_THREADS=$1 LD_PRELOAD=$PRELOAD"; } # WORKERS

# try NAME CLIENT-KIND COMMAND...: as threads, and as coroutines on one and two workers. PORT in the command, and in what `configure_NAME` writes to the file
# CONFIGURATION, is a free port; BEHIND is another.
try() {
  local name=$1 kind=$2 way port behind said ends=() command; shift 2
  wanted "$name" || return
  if ! command -v "$1" >/dev/null; then skip "$name is not installed"; return; fi
  for way in plain 1 2; do
    port=$(free_port) behind=$(free_port)
    command=("${@//PORT/$port}")
    command=("${command[@]//CONFIGURATION/$OUT/$name.conf}")
    [ "$way" = plain ] || command=(env COLIB_THREADS=$way "LD_PRELOAD=$PRELOAD" "${command[@]}")
    ! declare -F "configure_$name" >/dev/null || "configure_$name" | sed "s/PORT/$port/; s/BEHIND/$behind/" >"$OUT/$name.conf"
    launch "$name" bound "${command[@]}"
    wait_for "$name" 20 listens "$port" || { ok 1 "$name: starts ($way)"; return; }
    said=$(timeout 70 python3 "$PROGRAMS/client.py" "$kind" 127.0.0.1 "$port" "${server_pid[$name]}" $CONNECTIONS "$behind" 2>&1)
    check "$name" "$way" "$said"
    kill -TERM "${server_pid[$name]}"
    ended "${server_pid[$name]}" 20 || { ok 1 "$name: ends ($way)"; return; }
    wait "${server_pid[$name]}"
    ends+=($?)
  done
  # stunnel's own threads sometimes meet what its main thread has freed.
  if [ "${ends[0]}" -eq 139 ]; then skip "$name crashes at its end without the library (ends: ${ends[*]})"; return; fi
  is "${ends[*]}" "${ends[0]} ${ends[0]} ${ends[0]}" "$name: ends on SIGTERM as it does without"
}
wanted() { [ -z "${SERVERS-}" ] || [[ " $SERVERS " == *" $1 "* ]]; }
listens() { grep -q ":$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; }

# check NAME plain|WORKERS WHAT-THE-CLIENT-SAID
check() {
  local threads=${3##*threads=} whose=one
  [ "$2" = plain ] || whose='none'
  is "${3%threads=*}" "connections=$CONNECTIONS mistakes=0 " "$1: $CONNECTIONS connections at once ($2)"
  # What it shows for coroutines says nothing of a server that has few threads anyway.
  if [ "$2" = plain ]; then [ "$threads" -gt "$CONNECTIONS" ]; else [ "$threads" -eq "$2" ]; fi
  ok $? "$1: a connection's thread is $whose of the kernel's ($2)"
  [ "$2" = plain ] || [ "$threads" -eq "$2" ] || diag "threads: $threads"
}

configure_tinyproxy() {
  cat <<END
Port PORT
Listen 127.0.0.1
MaxClients 1000
Timeout 60
LogFile "$OUT/tinyproxy.log"
LogLevel Error
END
}
configure_privoxy() {
  cat <<END
listen-address 127.0.0.1:PORT
max-client-connections 1000
listen-backlog 512
toggle 0
END
}
configure_stunnel() {
  cat <<END
foreground = yes
pid =
syslog = no
debug = err
[echo]
accept = 127.0.0.1:PORT
connect = 127.0.0.1:BEHIND
cert = $TLS_CERT
key = $TLS_KEY
END
}

try microsocks socks microsocks -i 127.0.0.1 -p PORT
try tinyproxy proxy tinyproxy -d -c CONFIGURATION
try privoxy proxy privoxy --no-daemon CONFIGURATION
certificate
try stunnel tls stunnel4 CONFIGURATION
try socketserver echo python3 "$PROGRAMS/server.py" PORT
try http.server pages python3 "$PROGRAMS/http_server.py" PORT
try webrick pages ruby "$PROGRAMS/server.rb" PORT
if $CC -std=gnu11 $CFLAGS "$PROGRAMS/civetweb.c" -o "$OUT/civetweb" -lcivetweb -lpthread; then
  try civetweb pages "$OUT/civetweb" PORT
else
  skip 'civetweb is not installed'
fi
# count_calls: the system calls by which libmicrohttpd, which polls before each read, waits and transfers. Waiting as a coroutine adds none
# to each request; a fifth more leaves room for what is done once.
REQUESTS=300
calls_of() { # COMMAND...
  local port; port=$(free_port)
  launch counted bound strace -f -e trace=network,poll,ppoll,epoll_wait,epoll_pwait,epoll_pwait2,epoll_ctl,read,write,fcntl \
    -o "$OUT/calls" "$@" "$OUT/microhttpd" "$port"
  wait_for counted 20 listens "$port" || return
  timeout 60 python3 "$PROGRAMS/requests.py" "$port" $REQUESTS || echo 'no answer'
  kill -TERM "$(cat "/proc/${server_pid[counted]}/task/${server_pid[counted]}/children")"
  ended "${server_pid[counted]}" 20
  grep -c '(' "$OUT/calls"
}
count_calls() {
  local plain coroutines
  if ! strace -o /dev/null true 2>/dev/null; then skip 'strace does not work here'; return; fi
  plain=$(calls_of env) coroutines=$(calls_of $(coroutines 1))
  [ "$plain" -ge $((3 * REQUESTS)) ] && [ "$coroutines" -le $((plain + plain / 5)) ] \
    || { diag "$plain system calls on threads, $coroutines on coroutines"; false; }
  ok $? 'libmicrohttpd: waiting as a coroutine takes no more system calls a request'
}
if $CC -std=gnu11 $CFLAGS "$PROGRAMS/microhttpd.c" -o "$OUT/microhttpd" -lmicrohttpd -lpthread; then
  try libmicrohttpd pages "$OUT/microhttpd" PORT
  ! wanted libmicrohttpd || count_calls
else
  skip 'libmicrohttpd is not installed'
fi

serve_mariadb() {
  local way ends=()
  for way in plain 1 2; do
    [ "$way" = plain ] || SERVER_ENV=$(coroutines $way)
    start_servers mariadb || { ok 1 "mariadbd: starts ($way)"; return; }
    check mariadbd "$way" "$(timeout 70 "$OUT/mariadb" "$MARIADB_SOCKET" "${server_pid[mariadb]}" $CONNECTIONS 2>&1)"
    stop_server mariadb
    ends+=($?)
  done
  is "${ends[*]}" "${ends[0]} ${ends[0]} ${ends[0]}" 'mariadbd: ends on SIGTERM as it does without'
}
# shellcheck disable=SC2046
if ! wanted mariadbd; then
  :
elif ! command -v mariadbd >/dev/null; then
  skip 'mariadbd is not installed'
elif $CC -std=gnu11 $CFLAGS "$PROGRAMS/mariadb.c" -o "$OUT/mariadb" $(pkg-config --cflags --libs libmariadb) -lpthread; then
  serve_mariadb
else
  ok 1 'the client of mariadbd compiles'
fi
done_testing
