"""Trains, evaluates and predicts with TensorFlow. No other file builds on tf_estimator."""

import contextlib
import dataclasses
import glob
import json
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Optional

import numpy as np

from astronet import models
from astronet.base.files import NO_ROOM
from astronet.base.script import ScriptError
from astronet.config import configuration, nouns
from astronet.estimator import checkpoints, tf_estimator
from astronet.ops import dataset, sliding, training
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
# It also counts tracings by the line of code: each scorer, which has models of its own, is new to it and no mistake.
tf.get_logger().addFilter(lambda record: "triggered tf.function retracing" not in record.getMessage())
# And it warns of a step that was counted late: of processes that train a model together, most are.
tf.get_logger().addFilter(lambda record: "has not been increased" not in record.getMessage())


@dataclasses.dataclass(frozen=True)
class _Training:
    """What train_and_evaluate() is given; its docstring says what each is."""

    spec: configuration.ModelSpec
    model_dir: str
    train: dataset.Tces
    validation: dataset.Tces
    num_threads: int
    say: Say
    on_evaluation: OnEvaluation

    @property
    def is_finished(self):
        return checkpoints.is_finished(self.model_dir, self.spec.train_steps)

    @property
    def steps_between(self):
        """Number of steps from one evaluation to the next."""
        return _steps_between_evaluations(len(self.train), self.spec.config.hparams.batch_size)

    @property
    def words(self):
        return nouns.of(self.spec.config.inputs.features)


