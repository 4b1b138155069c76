"""The clipped mean against values whose mean is known."""

import numpy as np
import pytest

from light_curve_util.third_party.robust_mean.robust_mean import robust_mean


def test_outliers_are_left_out():
    y = np.random.default_rng(1).normal(5, 0.1, 10_000)
    y[::50] += 100
    mean, error, kept = robust_mean(y, cut=4)
    assert not kept[::50].any() and kept.sum() > 0.999 * (len(y) - 200)
    assert error == pytest.approx(0.1 / np.sqrt(9_800), rel=0.03)
    assert mean == pytest.approx(5, abs=4 * error)


def test_the_cut_is_in_standard_deviations():
    y = np.random.default_rng(2).normal(0, 1, 100_000)
    assert robust_mean(y, cut=1)[2].mean() == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize(
    "y, mean, error", [([3.0], 3, 0), ([2.0, 2.0, 2.0], 2, 0), ([1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 0.0, 99.0], 1, 0.218)]
)
def test_values_most_of_which_are_equal(y, mean, error):
    assert robust_mean(y, cut=3)[:2] == pytest.approx((mean, error), abs=0.001)
