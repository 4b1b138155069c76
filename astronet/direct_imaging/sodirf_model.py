"""SODIRF: a random forest on the pixels of a patch. scikit-learn grows the forest; a Keras model holds its numbers.

The numbers are weights like those of any model, so that a checkpoint is plain data: reading it runs no code.

Source: Gomez Gonzalez et al. 2018 (A&A 613, A71), section 3.2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from astronet.base.script import ScriptError
from astronet.config.schema import Config
from astronet.direct_imaging.configurations import FEATURE, SodirfHparams, hparams_of, patch_shape
from astronet.ops.tensorflow import keras, tf

_LEAST_PROBABILITY = 1e-7  # of either class: the logits of a unanimous forest stay finite
_ALWAYS_LEFT = np.finfo(np.float32).max  # the threshold of a node that does not split


class Forest(keras.layers.Layer):
    """Maps features [batch, num_features] to the log-odds of the mean probability over trees, [batch, 1].

    All trees are complete. The children of node n are 2 n + 1, if the feature of the node is at most its threshold, and
    2 n + 2. The weights are vectors, which exported models hold as float32 (weights_file.py): float16 would change
    features and thresholds.
    """

    def __init__(self, num_trees: int, max_depth: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._num_trees, self._max_depth = num_trees, max_depth

    def build(self, input_shape: Any) -> None:
        num_splits, num_leaves = (self._num_trees * number for number in (2**self._max_depth - 1, 2**self._max_depth))
        for name, size in (("feature", num_splits), ("threshold", num_splits), ("probability", num_leaves)):
            setattr(self, name, self.add_weight(name, [size], initializer="zeros", trainable=False))

    def call(self, inputs: Any) -> Any:
        trees = tf.range(self._num_trees)
        node = tf.zeros([tf.shape(inputs)[0], self._num_trees], tf.int32)
        # The file may be damaged: any number it holds must be the index of a feature.
        features = tf.cast(tf.clip_by_value(self.feature, 0.0, inputs.shape[1] - 1.0), tf.int32)
        for _ in range(self._max_depth):
            at = trees * (2**self._max_depth - 1) + node
            values = tf.gather(inputs, tf.gather(features, at), batch_dims=1)
            node = 2 * node + tf.where(values <= tf.gather(self.threshold, at), 1, 2)
        leaf = node - (2**self._max_depth - 1)
        mean = tf.reduce_mean(tf.gather(self.probability, trees * 2**self._max_depth + leaf), axis=1, keepdims=True)
        mean = tf.clip_by_value(mean, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
        return tf.math.log(mean) - tf.math.log1p(-mean)

    def assign(self, trees: Sequence[Any]) -> None:
        """Sets the weights to the trees of a fitted scikit-learn forest of two classes, sklearn.tree._tree.Tree."""
        num_splits = 2**self._max_depth - 1
        feature = np.zeros([self._num_trees, num_splits])
        threshold = np.full([self._num_trees, num_splits], _ALWAYS_LEFT)
        probability = np.zeros([self._num_trees, num_splits + 1])
        for number, tree in enumerate(trees):
            shares = tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1)
            left_to_place = [(0, 0)]  # pairs (node of the complete tree, node of scikit-learn's tree)
            while left_to_place:
                node, source = left_to_place.pop()
                if node >= num_splits:
                    probability[number, node - num_splits] = shares[source]
                elif tree.children_left[source] < 0:  # a leaf
                    left_to_place.append((2 * node + 1, source))
                else:
                    feature[number, node] = tree.feature[source]
                    threshold[number, node] = _round_down(tree.threshold[source])
                    left_to_place += [
                        (2 * node + 1, tree.children_left[source]),
                        (2 * node + 2, tree.children_right[source]),
                    ]
        self.set_weights([feature.ravel(), threshold.ravel(), probability.ravel()])


def _round_down(threshold: float) -> np.float32:
    """Returns the greatest float32 up to a float64: comparing a float32 feature with either gives the same result."""
    rounded = np.float32(threshold)
    return rounded if rounded <= threshold else np.nextafter(rounded, np.float32(-np.inf))


def build(config: Config) -> "keras.Model":
    """Returns the untrained Keras model of a configuration; see astro_model.build()."""
    hparams = hparams_of(config, SodirfHparams)
    for name in ("num_trees", "max_depth", "min_samples_leaf"):
        if getattr(hparams, name) < 1:
            raise ValueError(f"{name} is {getattr(hparams, name)}: 1 or more needed")
    patch_shape(config)
    patches = keras.Input([config.inputs.features[FEATURE].length], name=FEATURE)
    logits = Forest(hparams.num_trees, hparams.max_depth, name="logits")(patches)
    return keras.Model({FEATURE: patches}, logits)


def fit(
    model: "keras.Model",
    config: Config,
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    seed: int,
    num_threads: int,
) -> None:
    """Grows a random forest and sets the weights of a model to it.

    Args:
      model: model of build().
      config: its configuration.
      features: float32 arrays [num_samples, length], by name.
      labels: [num_samples], 0 or 1.
      seed: seed of the forest; the forest does not depend on num_threads.
      num_threads: number of threads; 0 is all cores.

    Raises:
      ScriptError: all samples are of one class.
    """
    from sklearn.ensemble import RandomForestClassifier

    if len(np.unique(labels)) != 2:
        raise ScriptError(f"all {len(labels)} samples to train on are of one class: a forest needs both")
    hparams = hparams_of(config, SodirfHparams)
    forest = RandomForestClassifier(
        hparams.num_trees,
        max_depth=hparams.max_depth,
        min_samples_leaf=hparams.min_samples_leaf,
        random_state=seed,
        n_jobs=num_threads or -1,
    )
    forest.fit(features[FEATURE], labels)
    model.get_layer("logits").assign([tree.tree_ for tree in forest.estimators_])
