# curl against the slow server and ab and curl against nginx. Needs SERVER_HOST, HTTP_PORT, NGINX_PORT, NGINX_TLS_PORT, TLS_CERT.
# Prints what each step gave; no dates, no times.
export LC_ALL=C HOME=$PWD
slow=http://$SERVER_HOST:$HTTP_PORT nginx=http://$SERVER_HOST:$NGINX_PORT
curl -q -sS -i "$slow/7" | head -n 6
curl -q -sS -o /dev/null -o /dev/null -o /dev/null -w '%{http_code} %{size_download} %{num_connects}\n' "$slow/1" "$slow/22" "$slow/333"
curl -q -sS -Z --no-progress-meter --parallel-max 20 -o '#1' "$slow/[1-20]"; cat $(seq 1 20) | sha256sum
seq 1 200000 | curl -q -sS --data-binary @- "$slow/" | sha256sum
seq 1 1000 >sent; curl -q -sS -T sent -X POST --limit-rate 100K "$slow/" | cmp - sent && echo same
curl -q -s --max-time 0.05 "$slow/1"; echo "in time: $?"
curl -q -s --connect-timeout 1 "http://$SERVER_HOST:1/"; echo "refused: $?"
curl -q -sSf "$slow/status/404"; echo "failed: $?"
curl -q -sS --retry 1 --retry-delay 0 -o /dev/null -w '%{http_code}\n' "$slow/status/500" 2>/dev/null
curl -q -sS telnet://"$SERVER_HOST:$HTTP_PORT" <<<$'GET /empty HTTP/1.0\r\nConnection: close\r\n\r' | tr -d '\r'
curl -q -sS "$nginx/numbers" | sha256sum
curl -q -sS --cacert "$TLS_CERT" --resolve "localhost:$NGINX_TLS_PORT:$SERVER_HOST" "https://localhost:$NGINX_TLS_PORT/numbers" | sha256sum
curl -q -s "https://$SERVER_HOST:$NGINX_TLS_PORT/"; echo "unknown authority: $?"
curl -q -sS -r 10-19 "$nginx/numbers" | od -c | head -n 1
report() { grep -E '^(Complete|Failed|Keep-Alive) requests|^(HTML|Non-2xx)|^Document Length|^Concurrency'; }
ab -q -n 500 -c 20 "$nginx/numbers" | report; echo "ab: ${PIPESTATUS[0]}"
ab -q -n 500 -c 20 -k "$nginx/numbers" | report
ab -q -n 50 -c 5 "https://$SERVER_HOST:$NGINX_TLS_PORT/numbers" | report
ab -q -n 40 -c 20 "$slow/5" | report
