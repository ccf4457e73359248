#!/usr/bin/env bash
# The shared library exports the interface and the hooks, as hooks/exports.txt lists them, and nothing else.
# `scripts/symbols.sh --write` renews the list.
set -euo pipefail
cd "$(dirname "$0")/.."
library=target/release/libcolib.so
exported() { nm -D --defined-only "$library" | awk '{print $3}' | LC_ALL=C sort; }
if [ "${1:-}" = --write ]; then
  exported >hooks/exports.txt
  exit
fi
diff -u hooks/exports.txt <(exported) || { echo "libcolib.so exports something else than hooks/exports.txt says" >&2; exit 1; }
if readelf -lW "$library" | grep GNU_STACK | grep -q E; then
  echo "libcolib.so asks for an executable stack" >&2
  exit 1
fi
# To resolve a function that suits the processor is work at the start of every program, also of those that never call it.
if resolved=$(readelf -rW "$library" | grep -E "IRELATIV|\(\) +[^ ]+ \+ 0$"); then
  printf 'libcolib.so itself refers to functions that the loader has to choose:\n%s\n' "$resolved" >&2
  exit 1
fi
