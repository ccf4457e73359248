#!/bin/sh
# stunnel that decrypts for what listens on port BEHIND. Clients without TLS reach it through a second stunnel, on the port of the
# environment, which runs on the load's CPU as plain threads and is not measured.
BENCHES=$(cd "$(dirname "$0")/../../../target/benches" && pwd)
HERE=${TMPDIR:-/tmp}/bench-stunnel-$PORT
INNER=$((PORT % 20000 + 10000)) # below the kernel's own range
printf 'foreground = yes\npid =\nsyslog = no\ndebug = err\n[outer]\nclient = yes\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\n' \
  "$PORT" "$INNER" >"$HERE-outer.conf"
printf 'foreground = yes\npid =\nsyslog = no\ndebug = err\n[inner]\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\ncert = %s\nkey = %s\n' \
  "$INNER" "$BEHIND" "$BENCHES/cert.pem" "$BENCHES/key.pem" >"$HERE-inner.conf"
env -u COLIB_THREADS -u LD_PRELOAD setpriv --pdeathsig KILL taskset -c 1 stunnel4 "$HERE-outer.conf" &
exec stunnel4 "$HERE-inner.conf"
