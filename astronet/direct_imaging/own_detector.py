"""The detector of a cube: trained on samples of that very cube, and kept with them in a directory.

    DIR/records/    samples, and in records.json what they were made of: files by content, settings, version
    DIR/sodinn/     the detector, or an ensemble of them in sodinn/1, sodinn/2, ...

A run with the same DIR makes only what is missing. Samples that were made of something else are made again, but where a
detector has been trained on them the run ends, before it changes anything.
"""

import argparse
import contextlib
import dataclasses
import json
import os

from astronet.base import arguments, dask_cluster
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.direct_imaging import configurations, detection, generate_patch_records, mlar
from astronet.direct_imaging.cube import AdiCube
from astronet.estimator import ensemble, fit

RECORDS = "records"
MODELS = tuple(configurations.CONFIGURATIONS)
_MOST_MODELS = 100


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds which detector is trained and how, and those of its samples, with --seed."""
    parser.add_argument("--model", choices=MODELS, default="sodinn_conv3d", help="which detector to train")
    parser.add_argument(
        "--num_models",
        type=arguments.whole_number(1, _MOST_MODELS),
        default=1,
        help="detectors to train, and to average",
    )
    parser.add_argument(
        "--num_threads",
        type=arguments.num_threads,
        help="threads of the training; 1: the same seed gives the same detector; default: all cores",
    )
    generate_patch_records.add_flags(parser)


def check(flags: argparse.Namespace) -> None:
    """Compares what the directory holds with what the flags ask for; changes nothing.

    Args:
      flags: those of add_flags and cube.add_flags, and output_dir.

    Raises:
      ScriptError: a detector there was trained on other samples, or is an ensemble of another size.
    """
    generate_patch_records.check(flags)
    trained = [path for path in (os.path.join(flags.output_dir, model) for model in MODELS) if _is_begun(path)]
    differences = _differences(_read_manifest(flags), flags)
    if trained and differences:
        raise ScriptError(
            f"{flags.output_dir} holds a detector ({', '.join(trained)}) of other samples: {', '.join(differences)}. "
            f"Give another --output_dir, or remove {flags.output_dir}. (--model_dir={trained[0]}, with another "
            "--output_dir, searches with that detector as it is)"
        )
    model_dir = os.path.join(flags.output_dir, flags.model)
    is_single, num_members = ensemble.holds_model(model_dir), len(ensemble.members(model_dir))
    if (
        (is_single and flags.num_models > 1)
        or (num_members and flags.num_models == 1)
        or num_members > flags.num_models
    ):
        there = "a single detector" if is_single else f"an ensemble of {num_members}"
        raise ScriptError(
            f"{model_dir} holds {there}, and --num_models={flags.num_models} asks for another number: give another "
            "--output_dir, or remove that directory"
        )


def load(adi_cube: AdiCube, flags: argparse.Namespace) -> ensemble.Ensemble:
    """Returns the detector, after making its samples and training it as far as they are not there.

    Raises:
      ScriptError: as check(), which is to be called before; or training failed.
    """
    records_dir, model_dir = (os.path.join(flags.output_dir, name) for name in (RECORDS, flags.model))
    manifest = _read_manifest(flags)
    if manifest and not _differences(manifest, flags) and generate_patch_records.is_whole(records_dir, manifest):
        print(f"{records_dir}: made before, from the same cube", flush=True)
    else:
        generate_patch_records.write(adi_cube, records_dir, flags)
    share = flags.num_companions / (flags.num_companions + flags.num_speckles)
    size = mlar.patch_size(adi_cube.fwhm)
    config = configurations.for_patches(flags.model, flags.num_levels, size, companion_share=share)
    spec = configuration.resolve(flags.model, config_json=json.dumps(dataclasses.asdict(config)))
    options = fit.FitOptions(
        model_dir,
        (f"{records_dir}/train-*",),
        (f"{records_dir}/val-*",),
        seed=flags.seed,
        num_models=flags.num_models,
        num_threads=flags.num_threads,
    )
    fit.fit_ensemble(spec, options, dask_cluster.tell, dask_cluster.tell_error)
    return detection.load(model_dir)


def _is_begun(model_dir):
    return ensemble.holds_model(model_dir) or bool(ensemble.members(model_dir))


def _read_manifest(flags):
    """What samples the directory holds, as generate_patch_records.origin() has it; {} where it holds none."""
    path = os.path.join(flags.output_dir, RECORDS, "records.json")
    with contextlib.suppress(OSError, ValueError):
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
        if isinstance(manifest, dict):
            return manifest
    return {}


def _differences(manifest, flags):
    """How the samples of a manifest differ from those that the flags ask for, in words; none where there are none."""
    if not manifest:
        return []
    wanted = generate_patch_records.origin(flags)
    found = {key: manifest.get(key) if isinstance(manifest.get(key), dict) else {} for key in ("cube", "settings")}
    words = [
        f"{name.upper()} is not the file that they were made of"
        for name, digest in wanted["cube"].items()
        if found["cube"].get(name) != digest
    ]
    for name, value in wanted["settings"].items():
        if found["settings"].get(name) != value:
            words.append(f"--{name} was {_in_flags(found['settings'].get(name))}, and is {_in_flags(value)}")
    if manifest.get("version") != wanted["version"]:
        words.append(f"astronet was {manifest.get('version')}, and is {wanted['version']}")
    return words


def _in_flags(value):
    return " ".join(f"{each:g}" for each in value) if isinstance(value, list) else str(value)
