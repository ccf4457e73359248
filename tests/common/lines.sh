# Sourced after lib.sh by tests whose programs use lines.h.

# lines NAME COMMAND...: a TAP line for each "ok" or "not ok" line of the program, and one for how it ended
lines() {
  local name=$1 line status got=0; shift
  timeout 60 "$@" >"$OUT/out" 2>"$OUT/err"; status=$?
  while IFS= read -r line; do
    case $line in
      'ok '*) ok 0 "$name: ${line#ok }"; got=1 ;;
      'not ok '*) ok 1 "$name: ${line#not ok }"; got=1 ;;
      *) diag "$line" ;;
    esac
  done <"$OUT/out"
  [ $got -eq 1 ] || diag "$name printed no case"
  is "$status" "$((1 - got))" "$name: runs to its end"
  [ "$status" -eq 0 ] || diag "$(cat "$OUT/err")"
}
