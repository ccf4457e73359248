#!/usr/bin/env bash
# scripts/install.sh: what it puts where, and that programs are built and run with that alone.
. "$(dirname "$0")/lib.sh"
SOURCE=$ROOT/tests/linking/core.c
rm -rf "$OUT/prefix" "$OUT/dest"
prefix=$OUT/prefix
installed() { (cd "$1" && find . -type f -printf '%m %P\n' | LC_ALL=C sort -k 2); }
# expected PREFIX: what is there
expected() {
  (cd "$ROOT/include" && for header in *.h; do echo "644 include/$header"; done)
  echo "644 lib/libcolib.a
755 lib/libcolib.so
644 lib/pkgconfig/colib.pc
644 share/doc/colib/LICENSE
644 share/gdb/auto-load$1/lib/colib_state.py
644 share/gdb/auto-load$1/lib/libcolib.so-gdb.py"
}

# works NAME COMMAND...: the three cases of the program hold
works() {
  local name=$1 said; shift
  said=$("$@" 2>&1)
  is "$said" "ok coroutines switch
ok co_poll lets the thread go on
ok a hooked read lets the thread go on" "$name"
}

# The caller's umask does not decide who may read.
passes 'it installs' env PREFIX="$prefix" DESTDIR= sh -c "umask 077; $ROOT/scripts/install.sh"
is "$(installed "$prefix")" "$(expected "$prefix")" 'every file is there, with its mode, and nothing else'
is "$(find "$prefix" -type d ! -perm 755)" '' 'everybody may look into every folder'
for file in lib/libcolib.so lib/libcolib.a; do
  passes "$file is what was built" cmp "$prefix/$file" "$ROOT/target/release/${file#lib/}"
done
passes 'the licence is ours' cmp "$prefix/share/doc/colib/LICENSE" "$ROOT/LICENSE"

plain="-g -O1 -Wall -Wextra -Werror"
passes 'a program is built with -I and -L' $CC $plain "$SOURCE" -o "$OUT/by_path" -I"$prefix/include" -L"$prefix/lib" -lcolib -Wl,-rpath,"$prefix/lib"
works 'a program built with -I and -L runs' "$OUT/by_path"
passes 'a C++ program is built' $CXX -x c++ $plain "$SOURCE" -x none -o "$OUT/by_path_c++" -I"$prefix/include" -L"$prefix/lib" -lcolib
works 'a C++ program runs' env LD_LIBRARY_PATH="$prefix/lib" "$OUT/by_path_c++"

if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
  passes 'the pkg-config file is valid' pkg-config --validate colib
  is "$(pkg-config --modversion colib)" "$(sed -n 's/^version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")" 'pkg-config knows the version'
  is "$(pkg-config --variable=prefix colib)" "$prefix" 'pkg-config knows the prefix'
  passes 'a program is built with pkg-config' $CC $plain "$SOURCE" -o "$OUT/by_pkgconfig" $(pkg-config --cflags --libs colib)
  works 'a program built with pkg-config runs' env LD_LIBRARY_PATH="$prefix/lib" "$OUT/by_pkgconfig"
  # The archive alone in a folder is what -lcolib finds there.
  mkdir -p "$OUT/archive"
  cp "$prefix/lib/libcolib.a" "$OUT/archive"
  passes 'a program is built with the archive by pkg-config --static' \
    $CC $plain "$SOURCE" -o "$OUT/by_static" -L"$OUT/archive" $(pkg-config --static --cflags --libs colib | sed "s|-L$prefix/lib||")
  is "$(readelf -dW "$OUT/by_static" | grep -c 'NEEDED.*libcolib')" 0 'that program does not need the shared library'
  works 'a program built with the archive runs' "$OUT/by_static"
else
  skip 'pkg-config is not installed'
fi

passes 'it installs below DESTDIR' env PREFIX=/opt/colib DESTDIR="$OUT/dest" "$ROOT/scripts/install.sh"
is "$(installed "$OUT/dest/opt/colib")" "$(expected /opt/colib)" 'below DESTDIR are the same files'
is "$(ls "$OUT/dest")" opt 'nothing else is below DESTDIR'
is "$(sed -n 's/^prefix=//p' "$OUT/dest/opt/colib/lib/pkgconfig/colib.pc")" /opt/colib 'DESTDIR does not appear in the pkg-config file'

# A program that runs while the library is replaced goes on with the old one.
before=$(stat -c %i "$prefix/lib/libcolib.so")
exec 8<"$prefix/lib/libcolib.so"
passes 'it installs over an installation' env PREFIX="$prefix/" DESTDIR= "$ROOT/scripts/install.sh"
is "$(installed "$prefix")" "$(expected "$prefix")" 'the files are the same after it'
ok "$([ "$(stat -c %i "$prefix/lib/libcolib.so")" != "$before" ]; echo $?)" 'the library was replaced and not overwritten'
exec 8<&-

said=$(PREFIX=somewhere "$ROOT/scripts/install.sh" 2>&1)
is "$? $said" "1 install.sh: PREFIX must be an absolute path; it is 'somewhere'" 'a relative prefix is refused'
mkdir -p "$OUT/empty/scripts"
cp "$ROOT/scripts/install.sh" "$OUT/empty/scripts"
said=$(PREFIX=$OUT/never "$OUT/empty/scripts/install.sh" 2>&1)
is "$? $said" "1 install.sh: target/release/libcolib.so is missing: run 'make build' first" 'without a build it says what to do'
ok "$([ ! -e "$OUT/never" ]; echo $?)" 'and has installed nothing'
done_testing
