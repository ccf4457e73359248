#!/usr/bin/env bash
# Runs nginx in a directory of its own: its nginx.conf, and no look at the system's log where it can be told so (since 1.19.5).
# Usage: scripts/nginx.sh DIRECTORY [OPTION...]
if nginx -h 2>&1 | grep -q '^  -e '; then own_log=(-e "$1/error.log"); else own_log=(); fi
exec nginx -p "$1" -c "$1/nginx.conf" "${own_log[@]}" "${@:2}"
