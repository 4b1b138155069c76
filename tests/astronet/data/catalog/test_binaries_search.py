"""Binaries: which period the search tells, and what it makes of eclipses that no period explains."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from astronet.data.catalog import transit_fit, transit_search
from light_curve_util.phase_fold import phase_fold

ROOT = Path(__file__).parents[4]
START = 1325.3
TEN_MINUTES = 1 / 144


def observe(eclipses, gaps=((13.0, 14.2),), scatter=4e-4):
    """(time, flux) of a sector with (mid-time, duration, depth) eclipses, V-shaped, on a slow trend."""
    time = START + np.arange(0, 26.8, TEN_MINUTES)
    for begin, end in gaps:
        time = time[(time < START + begin) | (time > START + end)]
    flux = 1 + np.random.default_rng(5).normal(0, scatter, len(time)) + 3e-3 * np.sin(2 * np.pi * time / 11)
    for middle, duration, depth in eclipses:
        flux -= depth * transit_fit.trapezoid(time - START - middle, duration, 0.4 * duration)
    return time, flux


def series(first, period, duration, depth):
    return [(middle, duration, depth) for middle in np.arange(first, 28, period)]


def search(eclipses, **kwargs):
    found = transit_search.find(*observe(eclipses, **kwargs), 9.0)
    return [peak for peak in found.peaks if not peak.why_not_tce()], found.single_events


@pytest.mark.parametrize("phase", [0.2, 0.37, 0.5, 0.52])
@pytest.mark.parametrize("second_depth", [0.05, 0.25])
def test_two_kinds_of_eclipses_are_one_binary_at_its_period(phase, second_depth):
    eclipses = series(2, 9.3, 0.35, 0.3) + series(2 + phase * 9.3, 9.3, 0.35, second_depth)
    tces, singles = search(eclipses)
    assert [round(tce.period, 1) for tce in tces] == [9.3]
    assert abs(phase_fold(np.array([tces[0].t0]), 9.3, START + 2)[0]) < 0.05
    assert tces[0].depth == pytest.approx(0.3, rel=0.1)
    assert singles == []


def test_the_secondary_is_no_red_noise():
    one, _ = search(series(2, 9.3, 0.35, 0.3))
    both, _ = search(series(2, 9.3, 0.35, 0.3) + series(5, 9.3, 0.35, 0.2))
    assert both[0].pink_signal_to_noise > 0.5 * one[0].pink_signal_to_noise


def test_one_eclipse_of_each_kind_is_two_single_events():
    tces, singles = search([(4, 0.4, 0.3), (11, 0.4, 0.2)])
    assert tces == []
    assert [(round(event.t0 - START), round(event.depth, 1)) for event in singles] == [(4, 0.3), (11, 0.2)]


def test_a_period_that_predicts_an_event_on_flat_data_is_no_tce():
    """Every period of two of the three eclipses has another event where nothing happens."""
    tces, singles = search([(2, 0.3, 0.2), (6, 0.3, 0.2), (12, 0.3, 0.2)])
    assert tces == []
    assert [round(event.t0 - START) for event in singles] == [2, 6, 12]


def test_an_eclipse_cut_off_by_the_end_of_the_data_is_no_event_of_its_own():
    tces, singles = search([(4, 0.4, 0.3), (26.75, 0.4, 0.3)])
    assert tces == []
    assert [round(event.t0 - START) for event in singles] == [4]


def test_a_binary_leaves_no_tce_behind():
    for period in (0.9, 1.7):
        eclipses = series(0.5, period, 0.14, 0.2) + series(0.5 + period / 2, period, 0.14, 0.12)
        tces, _ = search(eclipses)
        assert [round(tce.period, 2) for tce in tces] == [period]


def test_real_binaries_have_their_periods(shared):
    """RR Lyn and NT Vel; AN Cam has one eclipse of each kind."""
    periods = {"11491822_s0060": [9.945], "118313102_s0008": [9.2557], "103098373_s0052": []}
    for name, right in periods.items():
        table = np.genfromtxt(shared / "cases" / "binaries" / f"{name}.csv", delimiter=",", names=True)
        found = transit_search.find(table["time_btjd"], table["normalized_flux"], 9.0)
        told = [peak.period for peak in found.peaks if not peak.why_not_tce()]
        assert told == pytest.approx(right, abs=0.01)
        if not right:
            assert [event.t0 for event in found.single_events] == pytest.approx([2722.33, 2726.95], abs=0.05)


def test_benchmark_tells_the_kinds(capsys):
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "binaries_search.py"))["main"]
    assert benchmark(["--num_binaries=3", "--seed=1000", "--tell"]) == 0
    assert re.search(r"^all +2 .*100 %", capsys.readouterr().out, re.MULTILINE)
