# ssh-keygen, ssh-agent and the openssl program: keys, signatures, digests, a server and its clients. Prints only what no key changes.
export LC_ALL=C
ssh-keygen -q -t ed25519 -N '' -C someone -f key
ssh-keygen -q -t ecdsa -N 'secret' -C other -f locked
ssh-keygen -y -f key | cmp - key.pub && echo 'the public key follows'
ssh-keygen -y -P wrong -f locked 2>&1 | sed 's/".*"/…/'; echo "wrong secret: ${PIPESTATUS[0]}"
ssh-keygen -l -f key.pub | cut -d' ' -f1,3,4
echo text >text
ssh-keygen -q -Y sign -f key -n file text && echo "someone $(cat key.pub)" >allowed
ssh-keygen -Y verify -f allowed -I someone -n file -s text.sig <text | sed 's/SHA256:.*/…/'
ssh-keygen -Y verify -f allowed -I nobody -n file -s text.sig <text 2>&1; echo "another: $?"
ssh-keygen -l -f nothing; echo "missing: $?"
eval "$(ssh-agent -a "$PWD/agent")" >/dev/null
ssh-add -q key; ssh-add -l | cut -d' ' -f1,3,4; ssh-add -l | wc -l
ssh-agent -k | sed 's/[0-9]//g'

openssl dgst -sha256 text
printf %s 'the quick brown fox' | openssl enc -aes-256-ctr -K "$(printf %064d 1)" -iv "$(printf %032d 2)" | openssl base64
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>/dev/null
openssl verify -CAfile cert.pem cert.pem
openssl dgst -sha256 -sign key.pem -out text.signature text && openssl x509 -in cert.pem -pubkey -noout >public.pem &&
  openssl dgst -sha256 -verify public.pem -signature text.signature text
openssl x509 -in nothing 2>/dev/null; echo "missing: $?"
openssl s_server -quiet -rev -unix "$PWD/socket" -unlink -cert cert.pem -key key.pem -naccept 4 >server.out 2>&1 & server=$!
for _ in $(seq 1 1000); do [ -S socket ] && break; sleep 0.02; done
# ask LINE OPTION...: a session that ends when the answer is there
ask() {
  local line=$1; shift
  rm -f answer
  (echo "$line"; for _ in $(seq 1 1000); do [ -s answer ] && break; sleep 0.02; done) |
    openssl s_client -quiet -no_ign_eof -unix socket -servername localhost -CAfile cert.pem "$@" >answer
  echo "client: $?"
  cat answer
}
for i in 1 2 3; do ask "line $i" -verify_return_error; done
ask 'line 4' -tls1_2 -alpn h2 2>/dev/null
wait $server; echo "server: $?"
openssl s_client -quiet -unix missing </dev/null 2>/dev/null; echo "missing: $?"
