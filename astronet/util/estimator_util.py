"""Trains, evaluates and predicts. The only file that knows tf.estimator."""

import os
import time

import numpy as np
import tensorflow as tf

from astronet import models
from astronet.ops import dataset, metrics, training
from astronet.util import checkpoints, configuration
from astronet.util.script import ScriptError

_MIN_STEPS_BETWEEN_EVALUATIONS = 50  # an epoch of a small survey takes less time than an evaluation

# TensorFlow 2.15 calls its own Estimator deprecated, line by line; there is no other that 2.15 users could turn to.
tf.get_logger().addFilter(lambda record: "deprecated" not in record.getMessage())
# It also counts tracings by the line of code: each _scorer, which has models of its own, is new to it and no mistake.
tf.get_logger().addFilter(lambda record: "triggered tf.function retracing" not in record.getMessage())


def train_and_evaluate(spec, model_dir, train_files, eval_files, num_threads=0):
    """Trains up to spec.train_steps from the last checkpoint or from the start, and evaluates after each epoch.

    Training and evaluation share one graph and one session: no epoch rebuilds or restores anything. model_dir gets the
    last checkpoint, best/ (the one of least validation loss), and summaries of both for TensorBoard.

    Args:
      spec: ModelSpec with train_steps and seed.
      model_dir: directory of this model.
      train_files, eval_files: lists of record files.
      num_threads: of TensorFlow; 0 lets it use all cores, 1 makes the same seed give the same weights.

    Raises:
      ScriptError: for records that do not fit the configuration, a checkpoint that cannot be gone on from, or a NaN
        loss.
    """
    num_train = dataset.count_examples(train_files, spec.config)
    num_eval = dataset.count_examples(eval_files, spec.config)
    first_step = checkpoints.last_step(model_dir)
    steps_between = _steps_between_evaluations(num_train, spec.config.hparams.batch_size)
    print(f"{num_train} TCEs to train on, {num_eval} to evaluate, every {steps_between} steps", flush=True)

    def input_fn():
        return dataset.training_batches(train_files, spec.config, num_train, spec.seed, first_step).prefetch(2)

    def model_fn(features, labels):
        model = models.build(spec.model, spec.config)
        hparams = spec.config.hparams
        loss = training.loss(labels, model(features, training=True), hparams.label_smoothing)
        mean_loss, add_loss = tf.compat.v1.metrics.mean(loss, name=_Epochs.LOSS_SCOPE)
        train_op, averages = training.train_op(loss, model.trainable_weights, spec.train_steps, hparams)
        train_op = tf.group(train_op, add_loss)
        if hparams.average_decay:
            model, refresh = _averaged(spec, model, averages)
        else:
            refresh = tf.no_op()
        evaluation = _evaluation_tensors(model, eval_files, spec.config, num_eval)
        epochs = _Epochs(spec, model_dir, mean_loss, refresh, evaluation, steps_between)
        saver_hook = tf.estimator.CheckpointSaverHook(
            model_dir, save_steps=steps_between, listeners=[epochs], save_graph_def=False
        )
        return tf.estimator.EstimatorSpec("train", loss=loss, train_op=train_op, training_hooks=[saver_hook])

    tf.keras.utils.set_random_seed(spec.seed)
    run_config = tf.estimator.RunConfig(
        model_dir,
        tf_random_seed=spec.seed,
        save_checkpoints_secs=None,
        save_checkpoints_steps=None,
        save_summary_steps=steps_between,
        keep_checkpoint_max=1,
        session_config=tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=num_threads, inter_op_parallelism_threads=num_threads
        ),
    )
    try:
        tf.estimator.Estimator(model_fn, config=run_config).train(input_fn, max_steps=spec.train_steps)
    except tf.estimator.NanLossDuringTrainingError as error:
        raise ScriptError(
            "the loss became NaN: lower hparams.learning_rate, or set hparams.clip_gradient_norm"
        ) from error
    except tf.errors.NotFoundError as error:
        raise ScriptError(
            f"{model_dir}: training cannot go on from its checkpoint, which lacks variables (published ones lack the "
            "optimizer's): choose another --model_dir"
        ) from error


def evaluate(spec, checkpoints_of_members, files, threshold=metrics.DEFAULT_THRESHOLD, temperature=1.0):
    """Evaluates a model, or the mean of an ensemble, on labelled records.

    Args:
      spec: ModelSpec of all members.
      checkpoints_of_members: list of checkpoints, one a member.
      files: list of record files.
      threshold: probability from which a TCE is called positive.
      temperature: what the logits of each member are divided by.

    Returns:
      Dictionary of metrics.evaluate, and global_step (the last of the members').
    """
    dataset.count_examples(files, spec.config)
    score = _scorer(spec, checkpoints_of_members)
    batches = [(labels, score(features)) for features, labels in dataset.evaluation_batches(files, spec.config)]
    labels, logits = (np.concatenate(parts) for parts in zip(*batches))
    step = max(map(checkpoints.step, checkpoints_of_members))
    return {**metrics.evaluate(labels, metrics.average(logits, temperature), threshold), "global_step": step}


