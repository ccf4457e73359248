#!/usr/bin/env bash
# Servers of Debian's that have a thread for each connection, on one kernel thread and on two (COLIB_THREADS): they serve correct data to many
# connections at once, and end as they do without.
. "$(dirname "$0")/lib.sh"
missing=$("$ROOT/scripts/packages.sh" 2>&1) || diag "$missing"
. "$ROOT/scripts/servers.sh"
CLIENT=$ROOT/tests/threads_mode/client.py
CONNECTIONS=200

# try NAME CLIENT-KIND COMMAND...: PORT in the command is a free one
try() {
  local name=$1 kind=$2 way port said expected ends=() command; shift 2
  for way in plain 1 2; do
    port=$(free_port)
    command=("${@//PORT/$port}")
    [ "$way" = plain ] || command=(env COLIB_THREADS=$way LD_PRELOAD="$PRELOAD" "${command[@]}")
    [ "$kind" != proxy ] || sed "s/PORT/$port/" >"$OUT/tinyproxy.conf" <<<"$PROXY"
    launch "$name" bound "${command[@]}"
    wait_for "$name" 20 listens "$port" || { ok 1 "$name: starts ($way)"; return; }
    said=$(timeout 70 python3 "$CLIENT" "$kind" 127.0.0.1 "$port" "${server_pid[$name]}" $CONNECTIONS 2>&1)
    expected=$((CONNECTIONS + 1))
    [ "$way" = plain ] || expected=$way
    is "$said" "connections=$CONNECTIONS mistakes=0 threads=$expected" "$name: $CONNECTIONS connections at once ($way)"
    kill -TERM "${server_pid[$name]}"
    wait "${server_pid[$name]}"
    ends+=($?)
  done
  is "${ends[*]}" "${ends[0]} ${ends[0]} ${ends[0]}" "$name: ends on SIGTERM as it does without"
}
listens() { grep -q ":$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; }

PROXY="Port PORT
Listen 127.0.0.1
MaxClients 1000
Timeout 60
LogFile \"$OUT/tinyproxy.log\"
LogLevel Error"
if command -v microsocks >/dev/null; then try microsocks socks microsocks -i 127.0.0.1 -p PORT; else skip 'microsocks is not installed'; fi
if command -v tinyproxy >/dev/null; then try tinyproxy proxy tinyproxy -d -c "$OUT/tinyproxy.conf"; else skip 'tinyproxy is not installed'; fi
try socketserver echo python3 "$ROOT/tests/threads_mode/server.py" PORT
done_testing
