"""Tiny record files: dips of positive TCEs are box-shaped and central, those of negative ones lie anywhere.

Every other TCE lacks its S/N.
"""

import json

import numpy as np
import pytest

import astronet
from astronet import train
from astronet.data.records import tf_example, tfrecord

DISPOSITIONS = ("PC", "J", "EB", "V", "IS", "O")


@pytest.fixture(scope="session")
def write_tces():
    """Function (path, num_tces=24, local_length=61, seed=0, dispositions=DISPOSITIONS) -> path of a new record file."""

    def write(path, num_tces=24, local_length=61, seed=0, dispositions=DISPOSITIONS):
        random = np.random.default_rng(seed)
        tfrecord.write_shard(path, [_tce(i, local_length, random, dispositions) for i in range(num_tces)])
        return str(path)

    return write


def _tce(row_id, local_length, random, dispositions):
    disposition = dispositions[row_id % len(dispositions)]
    columns = {
        "row_id": row_id,
        "tic_id": 1000 + row_id,
        "Disposition": disposition,
        "Period": 1.0 + row_id,
        "Duration": 0.125,
        "Transit_Depth": 1000.0 * (1 + row_id % 3),
        **({"SN": 10.0 + row_id} if row_id % 2 else {}),
    }
    is_positive = disposition in ("PC", "EB")
    views = {
        name: _view(length, 0.5 if is_positive else random.uniform(0.1, 0.4), random)
        for name, length in {"global_view": 201, "local_view": local_length}.items()
    }
    return tf_example.to_example(columns, views).SerializeToString()


def _view(length, phase, random):
    view = random.normal(0, 0.05, length)
    view[int(phase * length) - 2 : int(phase * length) + 3] -= 1
    return view


SMALL_CNN = json.dumps(
    {
        "hparams": {
            "batch_size": 8,
            "learning_rate": 0.003,
            "num_pre_logits_hidden_layers": 1,
            "pre_logits_hidden_layer_size": 8,
            "columns": {view: {"num_blocks": 1, "num_filters": 4} for view in ("global_view", "local_view")},
        }
    }
)


@pytest.fixture(scope="session")
def train_small(tmp_path_factory, write_tces):
    """Function (model_dir, *flags) that trains a small yu2019 network for 20 steps."""
    train_file = write_tces(tmp_path_factory.mktemp("train") / "train", num_tces=48)

    def train_small(model_dir, *flags):
        model = ["--model=AstroCNNModel", "--config_name=yu2019", f"--config_json={SMALL_CNN}", "--train_steps=20"]
        files = [f"--train_files={train_file}", f"--eval_files={train_file}", f"--model_dir={model_dir}"]
        assert train.main([*model, *files, *flags]) == 0
        return model_dir

    return train_small


@pytest.fixture(scope="session")
def ensemble_dir(tmp_path_factory, train_small):
    """A model_dir with the members 1, 2 and 10; not to be changed."""
    directory = tmp_path_factory.mktemp("ensemble")
    for seed in (1, 2, 10):
        train_small(directory / str(seed), f"--seed={seed}")
    return directory


@pytest.fixture(scope="session")
def triage():
    return astronet.load("pretrained:triage")
