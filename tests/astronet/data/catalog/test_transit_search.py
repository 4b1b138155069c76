"""Light curves with known dips are searched; the benchmark is run on a few planets and on real files."""

import re
import runpy
import time as clock
from pathlib import Path

import numpy as np
import pytest

from astronet.data.catalog import folding, transit_fit, transit_search
from light_curve_util.box_search import box_search
from light_curve_util.phase_fold import phase_fold

ROOT = Path(__file__).parents[4]
START = 1325.3
HALF_HOUR = 1 / 48


def times(days=26.8, cadence=HALF_HOUR):
    """A sector with its downlink gap."""
    time = START + np.arange(0, days, cadence)
    return time[np.abs(time - START - 13.4) > 0.6]


def dips(time, period, t0, duration, depth):
    return depth * transit_fit.trapezoid(phase_fold(time, period, t0), duration, 0.2 * duration)


def noise(time, seed=0, scatter=5e-4):
    """White noise on a slow trend."""
    return np.random.default_rng(seed).normal(0, scatter, len(time)) + 2e-3 * np.sin(2 * np.pi * time / 9)


def assert_found(peak, period, t0, duration, depth, baseline=26.8):
    assert abs(peak.period - period) * baseline / period < 0.5 * duration
    assert abs(phase_fold(np.array([peak.t0]), period, t0)[0]) < 0.25 * duration
    assert peak.duration_hours / 24 == pytest.approx(duration, rel=0.3)
    assert peak.depth == pytest.approx(depth, rel=0.15)
    assert not peak.why_not_tce()


PLANETS = [(0.73, 0.06, 0.002), (1.9, 0.09, 0.003), (4.7, 0.13, 0.003), (11.0, 0.2, 0.004)]


@pytest.mark.parametrize("period, duration, depth", PLANETS)
def test_finds_a_planet(period, duration, depth):
    time = times()
    planet = (period, START + 0.4 * period, duration, depth)
    peaks = transit_search.search(time, 1 + noise(time) - dips(time, *planet), 10.0)
    assert_found(peaks[0], *planet)
    assert peaks[0].t0 >= START
    assert peaks[0].out_of_transit_magnitude == 10.0


def test_order_of_times_and_repetition_do_not_matter():
    time = times()
    flux = 1 + noise(time) - dips(time, 3.3, START + 1, 0.12, 0.003)
    order = np.random.default_rng(1).permutation(len(time))
    peaks = transit_search.search(time, flux, 10.0)
    assert peaks == transit_search.search(time, flux, 10.0)
    assert peaks == transit_search.search(time[order], flux[order], 10.0)


def test_noise_alone_is_no_tce():
    time = times()
    for seed in range(3):
        assert all(peak.why_not_tce() for peak in transit_search.search(time, 1 + noise(time, seed), 10.0))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda time: time * 86400,  # seconds
        lambda time: np.where(np.arange(len(time)) == 5, 1e17, time),
        lambda time: np.where(np.arange(len(time)) == 5, 60000.0, time),
    ],
)
def test_times_of_no_light_curve_are_refused_before_any_search(spoil):
    time = times()
    start = clock.process_time()
    with pytest.raises(transit_search.TransitSearchError, match="frequencies, and the limit is 2,000,000; check that"):
        transit_search.search(spoil(time), 1 + noise(time), 10.0)
    assert clock.process_time() - start < 1


def test_a_constant_star_has_no_peak():
    time = times()
    assert transit_search.search(time, np.ones(len(time)), 10.0) == []


def test_leaves_out_nans_and_survives_gaps():
    time = times()
    planet = (3.3, START + 1, 0.12, 0.004)
    flux = 1 + noise(time) - dips(time, *planet)
    flux[::7] = np.nan
    time[3::50] = np.nan
    since = time - START
    kept = ~((since > 4) & (since < 7)) & ~((since > 17) & (since < 20.5)) & (np.abs(since - 23) > 0.3)
    assert_found(transit_search.search(time[kept], flux[kept], 10.0)[0], *planet)


def test_one_deep_eclipse_is_no_periodic_event():
    time = times()
    flux = 1 + noise(time) - dips(time, 1000, START + 9, 0.3, 0.2)
    assert all(peak.why_not_tce() for peak in transit_search.search(time, flux, 10.0))


