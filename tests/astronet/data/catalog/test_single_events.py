"""Single transits: found, measured, and the periods that the light curve allows."""

import csv
import math

import numpy as np
import pytest

from astronet.data import make_catalog, make_empty_catalog
from astronet.data.catalog import single_events, transit_fit, transit_search
from light_curve_util.phase_fold import phase_fold

START = 1325.3


def observe(events, days=26.8, cadence=1 / 48, scatter=4e-4, gap=(13.0, 14.2)):
    """(time, flux) with (mid-time, duration, depth) transits."""
    time = START + np.arange(0, days, cadence)
    time = time[(time < START + gap[0]) | (time > START + gap[1])]
    flux = 1 + np.random.default_rng(2).normal(0, scatter, len(time)) + 2e-3 * np.sin(2 * np.pi * time / 9)
    for middle, duration, depth in events:
        flux -= depth * transit_fit.trapezoid(time - START - middle, duration, 0.2 * duration)
    return time, flux


@pytest.mark.parametrize("duration, depth", [(0.15, 0.004), (0.3, 0.004), (0.6, 0.01)])
def test_a_single_transit_is_found_and_measured(duration, depth):
    found = transit_search.find(*observe([(8, duration, depth)]), 10.0)
    (event,) = found.single_events
    assert event.t0 - START == pytest.approx(8, abs=0.03)
    assert event.duration_hours == pytest.approx(24 * duration, rel=0.3)
    assert event.depth_ppm == pytest.approx(1e6 * depth, rel=0.2)
    assert event.signal_to_noise > 10
    assert all(peak.why_not_tce() for peak in found.peaks)


def test_noise_and_periodic_transits_are_no_single_events():
    assert transit_search.find(*observe([]), 10.0).single_events == []
    transits = [(middle, 0.15, 0.006) for middle in np.arange(2, 27, 4.4)]
    assert transit_search.find(*observe(transits), 10.0).single_events == []


def test_a_single_transit_beside_a_planet():
    transits = [(middle, 0.15, 0.006) for middle in np.arange(2, 27, 4.4)]
    found = transit_search.find(*observe([*transits, (8.7, 0.3, 0.008)]), 10.0)
    assert found.peaks[0].period == pytest.approx(4.4, abs=0.01)
    assert [round(event.t0 - START, 1) for event in found.single_events] == [8.7]


def test_period_ranges_are_those_whose_events_fall_into_gaps():
    time, _ = observe([])
    time = time - START
    ranges = single_events.period_ranges(time, 1 / 48, 8.0, 0.2)
    assert ranges[-1][0] == pytest.approx(time[-1] - 8, abs=0.3)
    assert ranges[-1][1] == math.inf
    for shortest, longest in ranges:
        for period in (shortest, min(longest, shortest + 5)):
            others = np.abs(phase_fold(time, period, 8.0)) < 0.02
            others &= np.abs(time - 8) > 0.5
            assert others.sum() < 3
    assert len(ranges) == 1  # an event in the gap is followed by one that would be seen, or preceded


def test_a_gap_allows_shorter_periods():
    """At 8.5 to 9 d the next event falls into the gap, and the one after it is beyond the end."""
    time = np.concatenate([np.arange(0, 5, 1 / 48), np.arange(12, 20, 1 / 48)])
    (gap, beyond) = single_events.period_ranges(time, 1 / 48, 3.0, 0.2)
    assert gap == pytest.approx((8.5, 9.0), abs=0.11)
    assert beyond == (pytest.approx(17, abs=0.21), math.inf)


@pytest.fixture
def searched(tmp_path):
    """Function of {(TIC ID, sector): events} and flags -> rows of tces_single_events.csv of a catalog of them."""

    def search(light_curves, *flags):
        for (tic_id, sector), events in light_curves.items():
            time, flux = observe(events)
            path = tmp_path / "tess" / f"sector-{sector}" / f"{tic_id}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            time = time + {1: 0.0, 2: 29.0}[sector]
            np.savetxt(path, np.column_stack([time, flux]), "%.10f", ",", header="time,flux", comments="")
        data = f"--tess_data_dir={tmp_path}/tess"
        assert make_empty_catalog.main([data, f"--output_dir={tmp_path}"]) == 0
        tables = sorted(path.name for path in tmp_path.glob("sector-*-all.csv"))
        make_catalog.main(
            ["--input", *tables, f"--base_dir={tmp_path}", data, "--bls=compute", "--qlp_data_dir=none", *flags]
        )
        with open(tmp_path / "tces_single_events.csv", newline="") as file:
            return list(csv.DictReader(file))

    return search


def test_single_events_are_listed_beside_the_catalog_though_the_star_has_no_tce(searched, capsys):
    (event,) = searched({(7, 1): [(8, 0.3, 0.004)], (8, 1): []})
    assert (event["row_id"], event["tic_id"], event["Sectors"]) == ("0", "7", "1")
    assert float(event["t0_btjd"]) == pytest.approx(START + 8, abs=0.03)
    assert float(event["duration_hours"]) == pytest.approx(7.2, rel=0.2)
    assert float(event["depth_ppm"]) == pytest.approx(4000, rel=0.2)
    assert float(event["shortest_period_days"]) == pytest.approx(18.8, abs=0.4)
    assert event["period_ranges_days"].endswith("-")
    assert "1 single event without a period in" in capsys.readouterr().out


def test_a_transit_in_each_of_two_sectors_is_a_period_when_they_are_stitched(searched):
    light_curves = {(7, 1): [(8, 0.3, 0.006)], (7, 2): [(18, 0.3, 0.006)]}
    assert [event["Sectors"] for event in searched(light_curves)] == ["1", "2"]
    assert searched(light_curves, "--stitch") == []


def test_no_searches_make_no_list_of_single_events(tmp_path):
    (tmp_path / "tces.csv").write_text("tic_id,Sectors,Epoc,Period,Duration\n7,1,1327,2,3\n")
    flags = [f"--base_dir={tmp_path}", "--input=tces.csv", "--out_name=made.csv", "--qlp_data_dir=none"]
    assert make_catalog.main(flags) == 0
    assert not (tmp_path / "made_single_events.csv").exists()
