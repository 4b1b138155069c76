#!/bin/sh
# Creates a virtual environment at $1 with Python 3.11, 3.10 or 3.9, or lets uv bring one; else says what to install.
set -eu
venv=$1

usable='
import os, sys, sysconfig, venv, ensurepip
assert (3, 9) <= sys.version_info[:2] < (3, 12)
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
'

if ! command -v "${CXX:-c++}" >/dev/null 2>&1; then
  echo "setup: no C++ compiler found: install g++ or clang++ (Debian: apt install g++), or set CXX" >&2
  exit 1
fi
if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c "$usable" 2>/dev/null; then
  exit 0
fi
for candidate in python3.11 python3.10 python3.9 python3 python /usr/bin/python3.11 /usr/bin/python3.10 /usr/bin/python3.9; do
  if "$candidate" -c "$usable" >/dev/null 2>&1; then
    echo "setup: creating $venv with $("$candidate" --version)"
    exec "$candidate" -m venv --clear "$venv"
  fi
done
if command -v uv >/dev/null 2>&1; then
  echo "setup: no Python 3.9 to 3.11 here; uv brings 3.11"
  exec uv venv --quiet --seed --python 3.11 "$venv"
fi
echo "setup: no Python 3.9, 3.10 or 3.11 with venv and headers found, and TensorFlow 2.15 runs on no other." >&2
echo "setup: install one (Debian: apt install python3.11 python3.11-venv python3.11-dev) or uv, then run make again." >&2
exit 1
