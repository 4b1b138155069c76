import json
import subprocess
import sys

import pytest

from astronet.base.script import ScriptError
from astronet.config import configuration, registry


def test_view_lengths_are_those_of_the_published_systems():
    assert configuration.view_lengths(configuration.get(config_name="local_global")) == {
        "global_view": 201,
        "local_view": 81,
    }
    assert configuration.view_lengths(configuration.get(config_name="yu2019")) == {"global_view": 201, "local_view": 61}


@pytest.mark.parametrize(
    "config_json, message",
    [
        ('{"hparams": {"learning_rat": 1}}', "unknown hparams key learning_rat; did you mean learning_rate?"),
        ('{"hparam": {}}', "unknown configuration key hparam; did you mean hparams?"),
        ('{"hparams": {"columns": {"local_view": {"num_block": 3}}}}', "did you mean num_blocks?"),
        ('{"hparams": {"batch_size": "many"}}', "hparams.batch_size is 'many': int needed"),
        ('{"hparams": {"batch_size": 0}}', "1 or more needed"),
        ('{"hparams": {"columns": {"local_view": null}}}', "disagree about local_view"),
        ('{"inputs": {"label_map": {"PC": 2}}}', "inputs.label_map.PC is 2: 0 to 1 needed"),
        ('{"hparams": {"dropout_rate": 1.5}}', "hparams.dropout_rate is 1.5: 0 to 1 needed"),
        ('{"hparams": {"weight_decay": -1}}', "hparams.weight_decay is -1.0: 0 or more needed"),
        ('{"hparams": {"train_epochs": 0}}', "hparams.train_epochs is 0: 1 or more needed"),
        (
            '{"hparams": {"columns": {"local_view": {"num_blocks": 101}}}}',
            "hparams.columns.local_view.num_blocks is 101: 100 at most",
        ),
        ('{"inputs": {"features": {"local_view": {"length": 100001}}}}', "local_view.length is 100001: 100000 at most"),
        ('{"inputs": {"scalars": {"depth": {"powers": {"SN": "x"}}}}}', "SN is 'x': float needed"),
        ('{"inputs": 3}', "inputs is 3: a dictionary needed"),
        ('{"inputs": ', "not JSON"),
    ],
)
def test_wrong_json_says_what_is_wrong(config_json, message):
    with pytest.raises(ScriptError) as error:
        configuration.resolve("AstroCNNModel", "yu2019", config_json)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["base", "local_global", "yu2019"])
def test_published_recipe_has_nothing_of_the_newer_one(name):
    hparams = configuration.get("AstroCNNModel", name).hparams
    assert (hparams.batch_size, hparams.learning_rate, hparams.learning_rate_schedule) == (64, 1e-5, "constant")
    assert (hparams.adam_beta_1, hparams.adam_beta_2, hparams.adam_epsilon) == (0.9, 0.999, 1e-8)
    assert not (hparams.warmup_steps or hparams.dropout_rate or hparams.label_smoothing or hparams.early_stop_patience)
    assert not (hparams.max_shift_bins or hparams.max_noise or hparams.scalar_drop_probability)
    assert not hparams.score_both_directions and hparams.reversal_probability == 0.5


def test_triage_reads_local_views_of_81_bins_where_json_says_so():
    changes = '{"inputs": {"features": {"local_view": {"length": 81}}}}'
    lengths = configuration.view_lengths(configuration.resolve("AstroCNNModel", "triage", changes).config)
    assert lengths == {"global_view": 201, "local_view": 81}


@pytest.mark.parametrize("name", registry.configurations("AstroCNNModel"))
def test_nothing_that_tells_where_a_row_came_from_enters_a_model(name):
    inputs = configuration.input_lengths(configuration.get(config_name=name))
    assert not {"Sectors", "camera", "ccd", "row_id", "tic_id", "toi_id"} & set(inputs)


@pytest.mark.parametrize(
    "names, message",
    [
        (("AstroCNN", "yu2019"), "unknown model AstroCNN; did you mean AstroCNNModel?"),
        (("AstroCNNModel", "yu2018"), "unknown configuration of AstroCNNModel yu2018; did you mean yu2019?"),
    ],
)
def test_unknown_name_tells_the_nearest(names, message):
    with pytest.raises(ScriptError, match=message.replace("?", r"\?")):
        configuration.resolve(*names)


def test_json_with_a_name_changes_it_and_null_removes():
    changes = {
        "inputs": {"features": {"local_view": None, "Period": {}}},
        "hparams": {"columns": {"local_view": None}, "learning_rate": 1, "clip_gradient_norm": 5.0},
    }
    config = configuration.resolve("AstroCNNModel", "yu2019", json.dumps(changes)).config
    assert set(config.inputs.features) == {"global_view", "Period"}
    assert (config.hparams.learning_rate, config.hparams.clip_gradient_norm) == (1.0, 5.0)
    assert config.hparams.num_pre_logits_hidden_layers == 4


def test_json_alone_is_the_whole_configuration(tmp_path):
    path = tmp_path / "linear.json"
    path.write_text('{"inputs": {"features": {"Period": {}}}}')
    config = configuration.resolve("AstroModel", config_json=str(path)).config
    assert set(config.inputs.features) == {"Period"}
    with pytest.raises(ScriptError, match="inputs lacks features"):
        configuration.resolve("AstroModel", config_json="{}")


def test_saved_configuration_is_read_back_and_flags_win(tmp_path):
    spec = configuration.resolve("AstroFCModel", "yu2019", '{"hparams": {"optimizer": "sgd"}}')
    configuration.save(tmp_path, spec)
    assert configuration.load(tmp_path) == spec
    assert configuration.load(tmp_path, "AstroFCModel", "local_global").config == configuration.get(
        "AstroFCModel", "local_global"
    )


def test_another_configuration_in_the_same_directory_is_refused_by_name(tmp_path):
    configuration.save(tmp_path, configuration.resolve(config_name="yu2019"))
    with pytest.raises(ScriptError, match="local_view.length is 61 in it, now 81"):
        configuration.save(tmp_path, configuration.resolve(config_name="local_global"))


def test_directory_without_configuration_says_which_flags_to_give(tmp_path):
    with pytest.raises(ScriptError, match="--config_name .* --model"):
        configuration.load(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ScriptError, match="not a model's configuration"):
        configuration.load(tmp_path)


def test_worker_processes_need_no_tensorflow():
    code = "import sys, astronet.config.configuration; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
