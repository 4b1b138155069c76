"""Column names, units and numbers of tables as strangers write them: read, or told, never silently wrong."""

import numpy as np
import pytest
from astropy.table import Table

from astronet.base.script import ScriptError
from astronet.data.catalog import tce_table

BTJD = 1355.1875  # with all its digits in single precision
NAMES = {"tic": "TIC", "epoch": "Epoc", "period": "Period", "duration": "Duration (h)", "sector": "Sector"}
CELLS = {"tic": "7", "epoch": str(BTJD), "period": "1.25", "duration": "2.4", "sector": "2"}


def load(path, names=(), cells=(), separator=","):
    """The Catalog of a table of one row; `names` and `cells` are changed from those above, or further ones."""
    names, cells = {**NAMES, **dict(names)}, {**CELLS, **dict(cells)}
    lines = [separator.join(f'"{line.get(key, "")}"' for key in names) for line in (names, cells)]
    path.write_text("\n".join(lines) + "\n")
    return tce_table.load(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tces.csv"


def only(table, column):
    (value,) = table[column]
    return value


@pytest.mark.parametrize("name", ["T0 ({})", "Epoc ({})", "Epoch [{}]", "t0_{}", "Transit Epoch ({})"])
@pytest.mark.parametrize(
    ("system", "zero"),
    [
        ("MJD", 2400000.5),
        ("BJD-2400000", 2400000),
        ("BJD - 2,457,000", 2457000),
        ("BJD_TDB - 2450000", 2450000),
        ("BJD-2454833", 2454833),
        ("BKJD", 2454833),
        ("HJD", 0),
        ("BJD-2458000", 2458000),
        ("JD - 2455000", 2455000),
    ],
)
def test_the_time_system_in_a_name_is_honored(name, system, zero, path):
    catalog = load(path, {"epoch": name.format(system)}, {"epoch": BTJD + 2457000 - zero})
    assert only(catalog.table, "Epoc") == pytest.approx(BTJD, abs=1e-6)


@pytest.mark.parametrize("name", ["Tmid", "BJD0", "tc", "Transit Midpoint"])
def test_other_words_for_an_epoch(name, path):
    assert only(load(path, {"epoch": name}, {"epoch": BTJD + 2457000}).table, "Epoc") == BTJD


@pytest.mark.parametrize("unit", ["BJD-2458000", "BJD - 2458000", "days since BJD 2458000"])
@pytest.mark.parametrize("suffix", ["ecsv", "fits"])
def test_the_zero_point_in_a_unit_is_honored(unit, suffix, tmp_path):
    table = Table({"tic_id": [7], "Epoc": [BTJD - 1000], "Period": [1.25], "Duration": [2.4], "Sectors": [2]})
    table["Epoc"].info.unit = None
    table.write(tmp_path / "plain.fits")
    from astropy.io import fits

    with fits.open(tmp_path / "plain.fits") as hdus:
        hdus[1].header["TUNIT2"] = unit
        hdus.writeto(tmp_path / "tces.fits")
    path = tmp_path / "tces.fits"
    if suffix == "ecsv":
        path = tmp_path / "tces.ecsv"
        Table.read(tmp_path / "tces.fits", unit_parse_strict="silent").write(path)
    catalog = tce_table.load(path)
    assert only(catalog.table, "Epoc") == BTJD and any("BJD - 2458000" in note for note in catalog.notes)


@pytest.mark.parametrize(
    ("name", "cell", "column", "value"),
    [
        ("Depth (%)", "0.5", "Transit_Depth", 5000),
        ("Depth (mmag)", "5", "Transit_Depth", 4594.583),
        ("depth_ppt", "5", "Transit_Depth", 5000),
        ("Transit_Depth_ppm", "5000", "Transit_Depth", 5000),
        ("SNR", "12", "SN", 12),
    ],
)
@pytest.mark.parametrize("is_catalog", [True, False])
def test_depth_and_signal_to_noise_are_read_beside_any_other_columns(name, cell, column, value, is_catalog, path):
    names = {"tic": "tic_id", "duration": "Duration", "sector": "Sectors"} if is_catalog else {}
    catalog = load(path, {**names, "more": name}, {"more": cell})
    assert only(catalog.table, column) == pytest.approx(value)
    assert any(f"{name} as {column}" in note for note in catalog.notes)


@pytest.mark.parametrize(
    ("name", "cell", "hours"), [("Dur (d)", "0.1", 2.4), ("dur_min", "144", 2.4), ("T14 [s]", "8640", 2.4)]
)
def test_durations_in_any_unit(name, cell, hours, path):
    assert only(load(path, {"duration": name}, {"duration": cell}).table, "Duration") == pytest.approx(hours)


def test_periods_in_seconds(path):
    assert only(load(path, {"period": "Period [s]"}, {"period": 108000}).table, "Period") == pytest.approx(1.25)


def test_a_duration_without_a_unit_is_refused_with_the_remedy(path):
    with pytest.raises(ScriptError, match=r"column Dur is not used: it has no unit: call it Dur \(d\) or Dur \(h\)"):
        load(path, {"duration": "Dur"})


def test_an_epoch_in_a_system_that_is_not_known_is_refused_with_the_reason(path):
    with pytest.raises(ScriptError, match="days since 2000-01-01.*no time system that is known"):
        load(path, {"epoch": "T0 (days since 2000-01-01)"})


def test_a_depth_without_a_unit_is_said_not_to_be_used(path):
    catalog = load(path, {"more": "Depth"}, {"more": "5000"})
    assert any("column Depth is not used: it has no unit" in note for note in catalog.notes)
    assert np.isnan(only(catalog.table, "Transit_Depth"))


@pytest.mark.parametrize(
    ("name", "cell", "other"),
    [
        ("tic_id", "8", "7"),
        ("Epoch (BJD)", "2458355.9", "2458356.4375"),
        ("Period (h)", "31", "30"),
        ("Dur (d)", "0.2", "0.1"),
    ],
)
def test_columns_of_one_meaning_may_not_contradict_each_other(name, cell, other, path):
    catalog = load(path, {"more": name}, {"more": cell})
    (skip,) = catalog.skips
    assert "differ: remove the wrong one" in skip.reason and cell in skip.reason
    assert len(load(path, {"more": name}, {"more": other}).table) == 1


@pytest.mark.parametrize("cell", ["2.45836E+06", "2E6", "1.36e3"])
def test_an_epoch_that_a_spreadsheet_has_rounded_is_refused(cell, path):
    (skip,) = load(path, cells={"epoch": cell}).skips
    assert "has lost digits" in skip.reason


@pytest.mark.parametrize("suffix", ["fits", "parquet"])
def test_an_epoch_in_single_precision_is_refused_where_that_is_too_little(suffix, tmp_path):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    for zero, num_kept in ((2457000, 0), (0, 1)):
        columns = {
            "tic_id": [7],
            "Epoc": np.float32([BTJD + zero]),
            "Period": [1.25],
            "Duration": [2.4],
            "Sectors": [2],
        }
        Table(columns).write(tmp_path / f"{zero}.{suffix}")
        catalog = tce_table.load(tmp_path / f"{zero}.{suffix}")
        assert len(catalog.table) == num_kept
        assert all("single precision" in skip.reason for skip in catalog.skips)


def test_epochs_that_are_all_whole_days_are_doubted(path):
    assert any("rounded" in note for note in load(path, cells={"epoch": "1355"}).notes)
    assert not any("rounded" in note for note in load(path).notes)


def test_a_point_among_decimal_commas_is_refused_where_it_may_separate_thousands(path):
    names, cells = {"more": "Depth (ppm)"}, {"period": "1,25", "duration": "2,4", "epoch": "1355,1875"}
    (skip,) = load(path, names, {**cells, "more": "27.200"}, ";").skips
    assert "27.200 beside decimal commas is 27,200 or 27200" in skip.reason
    assert only(load(path, names, {**cells, "more": "27,2"}, ";").table, "Transit_Depth") == 27.2


@pytest.mark.parametrize("name", ["Period Err", "Epoc Err", "epoc_err"])
def test_a_bad_cell_in_a_column_that_may_be_absent_costs_no_row(name, path):
    catalog = load(path, {"more": name}, {"more": "x"})
    column = "Period Err" if name.startswith("P") else "Epoc Err"
    assert np.isnan(only(catalog.table, column)) and any("'x' is no number" in note for note in catalog.notes)


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ("2018-08-24", "a date: give days"),
        ("2,458,355.18", "without the commas"),
        ("1355.2 d", "its unit in the name of the column"),
        ("1355,2", "with a decimal point"),
    ],
)
def test_text_among_numbers_is_told_with_its_remedy(cell, advice, path):
    (skip,) = load(path, cells={"epoch": cell}).skips
    assert f"text {cell!r} in numeric column Epoc ({advice}" in skip.reason.replace("write it ", "").replace(
        "write the number alone, and ", ""
    )


