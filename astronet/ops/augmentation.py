"""Augments training examples: random changes that do not change the label."""

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

from astronet.config.schema import Hparams
from astronet.ops.tensorflow import tf

_DIFFERENCE_TO_SIGMA = 1.0484  # standard deviation of Gaussian noise over the median absolute difference of neighbors


def augment(
    features: Mapping[str, Any], views: Iterable[str], columns: Iterable[str], hparams: Hparams, seed: Any
) -> dict[str, Any]:
    """Changes the examples of a batch at random. The hyperparameters decide how.

    Args:
      features: dictionary of float tensors [batch, length].
      views: names of the time series.
      columns: names of the record columns of the scalars.
      hparams: Hparams.
      seed: int tensor [2]. The same seed gives the same changes.

    Returns:
      Dictionary with the same keys and shapes as `features`.
    """
    batch = tf.shape(next(iter(features.values())))[0]
    is_reversed = tf.random.stateless_uniform([batch, 1], seed) < hparams.reversal_probability
    seeds = (tf.random.experimental.stateless_fold_in(seed, i) for i in itertools.count(1))  # one for each draw
    changed = dict(features)
    for name in views:
        series = features[name]
        if hparams.max_shift_bins:
            series = _roll(series, hparams.max_shift_bins, next(seeds))
        if hparams.max_padded_bins:
            series = _pad_one_end(series, hparams.max_padded_bins, next(seeds))
        if hparams.max_noise:
            series = _add_noise(series, hparams.max_noise, next(seeds), next(seeds))
        changed[name] = tf.where(is_reversed, tf.reverse(series, axis=[1]), series)
    if getattr(hparams, "turn_patches", False):  # only models whose inputs are all patches have this
        num_levels: int = getattr(hparams, "num_levels", 0)
        changed = {name: _turn(patches, num_levels, next(seeds)) for name, patches in features.items()}
    if hparams.scalar_drop_probability:
        for name in columns:
            is_dropped = tf.random.stateless_uniform([batch, 1], next(seeds)) < hparams.scalar_drop_probability
            changed[name] = tf.where(is_dropped, float("nan"), features[name])
    if hparams.half_drop_probability:
        loses_half = tf.random.stateless_uniform([batch, 1], next(seeds)) < hparams.half_drop_probability
        for name in columns:
            is_dropped = loses_half & (tf.random.stateless_uniform([batch, 1], next(seeds)) < 0.5)
            changed[name] = tf.where(is_dropped, float("nan"), changed[name])
    return changed


def _roll(series, max_shift, seed):
    batch, length = tf.shape(series)[0], series.shape[1]
    shift = tf.random.stateless_uniform([batch, 1], seed, -max_shift, max_shift + 1, tf.int32)
    return tf.gather(series, (tf.range(length) + shift) % length, batch_dims=1)


def _turn(patches, num_levels, seed):
    """Rotates all images of a patch by the same random multiple of 90 degrees, and mirrors half of the patches."""
    size = math.isqrt(patches.shape[1] // num_levels)
    images = tf.reshape(patches, [-1, num_levels, size, size])
    is_changed = tf.unstack(tf.random.stateless_uniform([3, tf.shape(images)[0], 1, 1, 1], seed) < 0.5)
    images = tf.where(is_changed[0], tf.reverse(images, axis=[2]), images)
    images = tf.where(is_changed[1], tf.reverse(images, axis=[3]), images)
    images = tf.where(is_changed[2], tf.transpose(images, [0, 1, 3, 2]), images)
    return tf.reshape(images, tf.shape(patches))


def _pad_one_end(series, max_padded, seed):
    length = series.shape[1]
    drawn = tf.random.stateless_uniform([tf.shape(series)[0], 1], seed, -2 * max_padded, 2 * max_padded + 1, tf.int32)
    padded = tf.where(tf.abs(drawn) > max_padded, 0, drawn)  # positive: bins at the start; negative: at the end
    bins = tf.minimum(tf.maximum(tf.range(length), padded), length - 1 + tf.minimum(padded, 0))
    return tf.gather(series, bins, batch_dims=1)


def _add_noise(series, max_noise, amplitude_seed, noise_seed):
    differences = tf.sort(tf.abs(series[:, 1:] - series[:, :-1]), axis=1)
    scatter = _DIFFERENCE_TO_SIGMA * differences[:, series.shape[1] // 2, tf.newaxis]
    amplitude = tf.random.stateless_uniform([tf.shape(series)[0], 1], amplitude_seed, 0, max_noise)
    return series + amplitude * scatter * tf.random.stateless_normal(tf.shape(series), noise_seed)
