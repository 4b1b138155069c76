"""weights.npz: the weights of an exported model, which has no checkpoint."""

import os
import zipfile
from collections.abc import Mapping

import numpy as np

from astronet.base.files import write_aside
from astronet.base.script import ScriptError

NAME = "weights.npz"
DTYPES = ("float16", "float32")
_STEP = "global_step"
_MAX_BYTES = 1 << 30  # unpacked


def is_weights_file(checkpoint: str) -> bool:
    """Returns whether a path of a checkpoint is the path of a weights file."""
    return os.path.basename(checkpoint) == NAME


def write(path: str, weights: Mapping[str, np.ndarray], step: int, dtype: str) -> None:
    """Writes a weights file; the same weights give the same bytes.

    Args:
      path: ends in NAME.
      weights: dictionary of float arrays by the name of the variable.
      step: number of training steps behind them.
      dtype: one of DTYPES, for kernels. Vectors (biases, mean and scale of scalars) stay float32: they are few, and a
        mean can be large beside its scale.

    Raises:
      ScriptError: a value is not finite as dtype; it names the variable.
    """
    with np.errstate(over="ignore"):
        arrays = {name: values.astype(dtype if values.ndim > 1 else np.float32) for name, values in weights.items()}
    for name, values in arrays.items():
        if not np.isfinite(values).all():
            raise ScriptError(
                f"{name} has values that {values.dtype} cannot hold, up to {np.abs(weights[name]).max():g}: "
                "give --dtype=float32, or, where that fails too, train the model again"
            )
    with write_aside(path) as aside, open(aside, "wb") as file:
        np.savez_compressed(file, **arrays, **{_STEP: np.int64(step)})


class Reader:
    """Reads a weights file; it has the methods of a reader of TensorFlow checkpoints.

    Raises:
      ScriptError: the file cannot be read.
    """

    def __init__(self, path: str) -> None:
        try:
            with zipfile.ZipFile(path) as archive:
                size = sum(member.file_size for member in archive.infolist())
            if size > _MAX_BYTES:  # a small file can unpack to a thousand times its size
                raise ValueError(f"it unpacks to {size} bytes, more than {_MAX_BYTES}")
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                self._arrays = {name: _as_float32(archive[name]) for name in archive.files}
            self._check()
        except Exception as error:  # a damaged archive fails in too many ways to list
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ScriptError(f"cannot read {path} ({reason}): copy or export it again") from error

    def _check(self):
        if _STEP not in self._arrays:
            raise ValueError(f"it lacks {_STEP}")
        if self._arrays[_STEP].shape or self._arrays[_STEP].dtype.kind not in "iu":
            raise ValueError(f"its {_STEP} is no integer")
        for name, values in self._arrays.items():
            if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
                raise ValueError(f"{name} has values that are not finite numbers")

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        return {name: list(values.shape) for name, values in self._arrays.items()}

    def get_tensor(self, name: str) -> np.ndarray:
        """Returns an array by its name; float arrays as float32."""
        return self._arrays[name]


def _as_float32(values):
    with np.errstate(over="ignore"):
        return values.astype(np.float32) if np.issubdtype(values.dtype, np.floating) else values
