"""--engine: what each engine can compute, which one auto takes, and that both say the same about records."""

import csv
import json
import re
import shutil

import numpy as np
import pytest

from astronet import batch_predict, calibrate, evaluate, export
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data.records import catalog_join, record_features, tf_example, tfrecord
from astronet.estimator import engines, ensemble, scoring
from astronet.evaluation import labeled_records
from astronet.flares import detection, light_curves
from astronet.ops import dataset
from astronet.stats import metrics

TRIAGE = configuration.get("AstroCNNModel", "triage")


def load(model_dir, **given):
    return ensemble.load(ensemble.ModelChoice(str(model_dir), average=True, **given))


def columns(path):
    with open(path, newline="") as table:
        return list(csv.DictReader(table))


@pytest.fixture(scope="module")
def exported(ensemble_dir, tmp_path_factory):
    directory = tmp_path_factory.mktemp("exported") / "copy"
    flags = [f"--model_dir={ensemble_dir}", "--average", f"--output_dir={directory}", "--dtype=float32"]
    assert export.main(flags) == 0
    return directory


def test_both_engines_write_the_same_predictions(exported, write_tces, tmp_path):
    write_tces(tmp_path / "test-00000-of-00002", seed=5)
    write_tces(tmp_path / "test-00001-of-00002", seed=6, num_tces=50)
    flags = [f"--model_dir={exported}", "--average", f"--tfrecord_dir={tmp_path}", f"--output_dir={tmp_path}"]
    found = {}
    for engine in ("tensorflow", "numpy"):
        assert batch_predict.main([*flags, f"--engine={engine}", f"--suffix={engine}", "--batch_size=30"]) == 0
        found[engine] = columns(tmp_path / f"prediction_{engine}.csv")
    assert len(found["numpy"]) == 74
    for expected, row in zip(found["tensorflow"], found["numpy"]):
        for name in expected:
            if name == "mean" or name.startswith("member"):
                assert float(row[name]) == pytest.approx(float(expected[name]), abs=1e-6)
            elif name != "standard_deviation":
                assert row[name] == expected[name]


def printed(output):
    """Names and numbers that evaluate.py or calibrate.py has printed."""
    return re.findall(r"([a-z_/]+) (?:= )?(-?\d+\.?\d*)", output)


@pytest.mark.parametrize("name", ["evaluate", "calibrate"])
def test_both_engines_judge_and_calibrate_alike(name, exported, write_tces, tmp_path, capsys):
    files = [write_tces(tmp_path / f"val-{seed}", seed=seed, num_tces=50) for seed in (5, 6)]
    script = {"evaluate": evaluate, "calibrate": calibrate}[name]
    flags = ["--average", "--eval_files", *files, *(["--recall_target=0.9"] if name == "calibrate" else [])]
    told, stored = {}, {}
    for engine in ("tensorflow", "numpy"):
        model_dir = tmp_path / engine
        shutil.copytree(exported, model_dir)
        assert script.main([f"--model_dir={model_dir}", f"--engine={engine}", *flags]) == 0
        told[engine] = printed(capsys.readouterr().out.replace(str(tmp_path), ""))
        if name == "calibrate":
            stored[engine] = json.loads((model_dir / "calibration.json").read_text())
    assert [name for name, _ in told["numpy"]] == [name for name, _ in told["tensorflow"]] and len(told["numpy"]) > 8
    numbers = {engine: [float(number) for _, number in pairs] for engine, pairs in told.items()}
    np.testing.assert_allclose(numbers["numpy"], numbers["tensorflow"], rtol=0, atol=1e-6)
    if stored:
        for figure in ("temperature", "threshold"):
            assert stored["numpy"][figure] == pytest.approx(stored["tensorflow"][figure], abs=1e-5)


