"""Trains with TensorFlow, and evaluates meanwhile. No other file builds on tf_estimator."""

import contextlib
import dataclasses
import glob
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Optional

import numpy as np

from astronet import models
from astronet.base.files import NO_ROOM
from astronet.base.script import ScriptError
from astronet.config import configuration, nouns
from astronet.estimator import checkpoints, tensorflow_engine, tf_estimator
from astronet.estimator.start import Start
from astronet.estimator.tensorboard import write_summary
from astronet.estimator.tf_config import is_chief, is_distributed, let_signals_end_this
from astronet.ops import dataset, training
from astronet.ops.tensorflow import keras, tf
from astronet.stats import metrics

_MIN_STEPS_BETWEEN_EVALUATIONS = 50  # an epoch of a small survey takes less time than an evaluation


_SEEDS_APART = 1_000_000  # of the processes that train a model together

_LOG = logging.getLogger("astronet")

_BUILDING = threading.Lock()

Say = Callable[[str], object]  # a function that tells the user a line
OnEvaluation = Callable[[int, np.ndarray], object]  # takes the step, and the logits [num_validation, output_dim]

# TensorFlow 2.15 calls its own Estimator deprecated, line by line; there is no other that 2.15 users could turn to.
tf.get_logger().addFilter(lambda record: "deprecated" not in record.getMessage())
# And it warns of a step that was counted late: of processes that train a model together, most are.
tf.get_logger().addFilter(lambda record: "has not been increased" not in record.getMessage())


@dataclasses.dataclass(frozen=True)
class _Training:
    """What train_and_evaluate() is given; its docstring says what each is. train_steps and seed are those of spec."""

    spec: configuration.ModelSpec
    train_steps: int
    seed: int
    model_dir: str
    train: dataset.Tces
    validation: dataset.Tces
    num_threads: int
    say: Say
    on_evaluation: OnEvaluation
    start: Optional[Start] = None

    @property
    def is_finished(self) -> bool:
        return checkpoints.is_finished(self.model_dir, self.train_steps)

    @property
    def steps_between(self) -> int:
        """Number of steps from one evaluation to the next."""
        return _steps_between_evaluations(len(self.train), self.spec.config.hparams.batch_size)

    @property
    def words(self) -> nouns.Nouns:
        return nouns.of(self.spec.config.inputs.features)


def train_and_evaluate(
    spec: configuration.ModelSpec,
    model_dir: str,
    train: dataset.Tces,
    validation: dataset.Tces,
    num_threads: int = 0,
    say: Say = _LOG.info,
    on_evaluation: OnEvaluation = lambda *_: None,
    start: Optional[Start] = None,
) -> None:
    """Trains up to spec.train_steps from the last checkpoint or from the start, and evaluates after each epoch.

    A model that is fitted at once (models.fit_function) has then taken all its steps, and is evaluated once.

    Training and evaluation share one graph and one session: no epoch rebuilds or restores anything. model_dir gets the
    last checkpoint, best/ (the checkpoint of least validation loss), and summaries of both for TensorBoard.

    Where TF_CONFIG is set, this process is one of several that train the model together, on parameter servers (Li et
    al. 2014, OSDI, "Scaling distributed machine learning with the parameter server"). Each process takes its own steps,
    which are counted together; the chief alone evaluates and saves. A parameter server never returns.

    Args:
      spec: ModelSpec with train_steps and seed.
      model_dir: directory of this model.
      train, validation: the TCEs to train on and to evaluate on.
      num_threads: TensorFlow threads; 0 lets it use all cores, 1 makes the same seed give the same weights. The first
        training in a process chooses for all.
      say: gets the lines that tell of the progress.
      on_evaluation: gets the step and the logits [num_validation, output_dim] of each evaluation.
      start: the weights to begin with, and which layers learn; None begins with random weights.

    Raises:
      ScriptError: the training cannot go on from the checkpoint, the loss is NaN, or TF_CONFIG cannot be used.
      ValueError: spec lacks train_steps or seed.
    """
    if spec.train_steps is None or spec.seed is None:
        raise ValueError(f"train_steps={spec.train_steps}, seed={spec.seed}: take the ModelSpec of fit.prepare()")
    with checkpoints.without_pattern(model_dir) as plain_dir:
        training_of_model = _Training(
            spec, spec.train_steps, spec.seed, plain_dir, train, validation, num_threads, say, on_evaluation, start
        )
        if training_of_model.is_finished:  # by a run that was killed before its last evaluation
            if is_chief():
                _evaluate_last(training_of_model)
        elif fit := models.fit_function(spec.model):
            if is_distributed():
                raise ScriptError(f"{spec.model} is fitted by one process: unset TF_CONFIG")
            if start:
                raise ScriptError(f"{spec.model} is fitted at once, from nothing: leave --init_from out")
            _fit_and_evaluate(fit, training_of_model)
        else:
            _train_by_steps(training_of_model, is_distributed())


