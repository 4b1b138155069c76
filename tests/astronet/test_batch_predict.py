import csv
import re
import shutil

import matplotlib.image
import numpy as np
import pytest

from astronet import batch_predict
from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord

GOLDEN = 1e-5  # of the published probabilities, which are given to 1e-7


@pytest.fixture
def run_predict(tmp_path, monkeypatch):
    """Function (model_dir, *flags) that predicts tmp_path/tfrecord with tmp_path for current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tfrecord").mkdir()
    return lambda model_dir, *flags: batch_predict.main(
        [f"--model_dir={model_dir}", "--tfrecord_dir=tfrecord", "--suffix=yyy", *flags]
    )


def rows(path="prediction_yyy.csv"):
    with open(path, newline="") as table:
        return list(csv.DictReader(table))


def write_records(path, tces, seed):
    """Records of the columns of each TCE, with views of noise."""
    random = np.random.default_rng(seed)
    views = {"global_view": 201, "local_view": 61}
    examples = [tf_example.to_example(tce, {k: random.normal(0, 1, n) for k, n in views.items()}) for tce in tces]
    tfrecord.write_shard(path, [example.SerializeToString() for example in examples])


@pytest.mark.parametrize("with_config_json", [False, True])
def test_published_checkpoint_gives_its_published_predictions(shared, tmp_path, run_predict, with_config_json):
    model_dir = shutil.copytree(shared / "golden" / "checkpoint", tmp_path / "model", copy_function=shutil.copyfile)
    flags = ["--model=AstroCNNModel", "--config_name=yu2019"]
    if with_config_json:
        configuration.save(model_dir, configuration.resolve("AstroCNNModel", "yu2019"))
        flags = []
    assert run_predict(model_dir, f"--tfrecord_dir={shared}/data/tess_triage", "--pattern=val-*", *flags) == 0
    with open(model_dir / "predictions.csv", newline="") as table:
        expected = list(csv.DictReader(table))
    found = rows()
    assert len(found) == 1657
    assert [(row["row_id"], row["tic_id"]) for row in found] == [(row["row_id"], row["tic_id"]) for row in expected]
    probabilities = np.array([float(row["probability"]) for row in expected])
    np.testing.assert_allclose([float(row["mean"]) for row in found], probabilities, rtol=0, atol=GOLDEN)
    lines = (tmp_path / "prediction_yyy.txt").read_text().splitlines()
    assert lines == ["%d %4.3f" % (int(row["tic_id"]), float(row["mean"])) for row in found]  # noqa: UP031 (the spec's)


def test_average_is_the_mean_of_what_each_member_says(ensemble_dir, write_tces, tmp_path, run_predict):
    write_tces(tmp_path / "tfrecord" / "test-00000-of-00001", seed=5)
    single = {}
    for member in ("1", "2", "10"):
        assert run_predict(ensemble_dir / member, f"--suffix={member}") == 0
        single[member] = [float(row["mean"]) for row in rows(f"prediction_{member}.csv")]
    assert run_predict(ensemble_dir, "--average", "--batch_size=10") == 0
    found = rows()
    assert len(found) == 24
    for member, probabilities in single.items():
        np.testing.assert_allclose([float(row[f"member_{member}"]) for row in found], probabilities, atol=2e-7)
    together = np.array(list(single.values()))
    assert together.std(axis=0).max() > 0.01, "members that agree on everything prove nothing"
    np.testing.assert_allclose([float(row["mean"]) for row in found], together.mean(axis=0), atol=2e-7)
    np.testing.assert_allclose([float(row["standard_deviation"]) for row in found], together.std(axis=0), atol=2e-7)


def test_every_tce_has_its_line_in_the_order_of_all_shards(ensemble_dir, tmp_path, run_predict):
    """A star with several TCEs, row IDs that repeat, more than ten shards, and TCEs that nobody has labelled."""
    expected = []
    for shard in range(12):
        tces = [
            {"row_id": 7, "tic_id": 42, "toi_id": toi_id, "Sectors": sector, "Period": 1.5, "Duration": 0.1}
            for toi_id, sector in (("42.01", shard + 1), ("42.02", shard + 1))
        ]
        write_records(tmp_path / "tfrecord" / f"test-{shard:05d}-of-00012", tces, seed=shard)
        expected += [("42", tce["toi_id"], str(tce["Sectors"]), "1.5") for tce in tces]
    assert run_predict(ensemble_dir / "1", "--plot", "--save_dir=plots") == 0
    found = rows()
    assert [(row["tic_id"], row["toi_id"], row["sector"], row["period"]) for row in found] == expected
    assert len({row["mean"] for row in found}) > 12
    plots = list((tmp_path / "plots").iterdir())
    assert len(plots) == 24
    assert all(matplotlib.image.imread(plot)[..., :3].std() > 0.05 for plot in plots)


def test_a_corrupt_file_is_named_and_everything_else_predicted(ensemble_dir, write_tces, tmp_path, run_predict, capsys):
    shards = [tmp_path / "tfrecord" / f"test-0000{i}-of-00003" for i in range(3)]
    for shard in shards:
        write_tces(shard, num_tces=5)
    (tmp_path / "tfrecord" / "test-00002-of-00003.incomplete-99").write_bytes(b"left by a killed run")
    damaged = bytearray(shards[1].read_bytes())
    damaged[-3 * len(damaged) // 10] ^= 1  # within the fourth record of five
    shards[1].write_bytes(damaged)
    assert run_predict(ensemble_dir, "--average") == 1
    assert [row["row_id"] for row in rows()] == ["0", "1", "2", "3", "4", "0", "1", "2", "0", "1", "2", "3", "4"]
    assert re.fullmatch(r"error: .*test-00001-of-00003: cannot read record 3 .*\n", capsys.readouterr().err)


def test_nothing_half_written_where_prediction_stops(ensemble_dir, write_tces, tmp_path, run_predict, capsys):
    (tmp_path / "prediction_yyy.txt").write_text("an earlier one")
    write_tces(tmp_path / "tfrecord" / "test-00000-of-00002")
    write_tces(tmp_path / "tfrecord" / "test-00001-of-00002", local_length=81)
    assert run_predict(ensemble_dir / "1", "--batch_size=24") == 1
    error = capsys.readouterr().err
    assert "local_view has 81 values, the configuration needs 61; make the records again with" in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prediction_yyy.txt", "tfrecord"]
    assert (tmp_path / "prediction_yyy.txt").read_text() == "an earlier one"


def _without_tic(feature):
    feature.pop("tic_id")


def _with_text_for_tic(feature):
    feature["tic_id"].bytes_list.value.append(b"x")


def _with_nan_in_view(feature):
    feature["global_view"].float_list.value[7] = float("nan")


def _with_integer_view(feature):
    feature["local_view"].int64_list.value.extend([1] * 61)


@pytest.mark.parametrize(
    "change, message",
    [
        (None, "is no tf.train.Example"),
        (_without_tic, " does not say which TCE it is of"),
        (_with_text_for_tic, " does not say which TCE it is of"),
        (_with_nan_in_view, " (row_id 3, TIC 1003): global_view has values that are not finite"),
        (_with_integer_view, " (row_id 3, TIC 1003): local_view has 0 values"),
    ],
)
def test_a_hostile_record_is_named(ensemble_dir, write_tces, tmp_path, run_predict, capsys, change, message):
    for shard in ("test-0", "test-1"):
        path = write_tces(tmp_path / "tfrecord" / shard, num_tces=5)
    serialized = list(tfrecord.read(path))
    if change:
        example = tf_example.from_serialized(serialized[3])
        change(example.features.feature)
        serialized[3] = example.SerializeToString()
    else:
        serialized[3] = b"no record"
    tfrecord.write_shard(path, serialized)
    assert run_predict(ensemble_dir / "1", "--batch_size=2") == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: tfrecord/test-1, record 3") and message in printed
    assert not list(tmp_path.glob("prediction*"))


def test_bytes_that_are_no_text_do_not_keep_a_tce_from_its_line(ensemble_dir, write_tces, tmp_path, run_predict):
    path = write_tces(tmp_path / "tfrecord" / "test-0", num_tces=1)
    example = tf_example.from_serialized(next(tfrecord.read(path)))
    example.features.feature["toi_id"].bytes_list.value.append(b"\xff,\n")
    tfrecord.write_shard(path, [example.SerializeToString()])
    assert run_predict(ensemble_dir / "1") == 0
    assert [row["toi_id"] for row in rows()] == ["\ufffd,\n"]


def test_problems_are_told_in_one_line(ensemble_dir, write_tces, tmp_path, run_predict, capsys):
    def error(*arguments):
        assert run_predict(*arguments) == 1
        printed = capsys.readouterr().err
        assert printed.startswith("error: ") and printed.count("\n") == 1
        return printed

    model_dir = ensemble_dir / "1"
    assert "no record file matches tfrecord/test-*" in error(model_dir)
    (tmp_path / "tfrecord" / "test-0").write_bytes(b"not a record file")
    assert "tfrecord/test-0: cannot read record 0" in error(model_dir)
    assert not list(tmp_path.glob("prediction*"))
    (tmp_path / "tfrecord" / "test-0").write_bytes(b"")
    assert "empty record file tfrecord/test-0" in error(model_dir)
    write_tces(tmp_path / "tfrecord" / "test-0")
    (tmp_path / "file").touch()
    assert "cannot write to directory file/out" in error(model_dir, "--output_dir=file/out")
    assert "no checkpoint in" in error(tmp_path / "empty")


def test_flags_that_cannot_be_used_are_refused_at_once(run_predict, capsys):
    for flags, message in (
        (["--plot"], "--plot needs --save_dir"),
        (["--sufix=a"], "did you mean --suffix"),
        (["--batch_size=0"], "argument --batch_size: '0' is not an integer from 1 to 65536"),
        (["--suffix=../x"], "argument --suffix: '../x' cannot be part of a file's name"),
    ):
        with pytest.raises(SystemExit) as stopped:
            run_predict("model", *flags)
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err
