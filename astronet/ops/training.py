"""The loss, the learning rate and the optimizer of a training step."""

import math
from collections.abc import Sequence
from typing import Any

from astronet.config.schema import Hparams, choose
from astronet.ops.tensorflow import tf

_train = tf.compat.v1.train
OPTIMIZERS = {
    "adam": lambda rate, hparams: _train.AdamOptimizer(
        rate, hparams.adam_beta_1, hparams.adam_beta_2, hparams.adam_epsilon
    ),
    "adagrad": lambda rate, hparams: _train.AdagradOptimizer(rate),
    "momentum": lambda rate, hparams: _train.MomentumOptimizer(rate, hparams.momentum),
    "rmsprop": lambda rate, hparams: _train.RMSPropOptimizer(rate, momentum=hparams.momentum),
    "sgd": lambda rate, hparams: _train.GradientDescentOptimizer(rate),
}
# Name -> function from the fraction of training that is done, 0 to 1, to a factor of the learning rate.
SCHEDULES = {
    "constant": tf.ones_like,
    "cosine": lambda done: 0.5 * (1 + tf.cos(math.pi * done)),  # Loshchilov & Hutter 2017 (arXiv:1608.03983), eq. 5
}

_MOST_WARMUP = 1 / 6  # longest warm-up, as a fraction of all steps


def loss(labels: Any, logits: Any, label_smoothing: float = 0.0) -> Any:
    """Returns the mean cross-entropy of a batch: of a sigmoid if there is one logit, else of a softmax.

    Args:
      labels: int tensor [batch].
      logits: float tensor [batch, output_dim].
      label_smoothing: fraction of each label that is spread evenly over all classes.
    """
    num_classes = max(2, logits.shape[-1])
    targets = tf.one_hot(labels, num_classes) * (1 - label_smoothing) + label_smoothing / num_classes
    if logits.shape[-1] == 1:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets[:, 1], logits=logits[:, 0])
    else:
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    return tf.reduce_mean(losses)


def learning_rate(step: Any, train_steps: int, hparams: Hparams) -> Any:
    """Returns the learning rate of a step: hparams.learning_rate, times the factors of warm-up and schedule.

    The warm-up takes at most a sixth of the steps.

    Args:
      step: int tensor, 0 for the first step.
      train_steps: number of steps of the whole training.
      hparams: Hparams.

    Raises:
      ScriptError: the schedule is unknown; the message names the most similar one.
    """
    step = tf.cast(step, tf.float32)
    warmup_steps = max(1, min(hparams.warmup_steps, int(_MOST_WARMUP * train_steps)))
    warmup = tf.minimum(1.0, (step + 1) / warmup_steps)
    factor = choose(SCHEDULES, hparams.learning_rate_schedule, "learning_rate_schedule")(step / train_steps)
    return hparams.learning_rate * warmup * factor


def train_op(
    batch_loss: Any, variables: Sequence[Any], train_steps: int, hparams: Hparams
) -> tuple[Any, Sequence[Any]]:
    """Returns the operation of one training step, and the variables to evaluate.

    The gradient is clipped if hparams.clip_gradient_norm is set. With any optimizer, kernels also shrink by
    hparams.weight_decay times the learning rate (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2).

    Args:
      batch_loss: float tensor.
      variables: list of the variables to change.
      train_steps: number of steps of the whole training.
      hparams: Hparams.

    Returns:
      The operation; and, if hparams.average_decay is set, the moving averages of `variables`, which the operation
      updates (checkpoints contain them under the name VARIABLE + AVERAGE), else `variables`.

    Raises:
      ScriptError: the optimizer or schedule is unknown; the message names the most similar one.
    """
    global_step = tf.compat.v1.train.get_global_step()
    step = tf.cast(global_step, tf.float32)
    rate = learning_rate(step, train_steps, hparams)
    optimizer = choose(OPTIMIZERS, hparams.optimizer, "optimizer")(rate, hparams)
    gradients = tf.gradients(batch_loss, variables)
    if hparams.clip_gradient_norm is not None:
        gradients, _ = tf.clip_by_global_norm(gradients, hparams.clip_gradient_norm)
    with tf.control_dependencies(gradients):  # gradients are computed before the weights shrink
        kernels = [variable for variable in variables if len(variable.shape) > 1]
        shrink = [kernel.assign_sub(rate * hparams.weight_decay * kernel) for kernel in kernels if hparams.weight_decay]
    with tf.control_dependencies(shrink):
        applied = optimizer.apply_gradients(zip(gradients, variables), global_step)
    if not hparams.average_decay:
        return applied, variables
    average = tf.train.ExponentialMovingAverage(hparams.average_decay, num_updates=step)
    with tf.control_dependencies([applied]):
        return average.apply(variables), [average.average(variable) for variable in variables]
