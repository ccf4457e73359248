# Private servers for tests and benches, to be sourced: each in a directory of its own, on a loopback address picked at random, ended
# by its pid when the sourcing shell ends. Nothing here touches a server of the system.
#
#   . scripts/servers.sh
#   start_servers redis postgres     starts both, returns 0 when both answer; else prints why on stderr and returns 1
#   stop_server redis                ends one now; returns its exit status
#
# Exported for the clients: SERVER_HOST, and per server REDIS_PORT, POSTGRES_PORT, MARIADB_PORT, MARIADB_SOCKET, HTTP_PORT (answers after
# 100 ms), TLS_PORT (the first of TLS_COUNT, one openssl s_server each, answers after 100 ms), TLS_CERT, NGINX_PORT, NGINX_TLS_PORT.
# SERVER_ENV, words put before a server's command (`env LD_PRELOAD=…`), is empty unless the caller sets it.

SERVER_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests/clients" && pwd)
SERVER_DIR=$(mktemp -d "${TMPDIR:-/tmp}/servers.XXXXXX") || exit 1
chmod 711 "$SERVER_DIR" # postgres runs as another user and must be able to enter
# An address of its own out of 127/8: no other program's ports can be in the way, only those bound to every address.
export SERVER_HOST=127.$((RANDOM % 200 + 20)).$((RANDOM % 250)).$((RANDOM % 250 + 2))
export TLS_COUNT=${TLS_COUNT:-100}
SERVER_ENV=${SERVER_ENV-}
SERVER_DELAY=0.1
declare -A server_pid=() server_log=()

# free_port [N]: the first of N consecutive ports nobody listens on, below the range the kernel gives to clients
free_port() {
  local n=${1:-1} port i
  while :; do
    port=$((RANDOM % 20000 + 10000))
    for ((i = 0; i < n; i++)); do
      ! grep -q ":$(printf %04X $((port + i))) 00000000:0000 0A" /proc/net/tcp || continue 2
    done
    echo "$port" && return
  done
}

# launch NAME COMMAND...: runs it in the background in a directory of its own. It dies with this shell, even if this shell is killed.
launch() {
  local name=$1; shift
  server_log[$name]=$SERVER_DIR/$name.log
  "$@" >"$SERVER_DIR/$name.log" 2>&1 </dev/null &
  server_pid[$name]=$!
}
bound() { exec setpriv --pdeathsig TERM "$@"; }

# wait_for NAME SECONDS COMMAND...: until COMMAND succeeds, the server is gone, or the time is up
wait_for() {
  local name=$1 end=$((SECONDS + $2)); shift 2
  until "$@" >/dev/null 2>&1 </dev/null; do
    if ! kill -0 "${server_pid[$name]}" 2>/dev/null; then echo "$name ended at once:" >&2; tail -n 5 "${server_log[$name]}" >&2; return 1; fi
    if [ "$SECONDS" -ge "$end" ]; then echo "$name is not ready in time:" >&2; tail -n 5 "${server_log[$name]}" >&2; return 1; fi
    sleep 0.05
  done
}
answers() { (exec 3<>"/dev/tcp/$SERVER_HOST/$1") 2>/dev/null; }

# Each server: launch_X starts it, ready_X waits for it, so that several start side by side.

launch_redis() {
  export REDIS_PORT; REDIS_PORT=$(free_port)
  mkdir -p "$SERVER_DIR/redis"
  launch redis bound $SERVER_ENV redis-server --bind "$SERVER_HOST" --port "$REDIS_PORT" --dir "$SERVER_DIR/redis" --save '' \
    --daemonize no --maxclients 1000 "${REDIS_OPTIONS[@]}"
}
REDIS_OPTIONS=()
ready_redis() { wait_for redis 20 redis-cli -h "$SERVER_HOST" -p "$REDIS_PORT" ping; }

postgres_programs() {
  local dir; dir=$(pg_config --bindir 2>/dev/null)
  [ -x "$dir/initdb" ] || dir=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)")
  [ -x "$dir/initdb" ] && echo "$dir"
}
run_postgres() { # postgres refuses to run as root
  local as= bin dir=$SERVER_DIR/postgres
  bin=$(postgres_programs) || { echo 'no initdb'; exit 1; }
  if [ "$(id -u)" -eq 0 ]; then as='--reuid postgres --regid postgres --clear-groups'; chown postgres "$dir"; fi
  cd "$dir" || exit 1
  if [ ! -e data ]; then
    # shellcheck disable=SC2086
    setpriv $as "$bin/initdb" -D "$dir/data" -A trust -U tester -E UTF8 --locale=C --no-sync || exit 1
  fi
  # shellcheck disable=SC2086
  bound $as $SERVER_ENV "$bin/postgres" -D "$dir/data" -p "$POSTGRES_PORT" -k "$dir" -h "$SERVER_HOST" \
    -c max_connections=300 -c fsync=off -c shared_buffers=32MB -c autovacuum=off
}
launch_postgres() {
  export POSTGRES_PORT; POSTGRES_PORT=$(free_port)
  mkdir -p "$SERVER_DIR/postgres"
  launch postgres run_postgres
}
ready_postgres() { wait_for postgres 60 psql -h "$SERVER_HOST" -p "$POSTGRES_PORT" -U tester -d postgres -Atc 'select 1'; }

