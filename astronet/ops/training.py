"""What a training step minimizes, and how."""

import tensorflow as tf

from astronet.util.config_schema import choose

_train = tf.compat.v1.train
OPTIMIZERS = {
    "adam": lambda hparams: _train.AdamOptimizer(hparams.learning_rate),
    "adagrad": lambda hparams: _train.AdagradOptimizer(hparams.learning_rate),
    "momentum": lambda hparams: _train.MomentumOptimizer(hparams.learning_rate, hparams.momentum),
    "rmsprop": lambda hparams: _train.RMSPropOptimizer(hparams.learning_rate, momentum=hparams.momentum),
    "sgd": lambda hparams: _train.GradientDescentOptimizer(hparams.learning_rate),
}


def loss(labels, logits):
    """Mean cross-entropy of a batch: sigmoid where there is one logit, else softmax.

    Args:
      labels: int tensor [batch].
      logits: float tensor [batch, output_dim].
    """
    if logits.shape[-1] == 1:
        labels = tf.cast(labels, logits.dtype)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits[:, 0])
    else:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_mean(losses)


def train_op(batch_loss, variables, hparams):
    """The operation that takes one step down the gradient, clipped where hparams.clip_gradient_norm says so.

    Raises:
      ScriptError: for an optimizer of unknown name; names the nearest.
    """
    optimizer = choose(OPTIMIZERS, hparams.optimizer, "optimizer")(hparams)
    gradients = tf.gradients(batch_loss, variables)
    if hparams.clip_gradient_norm is not None:
        gradients, _ = tf.clip_by_global_norm(gradients, hparams.clip_gradient_norm)
    return optimizer.apply_gradients(zip(gradients, variables), tf.compat.v1.train.get_global_step())
