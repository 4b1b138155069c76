"""Controls of a report: made by a flag, labeled without being told apart, and read back."""

import csv
import json
import re

import pytest

from astronet import merge_labels, report
from astronet.data import generate_input_records, simulate_survey
from astronet.review import label_columns


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    directory = tmp_path_factory.mktemp("survey")
    assert simulate_survey.main([f"--output_dir={directory}", "--num_stars=14", "--seed=5"]) == 0
    flags = [f"--input_tce_csv_file={directory}/tces.csv", f"--tess_data_dir={directory}/tess", "--config_name=triage"]
    assert generate_input_records.main([*flags, f"--output_dir={directory}/tfrecord", "--make_test_set"]) == 0
    return directory


def make(survey, out, *flags):
    places = [f"--records={survey}/tfrecord", f"--tess_data_dir={survey}/tess", f"--output_dir={out}"]
    assert report.main([*places, *flags]) == 0
    with open(f"{out}_controls/controls.csv", newline="") as file:
        return list(csv.DictReader(file))


def rows_of(out):
    """row_id, TIC and twins of the TCEs of a report."""
    text = (out / "data/index-0.js").read_text()
    data = json.loads(json.loads(re.search(r'\("index-0",(".*")\)', text, re.DOTALL)[1]))
    return dict(zip(zip(data["row_id"], data["tic"]), data["twins"])), data


def test_controls_are_among_the_tces_and_nothing_tells_them(survey, tmp_path):
    controls = make(survey, tmp_path / "report", "--controls=6")
    assert {control["kind"] for control in controls} == {"repeat", "injected", "inverted"}
    twins, data = rows_of(tmp_path / "report")
    ids = {(control["row_id"], control["tic_id"]) for control in controls}
    assert ids <= twins.keys() and len(twins) == len(data["row_id"]) > len(ids)
    named = {row_id for row_id, _ in ids}
    assert not any(twins[name] for name in ids)
    assert not any(named & set(of_tce) for of_tce in twins.values())
    assert not any(data["problem"])  # their light curves are drawn as those of the others
    assert "controls" not in (tmp_path / "report/index.html").read_text().lower().split("<script")[0]
    own = [int(row_id) for row_id, _ in twins if row_id not in named]
    assert min(map(int, named)) < max(own) + 20


def test_the_same_seed_makes_the_same_controls(survey, tmp_path):
    first, second = (make(survey, tmp_path / name, "--controls=3", "--seed=4") for name in ("a", "b"))
    assert first == second
    assert make(survey, tmp_path / "c", "--controls=3", "--seed=5", "--blind") != first


def test_labels_of_controls_judge_the_reviewer_and_stay_out_of_the_catalog(survey, tmp_path, capsys):
    controls = make(survey, tmp_path / "report", "--controls=6")
    twins, _ = rows_of(tmp_path / "report")
    kind_of = {(control["row_id"], control["tic_id"]): control["kind"] for control in controls}
    cells = {"reviewer": "alice", "method": "single", "blind": 0, "labeled_at": "2026-11-30T12:00:00Z"}
    with open(tmp_path / "labels.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, label_columns.COLUMNS)
        writer.writeheader()
        for row_id, tic_id in twins:
            name = "PC" if kind_of.get((row_id, tic_id)) == "injected" else "J"
            writer.writerow({**cells, "row_id": row_id, "tic_id": tic_id, "label": name})
    flags = [f"--labels={tmp_path}/labels.csv", f"--catalog={survey}/tces.csv", f"--output={tmp_path}/merged.csv"]
    capsys.readouterr()
    assert merge_labels.main([*flags, f"--controls={tmp_path}/report_controls/controls.csv"]) == 0
    out = capsys.readouterr().out
    assert "completeness 2 of 2" in out and "reliability 2 of 2" in out and "self-agreement 2 of 2" in out
    with open(tmp_path / "merged.csv", newline="") as file:
        merged = {(row["row_id"], row["tic_id"]) for row in csv.DictReader(file)}
    assert len(merged) == len(twins) - len(controls) and not merged & set(kind_of)


def test_controls_need_light_curves(survey, tmp_path):
    with pytest.raises(SystemExit):
        report.main([f"--records={survey}/tfrecord", f"--output_dir={tmp_path}/report", "--controls=3"])
