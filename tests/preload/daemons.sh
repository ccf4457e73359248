# Servers that put themselves into the background, closing what they hold, and come back only as a pid file. Prints what each step gave.
export LC_ALL=C
redis-server --daemonize yes --port 0 --unixsocket "$PWD/redis" --pidfile "$PWD/redis.pid" --logfile "$PWD/redis.log" --dir "$PWD" --save '' \
  --appendonly yes
echo "redis-server: $?"
for _ in $(seq 1 1000); do [ "$(redis-cli -s redis ping 2>/dev/null)" = PONG ] && break; sleep 0.05; done
redis-cli -s redis set key value
redis-cli -s redis get key
redis-cli -s redis shutdown
for _ in $(seq 1 1000); do [ -e redis.pid ] || break; sleep 0.05; done
ls redis.pid; redis-cli -s redis ping; echo "gone: $?"

mkdir www && chmod 755 . www && echo 'a page' >www/page
cat >nginx.conf <<END
daemon on;
worker_processes 2;
pid $PWD/nginx.pid;
error_log $PWD/error.log;
events { }
http {
  access_log off; root $PWD/www;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen unix:$PWD/nginx.socket; }
}
END
run() { bash "$(dirname "$0")/../../scripts/nginx.sh" "$PWD" "$@"; }
run -t -q; echo "checked: $?"
run; echo "nginx: $?"
page() { curl -q -s --unix-socket nginx.socket http://localhost/page; }
page
run -s reload; echo "reloaded: $?"
for _ in $(seq 1 1000); do page >/dev/null && break; sleep 0.02; done
page
run -s quit; echo "quit: $?"
for _ in $(seq 1 1000); do [ -e nginx.pid ] || break; sleep 0.05; done
page; echo "gone: $?"
grep -E '\[(alert|crit|emerg)\]' error.log | sed 's/.*: //'
