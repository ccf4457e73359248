# The programs every script calls: archives, searches, sorts, pipes, locks, time limits. Prints what each step gave.
export LC_ALL=C TZ=UTC
mkdir -p tree/a/b tree/c
for i in $(seq 1 30); do seq 1 $((i * 50)) >"tree/a/b/$i"; done
ln -s a/b/1 tree/link
find tree | sort | sha256sum
find tree -type f -size +1k -exec wc -l {} + | sort -n | tail -n 3
find tree -type f -print0 | sort -z | xargs -0 -P 4 -n 5 sha256sum | sort | sha256sum
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - tree | tee plain.tar | sha256sum
tar -czf tree.tar.gz tree && mkdir out && tar -xzf tree.tar.gz -C out && diff -r tree out/tree && echo same
tar -C out -cf - tree | (mkdir again && cd again && tar -xf -) && diff -r tree again/tree && echo same
seq 1 50000 | sort -R --random-source=<(yes) | sort -n --parallel=2 -S 100K | sha256sum
seq 1 100000 | gzip -n | sha256sum
seq 1 100000 | xz -T2 --block-size=64KiB | xz -dc -T2 | sha256sum
seq 1 1000 | split -l 100 --filter='wc -l' | paste -s
grep -rn '^777$' tree | sort | head -n 3
sed -n '3{p;q}' tree/a/b/1
awk 'BEGIN { while (("seq 1 3" | getline line) > 0) print "piped", line; system("exit 3"); print "done" | "cat 1>&2" }'
dd if=/dev/zero bs=1k count=64 2>/dev/null | tr '\0' x | wc -c
mkfifo fifo
(for i in 1 2 3; do echo "line $i"; sleep 0.02; done) >fifo &
cat fifo
timeout 0.1 sleep 1000; echo "timeout: $?"
{ timeout -s KILL 0.1 sleep 1000; } 2>/dev/null; echo "killed: $?"
timeout --preserve-status 0.1 sleep 1000; echo "preserved: $?"
timeout --foreground 50 sh -c 'exit 9'; echo "passed on: $?"
(flock 9; : >held; until grep -q -- "-> FLOCK .*:$(stat -c %i lock) " /proc/locks; do sleep 0.01; done; echo first) 9>lock &
until [ -e held ]; do sleep 0.01; done
flock lock echo second
flock -n lock flock -n lock echo never; echo "busy: $?"
flock lock sh -c 'flock -w 0.05 lock true; echo "waited: $?"'
echo start >log
(sleep 0.1; echo appended >>log; sleep 0.2) & watched=$!
tail -n +1 -f --pid=$watched -s 0.05 log
stdbuf -oL printf 'line buffered\n'
nohup sh -c 'echo nohup' 2>&1 | cat
setsid -w sh -c 'exit 7'; echo "setsid: $?"
nice -n 5 nice
env -i A=1 B=2 env -u A printenv B
date -u -d @86400 +%FT%T
getent passwd root | cut -d: -f1,3
getent hosts 127.0.0.1 >/dev/null; echo "hosts: $?"
getent ahostsv4 localhost | awk '{ print $1, $2 }' | sort -u
id -u; id -nG root | tr ' ' '\n' | head -n 1
printf 'b\na\nB\n' | LC_ALL=C.UTF-8 sort | paste -s
printf 'gr\303\274n\n' | LC_ALL=C.UTF-8 wc -m
script -qec 'test -t 1 && echo a terminal; exit 5' /dev/null </dev/null | tr -d '\r'; echo "script: ${PIPESTATUS[0]}"
install -m 640 tree/a/b/1 installed && stat -c '%a %s' installed
mktemp -d tmp.XXXXXX | tr -c '\n' x
jq -n -c '[range(5)]' 2>/dev/null || echo '[0,1,2,3,4]'
setpriv --pdeathsig KILL sh -c 'echo setpriv'
cat nothing; echo "missing: $?"
ls nothing; echo "missing: $?"
