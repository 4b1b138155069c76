"""Values of TCEs that cannot be, and columns in another unit."""

import csv

import numpy as np
import pytest

from astronet.data import generate_input_records
from astronet.data.catalog import plausibility

RANDOM = np.random.default_rng(0)
PERIOD = RANDOM.uniform(1, 15, 40)
GOOD = {
    "Period": PERIOD,
    "Duration": plausibility.sunlike_duration_hours(PERIOD) * RANDOM.uniform(0.4, 1.5, 40),
    "Transit_Depth": 10 ** RANDOM.uniform(2, 4.5, 40),
    "SN": 10 ** RANDOM.uniform(1, 3, 40),
}


def test_good_table_is_not_doubted():
    assert plausibility.doubts(GOOD) == ([], {})


def test_sun_like_star_has_the_transit_of_the_earth():
    assert plausibility.sunlike_duration_hours(365.25) == pytest.approx(13, abs=0.1)


@pytest.mark.parametrize(
    ("column", "factor", "looks_like"),
    [
        ("Duration", 1 / 24, "days"),
        ("Duration", 60, "minutes"),
        ("Duration", 3600, "seconds"),
        ("Transit_Depth", 1e-6, "fractions"),
        ("Transit_Depth", 1e-4, "percent or mmag"),
        ("Transit_Depth", 1 / 921, "percent or mmag"),
    ],
)
@pytest.mark.parametrize("num_rows", [40, 4])
def test_column_in_another_unit_is_told_once(column, factor, looks_like, num_rows):
    table = {name: values[:num_rows] for name, values in GOOD.items()}
    doubts = plausibility.doubts({**table, column: table[column] * factor})
    assert len(doubts.of_columns) == 1 and not doubts.of_tces
    assert f"{column} has a median" in doubts.of_columns[0] and f"as if it were in {looks_like}" in doubts.of_columns[0]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Duration", 0.01, "shorter than a cadence"),
        ("Duration", 60.0, "five times as long as the transit of a Sun-like star"),
        ("Transit_Depth", 2e6, "more than all the light"),
        ("Transit_Depth", 0.01, "is it a fraction?"),
        ("SN", 1e9, "more than TESS can measure"),
        ("Period", 40000.0, "longer than TESS has observed"),
    ],
)
def test_impossible_value_is_told_with_its_row(column, value, message):
    values = GOOD[column].copy()
    values[7] = value
    doubts = plausibility.doubts({**GOOD, column: values})
    assert not doubts.of_columns and list(doubts.of_tces) == [7]
    assert message in doubts.of_tces[7][0] and f"{value:.4g}" in doubts.of_tces[7][0]


def test_unknown_values_are_not_doubted():
    unknown = {name: np.full(40, np.nan) for name in ("Duration", "Transit_Depth", "SN")}
    assert plausibility.doubts({**GOOD, **unknown}) == ([], {})
    assert plausibility.doubts({"Period": [], "Duration": []}) == ([], {})


def test_script_tells_the_unit_on_the_screen_and_the_row_in_its_list(tmp_path, capsys):
    time = np.arange(1326, 1352, 0.001)
    (tmp_path / "sector-1").mkdir()
    flux = 1 - 0.01 * (np.abs((time - 1326) % 3 - 1) < 0.06) + np.random.default_rng(1).normal(0, 1e-4, len(time))
    np.savetxt(
        tmp_path / "sector-1" / "7.csv", np.column_stack([time, flux]), delimiter=",", header="time,flux", comments=""
    )
    header = "row_id,tic_id,toi_id,Disposition,Epoc,Period,Duration,Transit_Depth,Sectors,SN\n"
    (tmp_path / "tces.csv").write_text(header + "0,7,1,PC,1327,3,0.125,10000,1,1e9\n")
    flags = [f"--input_tce_csv_file={tmp_path}/tces.csv", f"--tess_data_dir={tmp_path}", "--make_test_set"]
    assert generate_input_records.main([*flags, f"--output_dir={tmp_path}/records", "--num_worker_processes=0"]) == 0
    printed = capsys.readouterr().err
    assert "as if it were in days" in printed and "warnings.csv" in printed
    with open(tmp_path / "records" / "warnings.csv", newline="") as file:
        warnings = [row["warning"] for row in csv.DictReader(file)]
    assert (
        warnings[0].startswith("SN") and "the light curve dips by" in warnings[1]
    )  # a window of minutes inside the dip
