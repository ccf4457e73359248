# Sourced after lib.sh by tests whose cases are in programs that use check.h.
# A suite of one program is tests/c/NAME.c; a suite of several is a folder of that name, each source a program.

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
  done < <(exec env --default-signal "$OUT/$1" "${@:2}" 2>&1) # bash 5.3 ignores SIGINT there
  [ "$seen" = "$planned" ] || ok 1 "$1 runs all of its cases ($seen of $planned)"
}

# suite NAME [FLAGS...]: builds each program of tests/c/NAME, and passes its cases on. What has no RUN_TESTS is no program.
suite() {
  local name=$1 source program build; shift
  for source in "$ROOT/tests/c/$name"/*.c*; do
    grep -q '^RUN_TESTS' "$source" || continue
    program=$(basename "${source%.*}") build=build_c
    [ "${source##*.}" = c ] || build=build_cxx
    if $build "$program" "$source" "$@"; then cases "$program"; else ok 1 "$name/$(basename "$source") builds"; fi
  done
}
