"""Writes figures for TensorBoard."""

from collections.abc import Mapping

from astronet.ops.tensorflow import tf


def write_summary(directory: str, step: int, values: Mapping[str, float]) -> None:
    """Writes scalars for TensorBoard.

    Args:
      directory: such as model_dir/eval_test.
      step: number of training steps behind the values.
      values: the scalars by name.
    """
    scalars = [tf.compat.v1.Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
    with tf.Graph().as_default():  # the writer of these summaries, which Estimator writes too, refuses eager mode
        writer = tf.compat.v1.summary.FileWriterCache.get(directory)
    writer.add_summary(tf.compat.v1.Summary(value=scalars), step)
    writer.flush()
