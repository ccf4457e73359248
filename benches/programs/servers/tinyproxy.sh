#!/bin/sh
# tinyproxy in the foreground, on the port of the environment.
printf 'Port %s\nListen 127.0.0.1\nMaxClients 2000\nTimeout 60\nLogLevel Critical\n' "$PORT" >"${TMPDIR:-/tmp}/bench-tinyproxy-$PORT.conf"
exec tinyproxy -d -c "${TMPDIR:-/tmp}/bench-tinyproxy-$PORT.conf"