def test_finds_a_planet_beside_one_deep_eclipse():
    time = times()
    planet = (3.3, START + 1, 0.12, 0.004)
    flux = 1 + noise(time) - dips(time, *planet) - dips(time, 1000, START + 9, 0.3, 0.2)
    assert_found(transit_search.search(time, flux, 10.0)[0], *planet)


@pytest.mark.parametrize("period", [0.9, 2.6, 5.2])
@pytest.mark.parametrize("second_depth", [0.01, 0.03, 0.042])
def test_unequal_eclipses_have_the_period_of_the_binary(period, second_depth):
    time = times()
    first = (period, START + 0.3, 0.12, 0.05)
    flux = 1 + noise(time) - dips(time, *first) - dips(time, period, START + 0.3 + period / 2, 0.12, second_depth)
    peaks = transit_search.search(time, flux, 10.0)
    assert_found(peaks[0], *first)
    # The other eclipse is no peak of its own: what else is found is noise, at no multiple of the period.
    assert all(peak.why_not_tce() for peak in peaks[1:])
    ratios = [max(peak.period / period, period / peak.period) for peak in peaks[1:]]
    assert not any(abs(ratio - round(ratio)) < 0.02 for ratio in ratios)


@pytest.mark.parametrize("period", [3.0, 4.2])
def test_a_transit_that_the_light_curve_begins_with_changes_no_period(period):
    time = START + np.arange(1200) / 48
    flux = 1 - 0.01 * ((time - START) % period < 0.15) + np.random.default_rng(11).normal(0, 5e-4, len(time))
    assert transit_search.search(time, flux, 9.5)[0].period == pytest.approx(period, rel=1e-3)


def test_finds_two_planets():
    time = times()
    planets = (3.3, START + 1, 0.12, 0.004), (7.9, START + 2.2, 0.16, 0.003)
    flux = 1 + noise(time) - sum(dips(time, *planet) for planet in planets)
    peaks = transit_search.search(time, flux, 10.0)
    for planet in planets:
        assert_found(min(peaks, key=lambda peak: abs(peak.period - planet[0])), *planet)
    assert peaks == sorted(peaks, key=lambda peak: -peak.pink_signal_to_noise)


RESONANCES = {
    "2:1, the inner one deeper": ((3.1, 1, 0.12, 0.003), (6.2, 2.2, 0.15, 0.002)),
    "2:1, the outer one deeper": ((3.1, 1, 0.12, 0.0015), (6.2, 2.2, 0.15, 0.003)),
    "3:1, the outer one deeper": ((2.4, 1, 0.1, 0.0014), (7.2, 2.1, 0.15, 0.004)),
    "4:1, the inner one deeper": ((2.0, 0.5, 0.1, 0.003), (8.0, 1.3, 0.15, 0.002)),
}


@pytest.mark.parametrize("name", RESONANCES)
def test_planets_in_resonance_are_two(name):
    time = times()
    planets = [(period, START + t0, duration, depth) for period, t0, duration, depth in RESONANCES[name]]
    flux = 1 + noise(time, scatter=3e-4) - sum(dips(time, *planet) for planet in planets)
    tces = [peak for peak in transit_search.search(time, flux, 10.0) if not peak.why_not_tce()]
    assert sorted(round(tce.period, 1) for tce in tces) == [planet[0] for planet in planets]


def test_a_secondary_eclipse_at_another_phase_is_no_second_planet():
    time = times()
    first = (3.1, START + 1, 0.12, 0.03)
    flux = 1 + noise(time) - dips(time, *first) - dips(time, 3.1, START + 2.2, 0.12, 0.004)
    tces = [peak for peak in transit_search.search(time, flux, 10.0) if not peak.why_not_tce()]
    assert [round(tce.period, 2) for tce in tces] == [3.1]


@pytest.mark.parametrize("planet", [(1.37, 0.8, 0.07, 0.0006), (31.7, 11, 0.25, 0.002)])
def test_several_sectors_are_searched_as_one(planet):
    """Of the short period a sector alone has too little; of the long one, one transit at most."""
    time = np.concatenate([times() + 27.3 * sector for sector in (0, 1, 2, 4)])
    period, t0, duration, depth = planet
    flux = 1 + noise(time) - dips(time, period, START + t0, duration, depth)
    peak = transit_search.search(time, flux, 10.0)[0]
    assert_found(peak, period, START + t0, duration, depth, baseline=136)


