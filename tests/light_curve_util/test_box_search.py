"""The box search finds the best box: of all that its NumPy reference tries, and as astropy sees it."""

import warnings

import numpy as np
import pytest
from astropy.timeseries import BoxLeastSquares
from hypothesis import given, settings
from hypothesis import strategies as st

from light_curve_util import reference
from light_curve_util.box_search import box_search

# Sums are of single precision: of up to 200 points, rounded by 2^-24 of the greatest sum.
POWER_TOLERANCE = 1e-4
# astropy begins its bins at the first cadence and does not wrap boxes around the end: a box lies up to half a bin,
# 1/8 of the shortest duration, elsewhere.
ASTROPY_TOLERANCE = 0.2

light_curves = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@settings(max_examples=60)
@given(
    rng=light_curves,
    num_points=st.integers(2, 200),
    period=st.floats(0.3, 30),
    shortest=st.floats(0.02, 0.1),
    num_durations=st.integers(1, 4),
    oversample=st.integers(1, 6),
)
def test_best_box_is_the_best_of_the_reference(rng, num_points, period, shortest, num_durations, oversample):
    time = np.sort(rng.uniform(0, 27, num_points))
    flux = 1 + rng.normal(0, 1e-3, num_points)
    flux[rng.random(num_points) < 0.1] -= 0.01
    durations = shortest * np.geomspace(1, 3, num_durations)
    found = box_search(time, flux, [period], durations, oversample)
    powers, bin_days = reference.box_powers(time, flux, period, durations, oversample)
    scale = np.abs(flux - flux.mean()).sum() ** 2
    tolerance = {"rtol": POWER_TOLERANCE, "atol": POWER_TOLERANCE * scale}
    np.testing.assert_allclose(found.power[0], powers.max(), **tolerance)
    if found.power[0] > 0:
        width = round(found.duration[0] / bin_days)
        start = round(found.mid_time[0] / bin_days - width / 2) % powers.shape[1]
        same_width = [row for row, duration in enumerate(durations) if abs(duration / bin_days - width) < 1.01]
        assert same_width
        np.testing.assert_allclose(powers[same_width, start].max(), powers.max(), **tolerance)
        assert found.power[0] == pytest.approx(found.points[0] * found.depth[0] ** 2)


@pytest.mark.parametrize("period, duration_days, num_days", [(0.7, 0.06, 27), (3.3, 0.12, 27), (11.5, 0.2, 81)])
def test_a_transit_is_found_as_astropy_finds_it(period, duration_days, num_days):
    time = np.arange(0, num_days, 1 / 48)
    time = time[(time % 13.5 > 1)]  # gaps, as at the middle of a sector
    flux = 1 + np.random.default_rng(0).normal(0, 1e-3, len(time))
    flux[(time + duration_days / 2) % period < duration_days] -= 0.003
    periods = 1 / np.linspace(1 / (1.6 * period), 1 / (0.8 * period), 900)
    durations = duration_days * np.array([0.5, 1, 2])
    found = box_search(time, flux, periods, durations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that periods have cadences of few phases
        theirs = BoxLeastSquares(time + period / 3, flux, 1.0).power(periods, durations, oversample=4)
    best, best_of_theirs = found.power.argmax(), np.nanargmax(theirs.power)
    assert abs(best - best_of_theirs) <= 2  # of 900 periods
    assert found.duration[best] == pytest.approx(theirs.duration[best_of_theirs], rel=0.2)
    assert found.depth[best] == pytest.approx(theirs.depth[best_of_theirs], rel=ASTROPY_TOLERANCE)
    assert found.power[best] == pytest.approx(2 * theirs.power[best_of_theirs], rel=ASTROPY_TOLERANCE)


def test_a_box_wraps_around_the_end_of_the_phase():
    time = np.arange(0, 20, 0.01)
    flux = np.where((time + 0.1) % 2 < 0.2, 0.99, 1.0)  # half of each dip before phase 0, half after
    found = box_search(time, flux, [2.0], [0.2])
    assert min(found.mid_time[0], 2 - found.mid_time[0]) < 0.03
    assert found.depth[0] == pytest.approx(0.01, rel=0.1) and found.duration[0] == pytest.approx(0.2)


def test_the_order_of_the_cadences_does_not_matter():
    rng = np.random.default_rng(1)
    time, flux = rng.uniform(0, 27, 500), rng.normal(1, 0.01, 500)
    order = rng.permutation(500)
    for here, there in zip(box_search(time, flux, [3.0], [0.1]), box_search(time[order], flux[order], [3.0], [0.1])):
        np.testing.assert_allclose(here, there, rtol=1e-4)


def test_flat_flux_has_no_box():
    assert box_search(np.arange(100.0), np.ones(100), [7.0], [0.5]).power.tolist() == [0.0]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"time": [-1.0, 2.0]}, "time = -1 d: it must be from 0"),
        ({"time": [0.0, np.nan]}, "time: 1 of 2 values are not finite"),
        ({"time": [0.0]}, "arrays differ in length: 1 and 2"),
        ({"time": [], "flux": []}, "takes 1 to 2"),
        ({"periods": [0.001]}, "period = 0.001 d"),
        ({"periods": [1e7]}, "period = 1e.07 d"),
        ({"durations": [0.0]}, "duration = 0 d"),
        ({"durations": []}, "needs a duration"),
        ({"durations": [1e-6], "periods": [10.0]}, "shortest duration = 1e-06 d"),
        ({"oversample": 0}, "oversample must be from 1 to 1000"),
    ],
)
def test_what_cannot_be_searched_is_refused(change, message):
    arguments = {"time": [0.0, 1.0], "flux": [1.0, 0.9], "periods": [2.0], "durations": [0.1], **change}
    with pytest.raises(ValueError, match=message):
        box_search(**arguments)
