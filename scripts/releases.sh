#!/usr/bin/env bash
# The tests on other releases, each with its own glibc and compiler, in a root of its own under target/releases that debootstrap fills.
# Usage: releases.sh [RELEASE...]   trixie (Debian 13, glibc 2.41), noble (Ubuntu 24.04, 2.39), jammy (Ubuntu 22.04, 2.35),
#        resolute (Ubuntu 26.04, 2.43); all if none is named. TESTS="tests/a.t tests/b.t" runs those alone. Needs root; Rust is
#        this system's, ours is what is built there.
set -euo pipefail
cd "$(dirname "$0")/.."
ROOT=$PWD
declare -A mirrors=([trixie]=http://deb.debian.org/debian [noble]=http://archive.ubuntu.com/ubuntu \
  [resolute]=http://archive.ubuntu.com/ubuntu [jammy]=http://archive.ubuntu.com/ubuntu)
give_up() { echo "releases.sh: $1" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || give_up 'needs root, for mounts'
command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap >/dev/null || give_up 'needs debootstrap'

# root RELEASE: makes its root, unless that is there
root() {
  local mirror=${mirrors[$1]-} parts=main script=/usr/share/debootstrap/scripts/$1 to=target/releases/$1
  [ -n "$mirror" ] || give_up "$1: not known; there are ${!mirrors[*]}"
  [ ! -e "$to/complete" ] || return 0
  # Releases younger than debootstrap are made as all of their kind are.
  case $mirror in
    *ubuntu) parts=main,universe; [ -e "$script" ] || script=/usr/share/debootstrap/scripts/gutsy ;;
    *) [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid ;;
  esac
  rm -rf "$to"
  mkdir -p "$to"
  # Their keys are not on a system that is older than they are.
  debootstrap --variant=minbase --no-check-gpg --components="$parts" --include=ca-certificates,g++,make "$1" "$to" "$mirror" "$script" \
    >"$to.log" 2>&1 || { tail -n 5 "$to.log" >&2; give_up "$1: debootstrap failed"; }
  touch "$to/complete"
}

# inside RELEASE COMMAND...: runs it in the release's root, where the project is /colib. The root is that of a mount namespace: in
# a mere chroot the kernel makes no namespaces for tests.
inside() {
  local to=$ROOT/target/releases/$1; shift
  mkdir -p "$to/rust" "$to/cargo"
  cp /etc/resolv.conf /etc/hosts "$to/etc/"
  RUST=$(rustc --print sysroot) CARGO=${CARGO_HOME:-$HOME/.cargo} TO=$to unshare --mount --propagation private bash -euc '
    mount --rbind "$TO" "$TO"
    for directory in proc sys dev; do mount --rbind "/$directory" "$TO/$directory"; done
    mount --bind "$RUST" "$TO/rust"
    mount --bind "$CARGO" "$TO/cargo"
    cd "$TO"
    pivot_root . mnt
    umount -l /mnt
    cd /colib
    exec env -i HOME=/root LANG=C.UTF-8 CARGO_HOME=/cargo TESTS="$TESTS" \
      PATH=/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' bash "$@"
}

# tests RELEASE: all, but those of programs that are older there than they ask for
tests() {
  local none='^$'
  [ "$1" != jammy ] || none='/(preload|clients|threads_mode_servers)\.t$'
  ls tests/*.t | grep -Ev "$none" | paste -sd ' '
}

status=0
for release in ${*:-trixie noble jammy resolute}; do
  root "$release"
  mkdir -p "target/releases/$release/colib"
  # What is built there stays from run to run.
  find "target/releases/$release/colib" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
  tar --exclude=./target --exclude=./.git -cf - . | tar -xf - -C "target/releases/$release/colib"
  # shellcheck disable=SC2016  # for the other shell
  echo "== $release: $(TESTS='' inside "$release" sh -c 'ldd --version | head -n 1; c++ --version | head -n 1' | paste -sd ,)"
  TESTS=${TESTS-$(tests "$release")} inside "$release" make -s test || { echo "== $release failed"; status=1; }
done
exit $status
