#!/usr/bin/env bash
# Trains the members of an ensemble in one process, which reads the records once. Run it again after an interruption:
# train.py tells at once which members are finished, and takes the others up from their last checkpoints.
set -euo pipefail

if [[ $# -lt 3 || ${4:---} != --* ]]; then
  cat >&2 <<'USAGE'
usage: ensemble_train.sh MODEL_DIR STEPS TFRECORD_DIR [FLAGS]

Trains models on TFRECORD_DIR/train*, evaluated on TFRECORD_DIR/val*, for STEPS steps each, in MODEL_DIR/1, MODEL_DIR/2, ...
with seeds 1, 2, ... Finished models are skipped, so that a rerun goes on where the last run ended. FLAGS are more of
those of train.py, such as --cluster=tcp://host:8786.

From the environment: NUM_MODELS (10), MODEL (AstroCNNModel), CONFIG_NAME (local_global), PYTHON (python3).
USAGE
  exit 2
fi

model_dir=${1%/} steps=$2 tfrecord_dir=${3%/}
num_models=${NUM_MODELS:-10}

# train.py puts a single model directly into its --model_dir; here it is a member like any other.
if ((num_models == 1)); then model_dir+=/1; fi

exec "${PYTHON:-python3}" "$(dirname "${BASH_SOURCE[0]}")/train.py" \
  --model="${MODEL:-AstroCNNModel}" \
  --config_name="${CONFIG_NAME:-local_global}" \
  --train_files="${tfrecord_dir}/train*" \
  --eval_files="${tfrecord_dir}/val*" \
  --train_steps="${steps}" \
  --seed=1 \
  --num_models="${num_models}" \
  --model_dir="${model_dir}" \
  "${@:4}"
