#!/bin/sh
# mariadbd on the port of the environment, with the tables that benches/build.sh has made.
DATA=$(cd "$(dirname "$0")/../../../target/benches/mariadb" && pwd)
[ "$(id -u)" -ne 0 ] || as=--user=root
PATH=$PATH:/usr/sbin exec mariadbd --no-defaults --datadir="$DATA" --bind-address=127.0.0.1 --port="$PORT" --socket="$DATA/socket" \
  --pid-file="$DATA/pid" --skip-grant-tables --skip-name-resolve --max-connections=2000 --innodb-flush-log-at-trx-commit=0 \
  --innodb-log-file-size=10M --innodb-buffer-pool-size=32M $as
