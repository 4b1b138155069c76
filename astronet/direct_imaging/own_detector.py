"""Trains the detector of a cube on samples of that very cube, and keeps both in a directory.

    DIR/records/    samples, and in records.json what they were made of: content of the files, settings, version
    DIR/sodinn/     the detector, or an ensemble of them in sodinn/1, sodinn/2, ...

A run with the same DIR makes only what is missing. Samples that were made of something else are made again. But if a
detector has been trained on them, the run ends before it changes anything.
"""

import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from typing import Any, Optional

from astronet.base import arguments, json_files
from astronet.base.script import Parser, ScriptError
from astronet.config import configuration
from astronet.direct_imaging import configurations, detection, mlar, patch_records
from astronet.direct_imaging.cube import AdiCube
from astronet.estimator import ensemble, fit

_LOG = logging.getLogger(__name__)

RECORDS = "records"
MODELS = tuple(configurations.CONFIGURATIONS)
_MOST_MODELS = 100


@dataclasses.dataclass(frozen=True)
class DetectorChoice:
    """Which detector is trained, on which samples: the flags of add_flags().

    Attributes:
      samples: samples of the cube.
      output_dir: directory of the samples and the detector.
      model: one of MODELS.
      num_models: number of detectors, whose mean counts.
      num_threads: threads of the training; 1: the same seed gives the same detector; None: all cores.
    """

    samples: patch_records.SampleChoice
    output_dir: str
    model: str = "sodinn_conv3d"
    num_models: int = 1
    num_threads: Optional[int] = None

    @property
    def records_dir(self) -> str:
        """Directory of the samples."""
        return os.path.join(self.output_dir, RECORDS)

    @property
    def model_dir(self) -> str:
        """Directory of the detector."""
        return os.path.join(self.output_dir, self.model)


def add_flags(parser: Parser) -> None:
    """Adds the flags of DetectorChoice and of its samples."""
    parser.model.add_argument("--model", choices=MODELS, default="sodinn_conv3d", help="which detector to train")
    parser.model.add_argument(
        "--num_models",
        type=arguments.whole_number(1, _MOST_MODELS),
        default=1,
        help="number of detectors to train and to average",
    )
    parser.machine.add_argument(
        "--num_threads",
        type=arguments.num_threads,
        help="threads of the training; 1: the same seed gives the same detector (default: all cores)",
    )
    patch_records.add_flags(parser)


def check(choice: DetectorChoice) -> None:
    """Compares the content of the directory with the choice; changes nothing.

    Raises:
      ScriptError: the detector in the directory was trained on other samples, or has another number of members.
    """
    choice.samples.check()
    trained = [path for path in (os.path.join(choice.output_dir, model) for model in MODELS) if _is_begun(path)]
    differences = _differences(_read_manifest(choice), choice)
    if trained and differences:
        raise ScriptError(
            f"{choice.output_dir} holds a detector ({', '.join(trained)}) of other samples: {', '.join(differences)}. "
            f"Give another --output_dir, or remove {choice.output_dir}. (--model_dir={trained[0]}, with another "
            "--output_dir, searches with that detector as it is)"
        )
    model_dir = choice.model_dir
    is_single, num_members = ensemble.holds_model(model_dir), len(ensemble.members(model_dir))
    if (
        (is_single and choice.num_models > 1)
        or (num_members and choice.num_models == 1)
        or num_members > choice.num_models
    ):
        content = "a single detector" if is_single else f"an ensemble of {num_members}"
        raise ScriptError(
            f"{model_dir} holds {content}, and --num_models={choice.num_models} asks for another number: give another "
            "--output_dir, or remove that directory"
        )


def load(adi_cube: AdiCube, choice: DetectorChoice) -> ensemble.Ensemble:
    """Returns the detector; first makes its samples and trains it, unless an earlier run has.

    Args:
      adi_cube: the cube of the samples.
      choice: which detector; check() must have been called for it.

    Raises:
      ScriptError: the training failed, or the frames are too small.
    """
    manifest = _read_manifest(choice)
    if manifest and not _differences(manifest, choice) and patch_records.is_whole(choice.records_dir, manifest):
        _LOG.info(f"{choice.records_dir}: made before, from the same cube")
    else:
        patch_records.write(adi_cube, choice.records_dir, choice.samples)
    samples = choice.samples
    share = samples.num_companions / (samples.num_companions + samples.num_speckles)
    size = mlar.patch_size(adi_cube.fwhm)
    config = configurations.for_patches(choice.model, samples.num_levels, size, companion_share=share)
    spec = configuration.resolve(choice.model, config_json=json.dumps(dataclasses.asdict(config)))
    options = fit.FitOptions(
        choice.model_dir,
        (f"{choice.records_dir}/train-*",),
        (f"{choice.records_dir}/val-*",),
        seed=samples.seed,
        num_models=choice.num_models,
        num_threads=choice.num_threads,
    )
    fit.fit_ensemble(spec, options)
    return detection.load(choice.model_dir)


def _is_begun(model_dir: str) -> bool:
    return ensemble.holds_model(model_dir) or bool(ensemble.members(model_dir))


def _read_manifest(choice: DetectorChoice) -> dict[str, Any]:
    """Returns the content of records.json; empty if the directory holds no samples."""
    return json_files.read_or_nothing(os.path.join(choice.records_dir, "records.json"))


def _differences(manifest: Mapping[str, Any], choice: DetectorChoice) -> list[str]:
    """Returns, in words, how the samples of a manifest differ from the chosen ones; empty if they do not."""
    if not manifest:
        return []
    wanted = choice.samples.origin()
    made: dict[str, dict[str, Any]] = {
        key: section if isinstance(section := manifest.get(key), dict) else {} for key in ("cube", "settings")
    }
    words = [
        f"{name.upper()} is not the file that they were made of"
        for name, digest in wanted["cube"].items()
        if made["cube"].get(name) != digest
    ]
    for name, value in wanted["settings"].items():
        if made["settings"].get(name) != value:
            words.append(f"--{name} was {_as_flag(made['settings'].get(name))}, and is {_as_flag(value)}")
    if manifest.get("version") != wanted["version"]:
        words.append(f"astronet was {manifest.get('version')}, and is {wanted['version']}")
    return words


def _as_flag(value: Any) -> str:
    return " ".join(f"{number:g}" for number in value) if isinstance(value, list) else str(value)