def test_the_cost_of_several_sectors_grows_far_less_than_its_square(monkeypatch):
    """Cadences times periods that are folded, counted where the real search folds them."""
    folded = []

    def counted(time, flux, periods, *args, **kwargs):
        folded.append(len(time) * len(periods))
        return box_search(time, flux, periods, *args, **kwargs)

    monkeypatch.setattr(folding, "box_search", counted)

    def cost(num_sectors):
        time = np.concatenate([times() + 27.3 * sector for sector in range(num_sectors)])
        folded.clear()
        folding.best_box(time - START, 1 + noise(time))
        return sum(folded)

    assert cost(8) < 0.5 * 16 * cost(2)


def test_keeps_the_depth_under_strong_variability():
    time = times()
    planet = (2.9, START + 1, 0.12, 0.005)
    spots = 1 + 0.02 * np.sin(2 * np.pi * time / 5) + 0.01 * np.sin(2 * np.pi * time / 2.4 + 1)
    assert_found(transit_search.search(time, spots * (1 + noise(time) - dips(time, *planet)), 10.0)[0], *planet)


def test_fine_cadences_cost_and_count_as_half_hours_do():
    planet = (2.9, START + 1, 0.12, 0.004)
    coarse, fine = times(), times(cadence=20 / 86400)
    flux = 1 + noise(fine, scatter=5e-4 * np.sqrt(90)) - dips(fine, *planet)
    begin = clock.process_time()
    (peak, *_) = transit_search.search(fine, flux, 10.0)
    assert clock.process_time() - begin < 5
    assert_found(peak, *planet)
    (of_coarse, *_) = transit_search.search(coarse, 1 + noise(coarse) - dips(coarse, *planet), 10.0)
    assert peak.num_points_in_transit == pytest.approx(of_coarse.num_points_in_transit, rel=0.25)
    assert peak.pink_signal_to_noise == pytest.approx(of_coarse.pink_signal_to_noise, rel=0.5)


def test_a_star_without_magnitude_must_pass_the_cut_for_faint_stars():
    time = times()
    peak = transit_search.search(time, 1 + noise(time) - dips(time, 3.3, START + 1, 0.12, 0.004), np.nan)[0]
    assert np.isnan(peak.out_of_transit_magnitude)
    assert not peak.why_not_tce()


@pytest.mark.parametrize(
    "time, flux, message",
    [
        (np.arange(100) / 48, np.ones(100), "100 cadences"),
        (times(), np.full(len(times()), np.nan), "0 cadences"),
        (np.arange(1000) / 1000, np.ones(1000), "baseline"),
        (times(), -np.ones(len(times())), "median flux"),
        (times(), np.ones(3), "as many"),
        (np.repeat([0.0, 30.0], 500), np.ones(1000), "too few"),
    ],
)
def test_says_why_a_light_curve_cannot_be_searched(time, flux, message):
    with pytest.raises(transit_search.TransitSearchError, match=message):
        transit_search.search(time, flux, 10.0)


benchmark = runpy.run_path(str(ROOT / "benchmarks" / "transit_search.py"))["main"]


def test_benchmark_tells_what_was_recovered(capsys):
    flags = ["--signal_to_noise=15,25", "--periods=1,2,5", "--num_a_bin=1", "--num_quiet=1", "--seed=4"]
    assert benchmark(flags) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^all +2 +2 .* 100.0 % +100.0 %$", printed, re.MULTILINE)
    assert "of 1 light curves have a threshold crossing event" in printed


def test_benchmark_finds_real_planets(capsys, shared):
    directory = shared / "data" / "other"
    files = [
        str(next((directory / "light_curves" / "spoc_2min").glob(f"*{tic_id}*"))) for tic_id in (402026209, 413248763)
    ]
    table = directory / "tess_tces" / "20230112_exofop_tess_tois.csv"
    assert benchmark([f"--tois={table}", "--light_curves", *files]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"TOI 232.01: 1.33823 d.*: found, period, peak 1\n  peak 1: 1.338\d\d d.*: TCE", printed)
    assert re.search(r"TOI 562.01: 3.93060 d.*: found, period, peak 1\n  peak 1: 3.930\d\d d.*: TCE", printed)


def test_benchmark_needs_both_light_curves_and_tois(capsys):
    assert benchmark(["--tois=tois.csv"]) == 1
    assert "--light_curves and --tois go together" in capsys.readouterr().err
