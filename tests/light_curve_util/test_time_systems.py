"""Times in every system that tables and light curves have them in, alone and mixed."""

import numpy as np
import pytest

from light_curve_util import sector_times, time_systems
from light_curve_util.errors import UnreadableLightCurveError

BTJD = 1325.25
IN_SYSTEM = {
    "BTJD": BTJD,
    "BJD": BTJD + 2457000,
    "BJD - 2400000": BTJD + 57000,
    "BJD - 2450000": BTJD + 7000,
    "MJD": BTJD + 56999.5,
    "koi_time0bk": BTJD + 2167,
}


@pytest.mark.parametrize("name", IN_SYSTEM)
def test_time_in_each_named_system_is_btjd(name):
    times = time_systems.to_btjd([IN_SYSTEM[name]], named=time_systems.named(name))
    assert times.btjd == [BTJD] and not times.problems and not times.assumed
    assert len(times.notes) == (name != "BTJD")


@pytest.mark.parametrize("name", ["BTJD", "BJD", "BJD - 2450000", "MJD"])
def test_time_of_unnamed_column_is_told_by_its_size(name):
    times = time_systems.to_btjd([IN_SYSTEM[name]])
    assert times.btjd == [BTJD] and not times.problems
    assert list(times.assumed) == ([0] if name == "MJD" else [])  # which could be BJD - 2400000


def test_mixed_column_is_converted_cell_by_cell():
    values = [IN_SYSTEM["BTJD"], IN_SYSTEM["BJD"], np.nan, IN_SYSTEM["MJD"], 20000, 1.15e8]
    times = time_systems.to_btjd(values, noun="epochs")
    np.testing.assert_array_equal(times.btjd, [BTJD, BTJD, np.nan, BTJD, np.nan, np.nan])
    assert times.notes[0] == "1 of 5 epochs in BJD, converted to BTJD by subtracting 2457000"
    assert list(times.problems) == [4, 5] and "seconds" in times.problems[5]


def test_kepler_times_are_known_by_the_sector_they_should_lie_in():
    epochs = np.array([1326.0, 1340.0, 1350.0])
    times = time_systems.to_btjd(epochs + 2167, expected=sector_times.windows([1, 1, 1]))
    np.testing.assert_array_equal(times.btjd, epochs)
    assert "BKJD" in times.notes[0]
    far = time_systems.to_btjd([epochs[0] + 2167, 1326, 1327], expected=sector_times.window(1))
    np.testing.assert_array_equal(far.btjd, [epochs[0] + 2167, 1326, 1327])  # one epoch far away is no other system


def test_zero_point_of_a_header_is_applied():
    assert time_systems.from_zero(2457000) == time_systems.BTJD
    assert time_systems.to_btjd([1.0], named=time_systems.from_zero(2455000)).btjd == [-1999.0]


@pytest.mark.parametrize("zero", [2455000, 2458000, 2458000.5, 2440000])
@pytest.mark.parametrize("spelling", ["BJD-{}", "Epoch [BJD_TDB - {:,}]", "T0 (JD-{})", "hjd_{}"])
def test_any_zero_point_that_a_name_tells_is_applied_and_said(spelling, zero):
    system = time_systems.named(spelling.format(zero))
    times = time_systems.to_btjd([BTJD + 2457000 - zero, BTJD + 2457000], named=system, noun="epochs")
    np.testing.assert_array_equal(times.btjd, [BTJD, BTJD])
    assert any(f"BJD - {zero}" in note for note in times.notes)


def test_a_value_that_its_named_zero_point_puts_out_of_all_time_is_told():
    times = time_systems.to_btjd([BTJD - 1000, 30000.0, 1e9], named=time_systems.named("BJD - 2458000"))
    assert times.btjd[0] == BTJD and list(times.problems) == [1, 2]


@pytest.mark.parametrize("text", ["2.45836E+06", "1.36e3", "2.4583552E+06", "2E6"])
def test_a_time_of_too_few_digits_is_told(text):
    assert "has lost digits" in time_systems.lost_digits(text)


@pytest.mark.parametrize("text", ["2.45835518479e6", "2458355.18", "2458355", "1355.184", "", "none", "0e0"])
def test_a_time_with_its_digits_passes(text):
    assert not time_systems.lost_digits(text)


def test_single_precision_is_enough_for_btjd_and_too_little_for_bjd():
    assert "0.25 d" in time_systems.lost_digits("2458355.2", is_single=True)
    assert not time_systems.lost_digits("1355.1848", is_single=True)


def test_rounded_times_are_doubted_where_all_are():
    assert "rounded" in time_systems.whole_days_warning([1360.0, np.nan, 1358.5])
    assert not time_systems.whole_days_warning([1360.0, 1358.25]) and not time_systems.whole_days_warning([np.nan])


@pytest.mark.parametrize(("per_day", "start"), [(86400, 0), (86400, BTJD), (1440, BTJD)])
def test_light_curve_in_seconds_or_minutes_is_refused(per_day, start):
    time = (start + np.arange(0, 27, 600 / 86400)) * per_day
    with pytest.raises(UnreadableLightCurveError, match="86400"):
        time_systems.of_light_curve(time)


def test_one_wild_time_is_dropped():
    time = np.linspace(1325, 1352, 1000)
    time[7] = 1e17
    times = time_systems.of_light_curve(time)
    assert np.isnan(times.btjd[7]) and np.isfinite(times.btjd).sum() == 999


def test_light_curve_outside_its_sector_is_told():
    time = np.linspace(1684, 1710, 100)
    assert sector_times.problem(time, 14) == ""
    assert sector_times.problem(time, 0) == sector_times.problem(time, 9999) == ""  # no sector that is known
    assert "do not lie in sector 15" in sector_times.problem(time, 15)
    assert "zero point of Kepler" in sector_times.problem(time - 2167, 14)


def test_public_light_curve_made_with_keplers_zero_point_is_told(shared):
    time = np.loadtxt(shared / "cases/times/273589987_s0014.csv", delimiter=",", skiprows=1)[:, 0]
    times = time_systems.of_light_curve(time)
    assert "BJD" in times.notes[0]
    assert "zero point of Kepler" in sector_times.problem(times.btjd, 14)


def test_the_copied_table_of_sectors_is_that_of_tess_point():
    table = pytest.importorskip("tess_stars2px").TESS_Spacecraft_Pointing_Data
    expected = {int(sector): middle - 2457000 for sector, middle in zip(table.sectors, table.midtimes)}
    for sector, middle in expected.items():
        assert sector_times.middle(sector) == pytest.approx(middle, abs=1e-4), "tess-point is newer: copy again"
    assert sector_times.middle(0) is sector_times.middle(-1) is sector_times.window(9999) is None
