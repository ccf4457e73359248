# bash itself: pipelines, jobs, traps, coprocesses, redirections, environment. Prints what each step gave.
export LC_ALL=C
seq 1 10000 | tee >(sha256sum >sum) | awk '{ s += $1 } END { print s }'
wait $! 2>/dev/null
for i in 1 2 3 4; do (sleep 0.0$i; exit $i) & done
statuses=
for i in 1 2 3 4; do wait -n; statuses+="$? "; done
# A busy machine may end them in another order.
echo "wait -n:" $(tr ' ' '\n' <<<"$statuses" | sort)
false | true | (exit 3) | cat
echo "pipeline: ${PIPESTATUS[*]}"
trap 'echo "trap USR1"' USR1
kill -USR1 $$
trap 'interrupted=yes; : >interrupted' ALRM
(sleep 0.05; kill -ALRM $$) &
read -r -t 50 line < <(until [ -e interrupted ]; do sleep 0.05; done; echo late)
echo "read over a signal: $line, interrupted ${interrupted-no}"
wait
mkfifo silent
exec 8<>silent
read -r -t 0.1 line <&8
echo "read -t: $?"
exec 8<&-
coproc CAT { cat; }
echo 'through a coprocess' >&"${CAT[1]}"
read -r line <&"${CAT[0]}"
exec {CAT[1]}>&-
wait "$CAT_PID"
echo "$line, status $?"
diff <(seq 1 5) <(seq 2 6)
mkfifo fifo
(exec 3>fifo; sleep 0.05; echo 'through a fifo' >&3) &
cat fifo
exec {high}>file
echo 'to a high descriptor' >&"$high"
exec {high}>&-
cat file
exec 9<>file
read -r line <&9
echo "$line, then" >&9
exec 9>&-
cat file
COLOUR=red bash -c 'echo "environment: $COLOUR"; unset COLOUR; printenv COLOUR; echo $?'
env -i HOME=/ "$BASH" --norc -c 'echo "$HOME ${PATH:+has a path}"'
(ulimit -n 16; exec 3<file; read -r line <&3; echo "few descriptors: $line")
(set -m; sleep 1 & jobs -p >/dev/null; fg >/dev/null; echo "foreground: $?")
sleep 1000 & kill $!
wait $! 2>/dev/null
echo "killed: $?"

echo "exec: $(exec -a another bash -c 'echo $0')"
cat <<END | tr a-z A-Z
here document
END
mapfile -t lines < <(seq 1 1000)
echo "${#lines[@]} lines"
set -o pipefail
yes | head -n 1000 | wc -l
echo "broken pipe: $?"
(exit 42)
