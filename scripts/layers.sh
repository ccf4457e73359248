#!/usr/bin/env bash
# No import points up. Modules of the core from low to high, those of a line side by side; a module may use
# its own line's and lower ones.
set -euo pipefail
cd "$(dirname "$0")/.."
order='weak annotate alone cache object jump heap list tls clock
sys log local environment exceptions latch fork
context stack waiter
coroutine timer reactor
scheduler
sync io signal
threads
stdio
capi'
declare -A rank
level=0
while read -r line; do
  for module in $line; do rank[$module]=$level; done
  level=$((level + 1))
done <<<"$order"
status=0
for file in $(find src -name '*.rs' ! -name lib.rs); do
  module=$(printf '%s' "$file" | sed -E 's,^src/([a-z_]+)(/.*|\.rs)$,\1,')
  if [ -z "${rank[$module]:-}" ]; then
    echo "$file: module '$module' has no place in scripts/layers.sh"; status=1; continue
  fi
  used=$(tr '\n' ' ' <"$file" | grep -oE 'crate::(\{[^;]*\}|[a-z_]+)' | tr -c 'a-z_:\n' ' ' | tr ' ' '\n' \
    | sed -E 's/^crate:*//; s/::.*//' | grep -E '^[a-z_]+$' | sort -u || true)
  for other in $used; do
    [ -n "${rank[$other]:-}" ] || continue
    if [ "${rank[$other]}" -gt "${rank[$module]}" ]; then
      echo "$file: $module imports $other, which stands above it"; status=1
    fi
  done
done
if grep -rnE '\b(eprintln|println|print|eprint)!|std::(fs|net|io::(stdin|stdout|stderr))' src hooks/src; then
  echo "the library must not go through std's input and output: they end in our own hooks"; status=1
fi
exit $status