def test_the_report_is_the_same_by_both_engines(exported, write_tces, tmp_path):
    files = [write_tces(tmp_path / "val", seed=5, num_tces=50)]
    flags = [f"--model_dir={exported}", "--average", "--num_resamples=20", "--eval_files", *files]
    reports = []
    for engine in ("tensorflow", "numpy"):
        assert evaluate.main([*flags, f"--engine={engine}", f"--output_dir={tmp_path}/{engine}"]) == 0
        reports.append(json.loads((tmp_path / engine / "report.json").read_text()))
    figures = [
        [value for figure in report["sets"]["all"]["figures"].values() for value in figure.values()]
        for report in reports
    ]
    np.testing.assert_allclose(figures[1], figures[0], rtol=0, atol=1e-6)


def test_pretrained_triage_is_judged_alike_by_both_engines(shared):
    (path,) = (shared / "data/tess_triage").glob("val-*")
    by_tensorflow, by_numpy = (
        labeled_records.evaluate(load("pretrained:triage", engine=engine), [str(path)])
        for engine in ("tensorflow", "numpy")
    )
    assert by_numpy["num_examples"] == 1657 and by_numpy.keys() == by_tensorflow.keys()
    for name, figure in by_tensorflow.items():
        assert by_numpy[name] == pytest.approx(figure, abs=1e-6), name


def test_pretrained_triage_says_the_same_by_both_engines(shared):
    (path,) = (shared / "data/tess_triage").glob("val-*")
    serialized = list(tfrecord.read(path))
    models = load("pretrained:triage")
    both = [
        [prediction.probabilities for prediction in scoring.predict_records(models_of_engine, serialized)]
        for models_of_engine in (load("pretrained:triage", engine=engine) for engine in ("tensorflow", "numpy"))
    ]
    assert models.engine == "auto" and len(both[0]) == 1657
    np.testing.assert_allclose(both[1], both[0], rtol=0, atol=1e-6)


def test_pretrained_vetting_says_the_same_by_both_engines_of_published_and_of_joined_records(shared):
    (path,) = (shared / "data/tess_vetting").glob("val-*")
    published = list(tfrecord.read(path))
    joined = catalog_join.join(published, shared / "data" / "tess_triage" / "tces.csv")
    labels = [tf_example.value(tf_example.from_serialized(record), "Disposition") == "PC" for record in published]
    for records, least in ((published, 0.6), (joined, 0.8)):  # AP; the networks have seen these TCEs
        both = [
            [prediction.probabilities for prediction in scoring.predict_records(models_of_engine, records)]
            for models_of_engine in (load("pretrained:vetting", engine=engine) for engine in ("tensorflow", "numpy"))
        ]
        np.testing.assert_allclose(both[1], both[0], rtol=0, atol=2e-6)
        assert metrics.summary(labels, np.mean(both[0], axis=1))["average_precision"] > least