def predict(spec, checkpoints_of_members, input_fn):
    """Scores each record once with all members of an ensemble, which share one graph.

    Args:
      spec: ModelSpec of all members.
      checkpoints_of_members: list of checkpoints, one a member.
      input_fn: function that returns an iterable of features such as dataset.from_serialized_batches.

    Yields:
      (serialized, probabilities) in input order: [batch] array of bytes, [batch, num_members] float array.
    """
    score = _scorer(spec, checkpoints_of_members)
    for features in input_fn():
        serialized = features.pop("serialized")
        yield serialized, metrics.probability(score(features))


def write_summary(directory, step, values):
    """Writes scalars where TensorBoard finds them.

    Args:
      directory: such as model_dir/eval_test.
      step: number of training steps behind the values.
      values: dictionary of floats.
    """
    scalars = [tf.compat.v1.Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
    with tf.Graph().as_default():  # the writer of these summaries, which Estimator writes too, refuses eager mode
        writer = tf.compat.v1.summary.FileWriterCache.get(directory)
    writer.add_summary(tf.compat.v1.Summary(value=scalars), step)
    writer.flush()


class _Epochs(tf.estimator.CheckpointSaverListener):
    """Evaluates in the training session whenever a checkpoint is saved; reports, keeps the best, and may stop early."""

    LOSS_SCOPE = "epoch_loss"

    def __init__(self, spec, model_dir, mean_loss, refresh, evaluation_tensors, steps_between):
        self._spec = spec
        self._model_dir = model_dir
        self._mean_loss = mean_loss
        self._refresh = refresh
        self._evaluation_tensors = evaluation_tensors
        self._steps_between = steps_between
        self._reset_loss = tf.compat.v1.variables_initializer(tf.compat.v1.local_variables(self.LOSS_SCOPE))
        self._last = None

    def after_save(self, session, global_step_value):
        step, seconds = global_step_value, time.monotonic()
        session.run(self._refresh)
        labels, logits, num_batches = self._evaluation_tensors
        batches = [session.run([labels, logits]) for _ in range(num_batches)]
        values = metrics.evaluate(*(np.concatenate(parts) for parts in zip(*batches)))
        checkpoints.keep_if_best(tf.train.latest_checkpoint(self._model_dir), {**values, "global_step": int(step)})
        write_summary(os.path.join(self._model_dir, "eval_val"), step, values)
        line = f"step {step:6d}/{self._spec.train_steps}"
        if self._last:
            rate = (step - self._last[0]) * self._spec.config.hparams.batch_size / (seconds - self._last[1])
            mean_loss = session.run(self._mean_loss)
            write_summary(os.path.join(self._model_dir, "eval_train"), step, {"loss": mean_loss})
            line += f"  {rate:6.0f} TCE/s  train loss {mean_loss:.4f}"
        print(
            f"{line}  validation loss {values['loss']:.4f}  accuracy {values['accuracy/accuracy']:.4f}"
            f"  AUC {values['auc']:.4f}",
            flush=True,
        )
        session.run(self._reset_loss)
        self._last = step, time.monotonic()
        return self._is_patience_over(step)

    def _is_patience_over(self, step):
        """Whether to end the training, which then counts as finished."""
        patience = self._spec.config.hparams.early_stop_patience
        if patience is None:
            return False
        best = checkpoints.best_metrics(self._model_dir)["global_step"]
        if step - best < patience * self._steps_between:
            return False
        print(f"no lower validation loss since step {best}: training ends early", flush=True)
        checkpoints.mark_finished(self._model_dir)
        return True


def _averaged(spec, model, averages):
    """A second model to evaluate, which no checkpoint holds, and the operation that gives it the averaged weights.

    Args:
      spec: ModelSpec.
      model: the model that is trained.
      averages: a moving average for each of model.trainable_weights.
    """
    local = {"collections": [tf.compat.v1.GraphKeys.LOCAL_VARIABLES]}
    with tf.variable_creator_scope(lambda create, **kwargs: create(**{**kwargs, **local})):
        averaged = models.build(spec.model, spec.config)
    return averaged, tf.group(*(mine.assign(average) for mine, average in zip(averaged.trainable_weights, averages)))


def _evaluation_tensors(model, files, config, num_examples):
    """Labels and logits of the next batch of an endless round of `files`, and how many batches make one round."""
    batches = dataset.evaluation_batches(files, config)
    iterator = tf.compat.v1.data.make_initializable_iterator(batches.repeat())
    tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    features, labels = iterator.get_next()
    return labels, _logits(model, features, config), -(-num_examples // dataset.EVALUATION_BATCH)


def _logits(model, features, config):
    """What a model says about TCEs, [batch, output_dim]."""
    logits = model(features, training=False)
    if not config.hparams.score_both_directions:
        return logits
    turned = {name: tf.reverse(features[name], axis=[1]) for name in configuration.view_lengths(config)}
    return (logits + model({**features, **turned}, training=False)) / 2


def _steps_between_evaluations(num_examples, batch_size):
    """One epoch, or as many whole ones as make evaluations worth their time."""
    epoch = max(1, num_examples // batch_size)
    return epoch * -(-_MIN_STEPS_BETWEEN_EVALUATIONS // epoch)


def _scorer(spec, members):
    """Function from features to logits [batch, member, output_dim], as an array."""
    restored = [checkpoints.restore(spec, checkpoint) for checkpoint in members]

    @tf.function(reduce_retracing=True)
    def logits(features):
        return tf.stack([_logits(model, features, spec.config) for model in restored], axis=1)

    return lambda features: logits(features).numpy()
