#!/usr/bin/env bash
# Runs what depends on TensorFlow's version (training, resuming, evaluation, prediction, TF_CONFIG, export, flares,
# direct imaging) with each line of TensorFlow that the default environment $1 has not, by a Python of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
default=$("$1/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
tests=(
  tests/astronet/test_{train,evaluate,export,models,batch_predict,predict}.py
  tests/astronet/estimator
  tests/astronet/inference
  tests/astronet/ops
  tests/astronet/flares/test_{harness,detection,find_flares}.py
  tests/astronet/direct_imaging/test_{models,detect_companions}.py
)
sh .ci/pythons.sh | while read -r version python; do
  if [ "$version" = "$default" ]; then
    continue
  fi
  venv=build/python$version
  echo "== Python $version"
  make --no-print-directory setup VENV="$venv" PYTHON="$python"
  ASTRONET_OTHER_PYTHON=$(cd "$1" && pwd)/bin/python "$venv/bin/python" -m pytest -n auto --maxprocesses=8 --dist worksteal "${tests[@]}"
done
