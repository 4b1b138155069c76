"""Checkpoints on disk: the last and the best of a model, their steps, and the model that a checkpoint restores.

An exported model has a weights file (weights_file.py) instead of checkpoints. Wherever a checkpoint is read, the path
of such a file may be given.
"""

import contextlib
import glob
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional

import numpy as np

from astronet import models
from astronet.base import fingerprint, json_files
from astronet.base.files import make_directory, write_aside
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.config.configuration import ModelSpec
from astronet.estimator import pretrained, weights_file

AVERAGE = "/ExponentialMovingAverage"  # what TensorFlow appends to a variable's name for its moving average
BEST = "best"  # subdirectory of a model_dir
_STEP = "global_step"
_STOPPED_EARLY = "stopped_early"  # empty file in a model_dir
_JUDGED = "last_evaluation.json"  # metrics of the checkpoint that was evaluated last


def find(model_dir: str, which: str = "last") -> str:
    """Returns the path (without suffix) of the checkpoint of a model.

    Args:
      model_dir: directory of one model.
      which: "last" or "best" (by validation loss). An exported model has only one.

    Raises:
      ScriptError: there is no checkpoint.
    """
    directory = os.path.join(model_dir, BEST) if which == "best" and not is_exported(model_dir) else model_dir
    checkpoint = latest(directory)
    if checkpoint is None:
        raise ScriptError(f"no checkpoint in {directory}: train the model with train.py, or give another --model_dir")
    return checkpoint


def step(checkpoint: str) -> int:
    """Returns the number of training steps behind a checkpoint."""
    reader = _reader(checkpoint)
    if reader.get_variable_to_shape_map().get(_STEP) != []:
        raise ScriptError(f"{checkpoint} has no number of training steps: copy or train it again")
    return int(reader.get_tensor(_STEP))


def last_step(model_dir: str) -> int:
    """Returns the step of the last checkpoint of a model; 0 if there is none yet."""
    checkpoint = latest(model_dir)
    return step(checkpoint) if checkpoint else 0


def is_finished(model_dir: str, train_steps: Optional[int]) -> bool:
    """Returns whether training stopped early or reached its last step. An exported model is finished.

    Args:
      model_dir: directory of one model.
      train_steps: number of the last step; None for a model that was trained elsewhere: any checkpoint is its last.
    """
    if is_exported(model_dir):
        return True
    if latest(model_dir) is None:
        return False
    return os.path.exists(os.path.join(model_dir, _STOPPED_EARLY)) or last_step(model_dir) >= (train_steps or 0)


def mark_finished(model_dir: str) -> None:
    """Notes that training ended before its last step, because the validation loss no longer fell."""
    with open(os.path.join(model_dir, _STOPPED_EARLY), "w"):
        pass


def is_judged(model_dir: str) -> bool:
    """Returns whether the last checkpoint of a model was evaluated, so that best/ is the best of all.

    A run that was killed between saving and evaluating leaves a checkpoint that was not evaluated. An exported model
    has nothing left to evaluate.
    """
    if is_exported(model_dir):
        return True
    step, best = last_step(model_dir), best_metrics(model_dir)
    return best is not None and step in (best["global_step"], _judged_step(model_dir))


def _judged_step(model_dir):
    return json_files.read_or_nothing(os.path.join(model_dir, _JUDGED)).get("global_step")


def is_exported(model_dir: str) -> bool:
    """Returns whether a model_dir holds an exported model."""
    return os.path.exists(os.path.join(model_dir, weights_file.NAME))


def require_trainable(model_dir: str) -> None:
    """Raises a ScriptError if a directory holds an exported model, or an ensemble of exported models."""
    is_ensemble = not os.path.exists(os.path.join(model_dir, "config.json")) and any(
        map(is_exported, glob.glob(os.path.join(glob.escape(os.fspath(model_dir)), "*")))
    )
    if pretrained.is_name(model_dir) or is_exported(model_dir) or is_ensemble:
        raise ScriptError(
            f"{model_dir} is an exported model, which lacks what training goes on from: choose another --model_dir"
        )


def restore(spec: ModelSpec, checkpoint: str) -> Any:
    """Builds a Keras model with the weights of a checkpoint, published or our own.

    Raises:
      ScriptError: as weights() does.
    """
    model = models.build(spec.model, spec.config)
    model.set_weights(weights(model, checkpoint))
    return model


def weights(model: Any, checkpoint: str) -> list[np.ndarray]:
    """Reads the values of model.weights from a checkpoint.

    Where the checkpoint holds the moving average of a weight (hparams.average_decay), the average is read.

    Raises:
      ScriptError: the checkpoint cannot be read or has another configuration.
    """
    shapes = {weight.name.split(":")[0]: weight.shape.as_list() for weight in model.weights}
    return list(arrays(checkpoint, shapes).values())


