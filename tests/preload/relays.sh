# socat between sockets, programs and terminals, with a process for each connection. Prints what each step gave.
export LC_ALL=C
until_there() { for _ in $(seq 1 1000); do [ -S "$1" ] && return; sleep 0.02; done; }
socat -t 50 UNIX-LISTEN:upper,fork,backlog=64 SYSTEM:'tr a-z A-Z' 2>>messages & upper=$!
until_there upper
for i in 1 2 3; do echo "hello $i" | socat -t 50 - UNIX-CONNECT:upper; done
clients=()
for i in $(seq 1 10); do (echo "client $i" | socat -t 50 - UNIX-CONNECT:upper >"answer$i") & clients+=($!); done
wait "${clients[@]}"
cat $(seq -f 'answer%g' 1 10)
socat -t 50 UNIX-LISTEN:front,fork UNIX-CONNECT:upper 2>>messages & front=$!
until_there front
seq 1 100000 | socat -t 50 - UNIX-CONNECT:front | sha256sum
kill $front $upper
wait $front; echo "ended: $?"
wait $upper
# Newer ones tell when they end, each with the time and its number.
sed 's/.*\] //' messages
socat -u FILE:answer1 STDOUT
sleep 0.3 | socat -t 50 - SYSTEM:'test -t 0 && echo a terminal',pty | tr -d '\r'
echo datagram | socat -t 0.3 - UNIX-SENDTO:none 2>/dev/null; echo "nobody: $?"
socat -u UNIX-RECVFROM:datagrams - & receiver=$!
until_there datagrams
echo 'a datagram' | socat -u - UNIX-SENDTO:datagrams
wait $receiver; echo "received: $?"
socat -T 0.2 - EXEC:'sleep 1000' </dev/null; echo "idle: $?"
mkfifo pipe
(sleep 0.05; echo 'from a fifo' >pipe) &
socat -u PIPE:pipe,rdonly STDOUT 2>/dev/null || cat pipe
socat - UNIX-CONNECT:missing </dev/null 2>/dev/null; echo "missing: $?"