def test_a_table_without_a_header_and_one_of_many_columns_are_told_in_a_line(path):
    path.write_text("7,1355.1,1.2,2.4,2\n8,1356.1,1.2,2.4,2\n")
    with pytest.raises(ScriptError, match="as if there were no header"):
        tce_table.load(path)
    path.write_text(",".join(f"c{i}" for i in range(5000)) + "\n")
    with pytest.raises(ScriptError) as error:
        tce_table.load(path)
    assert "c59 and 4940 more" in str(error.value)


def test_a_column_with_several_values_in_a_row_is_named(tmp_path):
    Table({"tic_id": [7], "Epoc": [[BTJD, BTJD]], "Period": [1.25], "Duration": [2.4]}).write(tmp_path / "tces.fits")
    with pytest.raises(ScriptError, match="column Epoc is not read, because it has several values in a row"):
        tce_table.load(tmp_path / "tces.fits")


def test_a_name_that_ends_like_a_unit_is_another_column(path):
    catalog = load(path, {"more": "disp_s"}, {"more": "PC"})
    assert only(catalog.table, "disp_s") == "PC" and only(catalog.table, "Disposition") == ""


def test_row_ids_that_name_two_tces_are_told(path):
    row = "7,1355.1875,{},2.4,2,{}\n"
    path.write_text("TIC,Epoc,Period,Duration,Sector,row_id\n" + row.format(1.25, 3) + row.format(2.5, 3))
    assert any("row_id 3 of TIC 7" in note for note in tce_table.load(path).notes)
    path.write_text("TIC,Epoc,Period,Duration,Sector,row_id\n" + 2 * row.format(1.25, 3) + row.format(2.5, 4))
    assert not any("row_id 3" in note for note in tce_table.load(path).notes)  # a row that is there twice is dropped


