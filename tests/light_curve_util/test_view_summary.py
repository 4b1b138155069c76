"""The numbers that stand for a view tell shapes apart, whichever way it is turned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from light_curve_util import view_summary

VALUES = st.floats(-2, 2, width=32)


def summarize(view, half_width=0.3):
    bins = view_summary.geometry(len(view), half_width)
    return view_summary.summarize(np.asarray([view], np.float32), bins)[0]


@given(hnp.arrays(np.float32, st.integers(5, 201), elements=VALUES), st.floats(0, 0.45))
def test_a_view_and_its_mirror_image_have_the_same_finite_numbers(view, half_width):
    bins = view_summary.geometry(len(view), half_width)
    numbers = view_summary.summarize(np.stack([view, view[::-1]]), bins)
    assert numbers.shape == (2, bins.num_numbers) and np.isfinite(numbers).all()
    lowest = view[bins.outside].min()
    if np.count_nonzero(view[bins.outside] == lowest) == 1:  # else the nearest or the farthest of them is meant
        np.testing.assert_allclose(numbers[0], numbers[1], rtol=1e-4, atol=1e-4)


def test_a_v_a_box_and_a_secondary_have_different_numbers():
    x = np.linspace(-2, 2, 61)
    box = -(np.abs(x) < 0.5).astype(float)
    v = -np.clip(1 - np.abs(x), 0, None)
    secondary = box - 0.5 * (np.abs(np.abs(x) - 1.6) < 0.1)
    for other in (v, secondary):
        assert np.abs(summarize(box) - summarize(other)).max() > 0.5


def test_too_short_a_view_has_no_summary():
    with pytest.raises(ValueError, match="a view of 4 bins has no summary: 5 are needed"):
        view_summary.geometry(4, 0.3)
