#!/bin/sh
# compare.sh VENV MODEL ARGUMENTS...: compare_with_bitsandbytes.py with the Python of VENV. Exit code
# 77 where there is no such environment.
venv=$1
shift
if [ -z "$venv" ] || [ ! -x "$venv/bin/python" ]; then
  echo "skipped: no environment with transformers and bitsandbytes; make one with" \
    "tests/real/make_venv.sh DIRECTORY and configure with -DPLIMSOLL_VENV=DIRECTORY"
  exit 77
fi
exec "$venv/bin/python" "$(dirname "$0")/compare_with_bitsandbytes.py" "$@"