def _train_by_steps(this: _Training, is_shared: bool) -> None:
    """Trains a model by gradient steps; `is_shared`: together with other processes."""
    spec, say = this.spec, this.say
    run_config = _run_config(this, is_shared)
    first_step = checkpoints.last_step(this.model_dir)
    counted = this.words.count(len(this.train))
    say(f"{counted} to train on, {len(this.validation)} to evaluate, every {this.steps_between} steps")

    def input_fn() -> "tf.data.Dataset":
        seed = this.seed + _SEEDS_APART * (run_config.global_id_in_cluster or 0)
        return dataset.training_batches(this.train, spec.config, seed, first_step).prefetch(2)

    estimator = tf_estimator.Estimator(_model_fn(this, run_config.is_chief), config=run_config)
    try:
        if is_shared:
            let_signals_end_this()
            steps = tf_estimator.TrainSpec(input_fn, max_steps=this.train_steps)
            tf_estimator.train_and_evaluate(estimator, steps, tf_estimator.EvalSpec(input_fn))  # no process evaluates
        else:
            estimator.train(input_fn, max_steps=this.train_steps)
    except tf_estimator.NanLossDuringTrainingError as error:
        raise ScriptError(
            "the loss became NaN: lower hparams.learning_rate, or set hparams.clip_gradient_norm"
        ) from error
    except tf.errors.NotFoundError as error:
        raise ScriptError(
            f"{this.model_dir}: training cannot go on from its checkpoint, which lacks variables (published ones lack "
            "the optimizer's): choose another --model_dir"
        ) from error


def _model_fn(this: _Training, is_chief: bool) -> Callable[..., Any]:
    """Returns the model_fn of an Estimator: it builds the model, its training step and (for a chief) its evaluation."""

    def model_fn(features: Any, labels: Any) -> Any:
        spec, hparams = this.spec, this.spec.config.hparams
        with _BUILDING:  # the seed is the process's, and must be this model's until its initial weights are drawn
            keras.utils.set_random_seed(this.seed)
            model = models.build(spec.model, spec.config)
        loss = training.loss(labels, model(features, training=True), hparams.label_smoothing)
        learning = [
            weight for weight in model.trainable_weights if this.start is None or this.start.learns(weight.name)
        ]
        if not is_chief:
            train_op, _ = training.train_op(loss, learning, this.train_steps, hparams)
            share = _Share(this.train_steps, this.say)
            return tf_estimator.EstimatorSpec("train", loss=loss, train_op=train_op, training_hooks=[share])
        mean_loss, add_loss = tf.compat.v1.metrics.mean(loss, name=_Epochs.LOSS_SCOPE)
        train_op, averages = training.train_op(loss, learning, this.train_steps, hparams)
        train_op = tf.group(train_op, add_loss)
        average_of = {weight.ref(): average for weight, average in zip(learning, averages)}
        shown = [average_of.get(weight.ref(), weight) for weight in model.trainable_weights]
        evaluate = _evaluation(spec, model, shown, this.validation)
        saver_hook = tf.compat.v1.train.CheckpointSaverHook(
            this.model_dir,
            save_steps=this.steps_between,
            listeners=[_Epochs(this, mean_loss, evaluate)],
            save_graph_def=False,
        )
        scaffold = tf.compat.v1.train.Scaffold(init_fn=_initializer(this, model, average_of)) if this.start else None
        return tf_estimator.EstimatorSpec(
            "train", loss=loss, train_op=train_op, training_hooks=[saver_hook], scaffold=scaffold
        )

    return model_fn


