#!/bin/sh
# tinyproxy in the foreground, on the port of the environment.
CONFIG=$(cd "$(dirname "$0")/../../../target/benches" && pwd)/tinyproxy-$PORT.conf
printf 'Port %s\nListen 127.0.0.1\nMaxClients 2000\nTimeout 60\nLogLevel Critical\n' "$PORT" >"$CONFIG"
exec tinyproxy -d -c "$CONFIG"
