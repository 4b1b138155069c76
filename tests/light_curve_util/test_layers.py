"""The layers in C++ give what light_curve_util/reference.py gives, to the bit, and write nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from light_curve_util import reference
from light_curve_util.native import core, require

UNTOUCHED = np.float32(-7)


@st.composite
def layers(draw):
    """Series among other memory, biases, a pooling, and where the output goes: rows apart from each other."""
    count, positions, channels = draw(st.integers(0, 4)), draw(st.integers(1, 12)), draw(st.integers(1, 19))
    pool_size, pool_stride = draw(st.integers(1, positions)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    padding = draw(st.integers(0, 5))
    series = random.normal(0, 1, [count, positions * channels + padding]).astype(np.float32)
    bias = random.normal(0, 1, channels).astype(np.float32)
    return series, positions, bias, pool_size, pool_stride, padding


def outputs(width, count, padding):
    """Two equal matrices, parts of wider ones, which come with them."""
    whole = [np.full([count, width + padding + 1], UNTOUCHED) for _ in range(2)]
    return whole, [each[:, 1 : width + 1] for each in whole]


@given(layers())
def test_bias_and_relu(layer):
    series, positions, bias, _, _, padding = layer
    whole, (found, expected) = outputs(positions * len(bias), len(series), padding)
    core.bias_relu(series, positions, bias, found)
    reference.bias_relu(series, positions, bias, expected)
    np.testing.assert_array_equal(*whole)


@given(layers())
def test_pooling_bias_and_relu(layer):
    series, positions, bias, pool_size, pool_stride, padding = layer
    pooled = (positions - pool_size) // pool_stride + 1
    whole, (found, expected) = outputs(pooled * len(bias), len(series), padding)
    core.pool_bias_relu(series, positions, bias, pool_size, pool_stride, found)
    reference.pool_bias_relu(series, positions, bias, pool_size, pool_stride, expected)
    np.testing.assert_array_equal(*whole)


def test_bias_and_relu_in_place():
    series = np.float32([[1, -2, 3, -4]])
    core.bias_relu(series, 2, np.float32([1, -1]), series)
    np.testing.assert_array_equal(series, [[2, 0, 4, 0]])


MATRIX, BIAS = np.zeros([2, 6], np.float32), np.zeros(2, np.float32)


@pytest.mark.parametrize(
    "arguments",
    [
        (MATRIX, 4, BIAS, MATRIX),  # more positions than there are
        (MATRIX, -1, BIAS, MATRIX),
        (MATRIX, 3, BIAS, np.zeros([2, 5], np.float32)),
        (MATRIX, 3, BIAS, np.zeros([3, 6], np.float32)),
        (MATRIX, 3, BIAS, np.zeros([2, 12], np.float32)[:, ::2]),
        (MATRIX, 3, BIAS, np.broadcast_to(np.zeros(6, np.float32), [2, 6])),
        (MATRIX[0], 3, BIAS, MATRIX),
        (MATRIX, 3, MATRIX, MATRIX),
    ],
)
def test_what_does_not_fit_is_refused(arguments):
    with pytest.raises(ValueError):
        core.bias_relu(*arguments)
    series, positions, bias, output = arguments
    with pytest.raises(ValueError):
        core.pool_bias_relu(series, positions, bias, 1, 1, output)


@pytest.mark.parametrize("pooling", [(0, 1), (1, 0), (4, 1), (-1, 1)])
def test_poolings_that_make_no_sense_are_refused(pooling):
    with pytest.raises(ValueError, match="a pooling of 1 position to all"):
        core.pool_bias_relu(MATRIX, 3, BIAS, *pooling, np.zeros_like(MATRIX))


def test_double_precision_is_refused():
    with pytest.raises(TypeError):
        core.bias_relu(np.zeros([2, 6]), 3, BIAS, MATRIX)


def test_an_extension_that_was_built_before_a_function_was_added_says_to_build_it_again():
    require("bias_relu", "phase_fold")
    with pytest.raises(ImportError, match="older than this code and lacks not_yet: run `pip install"):
        require("phase_fold", "not_yet")
