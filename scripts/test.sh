#!/usr/bin/env bash
# Everything `make test` promises: the core's unit tests, then the programs under tests/ through prove.
# TESTS="tests/a.t tests/b.t" runs those alone.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/packages.sh
if [ -z "${TESTS:-}" ]; then
  cargo test --quiet --workspace
  TESTS=$(ls tests/*.t)
fi
# In the background of a script signals are ignored that commands here are ended by.
# shellcheck disable=SC2086
exec env --default-signal prove --timer --merge --failures --comments -j 2 $TESTS
