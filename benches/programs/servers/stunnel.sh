#!/bin/sh
# stunnel that decrypts for what listens on port BEHIND. Clients without TLS reach it through a second stunnel, on the port of the
# environment, which runs on the load's CPU as plain threads and is not measured.
BENCHES=$(cd "$(dirname "$0")/../../../target/benches" && pwd)
HERE=$BENCHES/stunnel-$PORT
INNER=$((PORT % 20000 + 10000)) # below the kernel's own range
printf 'foreground = yes\npid =\nsyslog = no\ndebug = err\n[outer]\nclient = yes\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\n' \
  "$PORT" "$INNER" >"$HERE-outer.conf"
printf 'foreground = yes\npid =\nsyslog = no\ndebug = err\n[inner]\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\ncert = %s\nkey = %s\n' \
  "$INNER" "$BEHIND" "$BENCHES/cert.pem" "$BENCHES/key.pem" >"$HERE-inner.conf"
# It comes second: the load begins as soon as it listens.
unmeasured() {
  unset COLIB_THREADS LD_PRELOAD
  for _ in $(seq 500); do
    grep -q ":$(printf %04X "$INNER") 00000000:0000 0A" /proc/net/tcp && exec setpriv --pdeathsig KILL taskset -c 1 stunnel4 "$HERE-outer.conf"
    sleep 0.02
  done
}
unmeasured &
exec stunnel4 "$HERE-inner.conf"
