"""A set of records: assembled from pieces, known again, published whole, and never mixed with an earlier one."""

import csv
import json

import pytest

from astronet.base.files import sha256
from astronet.base.script import ScriptError
from astronet.data.catalog.tce_table import Skip, Warned
from astronet.data.records import pieces, record_set, tfrecord


def summary(staging, key, records, skipped=()):
    """A piece on disk with these records, all of one disposition, and its Summary."""
    path = f"{staging}/{key}"
    tfrecord.write_shard(path, records)
    made = pieces.Summary(key, path, sha256(path), f"light curves of {key}", {"PC": len(records)}, list(skipped))
    made.write()
    return made


@pytest.fixture
def assemble(tmp_path):
    """Function (name, *records of each piece) -> (path, Entry) of a shard in the staging directory of tmp_path."""

    def assemble(name, *parts, prefix=""):
        staging = record_set.staging_directory(str(tmp_path))
        made = [summary(staging, f"{prefix}{name}-{i}", records) for i, records in enumerate(parts)]
        return record_set.assemble(staging, name, iter(made))

    return assemble


TRAIN, TRAIN_OF_TWO, VAL = "train-00000-of-00001", "train-00000-of-00002", "val-00000-of-00001"


def test_a_shard_is_its_pieces_one_after_the_other(assemble):
    path, entry = assemble(TRAIN, [b"one", b"two"], [b"three"])
    assert list(tfrecord.read(path)) == [b"one", b"two", b"three"]
    assert record_set.is_whole(path, entry) and entry.dispositions == {"PC": 3} and entry.is_sound()


def test_pieces_are_gone_once_their_shard_is_there_and_a_changed_piece_is_refused(assemble, tmp_path):
    path, _ = assemble(TRAIN, [b"one"])
    staging = tmp_path / "incomplete-records"
    assert sorted(map(str, staging.iterdir())) == [path, f"{path}.json"]
    made = summary(staging, "changed", [b"one"])
    (staging / "changed").write_bytes(b"something else")
    with pytest.raises(ScriptError, match="changed was changed or removed: run the same command again"):
        record_set.assemble(str(staging), VAL, iter([made]))


def test_a_shard_of_an_interrupted_run_is_a_candidate_and_so_is_a_published_one(assemble, tmp_path):
    path, entry = assemble(TRAIN, [b"one"])
    assert record_set.candidates(str(tmp_path), TRAIN) == [(path, entry)]
    assert record_set.candidates(str(tmp_path), VAL) == []
    record_set.publish(str(tmp_path), {TRAIN: (path, entry)})
    assert record_set.candidates(str(tmp_path), TRAIN) == [(str(tmp_path / TRAIN), entry)]


def test_publishing_replaces_the_same_splits_and_leaves_others(assemble, tmp_path):
    record_set.publish(str(tmp_path), {TRAIN: assemble(TRAIN, [b"old"]), VAL: assemble(VAL, [b"val"])})
    (tmp_path / "notes.txt").write_text("of the user")
    record_set.publish(str(tmp_path), {TRAIN_OF_TWO: assemble(TRAIN_OF_TWO, [b"new"])})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "shards.json", TRAIN_OF_TWO, VAL]
    assert set(json.loads((tmp_path / "shards.json").read_text())) == {TRAIN_OF_TWO, VAL}
    assert list(tfrecord.read(tmp_path / TRAIN_OF_TWO)) == [b"new"]


def test_nothing_is_published_where_a_shard_has_changed_or_no_tce_gives_a_record(assemble, tmp_path):
    record_set.publish(str(tmp_path), {TRAIN: assemble(TRAIN, [b"old"])})
    path, entry = assemble(TRAIN, [b"new"], prefix="other")
    with open(path, "ab") as file:
        file.write(b"more")
    with pytest.raises(ScriptError, match="was changed meanwhile"):
        record_set.publish(str(tmp_path), {TRAIN: (path, entry)})
    empty = record_set.Entry("key", "curves", "hash", {}, [])
    record_set.publish(str(tmp_path), {TRAIN_OF_TWO: ("nowhere", empty)})
    assert list(tfrecord.read(tmp_path / TRAIN)) == [b"old"]


def test_unfinished_files_of_a_killed_run_are_removed_and_whole_ones_stay(tmp_path):
    staging = record_set.staging_directory(str(tmp_path))
    for name in ("a.watch", "b.incomplete-host-1", "whole"):
        (tmp_path / "incomplete-records" / name).touch()
    assert record_set.staging_directory(str(tmp_path)) == staging
    assert [path.name for path in (tmp_path / "incomplete-records").iterdir()] == ["whole"]


def test_inputs_that_a_set_would_remove_are_refused(tmp_path):
    table, light_curves = tmp_path / "tces.csv", tmp_path / "tess"
    record_set.check_directory(str(tmp_path / "records"), str(table), str(light_curves))
    record_set.check_directory(str(tmp_path), str(table), str(light_curves))
    for inputs in ((tmp_path / TRAIN, light_curves), (table, tmp_path / "incomplete-records" / "tess")):
        with pytest.raises(ScriptError, match="--output_dir would remove or overwrite"):
            record_set.check_directory(str(tmp_path), *map(str, inputs))


def test_lists_of_skips_and_warnings(tmp_path):
    record_set.write_skips(str(tmp_path), [Skip(3, 77, 1, "missing: no file")])
    with open(tmp_path / "skipped.csv", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"row_id": "3", "tic_id": "77", "sector": "1", "reason": "missing: no file"}
        ]
    assert record_set.write_warnings(str(tmp_path), [Warned(3, 77, 1, "far")]) == str(tmp_path / "warnings.csv")
    assert (tmp_path / "warnings.csv").read_text().splitlines()[1] == "3,77,1,far"
    record_set.write_warnings(str(tmp_path), [])
    assert not (tmp_path / "warnings.csv").exists()


def test_a_manifest_counts_by_split_and_keeps_the_one_of_other_splits(assemble, tmp_path, capsys):
    shards = {TRAIN: assemble(TRAIN, [b"a", b"b"]), VAL: assemble(VAL, [b"c"])}
    record_set.publish(str(tmp_path), shards)
    counts = {name: entry.dispositions for name, (_, entry) in shards.items()}
    manifest = record_set.write_manifest(str(tmp_path), counts, version="1")
    assert manifest["num_records"] == 3 and manifest["splits"]["train"]["shards"] == {TRAIN: 2}
    test = "test-00000-of-00001"
    record_set.publish(str(tmp_path), {test: assemble(test, [b"d"])})
    later = record_set.write_manifest(str(tmp_path), {test: {"J": 1}}, version="2")
    assert later["earlier"] == manifest and json.loads((tmp_path / "records.json").read_text()) == later