def test_pretrained_flares_says_the_same_by_both_engines(shared):
    (path,) = (shared / "data/other/light_curves/spoc_2min").glob("*0000000413248763*")  # of little noise
    whole = light_curves.read(str(path), light_curves.LightCurveReading(quality="default"))
    part = type(whole)(whole.time[:2500], whole.flux[:2500], whole.path)
    both = [
        detection.Scorer(load("pretrained:flares", engine=engine)).cadences(part) for engine in ("tensorflow", "numpy")
    ]
    assert np.nanmax(both[0]) > 0.1
    np.testing.assert_allclose(both[1], both[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "num_tces, engine", [(1, "numpy"), (5000, "numpy"), (10**6, "tensorflow"), (None, "tensorflow")]
)
def test_auto_takes_numpy_where_the_start_of_tensorflow_would_take_longer(num_tces, engine):
    assert load("pretrained:triage").with_engine_for(num_tces).engine == engine
    for given in ("tensorflow", "numpy"):
        assert load("pretrained:triage", engine=given).with_engine_for(num_tces).engine == given


def test_auto_takes_numpy_wherever_there_is_no_tensorflow(monkeypatch):
    monkeypatch.setattr(engines, "is_tensorflow_installed", lambda: False)
    assert load("pretrained:triage").with_engine_for(10**9).engine == "numpy"


def test_checkpoints_are_for_tensorflow_alone(ensemble_dir, monkeypatch):
    assert load(ensemble_dir).with_engine_for(1).engine == "tensorflow"
    with pytest.raises(ScriptError, match=r"--engine=numpy: .* is a checkpoint of TensorFlow: export the model"):
        load(ensemble_dir, engine="numpy").with_engine_for(1)
    monkeypatch.setattr(engines, "is_tensorflow_installed", lambda: False)
    with pytest.raises(ScriptError, match=r"TensorFlow is not installed, and .* is a checkpoint .* export the model"):
        load(ensemble_dir).with_engine_for(1)


def test_networks_of_direct_images_are_for_tensorflow_alone():
    spec = configuration.resolve("sodinn")
    assert engines.choose("auto", spec, ["weights.npz"], 1) == "tensorflow"
    with pytest.raises(ScriptError, match="networks of sodinn need it: pip install tensorflow"):
        engines.choose("numpy", spec, ["weights.npz"])


def test_weights_of_another_configuration_are_refused_by_both_engines_in_the_same_words(exported):
    spec = configuration.resolve("AstroCNNModel", "yu2019")
    member = next(iter(load(exported).checkpoints.values()))
    said = []
    for engine in ("tensorflow", "numpy"):
        with pytest.raises(ScriptError, match="does not fit the configuration") as error:
            engines.scorer(engine, spec, [member])
        said.append(str(error.value).partition(": ")[0])
    assert said[0] == said[1]


def record(changes=None, views=None, without=()):
    """A record as triage reads it; `changes` to its columns, other views, and names that it lacks."""
    random = np.random.default_rng(0)
    held = {"row_id": 3, "tic_id": 42, "Epoc": 1400.0, "Period": 2.0, "Sectors": 5, "camera": 1, "Duration": 0.1}
    held.update({"Transit_Depth": 500.0, "SN": 12.0, **(changes or {})})
    series = {"global_view": random.normal(0, 1, 201), "local_view": random.normal(0, 1, 61), **(views or {})}
    kept = [{name: value for name, value in part.items() if name not in without} for part in (held, series)]
    return tf_example.to_example(*kept).SerializeToString()


def test_numpy_reads_from_records_what_tensorflow_reads():
    serialized = [
        record(),
        record(without=("SN", "Duration", "camera", "Sectors", "Epoc")),
        record({"Event_Density": 2.5, "Camera_Event_Density": 0.5}),
        record({"SN": -1.0, "Period": 0.0}),
    ]
    sector_events = load("pretrained:triage").spec.config
    for config in (TRIAGE, configuration.get(config_name="yu2019"), sector_events):
        (expected,) = dataset.from_serialized_batches([serialized], config)
        (found,) = record_features.batches([serialized], config)
        assert set(found) == set(expected)
        for name, values in expected.items():
            assert np.asarray(found[name]).dtype == np.asarray(values).dtype
            np.testing.assert_array_equal(found[name], values)


FAULTS = {
    "of another length": record(views={"local_view": np.zeros(81)}),
    "view missing": record(without=("global_view",)),
    "not finite": record(views={"local_view": np.full(61, np.nan)}),
    "infinite scalar": record({"SN": np.inf}),
    "text for a number": record({"SN": "many"}),
    "integer for a float": record({"Duration": 3}),
    "text for an integer": record({"Sectors": "five"}),
    "no record": b"\x0a\xff\xff",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_records_are_told_in_the_same_words(fault):
    said = []
    for read in (dataset.from_serialized_batches, record_features.batches):
        with pytest.raises(ScriptError) as error:
            list(read([[record()], [record(), FAULTS[fault]]], TRIAGE, "test-0, record {}".format))
        said.append(str(error.value))
    assert said[0] == said[1] and "test-0, record 2" in said[0]


def test_a_column_with_several_values_is_refused():
    example = tf_example.from_serialized(record())
    example.features.feature["SN"].float_list.value.append(3.0)
    for read in (dataset.from_serialized_batches, record_features.batches):
        with pytest.raises(ScriptError, match="make the records again"):
            list(read([[example.SerializeToString()]], TRIAGE))
