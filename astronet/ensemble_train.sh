#!/usr/bin/env bash
# Trains the members of an ensemble one after the other. Run it again after an interruption: train.py tells at once
# that a finished member is finished, and takes an unfinished one up from its last checkpoint.
set -euo pipefail

if [[ $# -ne 3 ]]; then
  cat >&2 <<'USAGE'
usage: ensemble_train.sh MODEL_DIR STEPS TFRECORD_DIR

Trains models on TFRECORD_DIR/train*, evaluated on TFRECORD_DIR/val*, for STEPS steps each, in MODEL_DIR/1, MODEL_DIR/2, ...
with seeds 1, 2, ... Finished models are skipped, so that a rerun goes on where the last run ended.

From the environment: NUM_MODELS (10), MODEL (AstroCNNModel), CONFIG_NAME (local_global), PYTHON (python3).
USAGE
  exit 2
fi

model_dir=${1%/} steps=$2 tfrecord_dir=${3%/}
train="$(dirname "${BASH_SOURCE[0]}")/train.py"

for ((member = 1; member <= ${NUM_MODELS:-10}; member++)); do
  echo "== ensemble member ${member} of ${NUM_MODELS:-10}: ${model_dir}/${member}"
  "${PYTHON:-python3}" "${train}" \
    --model="${MODEL:-AstroCNNModel}" \
    --config_name="${CONFIG_NAME:-local_global}" \
    --train_files="${tfrecord_dir}/train*" \
    --eval_files="${tfrecord_dir}/val*" \
    --train_steps="${steps}" \
    --seed="${member}" \
    --model_dir="${model_dir}/${member}" || {
    status=$?
    echo "error: ensemble member ${member} (${model_dir}/${member}) failed; mend what it says above and run this again" >&2
    exit "${status}"
  }
done
