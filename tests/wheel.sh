#!/usr/bin/env bash
# Builds the wheel and tests it outside the checkout, as a newcomer would meet it: installed into a
# fresh environment, in an empty folder. Tests that need the repository's own files stay behind.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/.venv/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work" "$root"
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$work"/itpm_sync-*.whl \
  pytest hypothesis responses
mkdir "$work/empty"
cp -r "$root/tests/installed" "$work/empty/"
cd "$work/empty"
PATH="$work/venv/bin:$PATH" "$work/venv/bin/python" -m pytest -q -p no:cacheprovider installed
