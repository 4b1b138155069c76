"""The spline against variations that are known."""

import numpy as np
import pytest

from light_curve_util.third_party.kepler_spline.kepler_spline import GAP_DAYS, fit_spline

NOISE = 3e-4


@pytest.fixture
def time():
    """A TESS sector at 30 minutes, with its gap between orbits."""
    return 1325.3 + np.concatenate([np.arange(0, 12.9, 1 / 48), np.arange(14, 27, 1 / 48)])


@pytest.fixture
def noise(time):
    return np.random.default_rng(5).normal(0, NOISE, len(time))


def variation(time, period):
    return 1 + 0.02 * np.sin(2 * np.pi * time / period)


@pytest.mark.parametrize("period, shortest, longest", [(2, 0.5, 0.51), (4, 0.5, 1), (9, 1, 3), (40, 4, 20)])
def test_knots_are_as_far_apart_as_the_variation_allows(time, noise, period, shortest, longest):
    spline, spacing_days = fit_spline(time, variation(time, period) + noise)
    assert shortest <= spacing_days <= longest
    assert np.std(spline - variation(time, period)) < NOISE


def test_outliers_do_not_bend_the_spline(time, noise):
    flux = variation(time, 9) + noise
    flux[100:110] += 0.05
    flux[700:1200:40] -= 0.3
    spline, _ = fit_spline(time, flux)
    assert np.abs(spline - variation(time, 9)).max() < NOISE


def test_masked_points_are_evaluated_but_not_fitted(time, noise):
    mask = np.abs((time - 1326) % 3 - 1.5) < 0.2
    mask[:10] = True
    flux = np.where(mask, 0.5, variation(time, 9) + noise)
    spline, _ = fit_spline(time, flux, mask)
    assert np.abs(spline - variation(time, 9))[10:].max() < NOISE
    np.testing.assert_array_equal(spline[:10], spline[10])  # held, not extrapolated


def test_a_step_at_a_gap_is_no_variation(time, noise):
    step = np.where(time < 1339, 1.0, 1.1)
    spline, spacing_days = fit_spline(time, step + noise)
    assert spacing_days > 5
    assert np.abs(spline - step).max() < NOISE


def test_order_of_the_points_does_not_matter(time, noise):
    flux = variation(time, 4) + noise
    shuffled = np.random.default_rng(6).permutation(len(time))
    np.testing.assert_array_equal(fit_spline(time[shuffled], flux[shuffled])[0], fit_spline(time, flux)[0][shuffled])


def test_constant_flux(time):
    np.testing.assert_allclose(fit_spline(time, np.ones(len(time)))[0], 1)


def test_too_few_points_have_no_spline(time, noise):
    lone = time[-1] + GAP_DAYS + 1 + np.arange(7) / 48
    spline, _ = fit_spline(np.concatenate([time, lone]), np.concatenate([1 + noise, np.ones(7)]))
    assert np.isnan(spline[-7:]).all() and np.isfinite(spline[:-7]).all()
    with pytest.raises(ValueError, match="no stretch"):
        fit_spline(lone, np.ones(7))


@pytest.mark.parametrize("seed", range(20))
def test_any_times_can_be_fitted(seed):
    """Repeated and clumped times leave no knot without the points that determine it."""
    rng = np.random.default_rng(seed)
    time = np.round(rng.uniform(0, rng.choice([1, 5, 27]), 200), rng.integers(0, 3))
    flux = rng.normal(1, 1e-3, 200)
    mask = rng.random(200) < 0.5
    if len(np.unique(time[~mask])) < 8:
        pytest.raises(ValueError, fit_spline, time, flux, mask, gap_days=100)
    else:
        spline, _ = fit_spline(time, flux, mask, gap_days=100)
        assert np.abs(spline - 1).max() < 0.01