def arrays(checkpoint: str, shapes: Mapping[str, Iterable[int]]) -> dict[str, np.ndarray]:
    """Reads arrays of a checkpoint by their names in the model; the moving average where the checkpoint has one.

    Args:
      checkpoint: path without suffix, or path of a weights file, which is read without TensorFlow.
      shapes: the shape of each array by name.

    Returns:
      Dictionary of arrays, in the order of shapes.

    Raises:
      ScriptError: as weights() does.
    """
    reader = _reader(checkpoint)
    checkpoint_shapes = reader.get_variable_to_shape_map()
    arrays_by_name = {}
    for name, shape in shapes.items():
        held_name = name + AVERAGE if name + AVERAGE in checkpoint_shapes else name
        held_shape = checkpoint_shapes.get(held_name, "none")
        if held_shape != list(shape):
            raise ScriptError(
                f"{checkpoint} does not fit the configuration: {held_name} has shape {held_shape} "
                f"there and {list(shape)} here; give the --model and --config_name that it was trained with"
            )
        arrays_by_name[name] = reader.get_tensor(held_name)
    return arrays_by_name


def write(model_dir: str, model: Any, num_steps: int) -> None:
    """Writes a model as the last checkpoint of a directory, for models that no session holds.

    Args:
      model_dir: directory of one model.
      model: Keras model.
      num_steps: number of training steps behind it.
    """
    from astronet.ops.tensorflow import tf

    name = f"model.ckpt-{num_steps}"
    held = {weight.name.split(":")[0]: values for weight, values in zip(model.weights, model.get_weights())}
    held[_STEP] = np.int64(num_steps)
    tf.raw_ops.SaveV2(
        prefix=os.path.join(model_dir, name),
        tensor_names=list(held),
        shape_and_slices=[""] * len(held),
        tensors=list(held.values()),
    )
    _set_latest(model_dir, name)


def export(spec: ModelSpec, checkpoint: str, directory: str, dtype: str) -> int:
    """Writes config.json and the weights of a checkpoint into a directory; returns the size of the weights in bytes.

    Args:
      spec: model and configuration.
      checkpoint: path without suffix, or path of a weights file.
      directory: made where it is missing.
      dtype: one of weights_file.DTYPES.

    Raises:
      ScriptError: as restore() and weights_file.write() do; it names the checkpoint.
    """
    arrays = {weight.name.split(":")[0]: weight.numpy() for weight in restore(spec, checkpoint).weights}
    configuration.save(directory, spec)
    path = os.path.join(directory, weights_file.NAME)
    try:
        weights_file.write(path, arrays, step(checkpoint), dtype)
    except ScriptError as error:
        raise ScriptError(f"{checkpoint}: {error}") from error
    return os.path.getsize(path)


def keep_if_best(checkpoint: str, metrics: Mapping[str, Any]) -> None:
    """Copies a checkpoint to best/ beside it if its loss is the lowest so far, and notes that it was evaluated.

    The file `checkpoint` in best/ is replaced last: until then it names the older checkpoint, which is still whole.

    Args:
      checkpoint: path without suffix.
      metrics: dictionary with "loss" and "global_step".
    """
    model_dir = os.path.dirname(checkpoint)
    older = best_metrics(model_dir)
    if not older or metrics["loss"] < older["loss"]:
        _keep(checkpoint, metrics, os.path.join(model_dir, BEST))
    json_files.write(os.path.join(model_dir, _JUDGED), metrics)


def _keep(checkpoint, metrics, best_dir):
    make_directory(best_dir)
    name = os.path.basename(checkpoint)
    for path in glob.glob(f"{glob.escape(checkpoint)}.*"):
        shutil.copyfile(path, os.path.join(best_dir, os.path.basename(path)))
    json_files.write(os.path.join(best_dir, f"{name}.json"), metrics)
    _set_latest(best_dir, name)
    for other in os.listdir(best_dir):
        if other != "checkpoint" and not other.startswith(f"{name}."):
            os.remove(os.path.join(best_dir, other))


def best_metrics(model_dir: str) -> Optional[dict[str, Any]]:
    """Returns the metrics of the checkpoint in best/; None if there is none yet."""
    checkpoint = latest(os.path.join(model_dir, BEST))
    if checkpoint is None:
        return None
    remedy = f"remove {os.path.dirname(checkpoint)}, or copy the model again"
    try:
        metrics = json_files.read(f"{checkpoint}.json", "the figures of a checkpoint", remedy)
    except FileNotFoundError as error:
        raise ScriptError(f"{checkpoint}.json, which says how good it is, is not there: {remedy}") from error
    if not all(type(metrics.get(name)) in (int, float) for name in ("loss", _STEP)):
        raise ScriptError(f"{checkpoint}.json does not say how good it is at which step: {remedy}")
    return metrics