@pytest.mark.parametrize("num_rows", [1, 3])
@pytest.mark.parametrize("sector", ["2", "2,3"])
@pytest.mark.parametrize("sign", ["#", "# "])
def test_a_header_behind_a_number_sign_with_blanks(sign, sector, num_rows, path):
    path.write_text(f"{sign}tic_id Epoc Period Duration Sectors\n" + num_rows * f"7 1355.1875 1.25 2.4 {sector}\n")
    assert len(tce_table.load(path).table) == num_rows * len(sector.split(","))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"tic_id": [7]}', "is JSON"),
        ('[{"tic_id": 7}]', "is JSON"),
        ("\\begin{table}\n7 & 1355 \\\\\n", "is a LaTeX file"),
        ('tic_id,Epoc\n7,"' + 200_000 * "x", "a quotation mark not closed"),
        ("<\0\0\0\0\0\0\0\1\2", "bytes that are no text"),
    ],
)
def test_a_file_that_is_no_table_is_called_what_it_is(content, message, path):
    path.write_text(content)
    with pytest.raises(ScriptError, match=message):
        tce_table.load(path)


def test_a_fits_file_whose_second_table_is_the_catalog_names_it(tmp_path):
    from astropy.io import fits

    tables = [Table({"a": [1]}), Table({"tic_id": [7]})]
    fits.HDUList([fits.PrimaryHDU(), *map(fits.table_to_hdu, tables)]).writeto(tmp_path / "tces.fits")
    with pytest.raises(ScriptError, match="the table in extension 2 is not read, only that in 1"):
        tce_table.load(tmp_path / "tces.fits")


@pytest.mark.parametrize(("name", "cell"), [("RA", "653.56"), ("Dec", "-142.06"), ("ra", "400")])
def test_a_position_outside_the_sky_is_told(name, cell, path):
    (skip,) = load(path, {"more": name}, {"more": cell}).skips
    assert f"{cell} is no" in skip.reason and "degrees" in skip.reason
