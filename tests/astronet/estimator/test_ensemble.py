"""Which models --average takes, and how records pass through them."""

import itertools
import json
import shutil

import numpy as np
import pytest

from astronet.base import arguments
from astronet.base.script import Parser, ScriptError
from astronet.data.records import tfrecord
from astronet.estimator import ensemble, scoring


def load(model_dir, *flags):
    parser = Parser()
    ensemble.add_flags(parser)
    flags = parser.parse_args([f"--model_dir={model_dir}", *flags])
    return ensemble.load(arguments.from_flags(ensemble.ModelChoice, flags))


@pytest.fixture
def members(ensemble_dir, tmp_path):
    """A copy of the ensemble that a test may change."""
    return shutil.copytree(ensemble_dir, tmp_path / "ensemble")


def edit_config(member, change):
    saved = json.loads((member / "config.json").read_text())
    change(saved)
    (member / "config.json").write_text(json.dumps(saved))


def test_members_are_the_subdirectories_with_models_in_the_order_of_their_numbers(members):
    for other in ("eval_test", "best", "notes"):
        (members / other).mkdir()
    shutil.copy(members / "1" / "checkpoint", members / "best" / "checkpoint")
    assert list(load(members, "--average").checkpoints) == ["1", "2", "10"]


def test_a_directory_may_hold_a_model_of_its_own_beside_an_ensemble(members):
    shutil.copytree(members / "1", members, dirs_exist_ok=True)
    assert list(load(members, "--average").checkpoints) == ["1", "2", "10"]
    assert load(members).checkpoints == {"1": str(members / "model.ckpt-20")}


def test_the_best_checkpoint_of_each_member_on_request(ensemble_dir):
    found = load(ensemble_dir, "--average", "--checkpoint=best").checkpoints
    assert all(f"/{name}/best/model.ckpt-" in path for name, path in found.items())


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda saved: saved.update(train_steps=14000), "2 has 20 of 14000 training steps done: run ensemble_train.sh"),
        (lambda saved: saved["config"]["hparams"].update(batch_size=9), "2 is of another configuration than"),
    ],
)
def test_members_that_cannot_be_averaged_are_named(members, change, message):
    edit_config(members / "2", change)
    with pytest.raises(ScriptError, match=message):
        load(members, "--average")


def test_a_member_that_never_saved_is_unfinished(members):
    for path in members.glob("2/*ckpt*"):
        path.unlink()
    (members / "2" / "checkpoint").unlink()
    with pytest.raises(ScriptError, match="2 has 0 of 20 training steps done"):
        load(members, "--average")


def test_average_must_suit_the_directory(ensemble_dir, tmp_path):
    with pytest.raises(ScriptError, match="no models in subdirectories.*leave --average away"):
        load(ensemble_dir / "1", "--average")
    with pytest.raises(ScriptError, match="is a directory of models: give --average"):
        load(ensemble_dir)
    with pytest.raises(ScriptError, match="no checkpoint in"):
        load(tmp_path / "nowhere")


def test_what_goes_wrong_ahead_is_raised_in_its_turn(ensemble_dir, tmp_path, write_tces):
    serialized = list(tfrecord.read(write_tces(tmp_path / "test", num_tces=4)))
    predictions = scoring.predict_records(load(ensemble_dir, "--average"), [*serialized, b"no record"], batch_size=4)
    assert [next(predictions).identity.row_id for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(ScriptError, match="a record is no tf.train.Example"):
        next(predictions)


def test_records_are_read_no_further_than_a_batch_ahead(ensemble_dir, tmp_path, write_tces):
    serialized = list(tfrecord.read(write_tces(tmp_path / "test", num_tces=6)))
    num_read = itertools.count()
    stream = (record for record, _ in zip(itertools.cycle(serialized), num_read))  # endless, as no list can be
    predictions = scoring.predict_records(load(ensemble_dir, "--average"), stream, batch_size=4)
    first = [next(predictions) for _ in range(8)]
    assert next(num_read) <= 13
    assert [tce.identity.row_id for tce in first] == [0, 1, 2, 3, 4, 5, 0, 1]
    np.testing.assert_allclose(first[0].probabilities, first[6].probabilities, rtol=1e-6)
