# A session with redis: every kind of command, transactions, scripts, blocking calls, bulk load, parallel load, a saving child.
# Needs SERVER_HOST and REDIS_PORT. Prints what each step answered.
export LC_ALL=C
cli() { redis-cli -h "$SERVER_HOST" -p "$REDIS_PORT" "$@"; }
cli flushall
cli <<'END'
set key value
get key
incrby counter 41
incr counter
lpush list a b c
lrange list 0 -1
hset hash field 1 other 2
hgetall hash
zadd scores 3 three 1 one 2 two
zrange scores 0 -1 withscores
multi
incr counter
get key
exec
eval "return {KEYS[1], ARGV[1], redis.call('get', 'counter')}" 1 k v
blpop none 0.1
wait 0 10
expire key 100
persist key
get list
nonsense
END
(sleep 0.1; cli rpush queue pushed >/dev/null) & cli blpop queue 50
wait
for i in $(seq 1 1000); do printf 'SET bulk:%d %d\r\n' "$i" "$i"; done | cli --pipe
cli dbsize
cli --scan --pattern 'bulk:99*' | sort | paste -s
cli --no-raw get bulk:500
cli -r 3 -i 0.02 incr repeated
# listen OPTION...: a subscriber that is ended when it has got a message
listen() {
  : >heard
  redis-cli -h "$SERVER_HOST" -p "$REDIS_PORT" "$@" subscribe channel >heard & listener=$!
  until grep -q subscribe heard; do sleep 0.02; done
  cli publish channel message >/dev/null
  until grep -q message heard; do sleep 0.02; done
  kill $listener
  wait $listener 2>/dev/null; echo "subscribed: $?"
  cat heard
  until [ "$(cli pubsub numsub channel | tail -n 1)" = 0 ]; do sleep 0.02; done
}
listen
listen --csv
redis-benchmark -h "$SERVER_HOST" -p "$REDIS_PORT" -n 2000 -c 20 -r 100 -t set,get,lpush --csv | cut -d, -f1
redis-benchmark -h "$SERVER_HOST" -p "$REDIS_PORT" -n 2000 -c 20 -P 16 --threads 2 -t ping_inline --csv | cut -d, -f1
cli llen mylist
clients=()
for i in $(seq 1 10); do cli eval 'return redis.call("incrby", "shared", ARGV[1])' 0 "$i" >/dev/null & clients+=($!); done
wait "${clients[@]}"
cli get shared
cli bgsave
for _ in $(seq 1 1000); do cli info persistence | grep -q rdb_bgsave_in_progress:0 && break; sleep 0.05; done
cli info persistence | grep -E 'rdb_last_bgsave_status|rdb_bgsave_in_progress' | tr -d '\r'
cli bgrewriteaof >/dev/null
for _ in $(seq 1 1000); do cli info persistence | grep -Eq '^aof_rewrite_(in_progress|scheduled):1' || break; sleep 0.05; done
cli info persistence | grep -E 'aof_last_bgrewrite_status' | tr -d '\r'
cli client kill type pubsub
cli debug sleep 0.1
redis-cli -h "$SERVER_HOST" -p 1 ping; echo "refused: $?"
