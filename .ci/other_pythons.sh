#!/usr/bin/env bash
# Runs the tests that depend on the Python version with each other Python of this machine. If that Python has the other
# line of TensorFlow, these are the tests of training, resuming, evaluation, prediction, TF_CONFIG, export, flares and
# direct imaging. If it has the same line, these are the tests that read files and tables, and one prediction. $1 is the
# default environment.
set -euo pipefail
cd "$(dirname "$0")/.."
default=$("$1/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
line_of() { [ "${1#3.}" -ge 12 ] && echo new || echo old; }

tensorflow_tests=(
  tests/astronet/test_{train,evaluate,export,models,batch_predict,predict}.py
  tests/astronet/estimator
  tests/astronet/inference
  tests/astronet/ops
  tests/astronet/flares/test_{harness,detection,find_flares}.py
  tests/astronet/direct_imaging/test_{models,detect_companions}.py
)
python_tests=(
  -m "not slow"
  tests/light_curve_util
  tests/astronet/{base,config,data/catalog,stats}
  tests/astronet/test_{models,predict}.py
)
sh .ci/pythons.sh | while read -r version python; do
  if [ "$version" = "$default" ]; then
    continue
  fi
  venv=build/python$version
  echo "== Python $version"
  make --no-print-directory setup VENV="$venv" PYTHON="$python" </dev/null
  if [ "$(line_of "$version")" = "$(line_of "$default")" ]; then
    tests=("${python_tests[@]}")
  else
    tests=("${tensorflow_tests[@]}")
  fi
  ASTRONET_OTHER_PYTHON=$(cd "$1" && pwd)/bin/python "$venv/bin/python" -m pytest -n auto --maxprocesses=8 \
    --dist worksteal "${tests[@]}" </dev/null
done
