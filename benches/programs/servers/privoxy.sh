#!/bin/sh
# privoxy in the foreground, on the port of the environment.
printf 'listen-address 127.0.0.1:%s\nmax-client-connections 2000\nlisten-backlog 512\ntoggle 0\n' "$PORT" >"${TMPDIR:-/tmp}/bench-privoxy-$PORT.conf"
PATH=$PATH:/usr/sbin exec privoxy --no-daemon "${TMPDIR:-/tmp}/bench-privoxy-$PORT.conf"