def _initializer(this: _Training, model: "keras.Model", average_of: dict[Any, Any]) -> Callable[..., None]:
    """Returns what gives a new session the weights of this.start; one that is restored keeps its own.

    Args:
      model: the model that is trained.
      average_of: the moving average (or itself) of each weight that learns, by its ref().
    """
    assert this.start is not None
    values = checkpoints.weights(model, this.start.checkpoint)
    places = [tf.compat.v1.placeholder(weight.dtype, weight.shape) for weight in model.weights]
    assigns = [weight.assign(place) for weight, place in zip(model.weights, places)]
    for weight, place in zip(model.weights, places):
        average = average_of.get(weight.ref(), weight)
        if average is not weight:
            assigns.append(average.assign(place))
    group = tf.group(*assigns)

    def initialize(scaffold: Any, session: Any) -> None:
        del scaffold
        session.run(group, dict(zip(places, values)))

    return initialize


@contextlib.contextmanager
def full_disk_told(model_dir: str) -> Iterator[None]:
    """Turns the error of TensorFlow on a full disk into a ScriptError of one line.

    Unfinished checkpoints of this run, and of runs that were killed, are removed: they are of no use, and need room.
    """
    _remove_unfinished_checkpoints(model_dir)
    try:
        yield
    except tf.errors.OpError as error:
        reason = next((reason for reason in map(os.strerror, NO_ROOM) if reason in error.message), None)
        if reason is None:
            raise
        _remove_unfinished_checkpoints(model_dir)
        raise ScriptError(
            f"{model_dir}: {reason}: make room there, and run the same command again, which goes on from the last "
            "checkpoint"
        ) from error


def _remove_unfinished_checkpoints(model_dir: str) -> None:
    if is_chief():
        for directory in glob.glob(os.path.join(glob.escape(os.fspath(model_dir)), "model.ckpt-*_temp")):
            shutil.rmtree(directory, ignore_errors=True)


def _fit_and_evaluate(fit: Callable[..., Any], this: _Training) -> None:
    """Does what train_and_evaluate() does for a model that is fitted at once; `fit` is its models.fit_function."""
    spec = this.spec
    this.say(f"{this.words.count(len(this.train))} to train on at once, {len(this.validation)} to evaluate")
    model = models.build(spec.model, spec.config)
    fit(model, spec.config, this.train.features, this.train.labels, this.seed, this.num_threads)
    checkpoints.write(this.model_dir, model, this.train_steps)
    _evaluate_last(this)


def _evaluate_last(this: _Training) -> None:
    """Evaluates the last checkpoint of a finished training, unless another process has evaluated it."""
    if checkpoints.is_judged(this.model_dir):
        return
    step = checkpoints.last_step(this.model_dir)
    with _BUILDING:  # which draws random numbers
        model = checkpoints.restore(this.spec, checkpoints.find(this.model_dir))
    score = tf.function(lambda features: tensorflow_engine.logits(model, features, this.spec.config))
    logits = np.concatenate([score(batch).numpy() for batch in dataset.evaluation_batches(this.validation)])
    figures = _judge(this.model_dir, step, this.validation.labels, logits)
    this.say(f"step {step:6d}/{this.train_steps}  {figures}")
    this.on_evaluation(step, logits)


def _judge(model_dir: str, step: int, labels: np.ndarray, logits: np.ndarray) -> str:
    """Evaluates the last checkpoint, keeps it if it is the best, and returns how good it is in words.

    Args:
      model_dir: directory of the model.
      step: of the checkpoint.
      labels, logits: of the validation set, [num_tces] and [num_tces, output_dim].
    """
    values = metrics.evaluate(labels, logits)
    precision = metrics.summary(labels, metrics.probability(logits))["average_precision"]
    checkpoints.keep_if_best(checkpoints.find(model_dir), {**values, "global_step": step})
    write_summary(os.path.join(model_dir, "eval_val"), step, {**values, "average_precision": precision})
    return (
        f"validation loss {values['loss']:.4f}  accuracy {values['accuracy/accuracy']:.4f}"
        f"  AUC {values['auc']:.4f}  AP {precision:.4f}"
    )


def _run_config(this: _Training, is_shared: bool) -> "tf_estimator.RunConfig":
    spec, num_threads = this.spec, this.num_threads
    if is_shared and spec.config.hparams.early_stop_patience is not None:
        raise ScriptError("hparams.early_stop_patience stops the chief alone: set it to null for training by TF_CONFIG")
    session_config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=num_threads,
        # One thread: that which calls, so that trainings side by side do not wait for a pool that they share.
        inter_op_parallelism_threads=-1 if num_threads == 1 and not is_shared else num_threads,
    )
    if is_shared:  # so that no worker waits for another one
        session_config.device_filters.extend(tf_estimator.RunConfig().session_config.device_filters)
    return tf_estimator.RunConfig(
        this.model_dir,
        tf_random_seed=this.seed,
        save_checkpoints_secs=None,
        save_checkpoints_steps=None,
        save_summary_steps=this.steps_between,
        keep_checkpoint_max=1,
        session_config=session_config,
    )


