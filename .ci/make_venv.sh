#!/bin/sh
# Creates a virtual environment at $1 with the Python $2. Without $2, it uses the first Python that pythons.sh finds, or
# one that uv installs, or prints what to install. An existing environment with the right Python is not changed.
set -eu
venv=$1
wanted=${2:-}
version='import sys; print("%d.%d" % sys.version_info[:2])'

is_usable() {
  "$1" -c 'import sys; assert (3, 9) <= sys.version_info[:2] < (3, 14)' >/dev/null 2>&1
}

if ! command -v "${CXX:-c++}" >/dev/null 2>&1; then
  echo "setup: no C++ compiler found: install g++ or clang++ (Debian: apt install g++), or set CXX" >&2
  exit 1
fi
if [ -z "$wanted" ]; then
  if is_usable "$venv/bin/python"; then
    exit 0
  fi
  wanted=$(sh "$(dirname "$0")/pythons.sh" | head -n 1 | cut -d ' ' -f 2-)
elif ! is_usable "$wanted"; then
  echo "setup: PYTHON=$wanted is not a Python from 3.9 to 3.13: name another, or leave PYTHON away" >&2
  exit 1
elif [ "$("$venv/bin/python" -c "$version" 2>/dev/null)" = "$("$wanted" -c "$version")" ]; then
  exit 0
fi
if [ -n "$wanted" ]; then
  echo "setup: creating $venv with $("$wanted" --version) ($wanted)"
  exec "$wanted" -m venv --clear "$venv"
fi
if command -v uv >/dev/null 2>&1; then
  echo "setup: no Python 3.9 to 3.13 with venv and headers here; uv brings 3.11"
  exec uv venv --quiet --seed --python 3.11 "$venv"
fi
echo "setup: no Python 3.9 to 3.13 with venv and headers found." >&2
echo "setup: install one (Debian: apt install python3 python3-venv python3-dev) or uv, then run make again." >&2
exit 1