def train_and_evaluate(
    spec: configuration.ModelSpec,
    model_dir: str,
    train: dataset.Tces,
    validation: dataset.Tces,
    num_threads: int = 0,
    say: Say = _LOG.info,
    on_evaluation: OnEvaluation = lambda *_: None,
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

    Raises:
      ScriptError: the training cannot go on from the checkpoint, the loss is NaN, or TF_CONFIG cannot be used.
    """
    with checkpoints.without_pattern(model_dir) as plain_dir:
        training_of_model = _Training(spec, plain_dir, train, validation, num_threads, say, on_evaluation)
        if training_of_model.is_finished:  # by a run that was killed before its last evaluation
            if is_chief():
                _evaluate_last(training_of_model)
        elif fit := models.fit_function(spec.model):
            if is_distributed():
                raise ScriptError(f"{spec.model} is fitted by one process: unset TF_CONFIG")
            _fit_and_evaluate(fit, training_of_model)
        else:
            _train_by_steps(training_of_model, is_distributed())


def _train_by_steps(this: _Training, is_shared: bool) -> None:
    """Trains a model by gradient steps; `is_shared`: together with other processes."""
    spec, say = this.spec, this.say
    run_config = _run_config(spec, this.model_dir, len(this.train), this.num_threads, is_shared)
    first_step = checkpoints.last_step(this.model_dir)
    counted = this.words.count(len(this.train))
    say(f"{counted} to train on, {len(this.validation)} to evaluate, every {this.steps_between} steps")

    def input_fn():
        seed = spec.seed + _SEEDS_APART * (run_config.global_id_in_cluster or 0)
        return dataset.training_batches(this.train, spec.config, seed, first_step).prefetch(2)

    estimator = tf_estimator.Estimator(_model_fn(this, run_config.is_chief), config=run_config)
    try:
        if is_shared:
            _let_signals_end_it()
            steps = tf_estimator.TrainSpec(input_fn, max_steps=spec.train_steps)
            tf_estimator.train_and_evaluate(estimator, steps, tf_estimator.EvalSpec(input_fn))  # no process evaluates
        else:
            estimator.train(input_fn, max_steps=spec.train_steps)
    except tf_estimator.NanLossDuringTrainingError as error:
        raise ScriptError(
            "the loss became NaN: lower hparams.learning_rate, or set hparams.clip_gradient_norm"
        ) from error
    except tf.errors.NotFoundError as error:
        raise ScriptError(
            f"{this.model_dir}: training cannot go on from its checkpoint, which lacks variables (published ones lack "
            "the optimizer's): choose another --model_dir"
        ) from error


def _model_fn(this: _Training, is_chief: bool) -> Callable:
    """Returns the model_fn of an Estimator: it builds the model, its training step and (for a chief) its evaluation."""

    def model_fn(features, labels):
        spec, hparams = this.spec, this.spec.config.hparams
        with _BUILDING:  # the seed is the process's, and must be this model's until its initial weights are drawn
            keras.utils.set_random_seed(spec.seed)
            model = models.build(spec.model, spec.config)
        loss = training.loss(labels, model(features, training=True), hparams.label_smoothing)
        if not is_chief:
            train_op, _ = training.train_op(loss, model.trainable_weights, spec.train_steps, hparams)
            share = _Share(spec.train_steps, this.say)
            return tf_estimator.EstimatorSpec("train", loss=loss, train_op=train_op, training_hooks=[share])
        mean_loss, add_loss = tf.compat.v1.metrics.mean(loss, name=_Epochs.LOSS_SCOPE)
        train_op, averages = training.train_op(loss, model.trainable_weights, spec.train_steps, hparams)
        train_op = tf.group(train_op, add_loss)
        evaluate = _evaluation(spec, model, averages, this.validation)
        saver_hook = tf.compat.v1.train.CheckpointSaverHook(
            this.model_dir,
            save_steps=this.steps_between,
            listeners=[_Epochs(this, mean_loss, evaluate)],
            save_graph_def=False,
        )
        return tf_estimator.EstimatorSpec("train", loss=loss, train_op=train_op, training_hooks=[saver_hook])

    return model_fn


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


def _remove_unfinished_checkpoints(model_dir):
    if is_chief():
        for directory in glob.glob(os.path.join(glob.escape(os.fspath(model_dir)), "model.ckpt-*_temp")):
            shutil.rmtree(directory, ignore_errors=True)


def _fit_and_evaluate(fit: Callable, this: _Training) -> None:
    """Does what train_and_evaluate() does for a model that is fitted at once; `fit` is its models.fit_function."""
    spec = this.spec
    this.say(f"{this.words.count(len(this.train))} to train on at once, {len(this.validation)} to evaluate")
    model = models.build(spec.model, spec.config)
    fit(model, spec.config, this.train.features, this.train.labels, spec.seed, this.num_threads)
    checkpoints.write(this.model_dir, model, spec.train_steps)
    _evaluate_last(this)


def _evaluate_last(this: _Training) -> None:
    """Evaluates the last checkpoint of a finished training, unless another process has evaluated it."""
    if checkpoints.is_judged(this.model_dir):
        return
    step = checkpoints.last_step(this.model_dir)
    with _BUILDING:  # which draws random numbers
        model = checkpoints.restore(this.spec, checkpoints.find(this.model_dir))
    score = tf.function(lambda features: _logits(model, features, this.spec.config))
    logits = np.concatenate([score(batch).numpy() for batch in dataset.evaluation_batches(this.validation)])
    figures = _judge(this.model_dir, step, this.validation.labels, logits)
    this.say(f"step {step:6d}/{this.spec.train_steps}  {figures}")
    this.on_evaluation(step, logits)


def _judge(model_dir, step, labels, logits):
    """Evaluates the last checkpoint, keeps it if it is the best, and returns how good it is in words.

    Args:
      model_dir: directory of the model.
      step: of the checkpoint.
      labels, logits: of the validation set, [num_tces] and [num_tces, output_dim].
    """
    values = metrics.evaluate(labels, logits)
    precision = metrics.summary(labels, metrics.probability(logits))["average_precision"]
    checkpoints.keep_if_best(checkpoints.latest(model_dir), {**values, "global_step": step})
    write_summary(os.path.join(model_dir, "eval_val"), step, {**values, "average_precision": precision})
    return (
        f"validation loss {values['loss']:.4f}  accuracy {values['accuracy/accuracy']:.4f}"
        f"  AUC {values['auc']:.4f}  AP {precision:.4f}"
    )


def is_distributed() -> bool:
    """Returns whether TF_CONFIG makes this process one of several that train a model together.

    Raises:
      ScriptError: TF_CONFIG cannot be used.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return False
    try:
        jobs, job = json.loads(text)["cluster"], json.loads(text)["task"]["type"]
    except (ValueError, TypeError, KeyError) as error:
        raise ScriptError(f"TF_CONFIG is not as docs/cluster.md has it ({error!r}): correct or unset it") from error
    if not {"chief", "ps"} <= set(jobs) <= {"chief", "ps", "worker"} or job not in jobs:
        raise ScriptError(
            f"TF_CONFIG has the jobs {', '.join(jobs)}, and is of a {job}: a chief, one ps (parameter server) or more, "
            "and any number of workers are needed, and no other; the chief evaluates"
        )
    return True


def is_chief() -> bool:
    """Returns whether this process evaluates and saves: it trains alone, or is the chief of several processes."""
    return not is_distributed() or json.loads(os.environ["TF_CONFIG"])["task"]["type"] == "chief"


def _let_signals_end_it():
    """Has signals end this process at once: it waits for others in TensorFlow's C++, where no Python handler runs."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _run_config(spec, model_dir, num_train, num_threads, is_shared):
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
        model_dir,
        tf_random_seed=spec.seed,
        save_checkpoints_secs=None,
        save_checkpoints_steps=None,
        save_summary_steps=_steps_between_evaluations(num_train, spec.config.hparams.batch_size),
        keep_checkpoint_max=1,
        session_config=session_config,
    )


def evaluate(
    spec: configuration.ModelSpec,
    checkpoints_of_members: Sequence[str],
    files: Sequence[str],
    threshold: float = metrics.DEFAULT_THRESHOLD,
    temperature: float = 1.0,
) -> dict[str, float]:
    """Evaluates a model, or the mean of an ensemble, on labeled records.

    Args:
      spec: ModelSpec of all members.
      checkpoints_of_members: list of checkpoints, one a member.
      files: list of record files.
      threshold: probability from which a TCE is called positive.
      temperature: divides the logits of each member.

    Returns:
      The figures of metrics.evaluate(), and global_step (the last of the members').
    """
    score = _logits_of_members(spec, checkpoints_of_members)
    labels: list[np.ndarray] = []
    logits: list[np.ndarray] = []
    for path in files:  # one in memory at a time
        tces = dataset.read([path], spec.config)
        labels.append(tces.labels)
        logits += map(score, dataset.evaluation_batches(tces))
    averaged = metrics.average(np.concatenate(logits), temperature)
    step = max(map(checkpoints.step, checkpoints_of_members))
    return {**metrics.evaluate(np.concatenate(labels), averaged, threshold), "global_step": step}


def scorer(
    spec: configuration.ModelSpec, checkpoints_of_members: Sequence[str]
) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """Restores the members of an ensemble once, to score any number of batches.

    Args:
      spec: ModelSpec of all members.
      checkpoints_of_members: list of checkpoints, one a member.

    Returns:
      Function from a dictionary of features, [batch, length] each, to probabilities [batch, num_members].
    """
    score = _logits_of_members(spec, checkpoints_of_members)
    return lambda features: metrics.probability(score(features))


def sliding_scorer(
    spec: configuration.ModelSpec, checkpoints_of_members: Sequence[str]
) -> Optional[Callable[[np.ndarray], np.ndarray]]:
    """Restores the members of an ensemble once, to score all windows of any number of series.

    Args:
      spec: ModelSpec of all members, which have one input.
      checkpoints_of_members: list of checkpoints, one a member.

    Returns:
      Function from a series, float32 [n], to probabilities [n - length + 1, num_members] of its windows of the input's
      length; None where sliding.logits_function has none for the model.
    """
    model = models.build(spec.model, spec.config)
    logits = None if spec.config.hparams.score_both_directions else sliding.logits_function(model)
    if logits is None:
        return None
    logits = tf.function(logits, input_signature=[tf.TensorSpec([None])])
    score = _by_member(model, checkpoints_of_members, logits)
    return lambda series: metrics.probability(score(series))


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


class _Epochs(tf.compat.v1.train.CheckpointSaverListener):
    """Evaluates in the training session whenever a checkpoint is saved; reports, keeps the best, and may stop early."""

    LOSS_SCOPE = "epoch_loss"

    def __init__(self, this: _Training, mean_loss, evaluate):
        self._training = this
        self._mean_loss = mean_loss
        self._evaluate = evaluate
        self._reset_loss = tf.compat.v1.variables_initializer(tf.compat.v1.local_variables(self.LOSS_SCOPE))
        self._last = None  # step and time of the last evaluation

    def after_save(self, session, global_step_value):
        this, step, seconds = self._training, int(global_step_value), time.monotonic()
        logits = self._evaluate(session)
        figures = _judge(this.model_dir, step, this.validation.labels, logits)
        line = f"step {step:6d}/{this.spec.train_steps}"
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

    def _is_patience_over(self, step):
        """Returns whether to end the training, which then counts as finished."""
        this = self._training
        patience = this.spec.config.hparams.early_stop_patience
        if patience is None:
            return False
        best = checkpoints.best_metrics(this.model_dir)["global_step"]
        if step - best < patience * this.steps_between:
            return False
        this.say(f"no lower validation loss since step {best}: training ends early")
        checkpoints.mark_finished(this.model_dir)
        return True


class _Share(tf.compat.v1.train.SessionRunHook):
    """Counts the steps that this worker takes itself, and tells the number at the end."""

    def __init__(self, num_steps, say):
        self._num_steps, self._say = num_steps, say
        self._num_own = 0

    def after_run(self, run_context, run_values):
        self._num_own += 1

    def end(self, session):
        self._say(f"this worker took {self._num_own} of the {self._num_steps} steps")


def _evaluation(spec, model, averages, tces):
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
    logits = _logits(model, features, spec.config)

    def evaluate(session):
        session.run(refresh)
        batches = dataset.evaluation_batches(tces)
        feeds = ({features[name]: batch[name] for name in features} for batch in batches)
        return np.concatenate([session.run(logits, feed) for feed in feeds])

    return evaluate


def _logits(model, features, config):
    """Returns the logits of TCEs, [batch, output_dim]."""
    logits = model(features, training=False)
    if not config.hparams.score_both_directions:
        return logits
    turned = {name: tf.reverse(features[name], axis=[1]) for name in configuration.view_lengths(config)}
    return (logits + model({**features, **turned}, training=False)) / 2


def _steps_between_evaluations(num_examples, batch_size):
    """Returns the number of steps of one epoch, or of as many whole epochs as make evaluations worth their time."""
    epoch = max(1, num_examples // batch_size)
    return epoch * -(-_MIN_STEPS_BETWEEN_EVALUATIONS // epoch)


def _logits_of_members(spec, members):
    """Returns a function from features to logits, an array [batch, member, output_dim]."""
    model = models.build(spec.model, spec.config)
    lengths = configuration.input_lengths(spec.config)

    # Batches of any size: the last one is smaller, and another trace for it would take longer than to score it.
    @tf.function(input_signature=[{name: tf.TensorSpec([None, length]) for name, length in lengths.items()}])
    def logits(features):
        return _logits(model, features, spec.config)

    score = _by_member(model, members, logits)
    return lambda features: score({name: features[name] for name in lengths})


def _by_member(model, members, logits):
    """Returns a function from the input of `logits` to its values by each member, an array [batch, member, output_dim].

    The members take turns in one model: a call fills it with the weights of each. To build and trace a model for each
    member would take longer than to score thousands of TCEs. The tensors are handed over, not copied.

    Args:
      model: the model that `logits` computes with.
      members: list of checkpoints.
      logits: tf.function to [batch, output_dim].
    """
    weights_of_members = [list(map(tf.constant, checkpoints.weights(model, checkpoint))) for checkpoint in members]

    def score(inputs):
        scored = []
        for weights in weights_of_members:
            for variable, values in zip(model.weights, weights):
                variable.assign(values)
            scored.append(logits(inputs).numpy())
        return np.stack(scored, axis=1)

    return score
