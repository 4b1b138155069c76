"""Simulated stars that flare, records of their windows, and a network that has learned a little from them."""

import pytest

from astronet import train
from astronet.flares import generate_flare_records, simulate_flares


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """Directory of 16 light curves of 6 days, and flares.csv; not to be changed."""
    directory = tmp_path_factory.mktemp("simulated")
    assert simulate_flares.main([f"--output_dir={directory}", "--num_stars=16", "--days=6", "--seed=1"]) == 0
    return directory


@pytest.fixture(scope="session")
def make_records(simulated, tmp_path_factory):
    """Function (*flags) -> a new directory of records of the simulated light curves."""

    def make(*flags):
        directory = tmp_path_factory.mktemp("records")
        given = [
            f"--flare_catalog={simulated}/flares.csv",
            f"--light_curves={simulated}/*.fits",
            f"--output_dir={directory}",
        ]
        assert generate_flare_records.main([*given, *flags]) == 0
        return directory

    return make


@pytest.fixture(scope="session")
def flare_records(make_records):
    """Records with all quiet windows, off-center ones and injected flares."""
    return make_records("--drop_quiet=0", "--off_center=2", "--inject=1", "--num_train_shards=2")


@pytest.fixture(scope="session")
def model_dir(flare_records, tmp_path_factory):
    """Directory of two networks that find flares; not to be changed."""
    directory = tmp_path_factory.mktemp("model")
    files = [f"--train_files={flare_records}/train*", f"--eval_files={flare_records}/val*"]
    recipe = ["--config_name=flares", "--train_steps=250", "--num_models=2", "--num_parallel=1"]
    assert train.main([*files, *recipe, f"--model_dir={directory}"]) == 0
    return directory
