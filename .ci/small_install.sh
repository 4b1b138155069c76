#!/usr/bin/env bash
# Tests the small installation (requirements/predict.txt): makes an environment without TensorFlow with the Python $1, and
# runs all steps from light curves to probabilities and flares in it.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
venv=$root/build/small
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${1:-.venv/bin/python}" -m venv --clear "$venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$venv/bin/pip" install --quiet -r requirements/predict.txt
"$venv/bin/pip" install --quiet --no-deps .
unset PYTHONPATH
export PATH=$venv/bin:$PATH PYTHONWARNINGS=error
cd "$work"

fail() {
  echo "small installation: $1" >&2
  exit 1
}

if python -c "import tensorflow" 2>/dev/null; then
  fail "it has TensorFlow, so this test is meaningless"
fi

python "$root/.ci/small_install_input.py" survey
astronet-generate-input-records --input_tce_csv_file=survey/tces.csv --tess_data_dir=survey --output_dir=records \
  --make_test_set --num_train_shards=1 --config_name=triage
astronet-batch-predict --model_dir=pretrained:triage --tfrecord_dir=records --suffix=yyy
[ "$(wc -l <prediction_yyy.txt)" = 3 ] || fail "prediction_yyy.txt has not a line for each of 3 TCEs"

astronet-predict --model_dir=pretrained:triage --tic=1002 --sector=14 --tess_data_dir=survey --period=1.7 --t0=1684.4 \
  --duration_hours=3.6 --transit_depth=20000 --sn=30 >one.txt
[ "$(head -n 1 one.txt)" = "$(grep '^1002 ' prediction_yyy.txt)" ] || fail "predict.py and batch_predict.py disagree"

astronet-evaluate --model_dir=pretrained:triage --eval_files=records/test* >judged.txt
grep -q "num_examples = 3" judged.txt || fail "evaluate.py does not judge 3 TCEs"

astronet-simulate-flares --output_dir=flares --num_stars=2 --days=6 --seed=1
astronet-find-flares flares/*.fits --model_dir=pretrained:flares --output_dir=found
[ "$(wc -l <found/flares.csv)" -ge 4 ] || fail "of 8 flares not even 3 are found"

# Scripts that need TensorFlow say so in one line.
if astronet-train --model_dir=model --train_files=records/* --eval_files=records/* 2>said.txt; then
  fail "train.py works without TensorFlow?"
fi
grep -q "TensorFlow" said.txt && ! grep -q Traceback said.txt || fail "train.py does not say that it needs TensorFlow"
if astronet-batch-predict --model_dir=pretrained:triage --tfrecord_dir=records --engine=tensorflow 2>said.txt; then
  fail "--engine=tensorflow works without TensorFlow?"
fi
grep -q "TensorFlow" said.txt && ! grep -q Traceback said.txt || fail "--engine=tensorflow does not say what it needs"
echo "small installation: all well, $(du -sm "$venv" | cut -f 1) MB"
