#!/usr/bin/env bash
# Each exported hook has exactly one row in docs/CALLS.md, in whose first cell it stands, and no row names anything else.
# Usage: calls.sh [TABLE [EXPORTS]]
#        calls.sh --hooks [EXPORTS]   lists the hooks: all exports but the interface, in C and in C++, and what debuggers read
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
hooks() { grep -Ev '^(co_|coctx_|_Z|GetCurrThreadCo$|colib_debugger$)' "$1" | LC_ALL=C sort; }
if [ "${1-}" = --hooks ]; then
  hooks "${2:-$here/hooks/exports.txt}"
  exit
fi
table=${1:-$here/docs/CALLS.md} exports=${2:-$here/hooks/exports.txt}

# The rows of the last table: their first cells name calls, each in backquotes. Three cells, none of the first two empty.
rows() { sed -n '/^## The table/,$p' "$table" | grep '^| `' || true; }
named() { rows | awk -F'|' '{print $2}' | grep -o '`[^`]*`' | tr -d '`' | LC_ALL=C sort || true; }

status=0
complain() { # WHAT: prefixes each line of the input
  local line
  while IFS= read -r line; do
    [ -z "$line" ] || { echo "$line: $1"; status=1; }
  done
}
complain "is exported, and has no row in docs/CALLS.md" < <(comm -23 <(hooks "$exports") <(named | uniq))
complain "has a row in docs/CALLS.md, and is no exported hook" < <(comm -13 <(hooks "$exports") <(named | uniq))
complain "has several rows in docs/CALLS.md" < <(named | uniq -d)
complain "is no row of three cells that says how the call waits" < <(rows | grep -Ev '^\| `[^|]*` \| [^|]*[^| ][^|]* \|([^|]*)\|$' || true)
exit $status
