"""Record files and what is in them, the published ones included."""

import numpy as np
import pandas as pd
import pytest

from astronet.base.script import ScriptError
from astronet.data.records import tf_example, tfrecord
from astronet.data.records.tf_example import TceIdentity
from astronet.ops.tensorflow import tf


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "test-00000-of-00001"
    tfrecord.write_shard(path, [b"first" * 20, b"second" * 20])
    return path


def test_write_and_read(shard):
    assert list(tfrecord.read(shard)) == [b"first" * 20, b"second" * 20]
    with tf.Graph().as_default():
        assert len(list(tfrecord.read(shard))) == 2


def test_a_shard_appears_whole_or_not_at_all(shard, tmp_path):
    def broken():
        yield b"new"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        tfrecord.write_shard(shard, broken())
    assert len(list(tfrecord.read(shard))) == 2
    assert list(tmp_path.iterdir()) == [shard]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-30], "record 1"),
        (lambda data: data[:20] + b"?" + data[21:], "record 0"),
        (lambda data: b"", "empty record file"),
    ],
)
def test_a_damaged_file_is_named(shard, damage, words):
    shard.write_bytes(damage(shard.read_bytes()))
    with pytest.raises(ScriptError, match=words) as error:
        list(tfrecord.read(shard))
    assert shard.name in str(error.value)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(ScriptError, match="no-such-file"):
        list(tfrecord.read(tmp_path / "no-such-file"))


def test_expand_takes_lists_commas_and_patterns(tmp_path):
    paths = [str(tmp_path / f"train-{i}") for i in range(3)]
    for path in paths:
        tfrecord.write_shard(path, [b"x"])
    assert tfrecord.expand(str(tmp_path / "train*")) == paths
    assert tfrecord.expand(f"{paths[2]},{paths[0]}") == [paths[2], paths[0]]
    assert tfrecord.expand([paths[1], str(tmp_path / "train-[12]")]) == [paths[1], paths[2]]


@pytest.mark.parametrize("name", ["run[1]", "a*b?", "with, comma", "[a-c],[d]", "back\\slash"])
def test_expand_takes_directories_with_the_characters_of_patterns(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for directory in (name, "plain"):
        (tmp_path / directory).mkdir()
        for i in range(2):
            tfrecord.write_shard(f"{directory}/train-{i}", [b"x"])
    odd, plain = [[f"{directory}/train-{i}" for i in range(2)] for directory in (name, "plain")]
    assert tfrecord.expand(f"{name}/train*") == odd
    assert tfrecord.expand([f"{tmp_path}/{name}/train-[1]"]) == [f"{tmp_path}/{odd[1]}"]
    assert tfrecord.expand(f"{odd[0]},plain/train*,{odd[1]}") == [odd[0], *plain, odd[1]]
    assert tfrecord.expand(f"plain/train-0,{name}/train*") == [plain[0], *odd]
    with pytest.raises(ScriptError, match="no record file matches nowhere"):
        tfrecord.expand(f"{odd[0]},nowhere*")


def test_expand_names_the_pattern_that_matches_nothing(shard):
    with pytest.raises(ScriptError, match=r"no record file matches .*val\*"):
        tfrecord.expand([str(shard), f"{shard.parent}/val*"])
    with pytest.raises(ScriptError, match="no record file given"):
        tfrecord.expand("")


def test_expand_leaves_out_empty_files_aloud(shard, caplog):
    empty = shard.parent / "test-empty"
    empty.touch()
    assert tfrecord.expand(f"{shard.parent}/test*") == [str(shard)]
    assert str(empty) in caplog.text
    with pytest.raises(ScriptError, match="empty record file"):
        tfrecord.expand(str(empty))


def test_example_keeps_types():
    example = tf_example.to_example({"tic_id": 10**10, "SN": 1.5, "toi_id": "?.01"}, {"local_view": np.arange(3.0)})
    example = tf_example.from_serialized(example.SerializeToString())
    assert [tf_example.value(example, name) for name in ("tic_id", "SN", "toi_id")] == [10**10, 1.5, "?.01"]
    assert tf_example.value(example, "absent", "nothing") == "nothing"
    view = tf_example.series(example, "local_view")
    assert view.dtype == np.float32 and view.tolist() == [0, 1, 2]
    with pytest.raises(KeyError, match="secondary_view.*local_view"):
        tf_example.series(example, "secondary_view")


def test_every_published_record_finds_its_catalogue_row(shared):
    published = shared / "data" / "tess_triage"
    catalogue = pd.read_csv(published / "tces.csv", dtype={"toi_id": str}).set_index(["row_id", "tic_id"])
    assert catalogue.index.is_unique
    paths = tfrecord.expand(f"{published}/*-of-*")
    found = [tf_example.from_serialized(serialized) for path in paths for serialized in tfrecord.read(path)]
    assert len(found) == 13201 + 1657
    identities = [TceIdentity.from_example(example) for example in found]
    rows = catalogue.loc[[(tce.row_id, tce.tic_id) for tce in identities]]
    assert [tce.toi_id for tce in identities] == rows.toi_id.tolist()
    assert [tce.sector for tce in identities] == rows.Sectors.tolist()
    assert [tce.disposition for tce in identities] == rows.Disposition.replace(["V", "IS"], "J").tolist()
    np.testing.assert_allclose([tce.period for tce in identities], rows.Period, rtol=1e-6)
    assert {len(tf_example.series(example, "local_view")) for example in found[:100]} == {61}
