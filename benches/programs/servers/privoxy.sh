#!/bin/sh
# privoxy in the foreground, on the port of the environment.
CONFIG=$(cd "$(dirname "$0")/../../../target/benches" && pwd)/privoxy-$PORT.conf
printf 'listen-address 127.0.0.1:%s\nmax-client-connections 2000\nlisten-backlog 512\ntoggle 0\n' "$PORT" >"$CONFIG"
PATH=$PATH:/usr/sbin exec privoxy --no-daemon "$CONFIG"
