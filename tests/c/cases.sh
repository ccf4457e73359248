# Sourced after lib.sh by tests whose cases are in programs that use check.h.

# cases PROGRAM [ARGUMENT...]: passes the program's cases on as this test's own. PREFIX goes before each name.
PREFIX=
cases() {
  local line planned=none seen=0
  while IFS= read -r line; do
    case $line in
      1..*) planned=${line#1..} ;;
      'ok '*) seen=$((seen + 1)); ok 0 "$PREFIX${line#* - }" ;;
      'not ok '*) seen=$((seen + 1)); ok 1 "$PREFIX${line#* - }" ;;
      *) echo "$line" ;;
    esac
  done < <(exec "$OUT/$1" "${@:2}" 2>&1)
  [ "$seen" = "$planned" ] || ok 1 "$1 runs all of its cases ($seen of $planned)"
}
