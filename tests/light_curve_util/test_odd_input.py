"""Input that no light curve should have: the oracle's result, or the documented error; never a crash or a hang.

`make sanitize` runs these tests with a core that stops at the first access out of bounds.
"""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from light_curve_util import find_secondary, median_filter, normalize, phase_fold, reference
from light_curve_util.errors import InvalidEventError, LightCurveError
from light_curve_util.native import LARGEST, core, finite_array
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.view_generator import VIEW_NAMES, ViewGenerator

TOLERANCE = 1e-12  # of the largest value: interpolation rounds in another order

# An example that takes this long is stuck: the deadline is far above what sanitizers cost.
never_stuck = settings(deadline=timedelta(seconds=20))

tiny = st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-300, 1e-17])
huge = st.sampled_from([LARGEST, -LARGEST, 1e99, 1e30, -1e17])
usual = st.integers(-8, 8).map(lambda i: i / 4) | st.floats(-3, 3)
finite = usual | tiny | huge
beyond = st.sampled_from([np.nan, np.inf, -np.inf, 1e101, -1.7e308])
anything = finite | beyond | st.floats()
num_bins = st.integers(-2, 12) | st.sampled_from([61, 201, 100_000, 100_001, 2**30, 2**31 - 1, -(2**31)])


def arrays(elements, min_size=0):
    return hnp.arrays(float, st.integers(min_size, 40), elements=elements)


@st.composite
def curves(draw, elements, min_size=0):
    """Two arrays of one length."""
    x = draw(arrays(elements, min_size))
    return x, draw(hnp.arrays(float, len(x), elements=elements))


def outcome(function, *args):
    """What a call gives: its value, or the class of its error."""
    try:
        with np.errstate(all="ignore"):
            return function(*args)
    except LightCurveError as error:
        return type(error)


def assert_same(actual, expected):
    if isinstance(actual, type) or isinstance(expected, type):
        assert actual is expected
    else:
        scale = np.max(np.abs(expected), initial=0)
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE * scale)


# Each function of the core itself, with nothing between it and what is wrong.


@given(st.data())
@never_stuck
def test_core_survives_anything(data):
    x, y = data.draw(curves(anything))
    if data.draw(st.booleans()):
        y = y[:-1]
    values = st.tuples(anything, anything, anything)
    t0, period, duration = data.draw(values | st.tuples(usual, st.just(1.0), st.sampled_from([1e-17, 0.1, 1.0, -0.1])))
    calls = [
        lambda: core.phase_fold(x, period, t0),
        lambda: core.fold_and_sort(x, y, period, t0),
        lambda: core.normalize_view(x),
        lambda: core.find_secondary(x, y, t0, period, duration),
        lambda: core.median_view(x, y, data.draw(num_bins), data.draw(anything), data.draw(anything), period),
        lambda: getattr(core.ViewGenerator(x, y, t0, period, duration), data.draw(st.sampled_from(VIEW_NAMES)))(
            data.draw(num_bins)
        ),
    ]
    for call in calls:
        try:
            call()
        except ValueError:
            continue


@pytest.mark.parametrize("value", [2**31, -(2**40), 2.5, "61", None])
def test_number_of_bins_is_an_integer(value):
    x = np.linspace(0, 1, 50)
    with pytest.raises(TypeError):
        median_filter.median_view(x, x, value, 0.1, 0.0, 1.0)


@pytest.mark.parametrize("bad", [np.ones(9, np.float32), np.ones(9, int), np.ones(18)[::2], np.ones(9, ">f8"), [1.0]])
def test_core_takes_no_array_that_it_would_have_to_convert(bad):
    with pytest.raises(TypeError):
        core.normalize_view(bad)


# The Python face, against the oracle.


@given(arrays(finite), st.floats(1e-30, 1e30), st.floats(-1e30, 1e30))
@never_stuck
def test_phase_fold_is_exact_at_any_magnitude(time, period, t0):
    np.testing.assert_array_equal(phase_fold.phase_fold(time, period, t0), reference.phase_fold(time, period, t0))


@given(arrays(usual), anything, anything)
@never_stuck
def test_phase_fold_of_any_period(time, period, t0):
    if 1e-30 <= period <= 1e30 and abs(t0) <= 1e30:
        np.testing.assert_array_equal(phase_fold.phase_fold(time, period, t0), reference.phase_fold(time, period, t0))
    else:
        with pytest.raises(ValueError, match="the period must be"):
            phase_fold.phase_fold(time, period, t0)


@given(curves(finite), num_bins, anything, anything, anything)
@never_stuck
def test_any_bins(curve, count, width, x_min, x_max):
    bins = (count, width, x_min, x_max)
    is_valid = 2 <= count <= 100_000 and abs(x_min) <= LARGEST and abs(x_max) <= LARGEST and 0 < width < x_max - x_min
    if is_valid:
        assert_same(outcome(median_filter.median_view, *curve, *bins), outcome(reference.median_view, *curve, *bins))
    else:
        with pytest.raises(ValueError, match="there must be at least 2"):
            median_filter.median_view(*curve, *bins)


