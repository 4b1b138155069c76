"""What one line of TensorFlow computes, the other computes too.

ASTRONET_OTHER_PYTHON names an interpreter with the project and the other line; .ci/other_pythons.sh sets it.
"""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from astronet.estimator import checkpoints
from astronet.ops.tensorflow import tf

SMALL_CNN = """{"hparams": {
  "batch_size": 8, "learning_rate": 0.003, "num_pre_logits_hidden_layers": 1, "pre_logits_hidden_layer_size": 8,
  "columns": {"global_view": {"num_blocks": 1, "num_filters": 4}, "local_view": {"num_blocks": 1, "num_filters": 4}}
}}"""

ROOT = Path(__file__).parents[3]
TOLERANCE = 1e-6  # of probabilities: some ten units in the last place of float32, over ten layers
# Of weights after 54 steps of Adam, each of up to 0.003: versions of TensorFlow add up in another order.
WEIGHTS = {"rtol": 1e-3, "atol": 1e-4}


@pytest.fixture(scope="module")
def other_python():
    path = os.environ.get("ASTRONET_OTHER_PYTHON")
    if not path:
        pytest.skip("ASTRONET_OTHER_PYTHON names no interpreter with the other line of TensorFlow")
    return path


def weights(model_dir):
    reader = tf.train.load_checkpoint(checkpoints.find(model_dir))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def figures(output):
    """What the last evaluation of a training printed: validation loss, accuracy, AUC and average precision."""
    return re.findall(r"validation loss [\d.]+  accuracy.*", output)[-1]


def run(python, script, *flags):
    """Runs a script of this checkout by an interpreter; returns its stdout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [python, ROOT / "astronet" / script, *map(str, flags)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def probabilities(python, output_dir, *flags):
    """The probabilities by each member of a model, [num_tces, num_members], as batch_predict.py writes them."""
    output_dir.mkdir()
    run(python, "batch_predict.py", f"--output_dir={output_dir}", *flags)
    with open(output_dir / "prediction.csv") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name]) for name in row if name.startswith("member_")] for row in rows])


def test_shipped_ensemble_predicts_the_same(tmp_path, other_python, write_tces):
    write_tces(tmp_path / "test-00000-of-00001", num_tces=48)
    flags = ["--model_dir=pretrained:triage", f"--tfrecord_dir={tmp_path}"]
    here = probabilities(sys.executable, tmp_path / "here", *flags)
    there = probabilities(other_python, tmp_path / "there", *flags)
    assert here.shape == (48, 10) and here.std() > 0.01
    np.testing.assert_allclose(there, here, rtol=0, atol=TOLERANCE)


def test_published_checkpoint_predicts_the_same(tmp_path, other_python, request):
    shared = request.getfixturevalue("shared")  # only here: without another Python, the test skips
    flags = ["--config_name=yu2019", f"--model_dir={shared / 'golden' / 'checkpoint'}"]
    flags += [f"--tfrecord_dir={shared / 'data' / 'tess_triage'}", "--pattern=val-*"]
    here = probabilities(sys.executable, tmp_path / "here", *flags)
    there = probabilities(other_python, tmp_path / "there", *flags)
    assert len(here) == 1657
    np.testing.assert_allclose(there, here, rtol=0, atol=TOLERANCE)


def test_training_begun_on_one_line_goes_on_on_the_other(tmp_path, other_python, write_tces):
    records = write_tces(tmp_path / "records", num_tces=48)
    flags = [
        "--model=AstroCNNModel",
        "--config_name=yu2019",
        f"--config_json={SMALL_CNN}",
        "--seed=3",
        "--num_threads=1",
    ]
    flags += [f"--train_files={records}", f"--eval_files={records}"]

    def train(python, name, steps):
        return run(python, "train.py", *flags, f"--model_dir={tmp_path / name}", f"--train_steps={steps}")

    unbroken = train(sys.executable, "unbroken", 108)
    train(other_python, "begun_there", 54)
    train(sys.executable, "begun_here", 54)
    resumed = {"begun_there": train(sys.executable, "begun_there", 108)}
    resumed["begun_here"] = train(other_python, "begun_here", 108)
    expected = weights(tmp_path / "unbroken")
    for name, output in resumed.items():
        found = weights(tmp_path / name)
        assert {key: value.shape for key, value in found.items()} == {k: v.shape for k, v in expected.items()}
        for variable, value in expected.items():
            np.testing.assert_allclose(found[variable], value, err_msg=f"{name}: {variable}", **WEIGHTS)
        assert figures(output) == figures(unbroken)
