"""Makes the records of MLAR patches that companion detectors learn from, annulus by annulus."""

import collections
import contextlib
import dataclasses
import functools
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np

from astronet.base import arguments, locks, messages, version, workers
from astronet.base.files import sha256, write_csv
from astronet.base.script import Parser, ScriptError
from astronet.direct_imaging import mlar, samples
from astronet.direct_imaging.configurations import FEATURE, LABEL_MAP
from astronet.direct_imaging.cube import AdiCube, CubeFiles

_LOG = logging.getLogger(__name__)

COMPANION, SPECKLE = LABEL_MAP
_EVALUATED = 0.15  # number of samples for validation, and for test, over the number of training samples
_MOST_LEVELS = 100
_COLUMNS = ("row_id", "tic_id", "Disposition", "annulus", "x", "y", "flux", "snr")
_FILES = ("cube", "psf", "angles")
WRITTEN = ("samples.csv", "records.json", "shards.json")  # names of the tables; record files have names of their own

Shards = dict[str, tuple[str, "collections.Counter[str]"]]  # name -> (path, number of records of each disposition)


@dataclasses.dataclass(frozen=True)
class SampleChoice:
    """Which samples are made of a cube: the flags of add_flags().

    Attributes:
      files: files of the cube.
      num_companions, num_speckles: number of samples to train on, in each annulus.
      snr_range: least and greatest S/N of the injected companions in PCA images.
      num_levels: number of low-rank approximations in a patch.
      seed: seed of all random numbers.
      num_worker_processes: number of processes that work side by side.
      cluster: Dask cluster, as workers.open_executor() takes it; None is this machine.
    """

    files: CubeFiles
    num_companions: int = 400
    num_speckles: int = 1600
    snr_range: Sequence[float] = (1.0, 3.0)
    num_levels: int = 20
    seed: int = 0
    num_worker_processes: int = 1
    cluster: Optional[str] = None

    def check(self) -> None:
        """Raises ScriptError if the range of S/N is empty."""
        check_snr_range(self.snr_range)

    def origin(self) -> dict[str, Any]:
        """Returns what decides on the samples, as records.json holds it: version, content of the files, settings."""
        of_files = {name: getattr(self.files, name) for name in ("recenter", "angle_offset", "flip_angles")}
        return {
            "version": version.VERSION,
            "cube": {name: sha256(getattr(self.files, name)) for name in _FILES},
            "settings": {
                **of_files,
                "num_companions": self.num_companions,
                "num_speckles": self.num_speckles,
                "snr_range": list(self.snr_range),
                "num_levels": self.num_levels,
                "seed": self.seed,
            },
        }


def add_flags(parser: Parser) -> None:
    """Adds the flags of SampleChoice."""
    num_samples = arguments.whole_number(1, 100_000, unit="samples of an annulus")
    parser.settings.add_argument(
        "--num_companions", type=num_samples, default=400, help="number of companions to train on, in each annulus"
    )
    parser.settings.add_argument(
        "--num_speckles", type=num_samples, default=1600, help="number of speckles to train on, in each annulus"
    )
    add_snr_flag(parser)
    parser.settings.add_argument(
        "--num_levels",
        type=arguments.whole_number(1, _MOST_LEVELS),
        default=20,
        help=f"number of low-rank approximations in a patch, at most {_MOST_LEVELS}",
    )
    workers.add_flags(parser)
    parser.settings.add_argument("--seed", type=arguments.seed, default=0, help="seed of all random numbers")


def add_snr_flag(parser: Parser) -> None:
    """Adds --snr_range, the S/N of injected companions."""
    parser.settings.add_argument(
        "--snr_range",
        type=arguments.number(0, 1000),
        nargs=2,
        default=[1.0, 3.0],
        metavar=("LEAST", "MOST"),
        help="S/N of the injected companions in PCA images",
    )


def check_snr_range(snr_range: Sequence[float]) -> None:
    """Raises ScriptError if a range of S/N is empty."""
    if not snr_range[0] < snr_range[1]:
        raise ScriptError("--snr_range is no range: give the lower S/N first")


def is_whole(directory: str, manifest: Mapping[str, Any]) -> bool:
    """Returns whether a directory holds all record files of a manifest (records.json), unchanged."""
    hashes = manifest.get("sha256")
    if not hashes or not isinstance(hashes, dict):
        return False
    with contextlib.suppress(OSError):
        return all(sha256(os.path.join(directory, name)) == digest for name, digest in hashes.items())
    return False