run_mariadb() {
  local dir=$SERVER_DIR/mariadb as=
  [ "$(id -u)" -ne 0 ] || as=--user=root
  if [ ! -e "$dir/data" ]; then
    # shellcheck disable=SC2086
    mariadb-install-db --no-defaults --datadir="$dir/data" --auth-root-authentication-method=normal --skip-test-db \
      --skip-name-resolve --innodb-log-file-size=10M $as || exit 1
  fi
  # shellcheck disable=SC2086
  bound $SERVER_ENV mariadbd --no-defaults --datadir="$dir/data" --bind-address="$SERVER_HOST" --port="$MARIADB_PORT" \
    --socket="$MARIADB_SOCKET" --pid-file="$dir/pid" --skip-grant-tables --skip-name-resolve --max-connections=300 \
    --innodb-flush-log-at-trx-commit=0 --innodb-log-file-size=10M --innodb-buffer-pool-size=32M $as
}
launch_mariadb() {
  export MARIADB_PORT MARIADB_SOCKET=$SERVER_DIR/mariadb/socket; MARIADB_PORT=$(free_port)
  mkdir -p "$SERVER_DIR/mariadb"
  launch mariadb run_mariadb
}
ready_mariadb() { wait_for mariadb 90 mariadb --no-defaults -h "$SERVER_HOST" -P "$MARIADB_PORT" -e 'select 1'; }

launch_http() {
  export HTTP_PORT; HTTP_PORT=$(free_port)
  launch http bound python3 -S "$SERVER_SCRIPTS/slow_http.py" "$SERVER_HOST" "$HTTP_PORT" "$SERVER_DELAY"
}
ready_http() { wait_for http 20 answers "$HTTP_PORT"; }

certificate() {
  export TLS_CERT=$SERVER_DIR/cert.pem TLS_KEY=$SERVER_DIR/key.pem
  [ -s "$TLS_CERT" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$TLS_KEY" -out "$TLS_CERT" \
    -days 2 -subj /CN=localhost -addext "subjectAltName=DNS:localhost,IP:$SERVER_HOST" 2>/dev/null
}
# s_server serves one connection at a time: a hundred clients need as many of them.
launch_tls() {
  certificate
  export TLS_PORT; TLS_PORT=$(free_port "$TLS_COUNT")
  launch tls bound python3 -S "$SERVER_SCRIPTS/tls_servers.py" "$TLS_CERT" "$TLS_KEY" "$SERVER_HOST" "$TLS_PORT" "$TLS_COUNT" "$SERVER_DELAY"
}
ready_tls() { wait_for tls 60 grep -q ready "${server_log[tls]}"; }

launch_nginx() {
  local dir=$SERVER_DIR/nginx
  export NGINX_PORT NGINX_TLS_PORT; NGINX_PORT=$(free_port) NGINX_TLS_PORT=$(free_port)
  certificate
  mkdir -p "$dir/www"
  chmod 755 "$dir" "$dir/www"
  seq 1 200 >"$dir/www/numbers"
  cat >"$dir/nginx.conf" <<END
daemon ${NGINX_DAEMON:-off};
worker_processes 2;
pid $dir/pid;
error_log $dir/error.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/fastcgi;
  uwsgi_temp_path $dir/uwsgi; scgi_temp_path $dir/scgi;
  root $dir/www;
  server { listen $SERVER_HOST:$NGINX_PORT; }
  server { listen $SERVER_HOST:$NGINX_TLS_PORT ssl; ssl_certificate $TLS_CERT; ssl_certificate_key $TLS_KEY; }
}
END
  launch nginx bound $SERVER_ENV "$SERVER_SCRIPTS/../../scripts/nginx.sh" "$dir"
}
ready_nginx() { wait_for nginx 20 answers "$NGINX_PORT"; }

start_servers() {
  local name
  for name; do "launch_$name"; done
  for name; do "ready_$name" || return 1; done
}

# ended PID SECONDS: until this child of ours has ended
ended() {
  local end=$((SECONDS + $2 + 1))
  while kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.02
  done
}
end_signal() { if [ "$1" = postgres ]; then echo INT; else echo TERM; fi; } # to postgres, TERM means: wait for the clients
stop_server() {
  local name=$1 pid=${server_pid[$1]-}
  [ -n "$pid" ] || return 0
  kill -"$(end_signal "$name")" "$pid" 2>/dev/null
  ended "$pid" 15 || kill -KILL "$pid" 2>/dev/null
  unset "server_pid[$name]"
  wait "$pid" 2>/dev/null
}
stop_servers() {
  local name
  for name in "${!server_pid[@]}"; do kill -"$(end_signal "$name")" "${server_pid[$name]}" 2>/dev/null; done
  for name in "${!server_pid[@]}"; do stop_server "$name"; done
  rm -rf "$SERVER_DIR"
}
trap stop_servers EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
