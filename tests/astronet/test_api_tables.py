"""Tables of TCEs from Python: the same table out with columns added, and no row that stops the others."""

import csv
import logging

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.table import QTable, Table
from astropy.time import Time

import astronet
from astronet import batch_predict
from astronet.data import generate_input_records, simulate_survey
from light_curve_util import tess_io

ADDED = ["probability", "spread", "is_candidate", "unlike_training", "reason", "notes"]


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    directory = tmp_path_factory.mktemp("survey")
    assert simulate_survey.main([f"--output_dir={directory}", "--num_stars=6", "--sectors=1,2", "--seed=3"]) == 0
    return directory


@pytest.fixture(scope="module")
def table(survey):
    return pd.read_csv(survey / "tces.csv")


@pytest.fixture(scope="module")
def expected(survey, tmp_path_factory):
    """Mean and standard deviation of each row, by the scripts."""
    directory = tmp_path_factory.mktemp("expected")
    flags = [f"--input_tce_csv_file={survey}/tces.csv", f"--tess_data_dir={survey}/tess", "--config_name=triage"]
    flags += ["--make_test_set", "--stitch", "--num_worker_processes=0"]
    assert generate_input_records.main([*flags, f"--output_dir={directory}/records"]) == 0
    model = "--model_dir=pretrained:triage"
    assert batch_predict.main([model, f"--tfrecord_dir={directory}/records", f"--output_dir={directory}"]) == 0
    with open(directory / "prediction.csv", newline="") as file:
        return {
            int(row["row_id"]): (float(row["mean"]), float(row["standard_deviation"])) for row in csv.DictReader(file)
        }


def test_a_table_comes_back_with_the_scores_of_the_scripts(triage, survey, table, expected):
    result = triage.score_table(table, survey / "tess")
    assert list(result.columns) == [*table.columns, *ADDED]
    pd.testing.assert_frame_equal(result[table.columns], table)
    assert "probability" not in table
    assert set(result.row_id[result.reason == ""]) == set(expected)
    for row in result[result.reason == ""].itertuples():
        assert (row.probability, row.spread) == pytest.approx(expected[row.row_id], abs=1e-6)
        assert row.is_candidate == (row.probability >= triage.threshold)
    assert result.is_candidate.dtype == bool and result.is_candidate.any()


def test_tables_of_astropy_come_back_as_such_with_units_and_times_understood(triage, survey, table, expected):
    plain = Table.from_pandas(table)
    with_units = QTable(plain)
    with_units["Period"] = table.Period.to_numpy() * 24 * u.hour
    with_units["Epoc"] = Time(table.Epoc.to_numpy() + 2457000, format="jd", scale="tdb")
    for given in (plain, with_units):
        result = triage.score_table(given, str(survey / "tess"))
        assert type(result) is type(given) and result.colnames == [*given.colnames, *ADDED]
        scored = {row["row_id"]: row["probability"] for row in result if row["reason"] == ""}
        assert scored == pytest.approx({row_id: mean for row_id, (mean, _) in expected.items()}, abs=1e-3)


def test_a_bad_row_never_stops_the_others(triage, survey, table, expected):
    bad = pd.concat([table.head(1)] * 6, ignore_index=True).astype(object)
    bad.loc[0, "tic_id"] = 5
    bad.loc[1, "Period"] = np.nan
    bad.loc[2, "Duration"] = 9999.0
    bad.loc[3, "Epoc"] = 4e9
    bad.loc[4, "tic_id"] = "WASP-4"
    bad.loc[5, "Sectors"] = 99
    mixed = pd.concat([bad, table.astype(object)], ignore_index=True)
    mixed.index = mixed.index[::-1]
    result = triage.score_table(mixed, survey / "tess")
    assert list(result.index) == list(mixed.index)
    reasons = list(result.reason[:6])
    for reason, told in zip(
        reasons,
        (
            "missing: no light curve of TIC 5",
            "incomplete: no Period",
            "invalid",
            "invalid: Epoc",
            "invalid: tic_id",
            "missing",
        ),
    ):
        assert reason.startswith(told), reasons
    assert result.probability[:6].isna().all() and not result.is_candidate[:6].any()
    assert dict(zip(table.row_id, result.probability[6:])) == pytest.approx(
        {row_id: mean for row_id, (mean, _) in expected.items()}, abs=1e-6
    )


def test_light_curves_may_be_held_by_the_program(triage, survey, table, expected):
    of_one = table[table.Sectors == 1].drop_duplicates("tic_id")
    held = {tic_id: astronet.read_light_curve(tess_io.find(survey / "tess", tic_id, 1)) for tic_id in of_one.tic_id[1:]}
    result = triage.score_table(of_one, held)
    assert result.reason.iloc[0].startswith("missing: ")
    for row in result.iloc[1:].itertuples():
        if row.reason == "":
            assert row.probability == pytest.approx(expected[row.row_id][0], abs=1e-6)


def test_what_is_no_table_or_is_scored_already_is_told(triage, survey, table, caplog):
    with pytest.raises(
        astronet.ScriptError, match="a list is not a table: give a pandas DataFrame or an astropy Table"
    ):
        triage.score_table([1], survey / "tess")
    with pytest.raises(astronet.ScriptError, match="the table has no column .*Period"):
        triage.score_table(table.drop(columns="Period"), survey / "tess")
    with pytest.raises(astronet.ScriptError, match="no directory nowhere"):
        triage.score_table(table, "nowhere")
    once = triage.score_table(table, survey / "tess")
    with caplog.at_level(logging.WARNING, "astronet"):
        twice = triage.score_table(once, survey / "tess")
    assert (
        "the columns probability, spread, is_candidate, unlike_training, reason, notes of the table are replaced"
        in caplog.text
    )
    pd.testing.assert_frame_equal(twice, once)
