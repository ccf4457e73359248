#!/usr/bin/env bash
# docs/CALLS.md has a row for each hook, and for nothing else; and the check that says so sees what is wrong.
. "$(dirname "$0")/lib.sh"
TABLE=$ROOT/docs/CALLS.md
check=$ROOT/scripts/calls.sh

passes 'each exported hook has one row, and no row names anything else' "$check"
hooks=$("$check" --hooks)
[ "$(wc -l <<<"$hooks")" -ge 70 ] && grep -qx read <<<"$hooks" && ! grep -Eq '^(co_|coctx_|_Z)' <<<"$hooks"
ok $? 'functions of the interface are no hooks'

# complains TABLE EXPORTS REGEX NAME
complains() {
  local said
  said=$("$check" "$1" "$2") && { ok 1 "$4"; return; }
  like "$said" "$3" "$4"
}
exports=$ROOT/hooks/exports.txt
{ cat "$exports"; echo zzz_new; } >"$OUT/more.txt"
complains "$TABLE" "$OUT/more.txt" '^zzz_new: is exported, and has no row' 'a hook without a row is noticed'
grep -vx readv "$exports" >"$OUT/fewer.txt"
complains "$TABLE" "$OUT/fewer.txt" '^readv: has a row .* is no exported hook' 'a row without a hook is noticed'
{ cat "$TABLE"; echo '| `read` | attempt | |'; } >"$OUT/twice.md"
complains "$OUT/twice.md" "$exports" '^read: has several rows' 'a hook with two rows is noticed'
sed 's/^| `usleep` | timer |/| `usleep` | |/' "$TABLE" >"$OUT/silent.md"
complains "$OUT/silent.md" "$exports" '`usleep`.*: is no row of three cells' 'a row that does not say how the call waits is noticed'
done_testing
