#!/bin/sh
# Prints "VERSION PATH" of each Python from 3.9 to 3.13 on this machine that can build the project: one line for each
# minor version, the preferred first. Python up to 3.11 is preferred because its TensorFlow 2.15 is the reference, and is
# imported faster.
probe='
import os, sys, sysconfig, venv, ensurepip
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
print("%d.%d" % sys.version_info[:2], sys.executable)
'
for minor in 11 10 9 13 12; do
  for candidate in "python3.$minor" python3 python "/usr/bin/python3.$minor" \
    "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python; do
    found=$("$candidate" -c "$probe" 2>/dev/null) || continue
    if [ "${found%% *}" = "3.$minor" ]; then
      echo "$found"
      break
    fi
  done
done
