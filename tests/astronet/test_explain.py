"""Why a model says what it says: what matters changes the answer, and a model that knows nothing explains nothing."""

import json
import shutil

import numpy as np
import pytest

from astronet import explain, models
from astronet.config import configuration, registry
from astronet.data import generate_input_records, simulate_survey
from astronet.data.records import tf_example, tfrecord
from astronet.estimator import checkpoints, ensemble, pretrained, weights_file
from astronet.evaluation.explanation import ALL_COLUMNS, Explainer


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """A file of the records of a simulated survey."""
    survey = tmp_path_factory.mktemp("survey")
    assert simulate_survey.main([f"--output_dir={survey}", "--num_stars=12", "--seed=3"]) == 0
    flags = [f"--input_tce_csv_file={survey}/tces.csv", f"--tess_data_dir={survey}/tess", "--config_name=triage"]
    out = survey / "tfrecord"
    assert generate_input_records.main([*flags, f"--output_dir={out}", "--make_test_set", "--num_train_shards=1"]) == 0
    return str(out / "test-00000-of-00001")


@pytest.fixture(scope="module")
def surest(records):
    """The record to which pretrained:triage gives the highest probability, and its explanation."""
    explainer = Explainer(ensemble.load(ensemble.ModelChoice("pretrained:triage")))
    every = list(tfrecord.read(records))
    examples = list(map(tf_example.from_serialized, every))
    explained = [explainer.explain(record, examples, num_neighbors=2) for record in every]
    best = int(np.argmax([explanation.probability for explanation in explained]))
    return every[best], explained[best]


def test_the_masked_transit_kills_the_probability(surest):
    _, explained = surest
    assert explained.probability > 0.9
    assert explained.left_out["local_view"].mean < -2
    occlusion = explained.occlusions["local_view"]
    effects = np.array([change.mean for change in occlusion.changes])
    deepest = int(np.argmin(occlusion.view))
    assert abs(occlusion.centers[int(effects.argmin())] - deepest) < len(occlusion.view) / 6
    far = np.abs(np.array(occlusion.centers) - deepest) > len(occlusion.view) / 3
    assert effects.min() < -0.5 and np.abs(effects[far]).max() < abs(effects.min())
    assert ALL_COLUMNS in explained.left_out


def test_the_most_similar_examples_are_others_and_the_nearest_comes_first(surest):
    _, explained = surest
    first, second = explained.neighbors
    assert explained.identity not in (first.identity, second.identity)
    assert 0 < first.distance <= second.distance
    assert "PC" in first.disposition or "EB" in first.disposition


def test_a_model_with_shuffled_weights_explains_nothing(surest, tmp_path):
    random = np.random.default_rng(0)
    record, explained = surest
    for member in ("1", "2"):
        source = f"{pretrained.resolve('pretrained:triage')}/{member}"
        (tmp_path / member).mkdir()
        shutil.copyfile(f"{source}/config.json", tmp_path / member / "config.json")
        reader = weights_file.Reader(f"{source}/{weights_file.NAME}")
        shuffled = {}
        for name in reader.get_variable_to_shape_map():
            values = reader.get_tensor(name)
            if name != "global_step":
                shuffled[name] = random.permutation(values.ravel()).reshape(values.shape)
        weights_file.write(str(tmp_path / member / weights_file.NAME), shuffled, 1, "float32")
    blind = Explainer(ensemble.load(ensemble.ModelChoice(str(tmp_path), average=True))).explain(record)
    strongest = max(abs(change.mean) for change in explained.occlusions["local_view"].changes)
    assert max(abs(change.mean) for change in blind.occlusions["local_view"].changes) < 0.2 * strongest
    assert abs(blind.left_out["local_view"].mean) < 0.2 * abs(explained.left_out["local_view"].mean)


@pytest.mark.parametrize("model", sorted(set(registry.MODELS) - {"sodirf"}))  # a forest is fitted, not built
def test_every_model_can_be_explained(model, tmp_path):
    config_name = next(iter(registry.configurations(model)))
    spec = configuration.resolve(model, config_name)
    configuration.save(str(tmp_path), spec)
    checkpoints.write(str(tmp_path), models.build(model, spec.config), 1)
    random = np.random.default_rng(0)
    views = {name: random.normal(0, 1, feature.length) for name, feature in spec.config.inputs.features.items()}
    columns = {"row_id": 1, "tic_id": 5, "Disposition": "PC", "Period": 3.0, "Duration": 0.1}
    record = tf_example.to_example(columns, views).SerializeToString()
    explained = Explainer(ensemble.load(ensemble.ModelChoice(str(tmp_path)))).explain(record)
    assert set(explained.left_out) >= set(views)
    assert all(np.isfinite(change.mean) for change in explained.left_out.values())


def test_figure_and_json_of_a_flare_window(tmp_path, capsys):
    window = np.random.default_rng(0).normal(1, 0.001, 200)
    window[100:110] += np.linspace(0.05, 0.0, 10)
    columns = {"row_id": 7, "tic_id": 5, "Epoc": 1326.0, "Period": float("nan"), "Duration": 0.01, "Disposition": "FL"}
    config = configuration.load(f"{pretrained.resolve('pretrained:flares')}/1").config
    views = {name: window[: feature.length] for name, feature in config.inputs.features.items()}
    path = tmp_path / "records"
    tfrecord.write_shard(str(path), [tf_example.to_example(columns, views).SerializeToString()])
    flags = ["--model_dir=pretrained:flares", f"--records={path}", f"--output_dir={tmp_path}/why"]
    assert explain.main([*flags, "--row_id", "7"]) == 0
    assert "tic5_row7: probability" in capsys.readouterr().out
    assert json.loads((tmp_path / "why/tic5_row7_explanation.json").read_text())["occlusion"]
    assert (tmp_path / "why/tic5_row7_explanation.png").stat().st_size > 10_000


def test_a_row_that_is_not_there_is_told(records, tmp_path, capsys):
    flags = ["--model_dir=pretrained:triage", f"--records={records}", f"--output_dir={tmp_path}/why"]
    assert explain.main([*flags, "--row_id", "99999"]) == 1
    assert "no record of row_id 99999" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        explain.main(flags)
