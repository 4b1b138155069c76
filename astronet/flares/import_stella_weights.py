"""Makes our model directories of the published stella weights: final_models.zip of the PyPI package stella 0.1.0.

All scripts predict with them (--model_dir=DIR --average); they cannot be trained on. Of the Keras files, only the
arrays are read: no code in them runs.
"""

import io
import os
import re
import sys
import zipfile
import zlib

from astronet.base import arguments, locks
from astronet.base.files import make_directory
from astronet.base.script import Parser, ScriptError, run

_MODEL = re.compile(r"(?:.*/)?ensemble_s(\d+)_i(\d+)_b[\d.]+\.h5")
_MOST_BYTES = 64 << 20  # of a Keras file; those of stella have 1.3 MB
# Group of the Keras file -> layer of configuration stella.
_LAYERS = {
    "conv1d": "flare_window_hidden/block_1/conv_1",
    "conv1d_1": "flare_window_hidden/block_2/conv_1",
    "dense": "pre_logits_hidden/fully_connected_1",
    "dense_1": "logits",
}


def _import(flags):
    make_directory(flags.output_dir)
    try:
        with zipfile.ZipFile(flags.archive) as archive:
            found = filter(None, map(_MODEL.fullmatch, archive.namelist()))
            models = {int(match[1]): _content(archive, match[0]) for match in found}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise ScriptError(f"{flags.archive} is not a zip archive ({error}): fetch it again") from error
    if not models:
        raise ScriptError(f"{flags.archive} has no ensemble_s*_i*_b*.h5: give final_models.zip of stella 0.1.0")
    for seed, content in sorted(models.items()):
        _write(os.path.join(flags.output_dir, str(seed)), seed, *_read(content, f"{flags.archive}, seed {seed}"))
    print(f"{flags.output_dir}: {len(models)} models; predict with --model_dir={flags.output_dir} --average")


def _content(archive, name):
    """The bytes of a member, which may claim any size."""
    with archive.open(name) as member:
        content = member.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ScriptError(
            f"{archive.filename}: {name} has more than {_MOST_BYTES} bytes, too many for a stella network"
        )
    return content


def _read(content, where):
    """Weights by our names, and the number of training steps, of the bytes of a Keras file."""
    import h5py

    weights = {}
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            for group, layer in _LAYERS.items():
                for kind in ("kernel", "bias"):
                    weights[f"{layer}/{kind}"] = file[f"model_weights/{group}/{group}/{kind}:0"][()]
            return weights, int(file["optimizer_weights/Adam/iter:0"][()])
    except (OSError, KeyError) as error:
        raise ScriptError(f"{where}: not the weights of a stella network ({error}): fetch the archive again") from error


def _write(directory, seed, weights, step):
    from astronet.config import configuration
    from astronet.estimator import checkpoints, weights_file

    config = configuration.get("AstroCNNModel", "stella")
    spec = configuration.ModelSpec("AstroCNNModel", "stella", config, train_steps=step, seed=seed)
    configuration.save(directory, spec)
    path = os.path.join(directory, weights_file.NAME)
    weights_file.write(path, weights, step, "float32")
    checkpoints.restore(spec, path)  # fails, saying why, where the arrays have other shapes


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("archive", type=arguments.input_file, help="final_models.zip of the PyPI package stella 0.1.0")
    parser.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="directory that gets a subdirectory for each model",
    )
    return run(locks.holding(_import, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
