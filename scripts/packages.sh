#!/usr/bin/env bash
# Installs what the client and preload tests need and what is not there yet, on Debian 12 and 13, Ubuntu 22.04 and 24.04. Asks for
# nothing, starts no service.
# Usage: scripts/packages.sh          install what is missing; exit 1 and name what is still missing, if anything
#        scripts/packages.sh --list   name what is missing, install nothing
# Nothing is asked of the network when nothing is missing.
set -u
export PATH=$PATH:/usr/sbin:/sbin

# What must be there, and the package that brings it: its name on Debian 12, then those that others know it by, after `|`. `/…` is a file, `x.pc` a library with headers, anything else a command.
# Probed by use and not by package name, so that another source of the same thing (a newer node, a local postgres) will do.
needs='
pkg-config      pkg-config
hiredis.pc      libhiredis-dev
libpq.pc        libpq-dev
libmariadb.pc   libmariadb-dev
libcurl.pc      libcurl4-openssl-dev
openssl.pc      libssl-dev
grpc++.pc       libgrpc++-dev
gio-2.0.pc      libglib2.0-dev
redis-server    redis-server
redis-cli       redis-tools
pg_config       libpq-dev
psql            postgresql-client
/usr/lib/postgresql/*/bin/postgres postgresql
mariadbd        mariadb-server
mariadb         mariadb-client
openssl         openssl
nginx           nginx-light
ab              apache2-utils
socat           socat
curl            curl
python3         python3
perl            perl
prove           perl
git             git
node            nodejs
ssh-keygen      openssh-client
setpriv         util-linux
flock           util-linux
make            make
c++             g++
clang           clang
llvm-symbolizer llvm
/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*.a libclang-rt-dev|libclang-common-14-dev
xz              xz-utils
gdb             gdb
valgrind        valgrind
strace          strace
microsocks      microsocks
tinyproxy       tinyproxy-bin
privoxy         privoxy
stunnel4        stunnel4
libmicrohttpd.pc libmicrohttpd-dev
cpp-httplib.pc  libcpp-httplib-dev
thrift.pc       libthrift-dev
/usr/include/boost/numeric/conversion/cast.hpp libboost-dev
/usr/include/civetweb.h libcivetweb-dev
ruby            ruby
/usr/share/rubygems-integration/all/gems/webrick-*/lib/webrick.rb ruby-webrick
/usr/lib/*/libtcmalloc_minimal.so.4 libtcmalloc-minimal4|libtcmalloc-minimal4t64
/usr/lib/*/libjemalloc.so.2 libjemalloc2
/usr/lib/*/libmimalloc.so.[23] libmimalloc2.0|libmimalloc3
/usr/lib/python3*/test/test_threading.py libpython3.11-testsuite|libpython3.10-testsuite|libpython3.12-testsuite|libpython3.13-testsuite|libpython3.14-testsuite
'

there() {
  case $1 in
    /*) compgen -G "$1" >/dev/null ;;
    *.pc) pkg-config --exists "${1%.pc}" 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing() {
  local probe package
  while read -r probe package; do
    [ -z "$probe" ] || there "$probe" || echo "$package"
  done <<<"$needs" | sort -u
}

wanted=$(missing)
if [ "${1-}" = --list ]; then
  [ -z "$wanted" ] || echo "$wanted"
  exit 0
fi
[ -n "$wanted" ] || exit 0

give_up() { echo "packages.sh: not installed: $(missing | xargs): $1" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || give_up 'installing needs root'
command -v apt-get >/dev/null || give_up 'there is no apt-get here'

# Two tests may both find something missing: the second waits and then looks again.
mkdir -p "$(dirname "$0")/../target"
exec 9>"$(dirname "$0")/../target/packages.lock"
flock -w 600 9 || give_up 'another installation does not end'
wanted=$(missing)
[ -n "$wanted" ] || exit 0

# A policy that forbids starting services stands in for the time of the installation, unless the administrator has one.
policy=/usr/sbin/policy-rc.d log=$(mktemp)
trap 'rm -f "$log" $ours' EXIT
ours=
if [ ! -e "$policy" ]; then
  ours=$policy
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt="apt-get -qq -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=120"
# known NAME|NAME...: the first that there is here
known() {
  local name
  for name in ${1//|/ }; do
    [ -z "$(apt-cache madison "$name")" ] || break
  done
  echo "$name"
}
install() {
  $apt update || return
  # shellcheck disable=SC2046  # a list of words
  $apt install -y --no-install-recommends $(for package in $wanted; do known "$package"; done)
} >"$log" 2>&1 9>&- </dev/null

install || { sleep 3; install; } || { tail -n 5 "$log" >&2; give_up 'apt-get failed twice'; }
[ -z "$(missing)" ] || give_up 'installed, yet not found'
