"""Converts the published weights of stella, Keras files in a zip archive, to model directories."""

import io
import os
import re
import zipfile
import zlib

import numpy as np

from astronet.base.files import make_directory
from astronet.base.script import ScriptError

_MODEL = re.compile(r"(?:.*/)?ensemble_s(\d+)_i(\d+)_b[\d.]+\.h5")
_MOST_BYTES = 64 << 20  # of a Keras file; stella's files have 1.3 MB
# Group of the Keras file -> layer of configuration stella.
_LAYERS = {
    "conv1d": "flare_window_hidden/block_1/conv_1",
    "conv1d_1": "flare_window_hidden/block_2/conv_1",
    "dense": "pre_logits_hidden/fully_connected_1",
    "dense_1": "logits",
}


def convert(archive_path: str, output_dir: str) -> int:
    """Writes a model directory for each network of an archive; returns their number.

    Args:
      archive_path: final_models.zip of stella 0.1.0.
      output_dir: directory that gets a subdirectory for each network, named after its seed.

    Raises:
      ScriptError: the file is not that archive, or is damaged.
    """
    make_directory(output_dir)
    try:
        with zipfile.ZipFile(archive_path) as archive:
            matches = filter(None, map(_MODEL.fullmatch, archive.namelist()))
            contents = {int(match[1]): _content(archive, match[0]) for match in matches}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise ScriptError(f"{archive_path} is not a zip archive ({error}): fetch it again") from error
    if not contents:
        raise ScriptError(f"{archive_path} has no ensemble_s*_i*_b*.h5: give final_models.zip of stella 0.1.0")
    for seed, content in sorted(contents.items()):
        weights, step = _read(content, f"{archive_path}, seed {seed}")
        _write(os.path.join(output_dir, str(seed)), seed, weights, step)
    return len(contents)


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    """Returns the bytes of a member; refuses a member that unpacks to too many."""
    with archive.open(name) as member:
        content = member.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ScriptError(
            f"{archive.filename}: {name} has more than {_MOST_BYTES} bytes, too many for a stella network"
        )
    return content


def _read(content: bytes, place: str) -> tuple[dict[str, np.ndarray], int]:
    """Returns the weights by the names of our layers, and the number of training steps.

    Args:
      content: bytes of a Keras file.
      place: where they come from, for messages.
    """
    import h5py

    weights = {}
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            for group, layer in _LAYERS.items():
                for kind in ("kernel", "bias"):
                    weights[f"{layer}/{kind}"] = file[f"model_weights/{group}/{group}/{kind}:0"][()]
            return weights, int(file["optimizer_weights/Adam/iter:0"][()])
    except (OSError, KeyError) as error:
        raise ScriptError(f"{place}: not the weights of a stella network ({error}): fetch the archive again") from error


def _write(directory: str, seed: int, weights: dict[str, np.ndarray], step: int) -> None:
    from astronet.config import configuration
    from astronet.estimator import checkpoints, weights_file

    config = configuration.get("AstroCNNModel", "stella")
    spec = configuration.ModelSpec("AstroCNNModel", "stella", config, train_steps=step, seed=seed)
    configuration.save(directory, spec)
    path = os.path.join(directory, weights_file.NAME)
    weights_file.write(path, weights, step, "float32")
    checkpoints.restore(spec, path)  # raises an error with the reason if the arrays have other shapes
