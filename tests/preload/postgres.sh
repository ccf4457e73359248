# A session with postgres: queries, copies, errors, time limits, notifications, parallel workers, dumps, parallel clients.
# Needs SERVER_HOST and POSTGRES_PORT. Prints what each step answered.
export LC_ALL=C PGHOST=$SERVER_HOST PGPORT=$POSTGRES_PORT PGUSER=tester PGDATABASE=postgres PGTZ=UTC HOME=$PWD
sql() { psql -X -v ON_ERROR_STOP=1 -At "$@"; }
sql <<'END' | sed 's/PID [0-9]*/PID …/'
set client_min_messages = warning;
drop table if exists numbers;
create table numbers (n int primary key, text text);
insert into numbers select n, 'number ' || n from generate_series(1, 20000) n;
select count(*), sum(n), md5(string_agg(text, ',' order by n)) from numbers;
select pg_sleep(0.1);
\copy (select * from numbers where n <= 1000 order by n) to 'copied'
\! wc -l copied
create temp table again (like numbers);
\copy again from 'copied'
select count(*) from again;
listen channel;
notify channel, 'told';
begin; delete from numbers where n > 10; rollback;
select count(*) from numbers;
END
psql -X -c 'select n, text from numbers order by n limit 3' -c '\d numbers'
sql -c 'select 1 / 0'; echo "error: $?"
sql -c "set statement_timeout = 100" -c 'select pg_sleep(1000)'; echo "timed out: $?"
sql -c "set lock_timeout = 100" -c 'select 1'
sql -c 'set force_parallel_mode = on; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;' \
  -c 'select count(*), max(text) from numbers'
sql -c 'create index concurrently if not exists by_text on numbers (text)' -c 'vacuum analyze numbers'
PGAPPNAME=victim sql -c 'select pg_sleep(1000)' 2>&1 & victim=$!
for _ in $(seq 1 1000); do
  [ "$(sql -c "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'victim' and query like '%sleep%' and state = 'active'")" = t ] && break
  sleep 0.05
done
wait $victim; echo "cancelled: $?"
clients=()
for i in $(seq 1 10); do sql -c "update numbers set text = text || '.' where n = 1" >/dev/null & clients+=($!); done
wait "${clients[@]}"
sql -c 'select text from numbers where n = 1'
pg_dump -t numbers | grep -Ev '^(--|.(un)?restrict )' | sort | sha256sum # without comments, and without the token that is new each time
bench=$(compgen -G "/usr/lib/postgresql/*/bin/pgbench" | tail -n 1)
"$bench" -i -q -s 1 >/dev/null 2>&1; echo "prepared: $?"
"$bench" -n -c 4 -j 2 -t 25 | grep -E '^number of (transactions actually|failed|threads)'
psql -X -h "$SERVER_HOST" -p 1 -c 'select 1'; echo "refused: $?"
psql -X -d nothing -c 'select 1' 2>&1 | sed 's/port [0-9]*/port …/'; echo "no database: ${PIPESTATUS[0]}"