@given(curves(finite, min_size=5), st.integers(2, 30), st.sampled_from([1e-17, 1e-3, 0.3, 0.999]), usual)
@never_stuck
def test_bins_finer_than_the_rounding_of_their_edges(curve, count, relative_width, offset):
    """Repeated addition stands still where the spacing is less than half the last digit of the edge."""
    x, y = curve
    x = offset + np.round(x) * np.spacing(max(abs(offset), 1e-3))
    if x.min() < x.max() and (x.max() - x.min()) * relative_width > 0:
        bins = (count, (x.max() - x.min()) * relative_width, x.min(), x.max())
        assert_same(outcome(median_filter.median_view, x, y, *bins), outcome(reference.median_view, x, y, *bins))


@given(arrays(finite, min_size=1))
@never_stuck
def test_normalize_any_view(view):
    actual = outcome(normalize.normalize_view, view)
    assert_same(actual, outcome(reference.normalize_view, view))
    assert isinstance(actual, type) or actual.min() == -1


@given(curves(finite), usual, st.sampled_from([1e-3, 1.0, 1e6]), st.sampled_from([0.01, 0.1, 0.6, 1.0]))
@never_stuck
def test_secondary_of_any_flux(curve, t0, period, relative_duration):
    args = (*curve, PeriodicEvent(t0, period, relative_duration * period))
    assert_same(outcome(find_secondary.find_secondary, *args), outcome(reference.find_secondary, *args))


@given(curves(finite), anything, anything, anything, st.sampled_from(VIEW_NAMES), st.sampled_from([2, 61, 201]))
@never_stuck
def test_any_event_gives_a_normalized_view_or_an_error_of_light_curves(curve, t0, period, ratio, name, count):
    try:
        view = ViewGenerator(*curve, PeriodicEvent(t0, period, ratio * period)).view(name, count)
    except LightCurveError:
        return
    assert np.isfinite(view).all() and view.min() == -1


@pytest.mark.parametrize("name", ["global_view", "local_view", "secondary_view"])
@pytest.mark.parametrize("duration", [1e-20, 1e-17, 1e-13, 1.0])
def test_many_points_at_one_phase(name, duration):
    """The box search may not stand still where steps are lost in rounding, nor divide a range of no length."""
    time = np.repeat(np.arange(8.0), 8) + np.tile([0.0, 0.5], 32)
    flux = np.where(np.arange(64) % 2, 1.0, 0.9)
    with pytest.raises(LightCurveError):
        ViewGenerator(time, flux, PeriodicEvent(0.0, 1.0, duration)).view(name, 61)


@pytest.mark.parametrize("values", [(1e21, 1, 0.1), (0, 1e21, 1), (0, 1, 1e-21), (0, 5e-324, 5e-324), (-1e300, 1, 1)])
def test_event_beyond_all_measure(values):
    with pytest.raises(InvalidEventError):
        PeriodicEvent(*values)


# What an array may be.


@given(curves(finite, min_size=1))
@never_stuck
def test_any_layout_gives_what_the_plain_array_gives(curve):
    time, flux = curve
    expected = phase_fold.fold_and_sort(time, flux, 1.0, 0.25)
    read_only = time.copy()
    read_only.flags.writeable = False
    layouts = [
        np.repeat(time, 3)[::3],
        time[::-1].copy()[::-1],
        np.asfortranarray(np.column_stack([time, time]))[:, 1],
        np.column_stack([time, time])[:, 0],
        time.astype(">f8"),
        read_only,
        time.tolist(),
        time.astype(object),
        np.ma.masked_array(time, mask=False),
    ]
    for layout in layouts:
        np.testing.assert_array_equal(phase_fold.fold_and_sort(layout, flux, 1.0, 0.25), expected)


@given(hnp.arrays(st.sampled_from([np.float32, np.int8, np.uint64, bool]), st.integers(0, 9)))
@never_stuck
def test_any_number_is_taken_for_its_value(values):
    wide = values.astype(np.float64)
    if np.isfinite(wide).all():
        np.testing.assert_array_equal(finite_array("x", values), wide)
    else:
        with pytest.raises(LightCurveError, match="x: "):
            finite_array("x", values)


@given(arrays(finite, min_size=1), beyond, st.data())
@never_stuck
def test_what_is_not_finite_is_named(values, bad, data):
    index = data.draw(st.integers(0, len(values) - 1))
    values[index] = bad
    with pytest.raises(LightCurveError, match=f"view: 1 of {len(values)} .* index {index} "):
        normalize.normalize_view(values)


@pytest.mark.parametrize(
    "values, message",
    [
        (np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False]), "1 of 3 values .* index 1 "),
        (np.array([1 + 2j]), "these are complex"),
        (["one"], "array of real numbers needed"),
        ([[1.0], [1.0, 2.0]], "array of real numbers needed"),
        ([object()], "array of real numbers needed"),
        ([10**400], "array of real numbers needed"),
        ([], "at least one bin"),
        (np.ones((3, 3)), "1 dimension, not 2"),
        (np.ones((0, 3)), "1 dimension, not 2"),
    ],
)
def test_what_is_no_array_of_numbers(values, message):
    with pytest.raises(ValueError, match=message):
        normalize.normalize_view(values)


def test_two_million_points():
    rng = np.random.default_rng(8)
    time, flux = rng.uniform(0, 27, 2_000_000), rng.normal(1, 1e-3, 2_000_000)
    views = ViewGenerator(time, flux, PeriodicEvent(1.0, 3.0, 0.1))
    for name in VIEW_NAMES:
        view = views.view(name, 61)
        if name in ("odd_view", "even_view", "half_global_view") or "scatter" in name:  # on the scale of another view
            assert np.isfinite(view).all()
        else:
            assert view.min() == -1
