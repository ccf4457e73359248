#!/usr/bin/env bash
# Installs what the peers of benches/ need and is not there (Debian 12 names). Never fails: a peer that stays away is left out.
set -u
wanted=
need() { [ -e "$1" ] || wanted+=" $2"; }
need /usr/include/boost/context/detail/fcontext.hpp libboost-context-dev
need /usr/include/boost/fiber/all.hpp libboost-fiber-dev
need /usr/include/st.h libst-dev
need /usr/include/linux/io_uring.h linux-libc-dev
[ -n "$wanted" ] || exit 0
[ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || { echo "peers left out:$wanted: installing needs root and apt-get"; exit 0; }
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -qq -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=120"
# shellcheck disable=SC2086  # lists of words
{ $apt update && $apt install -y --no-install-recommends $wanted; } >/dev/null 2>&1 </dev/null \
  || echo "peers left out:$wanted: apt-get failed"
exit 0
