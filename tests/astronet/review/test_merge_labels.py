"""Labels of reviewers, joined with a catalog: what counts, what is told, and what is refused."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astronet import merge_labels
from astronet.review import agreement, label_columns

CATALOG = "row_id,tic_id,toi_id,Disposition,Epoc,Period,Duration,Transit_Depth,Sectors\n" + "".join(
    f"{i},{100 + i},.01,J,1326.1,{1 + i}.5,2.4,1000,1\n" for i in range(8)
)


def label(row_id, name, reviewer="alice", **more):
    cells = dict.fromkeys(label_columns.COLUMNS, "")
    cells.update(row_id=row_id, tic_id=100 + row_id, sector="1", period=f"{1 + row_id}.5", label=name)
    cells.update(first_label=name, reviewer=reviewer, method="single", blind="0", labeled_at="2026-11-30T12:00:00Z")
    return {**cells, **more}


def write(path, labels):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, label_columns.COLUMNS)
        writer.writeheader()
        writer.writerows(labels)
    return path


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def merge(tmp_path):
    """Function (list of files, each a list of labels; flags) -> Disposition by row_id of the merged catalog."""
    (tmp_path / "tces.csv").write_text(CATALOG)

    def merge(*files, flags=(), exit_code=0):
        paths = [str(write(tmp_path / f"labels{i}.csv", labels)) for i, labels in enumerate(files)]
        out = tmp_path / "merged.csv"
        command = ["--labels", *paths, f"--catalog={tmp_path}/tces.csv", f"--output={out}", *flags]
        assert merge_labels.main(command) == exit_code
        return {int(row["row_id"]): row["Disposition"] for row in read(out)} if exit_code == 0 else None

    return merge


def test_labels_become_dispositions_and_the_rest_is_left_out(merge, tmp_path, capsys):
    assert merge([label(0, "PC"), label(1, "EB"), label(2, "J"), label(3, "U")]) == {0: "PC", 1: "EB", 2: "J"}
    row = read(tmp_path / "merged.csv")[0]
    assert (row["Disposition_before"], row["label_method"], row["reviewers"]) == ("J", "single", "alice")
    out = capsys.readouterr().out
    assert "3 labeled TCEs" in out and "2 with another disposition" in out and "5 left out; unsure: 1" in out


def test_unlabeled_tces_stay_where_they_are_asked_for(merge):
    assert merge([label(0, "PC")], flags=["--unlabeled=keep"]) == {0: "PC", **dict.fromkeys(range(1, 8), "J")}


def test_a_blind_reviewers_first_label_counts(merge):
    changed = {"first_label": "EB", "revealed_at": "2026-11-30T12:01:00Z"}
    assert merge([label(0, "PC", blind="1", **changed), label(1, "PC", blind="0", **changed)]) == {0: "EB", 1: "PC"}


def test_reviewers_who_differ_are_told_and_a_consensus_settles_it(merge, tmp_path, capsys):
    alice, bob = [label(0, "PC"), label(1, "EB"), label(2, "PC")], [label(0, "PC", "bob"), label(1, "J", "bob")]
    bob.append(label(2, "U", "bob"))
    assert merge(alice, bob) == {0: "PC", 2: "PC"}
    assert read(tmp_path / "merged_disagreements.csv") == [
        {"row_id": "1", "tic_id": "101", "labels": "alice: EB; bob: J"}
    ]
    assert "alice and bob: agree on 0.500 of 2 TCEs (1 more where one is unsure)" in capsys.readouterr().out
    settled = [label(1, "J", "alice, bob", method="consensus", labeled_at="2026-11-30T13:00:00Z")]
    assert merge(alice, bob, settled)[1] == "J"


def test_labels_in_bulk_and_of_groups_count_only_where_they_are_asked_for(merge):
    given = [label(0, "PC"), label(1, "J", method="bulk"), label(2, "J", method="group")]
    assert merge(given) == {0: "PC"}
    assert merge(given, flags=["--methods", "single", "consensus", "group"]) == {0: "PC", 2: "J"}


def test_the_newest_of_a_reviewers_labels_counts(merge):
    newer = [label(0, "EB", labeled_at="2026-11-30T14:00:00Z")]
    assert merge(newer, [label(0, "PC")]) == {0: "EB"}


def test_labels_of_another_catalog_are_told(merge, tmp_path, capsys):
    foreign = [label(0, "PC"), label(1, "PC", period="7.1"), {**label(2, "PC"), "tic_id": 999}]
    assert merge(foreign) == {0: "PC"}
    reasons = [row["reason"] for row in read(tmp_path / "merged_unused_labels.csv")]
    assert "its period was 7.1 d in the report, and is 2.5 d" in reasons[0]
    assert "no row_id 2 of TIC 999" in reasons[1]
    merge([{**label(2, "PC"), "tic_id": 999}], exit_code=1)
    assert "give the catalog of the report" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"label": "planet"}, "unknown label 'PLANET'"),
        ({"reviewer": ""}, "no reviewer"),
        ({"method": "guess"}, "unknown method 'guess'"),
        ({"labeled_at": "yesterday"}, "'yesterday' is not a time"),
        ({"row_id": "0.5"}, "row_id '0.5' is not a whole number"),
        ({"tic_id": "<script>"}, "'<script>' is not a whole number"),
    ],
)
def test_a_row_that_is_no_label_is_listed_with_its_line(merge, tmp_path, change, reason):
    merge([label(0, "PC"), {**label(1, "EB"), **change}])
    unused = read(tmp_path / "merged_unused_labels.csv")
    assert [row["line"] for row in unused] == ["3"]
    assert reason in unused[0]["reason"]


def test_a_file_that_holds_no_labels_is_refused(merge, tmp_path, capsys):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    flags = [f"--labels={tmp_path}/other.csv", f"--catalog={tmp_path}/tces.csv", f"--output={tmp_path}/m.csv"]
    assert merge_labels.main(flags) == 1
    assert "is no file of labels" in capsys.readouterr().err


def test_a_note_that_looks_like_a_formula_comes_back_as_it_was(merge, tmp_path):
    merge([label(0, "PC", note=label_columns.guarded("=cmd()"), reviewer=label_columns.guarded("-bob"))])
    row = read(tmp_path / "merged.csv")[0]
    assert (row["label_note"], row["reviewers"]) == ("=cmd()", "-bob")


def test_controls_tell_completeness_reliability_and_self_agreement(merge, tmp_path, capsys):
    (tmp_path / "controls.csv").write_text(
        "row_id,tic_id,kind,of_row_id\n900,1000,repeat,0\n901,1001,injected,\n902,1002,injected,\n903,1003,inverted,\n"
    )
    labels = [label(0, "PC"), label(900, "PC"), label(901, "PC"), label(902, "J"), label(903, "J")]
    figures = tmp_path / "agreement.json"
    flags = [f"--controls={tmp_path}/controls.csv", f"--agreement={figures}"]
    assert merge(labels, flags=flags) == {0: "PC"}  # controls never get into a catalog
    out = capsys.readouterr().out
    assert "self-agreement 1 of 1" in out and "completeness 1 of 2" in out and "reliability 1 of 1" in out
    assert json.loads(figures.read_text())["controls"]["alice"]["completeness"]["count"] == 1


@given(st.lists(st.tuples(st.sampled_from(agreement.CLASSES), st.sampled_from(agreement.CLASSES)), max_size=40))
def test_kappa_is_that_of_its_definition(pairs):
    first, second = ([pair[i] for pair in pairs] for i in (0, 1))
    found = agreement.compare(first, second, num_resamples=20)
    chance = sum(first.count(name) * second.count(name) for name in agreement.CLASSES) / max(len(pairs), 1) ** 2
    if not pairs or chance == 1:
        assert np.isnan(found.kappa)
        return
    observed = np.mean([one == other for one, other in pairs])
    assert found.kappa == pytest.approx((observed - chance) / (1 - chance))
    assert -1 <= found.kappa <= 1