class _Epochs(tf.compat.v1.train.CheckpointSaverListener):
    """Evaluates in the training session whenever a checkpoint is saved; reports, keeps the best, and may stop early."""

    LOSS_SCOPE = "epoch_loss"

    def __init__(self, this: _Training, mean_loss: Any, evaluate: Callable[[Any], np.ndarray]) -> None:
        self._training = this
        self._mean_loss = mean_loss
        self._evaluate = evaluate
        self._reset_loss = tf.compat.v1.variables_initializer(tf.compat.v1.local_variables(self.LOSS_SCOPE))
        self._last: Optional[tuple[int, float]] = None  # step and time of the last evaluation

    def after_save(self, session: Any, global_step_value: Any) -> bool:
        this, step, seconds = self._training, int(global_step_value), time.monotonic()
        logits = self._evaluate(session)
        figures = _judge(this.model_dir, step, this.validation.labels, logits)
        line = f"step {step:6d}/{this.train_steps}"
        if self._last:
            rate = (step - self._last[0]) * this.spec.config.hparams.batch_size / (seconds - self._last[1])
            mean_loss = session.run(self._mean_loss)
            write_summary(os.path.join(this.model_dir, "eval_train"), step, {"loss": mean_loss})
            line += f"  {rate:6.0f} {this.words.one}/s  train loss {mean_loss:.4f}"
        this.say(f"{line}  {figures}")
        this.on_evaluation(step, logits)
        session.run(self._reset_loss)
        self._last = step, time.monotonic()
        return self._is_patience_over(step)

    def _is_patience_over(self, step: int) -> bool:
        """Returns whether to end the training, which then counts as finished."""
        this = self._training
        patience = this.spec.config.hparams.early_stop_patience
        if patience is None:
            return False
        best = checkpoints.best_metrics(this.model_dir)
        if best is None or step - best["global_step"] < patience * this.steps_between:
            return False
        this.say(f"no lower validation loss since step {best['global_step']}: training ends early")
        checkpoints.mark_finished(this.model_dir)
        return True


class _Share(tf.compat.v1.train.SessionRunHook):
    """Counts the steps that this worker takes itself, and tells the number at the end."""

    def __init__(self, num_steps: int, say: Say) -> None:
        self._num_steps, self._say = num_steps, say
        self._num_own = 0

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._num_own += 1

    def end(self, session: Any) -> None:
        self._say(f"this worker took {self._num_own} of the {self._num_steps} steps")


def _evaluation(
    spec: configuration.ModelSpec, model: "keras.Model", averages: Sequence[Any], tces: dataset.Tces
) -> Callable[[Any], np.ndarray]:
    """Returns a function from a session to the logits of TCEs by the weights in it, [num_tces, output_dim].

    Args:
      spec: ModelSpec.
      model: the model that is trained.
      averages: tensors that take the place of model.trainable_weights, if hparams.average_decay is not 0.
      tces: dataset.Tces.
    """
    refresh = tf.no_op()
    if spec.config.hparams.average_decay:
        local = {"collections": [tf.compat.v1.GraphKeys.LOCAL_VARIABLES]}  # which no checkpoint holds
        with tf.variable_creator_scope(lambda create, **kwargs: create(**{**kwargs, **local})):
            model = models.build(spec.model, spec.config)
        refresh = tf.group(*(mine.assign(average) for mine, average in zip(model.trainable_weights, averages)))
    lengths = configuration.input_lengths(spec.config)
    features = {name: tf.compat.v1.placeholder(tf.float32, [None, length]) for name, length in lengths.items()}
    logits = tensorflow_engine.logits(model, features, spec.config)

    def evaluate(session: Any) -> np.ndarray:
        session.run(refresh)
        batches = dataset.evaluation_batches(tces)
        feeds = ({features[name]: batch[name] for name in features} for batch in batches)
        return np.concatenate([session.run(logits, feed) for feed in feeds])

    return evaluate


def _steps_between_evaluations(num_examples: int, batch_size: int) -> int:
    """Returns the number of steps of one epoch, or of as many whole epochs as make evaluations worth their time."""
    epoch = max(1, num_examples // batch_size)
    return epoch * -(-_MIN_STEPS_BETWEEN_EVALUATIONS // epoch)