def _set_latest(directory, name):
    with write_aside(os.path.join(directory, "checkpoint")) as aside, open(aside, "w") as file:
        file.write(f'model_checkpoint_path: "{name}"\n')


def latest(directory: str) -> Optional[str]:
    """Returns the path (without suffix) of the last checkpoint in a directory, or of its weights file; else None.

    (TensorFlow's own function takes the path for a pattern: it finds nothing in `model[1]`.)

    Raises:
      ScriptError: the file `checkpoint` is damaged, or names a checkpoint that is not there.
    """
    list_path, exported = os.path.join(directory, "checkpoint"), os.path.join(directory, weights_file.NAME)
    if not os.path.exists(list_path):
        return exported if os.path.exists(exported) else None
    with open(list_path, "rb") as file:
        named = re.search(rb'^\s*model_checkpoint_path\s*:\s*"((?:[^"\\\n]|\\.)+)"', file.read(1 << 20), re.MULTILINE)
    try:  # text of a protocol buffer: what is not ASCII is escaped, byte by byte
        if named is None:
            raise ValueError("no line with a model_checkpoint_path")
        name = os.fsdecode(named[1].decode("unicode_escape").encode("latin-1"))
    except ValueError as error:
        raise ScriptError(
            f"cannot read {list_path}, which names no checkpoint: copy or train the model again"
        ) from error
    beside = os.path.join(directory, os.path.basename(name))  # for a model_dir that was moved
    for checkpoint in (os.path.join(directory, name), beside):
        if any(map(os.path.exists, (f"{checkpoint}.index", checkpoint))):
            return checkpoint
    raise ScriptError(f"{list_path} names {name}, which is not there: copy it too, or train the model again")


@contextlib.contextmanager
def without_pattern(directory: str) -> Iterator[str]:
    """Yields a path of a directory without `[`, `*` and `?`, which TensorFlow would take for a pattern.

    Args:
      directory: exists.
    """
    if directory == glob.escape(os.fspath(directory)) and "\\" not in os.fspath(directory):
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="astronet-") as place:
        link = os.path.join(place, "model_dir")
        os.symlink(os.path.abspath(directory), link)
        yield link


def _tensorflow(where):
    """Returns TensorFlow, which reads its checkpoints; without it, a ScriptError says what to do."""
    try:
        from astronet.ops.tensorflow import tf
    except ScriptError as error:
        raise ScriptError(
            f"{where} has a checkpoint of TensorFlow, which is not installed: pip install tensorflow, or, where it is "
            "installed, export the model (astronet/export.py) and give the directory of the copy"
        ) from error
    return tf


def _reader(checkpoint):
    if weights_file.is_weights_file(checkpoint):
        return weights_file.Reader(checkpoint)
    return _CheckpointReader(checkpoint)


class _CheckpointReader:
    """Reads a checkpoint of TensorFlow.

    Raises:
      ScriptError: it cannot be read, or has values that are not finite.
    """

    def __init__(self, checkpoint):
        tf = _tensorflow(checkpoint)
        self._checkpoint = checkpoint
        directory, name = os.path.split(checkpoint)
        opened = contextlib.ExitStack()
        plain = os.path.join(opened.enter_context(without_pattern(directory or ".")), name)
        weakref.finalize(self, opened.close)  # TensorFlow opens some of the files when it reads from them
        self._reader = self._try(tf.train.load_checkpoint, plain)

    def get_variable_to_shape_map(self):
        return self._try(self._reader.get_variable_to_shape_map)

    def get_tensor(self, name):
        values = self._try(self._reader.get_tensor, name)
        if not np.isfinite(values).all():
            raise ScriptError(f"{self._checkpoint}: {name} has values that are not finite: train it again")
        return values

    def _try(self, read, *args):
        from astronet.ops.tensorflow import tf

        try:
            return read(*args)
        except (tf.errors.OpError, ValueError, RuntimeError, LookupError) as error:
            raise ScriptError(f"cannot read checkpoint {self._checkpoint} ({error}): copy or train it again") from error


def sha256(checkpoints: Iterable[str]) -> str:
    """Returns one hash of the weights of several checkpoints or weights files.

    The index file of a checkpoint holds the checksum of every variable, so that the weights need not be read.
    """
    return fingerprint.of_files(path if weights_file.is_weights_file(path) else f"{path}.index" for path in checkpoints)
