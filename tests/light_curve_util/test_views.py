"""The views against the published code's own, and what is said of points that make none."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from light_curve_util import tess_io
from light_curve_util.errors import FlatViewError, InvalidEventError, LightCurveError, SparseLightCurveError
from light_curve_util.event_measures import measure_event
from light_curve_util.find_secondary import depth_change, find_secondary
from light_curve_util.median_filter import median_view
from light_curve_util.normalize import normalize_view
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import fold_and_sort, phase_fold
from light_curve_util.view_generator import ViewGenerator

TOLERANCE = 1e-9  # of the published views, in units of the depth
EVENT = PeriodicEvent(t0=1.0, period=2.0, duration_days=0.2)


@pytest.fixture(scope="module")
def sector():
    """27 days with a transit of 2 % and a secondary of 1 % at phase 0.7 days."""
    rng = np.random.default_rng(11)
    time = np.arange(0, 27, 1 / 48)
    phase = phase_fold(time, EVENT.period, EVENT.t0)
    flux = 1 + rng.normal(0, 1e-4, len(time)) - 0.02 * (np.abs(phase) < 0.1) - 0.01 * (np.abs(phase - 0.7) < 0.1)
    return time, flux


def test_published_views(shared):
    golden = shared / "golden" / "views"
    status = json.loads((golden / "status.json").read_text())
    with open(golden / "tces.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if status[row["row_id"]].startswith("ok")]
    assert len(rows) == 40
    expected = np.load(golden / "expected.npz")
    for row in rows:
        path = tess_io.find(golden / "light_curves", int(row["tic_id"]), int(row["Sectors"]))
        light_curve = tess_io.read(path)
        event = PeriodicEvent(float(row["Epoc"]), float(row["Period"]), float(row["Duration"]) / 24)
        views = ViewGenerator(light_curve.time, light_curve.flux, event)
        folded_time, folded_flux = fold_and_sort(light_curve.time, light_curve.flux, event.period, event.t0)
        actual = {
            "folded_time": folded_time,
            "folded_flux": folded_flux,
            "global_view": views.view("global_view", 201),
            "local_view_61": views.view("local_view", 61),
            "local_view_81": views.view("local_view", 81),
            "twice_global_view": views.view("twice_global_view", 402),
            "secondary_view_61": views.view("secondary_view", 61),
            "secondary_t0": find_secondary(light_curve.time, light_curve.flux, event),
        }
        for name, value in actual.items():
            message = f"row_id {row['row_id']}, {name}"
            np.testing.assert_allclose(
                value, expected[f"{row['row_id']}/{name}"], rtol=0, atol=TOLERANCE, err_msg=message
            )


def test_view_is_normalized_and_centered(sector):
    view = ViewGenerator(*sector, EVENT).view("local_view", 61)
    assert view.min() == -1 and np.median(view) == 0
    assert abs(np.argmin(view) - 30) <= 3 and view[0] > -0.05


def test_secondary_is_found_where_it_is_and_is_a_dip(sector):
    time, flux = sector
    assert find_secondary(time, flux, EVENT) == pytest.approx(0.7, abs=0.02)
    brightening = flux + 0.03 * (np.abs(phase_fold(time, EVENT.period, EVENT.t0) + 0.6) < 0.1)
    assert find_secondary(time, brightening, EVENT) == pytest.approx(0.7, abs=0.02)


def test_no_dip_puts_the_secondary_at_half_a_period(sector):
    time, _ = sector
    assert find_secondary(time, np.ones_like(time), EVENT) == EVENT.period / 2


def test_tiny_duration_does_not_stall_the_search(sector):
    event = PeriodicEvent(EVENT.t0, EVENT.period, duration_days=1e-13)
    assert 0 < find_secondary(*sector, event) < EVENT.period


def test_gaps_are_interpolated_and_ends_repeated():
    x = np.array([0.12, 0.15, 0.55, 0.58, 0.75, 0.78])
    view = median_view(x, [1.0, 1.0, 5.0, 5.0, 9.0, 9.0], num_bins=9, bin_width=0.1, x_min=0.0, x_max=0.9)
    np.testing.assert_allclose(view, [1, 1, 2, 3, 4, 5, 7, 9, 9])


def test_input_may_be_any_array_like(sector):
    time, flux = sector
    expected = ViewGenerator(time[::2].copy(), flux[::2].copy(), EVENT).view("global_view", 201)
    np.testing.assert_array_equal(ViewGenerator(time[::2], flux[::2], EVENT).view("global_view", 201), expected)
    np.testing.assert_array_equal(ViewGenerator(list(time[::2]), flux[::2], EVENT).view("global_view", 201), expected)


def test_depth_change_is_that_of_the_apertures(sector):
    time, small = sector
    transit = np.abs(phase_fold(time, EVENT.period, EVENT.t0)) < EVENT.duration_days / 2
    large = small + np.random.default_rng(12).normal(0, 1e-3, len(time)) - 0.005 * transit
    assert depth_change(time, small, large, EVENT, q_ingress=0.1) == pytest.approx(5, abs=0.5)
    assert depth_change(time, large, small, EVENT, q_ingress=0.1) == pytest.approx(-5, abs=0.5)
    with pytest.raises(SparseLightCurveError, match="0 points in full transit"):
        depth_change(time, small, large, EVENT, q_ingress=0.5)
    with pytest.raises(FlatViewError, match="apertures do not differ"):
        depth_change(time, small, small, EVENT, q_ingress=0.1)


@pytest.mark.parametrize(
    "values", [(np.nan, 1, 0.1), (0, 0, 0.1), (0, -1, 0.1), (0, np.nan, 0.1), (0, 1, 0), (0, 1, 1.1), (0, np.inf, 1)]
)
def test_impossible_event(values):
    with pytest.raises(InvalidEventError, match=f"period = {values[1]} d, duration = {values[2]} d"):
        PeriodicEvent(*values)


def test_too_few_points_are_sparse(sector):
    time, flux = (values[:100] for values in sector)
    with pytest.raises(
        SparseLightCurveError, match=r"local_view: 0 of 100 points lie in \[-0.02, 0.02\], 5 are needed"
    ):
        ViewGenerator(time, flux, PeriodicEvent(5.0, 20.0, 0.01)).view("local_view", 61)


def test_points_over_a_short_range_are_sparse(sector):
    time, flux = (values[:100] for values in sector)
    with pytest.raises(SparseLightCurveError, match=r"global_view: .* span 2.0625, 10 is needed"):
        ViewGenerator(time, flux, PeriodicEvent(5.0, 20.0, 0.1)).view("global_view", 201)


def test_only_points_in_range_count_for_the_span():
    """Points far outside must not make up for a view that has points at one end only."""
    x = np.append(np.linspace(0, 0.2, 20), [5.0, -5.0])
    with pytest.raises(SparseLightCurveError, match="20 of 22 points .* span 0.2, 0.5 is needed"):
        median_view(x, np.ones(22), num_bins=5, bin_width=0.2, x_min=0.0, x_max=1.0)


def test_everything_in_the_event_leaves_no_secondary():
    with pytest.raises(SparseLightCurveError, match="0 of 50 points lie away from the primary"):
        find_secondary(np.linspace(0.95, 1.05, 50), np.ones(50), EVENT)


def test_flat_light_curve(sector):
    time, _ = sector
    with pytest.raises(FlatViewError, match="global_view: none of the 201 bins lies below their median"):
        ViewGenerator(time, np.ones_like(time), EVENT).view("global_view", 201)
    with pytest.raises(FlatViewError):
        normalize_view([1.0, 1.0, 2.0])


def test_not_finite(sector):
    time, flux = sector[0], sector[1].copy()
    flux[[17, 40]] = np.nan, np.inf
    with pytest.raises(LightCurveError, match="flux: 2 of 1296 values are not finite, the first at index 17"):
        ViewGenerator(time, flux, EVENT)


def test_wrong_arguments(sector):
    time, flux = sector
    with pytest.raises(ValueError, match="arrays differ in length: 1296 and 1295"):
        ViewGenerator(time, flux[1:], EVENT)
    with pytest.raises(ValueError, match="1 dimension, not 2"):
        phase_fold(np.ones((2, 2)), 1.0, 0.0)
    with pytest.raises(ValueError, match="period = 0"):
        phase_fold(time, 0.0, 0.0)
    with pytest.raises(ValueError, match="at least 2"):
        ViewGenerator(time, flux, EVENT).view("global_view", 1)
    with pytest.raises(ValueError, match="each narrower than the range"):
        median_view(time, flux, num_bins=3, bin_width=1.0, x_min=0.0, x_max=1.0)
    with pytest.raises(ValueError, match="unknown view 'golbal_view'; the views are global_view"):
        ViewGenerator(time, flux, EVENT).view("golbal_view", 201)


def test_missing_build_says_how_to_build():
    code = "import sys; sys.modules['light_curve_util._core'] = None; import light_curve_util.phase_fold"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1 and "pip install -e ." in result.stderr and "make setup" in result.stderr


def _unequal_binary(odd_depth):
    """27 days in which every other event is of another depth; the event at t0 is even."""
    time = np.arange(0, 27, 1 / 48)
    flux = 1 + np.random.default_rng(13).normal(0, 1e-4, len(time))
    for depth, t0 in ((0.02, EVENT.t0), (odd_depth, EVENT.t0 + EVENT.period)):
        flux -= depth * (np.abs(phase_fold(time, 2 * EVENT.period, t0)) < EVENT.duration_days / 2)
    return time, flux


def test_odd_and_even_views_keep_their_different_depths():
    views = ViewGenerator(*_unequal_binary(0.01), EVENT)
    odd, even = (np.median(views.view(name, 61)[28:33]) for name in ("odd_view", "even_view"))
    assert odd / even == pytest.approx(0.5, abs=0.05)
    same = ViewGenerator(*_unequal_binary(0.02), EVENT)
    np.testing.assert_allclose(same.view("odd_view", 61), same.view("even_view", 61), atol=0.1)


def test_light_curve_with_one_event_shows_no_difference_between_odd_and_even():
    time, flux = (values[:100] for values in _unequal_binary(0.01))
    views = ViewGenerator(time, flux, PeriodicEvent(EVENT.t0, 30.0, EVENT.duration_days))
    np.testing.assert_array_equal(views.view("odd_view", 61), views.view("local_view", 61))
    assert np.isnan(measure_event(time, flux, PeriodicEvent(EVENT.t0, 30.0, 0.2)).odd_even_difference)


def test_half_the_period_keeps_the_dip_only_if_it_is_the_true_one():
    time = np.random.default_rng(15).uniform(0, 27, 5000)
    flux = 1 - 0.02 * (np.abs(phase_fold(time, EVENT.period, EVENT.t0)) < EVENT.duration_days / 2)
    twice = PeriodicEvent(EVENT.t0, 2 * EVENT.period, EVENT.duration_days)
    at_twice, at_true = (ViewGenerator(time, flux, event).view("half_global_view", 51) for event in (twice, EVENT))
    assert np.median(at_twice[24:27]) == -1
    assert np.median(at_true[24:27]) > -0.9  # as many points lie in a dip as beside it


def test_scatter_view_is_the_noise_in_units_of_the_depth(sector):
    scatter = ViewGenerator(*sector, EVENT).view("global_scatter_view", 51)
    assert np.median(scatter) == pytest.approx(1e-4 / 0.02, rel=0.2)


def test_measures_of_an_event_are_those_that_it_was_made_with(sector):
    measures = measure_event(*sector, EVENT)
    assert measures.depth == pytest.approx(0.02, rel=0.02)
    assert abs(measures.odd_even_difference) < 0.02 and measures.odd_even_significance < 4
    assert measures.secondary_depth == pytest.approx(0.5, abs=0.05)
    assert measures.secondary_phase == pytest.approx(0.35, abs=0.01)
    assert measures.secondary_significance > 20 and measures.v_shape <= 0.1
    unequal = measure_event(*_unequal_binary(0.01), EVENT)
    assert unequal.odd_even_difference == pytest.approx(-0.01 / 0.015, rel=0.05)
    assert unequal.odd_even_significance > 50


def test_v_shape_tells_a_v_from_a_box():
    time = np.arange(0, 27, 1 / 48)
    distance = np.abs(phase_fold(time, EVENT.period, EVENT.t0)) / (EVENT.duration_days / 2)
    flux = 1 - 0.02 * np.clip(1 - distance, 0, None) + np.random.default_rng(14).normal(0, 1e-4, len(time))
    assert measure_event(time, flux, EVENT).v_shape >= 0.4


def test_event_that_is_no_dip_has_no_measures(sector):
    time, flux = sector
    measures = measure_event(time, 2 - flux, EVENT)
    assert measures.depth < 0 and np.isnan(measures[1:]).all()