def write(adi_cube: AdiCube, directory: str, choice: SampleChoice) -> dict[str, "collections.Counter[str]"]:
    """Makes the records of all annuli: a shard of each split for each annulus; samples.csv; records.json.

    Args:
      adi_cube: the cube of the choice.
      directory: where the files go; it is locked meanwhile.
      choice: which samples.

    Returns:
      Number of records of each disposition, by split.

    Raises:
      ScriptError: the frames are too small for an annulus.
    """
    from astronet.data.records import record_set

    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    if not rings:
        raise ScriptError(
            f"frames of {adi_cube.size} x {adi_cube.size} pixels hold no annulus for a FWHM of {adi_cube.fwhm:.1f} px: "
            "give frames of 5 FWHM at least"
        )
    origin = choice.origin()
    kinds = f"{choice.num_companions} companions and {choice.num_speckles} speckles to train on"
    _LOG.info(f"{directory}: samples are made of {len(rings)} annuli, {kinds} in each")
    with locks.exclusive(directory):
        shards, rows = _make(adi_cube, rings, record_set.staging_directory(directory), choice)
        shards = dict(sorted(shards.items()))
        hashes = {name: sha256(path) for name, (path, _) in shards.items()}
        entries = {
            name: (path, record_set.Entry("", "", hashes[name], dict(dispositions), []))
            for name, (path, dispositions) in shards.items()
        }
        record_set.publish(directory, entries)
        write_csv(os.path.join(directory, "samples.csv"), (*_COLUMNS, "shard"), rows)
        record_set.write_manifest(
            directory,
            {name: dispositions for name, (_, dispositions) in shards.items()},
            configuration={"views": {FEATURE: choice.num_levels * mlar.patch_size(adi_cube.fwhm) ** 2}},
            **origin,
            files={name: os.path.abspath(getattr(choice.files, name)) for name in _FILES},
            sha256=hashes,
        )
    return {
        split: sum((counts for name, (_, counts) in shards.items() if name.startswith(split)), collections.Counter())
        for split in samples.SPLITS
    }


def _make(
    adi_cube: AdiCube, rings: Sequence[mlar.Annulus], staging: str, choice: SampleChoice
) -> tuple[Shards, list[list[Any]]]:
    """Writes the shards of all annuli into `staging`; returns them and the rows of samples.csv."""
    counts = choice.num_companions, choice.num_speckles
    num_companions, num_speckles = (max(1, int(_EVALUATED * count)) for count in counts)
    work = functools.partial(
        _write_annulus,
        adi_cube,
        staging,
        {split: counts if split == "train" else (num_companions, num_speckles) for split in samples.SPLITS},
        choice.snr_range,
        choice.num_levels,
        choice.seed,
    )
    tasks = [(ring, number, len(rings)) for number, ring in enumerate(rings)]
    shards: Shards = {}
    rows: list[list[Any]] = []
    results = workers.map_in_order(work, tasks, choice.num_worker_processes, cluster=choice.cluster)
    for shards_of_annulus, rows_of_annulus in messages.bar(results, desc="samples", total=len(tasks), unit="annulus"):
        shards.update(shards_of_annulus)
        rows += rows_of_annulus
    return shards, rows


def _write_annulus(
    adi_cube: AdiCube,
    staging: str,
    counts: Mapping[str, tuple[int, int]],
    snr_range: Sequence[float],
    num_levels: int,
    seed: int,
    task: tuple[mlar.Annulus, int, int],
) -> tuple[Shards, list[list[Any]]]:
    """Writes the shards of one annulus, in a worker; returns them and the rows of samples.csv.

    Args:
      adi_cube, counts, snr_range, num_levels, seed: see samples.make().
      staging: directory of the shards.
      task: the annulus, its index, and the number of annuli.
    """
    from astronet.data.records import tf_example, tfrecord

    annulus, number, num_annuli = task
    made = samples.make(adi_cube, annulus, counts, snr_range, num_levels, seed)
    order = np.random.default_rng([seed, number]).permutation(len(made))
    shards: Shards = {}
    rows: list[list[Any]] = []
    for split in samples.SPLITS:
        name = f"{split}-{number:05d}-of-{num_annuli:05d}"
        examples: list[bytes] = []
        dispositions: collections.Counter[str] = collections.Counter()
        for i in order:
            sample = made[i]
            if sample.split != split:
                continue
            disposition = COMPANION if sample.is_companion else SPECKLE
            columns: dict[str, Any] = {
                "row_id": number * 1_000_000 + int(i),
                "tic_id": 100 * annulus.number + int(sample.wedge),
                "Sectors": 0,
                "Disposition": disposition,
                "annulus": annulus.number,
                **{key: float(getattr(sample, key)) for key in ("x", "y", "flux", "snr")},
            }
            example = tf_example.to_example(columns, {FEATURE: sample.patch.ravel()})
            examples.append(example.SerializeToString(deterministic=True))
            dispositions[disposition] += 1
            rows.append([columns[column] for column in _COLUMNS] + [name])
        path = os.path.join(staging, name)
        tfrecord.write_shard(path, examples)
        shards[name] = path, dispositions
    return shards, rows
