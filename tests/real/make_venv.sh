#!/bin/sh
# make_venv.sh DIRECTORY: an environment for tests/real, about 2 GB. CPU builds of the libraries are
# enough.
set -eu
python3 -m venv "$1"
"$1/bin/pip" install --quiet torch --index-url https://download.pytorch.org/whl/cpu ||
  "$1/bin/pip" install --quiet torch
"$1/bin/pip" install --quiet 'transformers>=5' 'bitsandbytes>=0.49' accelerate safetensors
echo "configure with -DPLIMSOLL_VENV=$1, or set PLIMSOLL_VENV"
