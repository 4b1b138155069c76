"""Files from a stranger: they run no code, name no path outside their directory, and allocate nothing absurd."""

import ast
import csv
import dataclasses
import io
import json
import re
import shutil
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from astronet import batch_predict, evaluate, models, plot_tces
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data import generate_input_records, make_catalog
from astronet.data.catalog import blsanal, tce_table, tev
from astronet.data.records import tf_example
from astronet.data.records import tfrecord as records
from astronet.estimator import checkpoints, weights_file
from astronet.ops import dataset
from astronet.stats import calibration
from light_curve_util import tess_io

ROOT = Path(__file__).parents[2]
CONFIG = configuration.get("AstroCNNModel", "yu2019")

# What runs code that a file holds, or a shell.
DANGEROUS = {"eval", "exec", "compile", "execfile", "__import__", "system", "popen", "load_model", "model_from_json"}
DANGEROUS |= {"import_meta_graph", "read_pickle", "Unpickler", "unsafe_load", "load_library", "run_path"}
# Worker processes and their parent send each other pickles, by pipes that nobody else can write to, and through the
# Dask scheduler that --cluster names (docs/security.md).
OWN_WORK = {(f"astronet/base/{name}.py", "pickle.loads") for name in ("workers", "worker_processes", "dask_cluster")}


