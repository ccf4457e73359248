#!/usr/bin/env bash
# The benchmarks still build and measure: every row of ours gives its figures and its plots. Nothing is asserted about the figures.
. "$(dirname "$0")/lib.sh"

bench() { timeout 120 python3 -B "$ROOT/benches/suite/main.py" --quick --rounds 1 --out "$OUT" "$@" 2>&1; }

rm -f "$OUT"/*.svg "$OUT"/*.json
passes "the programs are built" "$ROOT/benches/build.sh"
rows="switch create echo echo_turns threads_new shared_hot timeouts passthrough_lock numeric localhost cond prefork"
# shellcheck disable=SC2086  # a list of words
out=$(bench $rows)
is "$?" 0 "rows are measured"
missing=$(grep -E 'left out: (colib|coroutines|with|preloaded)|no figure of' <<<"$out")
if ! grep -q '"calls"' "$OUT/echo.json"; then
  diag "skipped: the kernel lets nobody count system calls here"
  missing=$(grep -v ' system calls a request, ' <<<"$missing")
fi
is "$missing" "" "each has a figure of ours"
is "$(grep -c '^== ' <<<"$out")" 14 "each has a table, and growth and targets have theirs"
for row in $rows; do
  ls "$OUT/$row"-*.svg >/dev/null 2>&1 || echo "$row"
done >"$OUT/unplotted"
is "$(cat "$OUT/unplotted")" "" "each has a plot"
passes "plots are well-formed" python3 -c 'import sys, xml.dom.minidom as dom; [dom.parse(name) for name in sys.argv[1:]]' "$OUT"/*.svg
out=$(bench nonsense)
is "$?" 1 "a row that does not exist is refused"
like "$out" "no such row: nonsense" "and named"

out=$(cd "$ROOT/benches/suite" && python3 -B - <<'EOF'
from operator import truediv
from measure import Skipped, command_of, compared, median, run
from report import verdict
from rows import Row, Target

row = Row("r", "", (1, 2), {"ours": "a", "peer": "b"}, {"ns": "ns"})
found = {1: {"ours": {"ns": [9, 1, 2]}, "peer": {"ns": [3, 4, 4]}}, 2: {"ours": {}, "peer": {"ns": [1]}}}
print(median(found, 1, "ours", "ns"), median(found, 2, "ours", "ns"), compared(found, 1, "ours", "peer", "ns", truediv))
for target in Target("ns", 0.5, to="peer"), Target("ns", 0.49, to="peer"), Target("ns", {1: 2}), Target("ns", {1: 1.9}):
    print(verdict(target, row, 1, found)[1])
print(verdict(Target("ns", -2, to="peer", difference=True), row, 1, found)[1], verdict(Target("ns", 5), row, 2, found)[1])
for command in ["sh", "-c", "echo no memory >&2; exit 77"], ["sh", "-c", "exit 3"]:
    try:
        run(command, 0.1)
    except Skipped as reason:
        print(reason)
try:
    command_of("missing {n}", 1, {"bin": "/nowhere", "lib": ""})
except Skipped as reason:
    print(reason)
EOF
)
is "$(xargs <<<"$out")" "2 None 0.5 True False True False True False no memory ended with status 3 missing was not built: its package is missing" \
  "medians, targets and reasons are right"
done_testing
