#!/usr/bin/env bash
# Installs the libraries, the headers, a pkg-config file, the commands for gdb and the licence.
# PREFIX is where they belong (/usr/local), DESTDIR a folder to put before it, for packagers.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
case $prefix in
  /*) ;;
  *) echo "install.sh: PREFIX must be an absolute path; it is '$prefix'" >&2; exit 1 ;;
esac
prefix=${prefix%/}
lib=$prefix/lib root=${DESTDIR:-}
for file in target/release/libcolib.so target/release/libcolib.a; do
  [ -e $file ] || { echo "install.sh: $file is missing: run 'make build' first" >&2; exit 1; }
done
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)

mkdir -p "$root$lib/pkgconfig" "$root$prefix/include" "$root$prefix/share/doc/colib"
# `install` takes the old file away first: programs that run with it keep it.
install -m 755 target/release/libcolib.so "$root$lib"
install -m 644 target/release/libcolib.a "$root$lib"
install -m 644 include/*.h "$root$prefix/include"
install -m 644 LICENSE "$root$prefix/share/doc/colib"
# Where gdb looks by itself for a library of this name, if PREFIX is its own.
gdb=$root$prefix/share/gdb/auto-load$lib
mkdir -p "$gdb"
install -m 644 scripts/gdb/colib.py "$gdb/libcolib.so-gdb.py"
install -m 644 scripts/gdb/colib_state.py "$gdb"
pc=$root$lib/pkgconfig/colib.pc
cat >"$pc.new" <<END
prefix=$prefix
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: colib
Description: Stackful coroutines for Linux with libco's interface
Version: $version
License: Apache-2.0
Cflags: -I\${includedir}
Libs: -L\${libdir} -lcolib -lpthread
Libs.private: -ldl -lm -lgcc_s
END
chmod 644 "$pc.new"
mv "$pc.new" "$pc"

# Where the loader looks by itself, it looks in its cache.
case $root$lib in
  /usr/lib | /usr/local/lib) [ "$(id -u)" -ne 0 ] || ldconfig ;;
esac
echo "colib $version is installed in $root$prefix"