def _calls(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            yield ast.unparse(node.func), {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}


def test_nothing_in_the_packages_runs_code_from_a_file():
    found, num_loads = set(), 0
    packages = ("astronet", "light_curve_util", "third_party")
    for path in (path for package in packages for path in (ROOT / package).rglob("*.py")):
        for name, keywords in _calls(path):
            where = (path.relative_to(ROOT).as_posix(), name)
            if name.startswith(("joblib.", "marshal.", "shelve.", "yaml.")) or "saved_model" in name:
                found.add(where)
            if name in ("pickle.load", "pickle.loads"):
                found.add(where)
            if name.rpartition(".")[2] in DANGEROUS and name != "re.compile":
                found.add(where)
            if name == "np.load":
                num_loads += 1
                assert keywords.get("allow_pickle") == "False", where
            assert keywords.get("shell", "False") == "False", where
    assert found == OWN_WORK
    assert num_loads  # or this looked at no code


class Payload:
    """Unpickled, it writes a file."""

    def __init__(self, marker):
        self._marker = marker

    def __reduce__(self):
        return Path.write_text, (Path(self._marker), "ran")


@pytest.fixture
def member(ensemble_dir, tmp_path):
    """A copy of a trained model, with a checkpoint."""
    return shutil.copytree(ensemble_dir / "1", tmp_path / "model")


def predict(model_dir, tfrecord, *flags):
    directories = [f"--tfrecord_dir={tfrecord.parent}", f"--pattern={tfrecord.name}", f"--output_dir={tfrecord.parent}"]
    return batch_predict.main([f"--model_dir={model_dir}", *directories, *flags])


def test_weights_that_are_pickled_code_do_not_run(member, tmp_path, write_tces, capsys):
    marker = tmp_path / "marker"
    for path in member.glob("*ckpt*"):
        path.unlink()
    (member / "checkpoint").unlink()
    np.savez(member / "weights.npz", global_step=np.array([Payload(marker)], dtype=object))
    tfrecord = Path(write_tces(tmp_path / "test-0"))
    assert predict(member, tfrecord) == 1
    assert "weights.npz" in capsys.readouterr().err and not marker.exists()
    with np.load(member / "weights.npz", allow_pickle=True) as archive:  # the payload is a live one
        archive["global_step"]
    assert marker.read_text() == "ran"


def test_only_numbers_and_text_of_a_model_dir_are_read(member, tmp_path, write_tces):
    """Graphs, saved models and Python lie there in vain."""
    tfrecord = Path(write_tces(tmp_path / "test-0"))
    assert predict(member, tfrecord) == 0
    expected = (tmp_path / "prediction.csv").read_text()
    for name in ("saved_model.pb", "keras_metadata.pb", "model.h5", "model.keras", "model.pkl", "graph.pbtxt"):
        (member / name).write_bytes(b"hostile")
    for path in member.glob("*.meta"):
        path.write_bytes(b"hostile")
    (member / "__init__.py").write_text("raise SystemExit('ran')")
    assert predict(member, tfrecord) == 0
    assert (tmp_path / "prediction.csv").read_text() == expected


def test_a_damaged_checkpoint_is_named(member, tmp_path, write_tces, capsys):
    tfrecord = Path(write_tces(tmp_path / "test-0"))
    (data,) = member.glob("model.ckpt-20.data*")
    content = bytearray(data.read_bytes())
    content[::50] = bytes(len(content[::50]))
    data.write_bytes(content)
    assert predict(member, tfrecord) == 1
    assert "cannot read checkpoint" in capsys.readouterr().err
    data.write_bytes(b"")
    assert predict(member, tfrecord) == 1
    assert "cannot read checkpoint" in capsys.readouterr().err
    (member / "checkpoint").write_bytes(b"\xff\xfe")
    assert predict(member, tfrecord) == 1
    assert f"cannot read {member}/checkpoint" in capsys.readouterr().err


# Paths

OUTSIDE = ("../secret/sector-1/77", "/etc/77", "77/../../secret/sector-1/77", "77\0")


def write_light_curve(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    time = 1325.3 + np.arange(1200) / 48
    with h5py.File(path, "w") as file:
        file["LightCurve/BJD"] = time
        file["LightCurve/QFLAG"] = np.zeros(1200)
        magnitude = np.random.default_rng(3).normal(10, 0.001, 1200) + 0.02 * (np.abs((time - 1326) % 2 - 1) > 0.95)
        file["LightCurve/AperturePhotometry/Aperture_001/KSPMagnitude"] = magnitude
        file["LightCurve/AperturePhotometry"].attrs["bestap"] = 1
    return path


@pytest.mark.parametrize("text", OUTSIDE)
def test_text_in_a_catalogue_leads_nowhere(tmp_path, text):
    write_light_curve(tmp_path / "secret" / "sector-1" / "77.h5")
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    for place in ((text, 1), (77, text), (77, 1, text, 1), (77, 1, 1, text)):
        with pytest.raises(ValueError):
            tess_io.find(data_dir, *place)
    with pytest.raises(ValueError):
        blsanal.path(data_dir, 1, 1, 1, text)
    with pytest.raises(ValueError):
        blsanal.path(data_dir, text, 1, 1, 77)


def write_tces_csv(path, **changes):
    row = {"row_id": 0, "tic_id": 77, "toi_id": ".01", "Disposition": "PC", "Epoc": 1326, "Period": 2, "Duration": 2.4}
    row = {**row, "Transit_Depth": 1e4, "Sectors": 1, "camera": 1, "ccd": 1, "SN": 20, **changes}
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    return path


def files_below(directory):
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("column", ["row_id", "tic_id", "Sectors", "camera", "ccd"])
@pytest.mark.parametrize("text", [*OUTSIDE[:3], "-1", "1e300", "inf"])
def test_a_catalogue_cannot_leave_the_data_directory(tmp_path, column, text):
    write_light_curve(tmp_path / "secret" / "sector-1" / "77.h5")
    (tmp_path / "data").mkdir()
    table = write_tces_csv(tmp_path / "tces.csv", **{column: text})
    kept, skips = tce_table.read(table)
    assert len(kept) == 0 and len(skips) == 1 and skips[0].reason.startswith("invalid: ")
    before = files_below(tmp_path)
    flags = [f"--input_tce_csv_file={table}", f"--tess_data_dir={tmp_path}/data", f"--output_dir={tmp_path}/out"]
    assert generate_input_records.main([*flags, "--make_test_set"]) == 1
    assert {path for path in files_below(tmp_path) - before if not path.startswith("out/")} == set()


def test_text_of_a_catalogue_is_text_in_plots_and_records(tmp_path):
    """What a formula, a path or a format is elsewhere."""
    write_light_curve(tmp_path / "data" / "sector-1" / "77.h5")
    hostile = r"../../$\frac{%s{0}"
    table = write_tces_csv(tmp_path / "tces.csv", toi_id=hostile, Disposition=hostile)
    flags = [f"--input_tce_csv_file={table}", f"--tess_data_dir={tmp_path}/data"]
    assert plot_tces.main([*flags, f"--output_dir={tmp_path}/plots", "--config_name=yu2019"]) == 0
    assert files_below(tmp_path / "plots") == {"tic77_sector1_row0.png"}
    table = write_tces_csv(tmp_path / "tces.csv", toi_id=hostile)
    out = tmp_path / "out"
    assert generate_input_records.main([*flags, f"--output_dir={out}", "--make_test_set"]) == 0
    (serialized,) = records.read(out / "test-00000-of-00008")
    assert tf_example.TceIdentity.from_example(tf_example.from_serialized(serialized)).toi_id == hostile


def test_make_catalog_drops_what_is_no_number(tmp_path):
    tev.write(
        tmp_path / "t.csv", [{"tic_id": text, "toi_id": ".01", "Disposition": "PC", "Sectors": 1} for text in OUTSIDE]
    )
    flags = ["--input", "t.csv", f"--base_dir={tmp_path}", f"--qlp_data_dir={tmp_path}/secret", "--star_catalog=auto"]
    assert make_catalog.main(flags) == 1
    with open(tmp_path / "tces_dropped.csv", newline="") as file:
        assert [row["tic_id"] for row in csv.DictReader(file)] == list(OUTSIDE)


# Records


def record(columns=(), views=(), **more):
    columns = {"row_id": 3, "tic_id": 77, "Disposition": "PC", "Period": 2.0, "Duration": 0.1, **dict(columns), **more}
    views = {"global_view": np.ones(201), "local_view": np.ones(61), **dict(views)}
    return tf_example.to_example(columns, views).SerializeToString()


@pytest.mark.parametrize("length", [1000, 2**40, 2**62, 2**64 - 1])
def test_an_absurd_length_is_refused_before_it_is_allocated(tmp_path, length):
    """TensorFlow's own reader ends the process at some of these."""
    path = tmp_path / "test-0"
    first, second = records.framed(record()), records.framed(struct.pack("<Q", length))
    # The second record holds the length that its header is to announce, and so the right checksum for it.
    checksum = struct.pack("<I", records._masked_checksum(struct.pack("<Q", length)))
    path.write_bytes(first + struct.pack("<Q", length) + checksum + second)
    read = records.read(path)
    assert next(read) == record()
    with pytest.raises(ScriptError, match=f"test-0: cannot read record 1 .*{length} bytes are announced"):
        next(read)


@pytest.mark.parametrize(
    "serialized, message",
    [
        (b"\xff\xff", "is no tf.train.Example"),
        (record(views={"local_view": np.full(61, np.nan)}), "TIC 77.*local_view has values that are not finite"),
        (record(views={"global_view": np.full(201, np.inf)}), "TIC 77.*global_view has values that are not finite"),
        (record(Disposition=2.5), "unknown Disposition 2.5"),
        (record(Disposition="\udcff".encode("utf8", "surrogatepass").decode("utf8", "replace")), "unknown Disposition"),
    ],
)
def test_a_record_that_holds_no_numbers_is_named(tmp_path, serialized, message):
    path = tmp_path / "train-0"
    records.write_shard(path, [record(), serialized])
    with pytest.raises(ScriptError, match=f"train-0, record 1.*{message}"):
        dataset.read([str(path)], CONFIG)


@pytest.mark.parametrize(
    "serialized, message",
    [
        (b"\xff\xff", "is no tf.train.Example"),
        (record(views={"local_view": np.full(61, np.nan)}), "TIC 77.*local_view has values that are not finite"),
        (record(tic_id="../../x"), "tic_id of a record .* is '../../x': a number needed"),
        (record(Sectors=float("inf")), "Sectors of a record .*TIC 77|tic_id 77.* is inf: a number needed"),
        (record(Period="long"), "Period of a record .* is 'long': a number needed"),
    ],
)
def test_a_record_that_cannot_be_predicted_is_named(ensemble_dir, tmp_path, capsys, serialized, message):
    path = tmp_path / "test-0"
    records.write_shard(path, [record(), serialized])
    assert predict(ensemble_dir / "1", path, "--plot", f"--save_dir={tmp_path}/plots") == 1
    assert re.search(message, capsys.readouterr().err)
    assert files_below(tmp_path / "plots") <= {"tic77_sector0_row3_prediction.png"}


def test_hostile_text_in_a_record_stays_text(ensemble_dir, tmp_path):
    path = tmp_path / "test-0"
    hostile = r"../../$\frac{%s{0}"
    records.write_shard(path, [record(toi_id=hostile, Disposition=hostile)])
    assert predict(ensemble_dir / "1", path, "--plot", f"--save_dir={tmp_path}/plots") == 0
    assert files_below(tmp_path / "plots") == {"tic77_sector0_row3_prediction.png"}
    with open(tmp_path / "prediction.csv", newline="") as file:
        assert next(csv.DictReader(file))["toi_id"] == hostile


# Configurations, weights, calibrations


def saved(tmp_path, change):
    """A directory with a config.json that is changed."""
    configuration.save(tmp_path, configuration.resolve("AstroCNNModel", "yu2019"))
    path = tmp_path / "config.json"
    tree = json.loads(path.read_text())
    path.write_text(change(tree) or json.dumps(tree))
    return tmp_path


def setter(*keys, value):
    def change(tree):
        for key in keys[:-1]:
            tree = tree[key]
        tree[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda tree: "[" * 100_000, "is not a model's configuration"),
        (lambda tree: '{"model": ' + "9" * 10_000, "is not a model's configuration"),
        (lambda tree: "__import__('os').abort()", "is not a model's configuration"),
        (setter("config", value=[["inputs"]]), "a configuration is a dictionary"),
        (lambda tree: "{}", r"it lacks model, config, config_name, train_steps, seed\): train into"),
        (setter("model", value=[]), r"model is \[\]: str needed"),
        (setter("train_steps", value="many"), r"\(train_steps is 'many': int needed\)"),
        (setter("config", "hparams", "learning_rate", value=float("nan")), "learning_rate is nan: float needed"),
        (setter("config", "hparams", "learning_rate", value=10**400), "learning_rate is 1000.*: float needed"),
        (
            setter("config", "inputs", "features", "global_view", "length", value=10**12),
            "length is 1000000000000: 100000",
        ),
        (setter("config", "hparams", "num_pre_logits_hidden_layers", value=10**9), "1000 at most"),
        (setter("config", "hparams", "pre_logits_hidden_layer_size", value=10**9), "more than 100000000 weights"),
        (
            setter("config", "hparams", "columns", "global_view", "num_filters", value=10**15),
            "more than 100000000 weights",
        ),
        (setter("config", "hparams", "columns", "global_view", "num_filters", value=-1), "makes no AstroCNNModel"),
        (setter("config", "hparams", "columns", "global_view", "pool_size", value=10**6), "makes no AstroCNNModel"),
        (setter("config", "hparams", "output_dim", value=0), "output_dim is 0: 1 or more needed"),
    ],
)
def test_an_absurd_configuration_is_refused(tmp_path, change, message):
    with pytest.raises(ScriptError, match=message):
        spec = configuration.load(saved(tmp_path, change))
        models.build(spec.model, spec.config)


