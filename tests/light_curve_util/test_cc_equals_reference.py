"""The C++ gives what light_curve_util/reference.py gives: same values, same errors, whatever the points are."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from light_curve_util import (
    event_measures,
    find_secondary,
    median_filter,
    normalize,
    phase_fold,
    reference,
    view_generator,
)
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent

RELATIVE_TOLERANCE = 1e-12  # interpolation and division round in another order

finite = st.floats(-1e3, 1e3)
flux_values = st.sampled_from([0.98, 0.99, 1.0, 1.01]) | st.floats(0.5, 1.5)


def outcome(function, *args):
    """What a call gives: its value, or the class of its error."""
    try:
        return function(*args)
    except LightCurveError as error:
        return type(error)


def assert_same(actual, expected):
    if isinstance(expected, type):
        assert actual is expected
    else:
        assert not isinstance(actual, type), actual
        np.testing.assert_allclose(actual, expected, rtol=RELATIVE_TOLERANCE, atol=RELATIVE_TOLERANCE)


@st.composite
def binnings(draw):
    """Number of bins, width, range, and all edges as repeated addition makes them."""
    num_bins = draw(st.integers(2, 12))
    x_min = draw(st.sampled_from([-0.3, 0.0, 0.1, -1.7]))
    x_max = x_min + draw(st.sampled_from([0.1, 0.7, 1.0, 3.0]))
    bin_width = draw(st.sampled_from([0.05, 0.1, 0.3, 0.9])) * (x_max - x_min)
    spacing = (x_max - x_min - bin_width) / (num_bins - 1)
    lower = np.cumsum([x_min] + [spacing] * (num_bins - 1))
    upper = np.cumsum([x_min + bin_width] + [spacing] * (num_bins - 1))
    return (num_bins, bin_width, x_min, x_max), np.concatenate([lower, upper, [x_max]])


@st.composite
def points_on_and_about_edges(draw):
    binning, edges = draw(binnings())
    on_edge = st.sampled_from(list(edges) + list(np.nextafter(edges, -np.inf)) + list(np.nextafter(edges, np.inf)))
    anywhere = st.floats(2 * edges.min() - edges.max(), 2 * edges.max() - edges.min())
    x = draw(hnp.arrays(float, st.integers(0, 40), elements=on_edge | anywhere))
    y = draw(hnp.arrays(float, len(x), elements=flux_values))
    return x, y, binning


@st.composite
def light_curves(draw):
    """Times on a coarse grid (so that phases repeat and lie on edges) or anywhere, with gaps, in any order."""
    period = draw(st.sampled_from([0.5, 1.0, 2.5, 3.7]))
    event = PeriodicEvent(draw(finite), period, period * draw(st.sampled_from([0.01, 0.05, 0.1, 0.3, 0.6, 1.0])))
    cadence = st.integers(-200, 400).map(lambda i: i * 0.125)
    time = draw(hnp.arrays(float, st.integers(0, 80), elements=cadence | finite))
    return time, draw(hnp.arrays(float, len(time), elements=flux_values)), event


@given(hnp.arrays(float, st.integers(0, 30), elements=finite), st.floats(1e-3, 1e3), finite)
def test_phase_fold_is_exact(time, period, t0):
    time = np.concatenate([time, t0 + period * np.arange(-3, 4), t0 + period * (np.arange(-3, 4) + 0.5)])
    np.testing.assert_array_equal(phase_fold.phase_fold(time, period, t0), reference.phase_fold(time, period, t0))


@given(light_curves())
def test_fold_and_sort_is_exact(light_curve):
    time, flux, event = light_curve
    actual = phase_fold.fold_and_sort(time, flux, event.period, event.t0)
    expected = reference.fold_and_sort(time, flux, event.period, event.t0)
    np.testing.assert_array_equal(actual, expected)


@given(points_on_and_about_edges())
def test_median_view(points):
    x, y, binning = points
    assert_same(outcome(median_filter.median_view, x, y, *binning), outcome(reference.median_view, x, y, *binning))


@given(hnp.arrays(float, st.integers(1, 30), elements=flux_values))
def test_normalize_view(view):
    assert_same(outcome(normalize.normalize_view, view), outcome(reference.normalize_view, view))


@given(light_curves())
def test_find_secondary(light_curve):
    assert_same(outcome(find_secondary.find_secondary, *light_curve), outcome(reference.find_secondary, *light_curve))


@given(light_curves())
def test_measures_of_an_event(light_curve):
    actual = event_measures.measure_event(*light_curve)
    expected = reference.measure_event(*light_curve)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@given(light_curves(), st.sampled_from(view_generator.VIEW_NAMES), st.sampled_from([2, 11, 61]))
def test_views(light_curve, name, num_bins):
    def view(module):
        return module.ViewGenerator(*light_curve).view(name, num_bins)

    assert_same(outcome(view, view_generator), outcome(view, reference))


@pytest.mark.parametrize("num_cadences", [1200, 11800])
def test_views_of_a_sector(num_cadences):
    rng = np.random.default_rng(5)
    time = 1354 + rng.permutation(np.delete(np.linspace(0, 27.4, num_cadences), slice(500, 560)))
    flux = 1 + rng.normal(0, 1e-3, len(time))
    event = PeriodicEvent(1355.2, 3.7, 0.12)
    fast, slow = (module.ViewGenerator(time, flux, event) for module in (view_generator, reference))
    lengths = {"global_view": 201, "local_view": 81, "twice_global_view": 402, "secondary_view": 61}
    for name in view_generator.VIEW_NAMES:
        num_bins = lengths.get(name, 201 if "global" in name else 61)
        assert_same(fast.view(name, num_bins), slow.view(name, num_bins))


def test_threads_share_a_generator():
    """The GIL is released while a view is made, and views need no lock."""
    rng = np.random.default_rng(6)
    time, flux = rng.uniform(0, 27, 5000), rng.normal(1, 1e-3, 5000)
    generator = view_generator.ViewGenerator(time, flux, PeriodicEvent(1.0, 2.0, 0.1))
    alone = generator.view("global_view", 201)
    with ThreadPoolExecutor(4) as pool:
        for view in pool.map(lambda _: generator.view("global_view", 201), range(50)):
            np.testing.assert_array_equal(view, alone)
