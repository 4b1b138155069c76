import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from astronet.estimator import checkpoints

ROOT = Path(__file__).parents[2]


def ensemble_train(*arguments, script="ensemble_train.sh", cwd=ROOT, **environment):
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "MODEL": "AstroModel",
        "CONFIG_NAME": "yu2019",
        **environment,
    }
    return subprocess.run([ROOT / script, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)


def test_members_are_trained_with_their_seeds_and_skipped_when_finished(tmp_path, write_tces):
    directory = tmp_path / "with blanks"
    directory.mkdir()
    for name in ("train-00000-of-00001", "val-00000-of-00001"):
        write_tces(directory / name)
    arguments = ["model dir", "3", "with blanks/"]
    done = ensemble_train(*arguments, script="astronet/ensemble_train.sh", cwd=tmp_path, NUM_MODELS="2")
    assert done.returncode == 0, done.stderr
    saved = [json.loads((tmp_path / "model dir" / member / "config.json").read_text()) for member in "12"]
    assert [(member["seed"], member["train_steps"], member["model"]) for member in saved] == [
        (1, 3, "AstroModel"),
        (2, 3, "AstroModel"),
    ]
    assert sorted(path.name for path in (tmp_path / "model dir").iterdir()) == ["1", "2"]
    again = ensemble_train(*arguments, cwd=tmp_path, NUM_MODELS="1")
    assert again.returncode == 0 and "model dir/1 is finished: it has 3 steps" in again.stdout


def test_a_member_that_fails_is_named_and_the_others_are_trained(tmp_path, write_tces):
    for name in ("train-00000-of-00001", "val-00000-of-00001"):
        write_tces(tmp_path / name)
    broken = tmp_path / "model" / "2"
    broken.mkdir(parents=True)
    (broken / "eval_val").write_text("a file where a directory is to be")
    arguments = [str(tmp_path / "model"), "3", str(tmp_path)]
    failed = ensemble_train(*arguments, NUM_MODELS="3")
    assert failed.returncode == 1
    assert f"error: {broken}: " in failed.stderr and f"error: {broken} failed: mend what is said above" in failed.stderr
    assert [checkpoints.last_step(tmp_path / "model" / member) for member in "13"] == [3, 3]

    (broken / "eval_val").unlink()
    mended = ensemble_train(*arguments, NUM_MODELS="3")
    assert mended.returncode == 0, mended.stderr
    assert "model/1 is finished: it has 3 steps" in mended.stdout and "model/3 is finished" in mended.stdout
    assert checkpoints.last_step(broken) == 3


@pytest.mark.parametrize("arguments", [[], ["model"], ["model", "3", "records", "more"]])
def test_wrong_arguments_give_the_usage(arguments):
    refused = ensemble_train(*arguments)
    assert refused.returncode == 2 and refused.stderr.startswith(
        "usage: ensemble_train.sh MODEL_DIR STEPS TFRECORD_DIR"
    )