def test_a_configuration_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "config.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScriptError, match="is not a model's configuration"):
        configuration.load(tmp_path)


def npz_of(path, **members):
    """A weights file whose members are these bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def header_of(**described):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, **described})
    return stream.getvalue()


@pytest.mark.parametrize(
    "member",
    [
        header_of(shape=(10**12,)),
        header_of(shape=(2**62, 4)),
        header_of(shape=(3,), descr="|O"),
        header_of(shape=(2,)) + struct.pack("<2f", 1, np.nan),
        header_of(shape=(1,), descr="<f8") + struct.pack("<d", 1e300),  # more than float32 holds
        header_of(shape=(1,), descr="|S4") + b"text",
        b"\x93NUMPY\x01\x00\x20\x00{'descr': __import__('os').abort()}",
    ],
)
def test_weights_that_are_none_are_refused(tmp_path, member):
    step = header_of(shape=(), descr="<i8") + struct.pack("<q", 7)
    path = npz_of(tmp_path / "weights.npz", global_step=step, kernel=member)
    with pytest.raises(ScriptError, match="cannot read .*weights.npz"):
        weights_file.Reader(path)
    assert weights_file.Reader(npz_of(path, global_step=step)).get_tensor("global_step") == 7


def test_weights_that_unpack_without_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(weights_file, "_MAX_BYTES", 1 << 20)
    path = npz_of(tmp_path / "weights.npz", kernel=bytes(1 << 21))
    assert path.stat().st_size < 1 << 14
    with pytest.raises(ScriptError, match="unpacks to 2097152 bytes"):
        weights_file.Reader(path)


def test_a_checkpoint_without_a_number_of_steps_is_named(tmp_path):
    weights_file.write(tmp_path / "weights.npz", {"global_step_2": np.ones(2)}, 7, "float32")
    assert checkpoints.step(tmp_path / "weights.npz") == 7
    npz_of(tmp_path / "weights.npz", global_step=header_of(shape=(2,), descr="<i8") + struct.pack("<2q", 1, 2))
    with pytest.raises(ScriptError, match="its global_step is no integer"):
        checkpoints.step(tmp_path / "weights.npz")


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": 0},
        {"temperature": float("nan")},
        {"temperature": 10**400},
        {"temperature": "1"},
        {"threshold": 1.5},
        {"threshold": None},
        {"view_limits": {"../x": {}}},
        {"view_limits": {"global_view": {"least_smoothness": float("inf"), "greatest_center": 0}}},
        {"view_limits": [1]},
        {"scalar_limits": {"SN": {"least": 1}}},
        {"scalar_limits": {"SN": {"least": 1, "greatest": float("nan")}}},
        {"scalar_limits": 7},
    ],
)
def test_an_absurd_calibration_is_refused(tmp_path, changes):
    path = tmp_path / "weights.npz"
    weights_file.write(path, {}, 7, "float32")
    digest = checkpoints.sha256([path])
    made = calibration.Calibration(checkpoints_sha256=digest)
    calibration.save(tmp_path, made)
    assert calibration.load(tmp_path, checkpoints.sha256([path])).checkpoints_sha256 == digest
    calibration.save(tmp_path, dataclasses.replace(made, **changes))
    with pytest.raises(ScriptError, match="calibration.json is not a calibration"):
        calibration.load(tmp_path, checkpoints.sha256([path]))


def test_a_calibration_of_an_earlier_version_has_no_limits_of_scalars(tmp_path):
    path = tmp_path / "weights.npz"
    weights_file.write(path, {}, 7, "float32")
    made = calibration.Calibration(1.5, checkpoints_sha256=checkpoints.sha256([path]))
    calibration.save(tmp_path, made)
    saved = json.loads((tmp_path / "calibration.json").read_text())
    del saved["scalar_limits"]
    (tmp_path / "calibration.json").write_text(json.dumps(saved))
    loaded = calibration.load(tmp_path, checkpoints.sha256([path]))
    assert loaded.temperature == 1.5 and not loaded.has_limits and loaded.unlike_training({}) is None


def test_an_absurd_calibration_stops_the_script(member, tmp_path, write_tces, capsys):
    (member / "calibration.json").write_bytes(b"\xff")
    tfrecord = write_tces(tmp_path / "test-0")
    assert evaluate.main([f"--model_dir={member}", f"--eval_files={tfrecord}"]) == 1
    assert "calibration.json is not a calibration" in capsys.readouterr().err
