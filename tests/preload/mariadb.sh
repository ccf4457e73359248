# A session with mariadb: queries, loads, errors, time limits, locks between sessions, a killed query, parallel clients.
# Needs SERVER_HOST, MARIADB_PORT and MARIADB_SOCKET. Prints what each step answered.
export LC_ALL=C HOME=$PWD
# Newer clients warn on each call unless they are told not to ask who the server is.
sql() { mariadb --no-defaults --skip-ssl-verify-server-cert -h "$SERVER_HOST" -P "$MARIADB_PORT" -u root "$@"; }
sql -N <<'END'
drop database if exists trial;
create database trial;
use trial;
create table numbers (n int primary key, text varchar(40)) engine=innodb;
insert into numbers select seq, concat('number ', seq) from seq_1_to_5000;
select count(*), sum(n), md5(group_concat(text order by n)) from numbers;
select sleep(0.1);
begin; delete from numbers where n > 10; rollback;
select count(*) from numbers;
create index by_text on numbers (text);
select n from numbers where text = 'number 77';
END
sql -t trial -e 'select * from numbers limit 3; show tables'
mariadb --no-defaults -S "$MARIADB_SOCKET" -u root -N -e 'select "through a unix socket"'
sql -e 'select nothing'; echo "error: $?"
sql -N -e 'set statement max_statement_time = 0.1 for select sleep(10)'; echo "timed out: $?"
# A session has the lock until another waits for it.
mkfifo orders
sql -N <orders >first & exec 3>orders
echo 'select get_lock("mine", 50);' >&3
until [ "$(sql -N -e 'select is_used_lock("mine") is not null')" = 1 ]; do sleep 0.05; done
sql -N -e 'select get_lock("mine", 0), get_lock("mine", 50)' >second 3>&- &
until sql -N -e 'select state from information_schema.processlist' | grep -q 'User lock'; do sleep 0.05; done
exec 3>&-
wait
cat first second
sql -N -e 'select "victim", sleep(1000)' & victim=$!
for _ in $(seq 1 1000); do
  id=$(sql -N -e 'select id from information_schema.processlist where info like "select \"victim%"')
  [ -z "$id" ] || { sql -e "kill $id"; break; }
  sleep 0.05
done
wait $victim; echo "killed: $?"
clients=()
for i in $(seq 1 10); do sql trial -e 'update numbers set text = concat(text, ".") where n = 1' & clients+=($!); done
wait "${clients[@]}"
sql -N trial -e 'select text from numbers where n = 1'
seq 1 1000 >rows
sql --local-infile=1 -N trial -e 'create table rows_ (n int); load data local infile "rows" into table rows_; select count(*), sum(n) from rows_'
mariadb-dump --no-defaults -h "$SERVER_HOST" -P "$MARIADB_PORT" -u root --skip-dump-date --skip-comments trial numbers | sha256sum
mariadb-admin --no-defaults -h "$SERVER_HOST" -P "$MARIADB_PORT" -u root ping
mariadb-slap --no-defaults -h "$SERVER_HOST" -P "$MARIADB_PORT" -u root --concurrency=5 --iterations=1 --auto-generate-sql >/dev/null; echo "load: $?"
sql -h "$SERVER_HOST" -P 1 -e 'select 1'; echo "refused: $?"
