"""Makes the record files that companion detectors learn from: MLAR patches of injected companions and of speckles."""

import collections
import contextlib
import functools
import os
import sys

import numpy as np

import astronet
from astronet.base import arguments, locks, workers
from astronet.base.files import sha256, write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.direct_imaging import cube, mlar, samples
from astronet.direct_imaging.configurations import FEATURE, LABEL_MAP

COMPANION, SPECKLE = LABEL_MAP
_EVALUATED = 0.15  # of the number of training samples: how many are made for validation, and for test
_MOST_LEVELS = 100
_num_samples = arguments.whole_number(1, 100_000, unit="samples of an annulus")
_COLUMNS = ("row_id", "tic_id", "Disposition", "annulus", "x", "y", "flux", "snr")
_FILES = ("cube", "psf", "angles")
_DECISIVE_FLAGS = (
    *("recenter", "angle_offset", "flip_angles"),
    *("num_companions", "num_speckles", "snr_range", "num_levels", "seed"),
)


def add_flags(parser):
    """Adds what says which samples are made of a cube, with --seed, and by how many processes."""
    parser.add_argument(
        "--num_companions", type=_num_samples, default=400, help="companions to train on, in each annulus"
    )
    parser.add_argument("--num_speckles", type=_num_samples, default=1600, help="speckles to train on, in each annulus")
    add_snr_flag(parser)
    parser.add_argument(
        "--num_levels",
        type=arguments.whole_number(1, _MOST_LEVELS),
        default=20,
        help=f"low-rank approximations of a patch, {_MOST_LEVELS} at most",
    )
    parser.add_argument(
        "--num_worker_processes",
        type=arguments.num_processes,
        default=os.cpu_count(),
        help="processes that work side by side",
    )
    workers.add_cluster_flag(parser)
    parser.add_argument("--seed", type=arguments.seed, default=0, help="seed of all random numbers")


def add_snr_flag(parser):
    """Adds the range of S/N of injected companions."""
    parser.add_argument(
        "--snr_range",
        type=arguments.number(0, 1000),
        nargs=2,
        default=[1.0, 3.0],
        metavar=("LEAST", "MOST"),
        help="S/N of the injected companions in PCA images",
    )


def origin(flags):
    """What decides on the samples, as records.json holds it: the cube's files by content, settings, version."""
    return {
        "version": astronet.__version__,
        "cube": {name: sha256(getattr(flags, name)) for name in _FILES},
        "settings": {name: getattr(flags, name) for name in _DECISIVE_FLAGS},
    }


def is_whole(directory, manifest):
    """Returns whether a directory holds the record files of a manifest (records.json), each as it was made."""
    hashes = manifest.get("sha256")
    if not hashes or not isinstance(hashes, dict):
        return False
    with contextlib.suppress(OSError):
        return all(sha256(os.path.join(directory, name)) == digest for name, digest in hashes.items())
    return False


def check(flags):
    """Raises a ScriptError for a range of S/N that is none."""
    if not flags.snr_range[0] < flags.snr_range[1]:
        raise ScriptError("--snr_range is no range: give the lower S/N first")


def write(adi_cube, directory, flags):
    """Makes the records of all annuli: train, val and test, a shard of each an annulus; samples.csv; records.json.

    Args:
      adi_cube: AdiCube.
      directory: where they go; no other run may write there meanwhile.
      flags: those of add_flags and cube.add_flags.

    Returns:
      Dictionary, split -> collections.Counter of dispositions.

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
    made_of = origin(flags)
    kinds = f"{flags.num_companions} companions and {flags.num_speckles} speckles to train on"
    print(f"{directory}: samples are made of {len(rings)} annuli, {kinds} in each", flush=True)
    with locks.exclusive(directory):
        made, listed = _make(adi_cube, rings, record_set.staging_directory(directory), flags)
        hashes = {name: sha256(path) for name, (path, _) in sorted(made.items())}
        entries = {
            name: (path, record_set.Entry("", "", hashes[name], dict(dispositions), []))
            for name, (path, dispositions) in sorted(made.items())
        }
        record_set.publish(directory, entries)
        write_csv(os.path.join(directory, "samples.csv"), (*_COLUMNS, "shard"), listed)
        record_set.write_manifest(
            directory,
            {name: dispositions for name, (_, dispositions) in sorted(made.items())},
            configuration={"views": {FEATURE: flags.num_levels * mlar.patch_size(adi_cube.fwhm) ** 2}},
            **made_of,
            files={name: os.path.abspath(getattr(flags, name)) for name in _FILES},
            sha256=hashes,
        )
    return {
        split: sum((each for name, (_, each) in made.items() if name.startswith(split)), collections.Counter())
        for split in samples.SPLITS
    }


def _make(adi_cube, rings, staging, flags):
    """Writes the shards of all annuli; returns name -> (path, Counter of dispositions), and rows to list."""
    from tqdm import tqdm

    counts = flags.num_companions, flags.num_speckles
    evaluated = tuple(max(1, int(_EVALUATED * count)) for count in counts)
    work = functools.partial(
        _write_annulus,
        adi_cube,
        staging,
        {split: counts if split == "train" else evaluated for split in samples.SPLITS},
        tuple(flags.snr_range),
        flags.num_levels,
        flags.seed,
    )
    tasks = [(ring, number, len(rings)) for number, ring in enumerate(rings)]
    made, listed = {}, []
    results = workers.map_in_order(work, tasks, flags.num_worker_processes, cluster=flags.cluster)
    for shards, rows in tqdm(results, desc="samples", total=len(tasks), unit="annulus", disable=None):
        made.update(shards)
        listed += rows
    return made, listed


def _write_annulus(adi_cube, staging, counts, snr_range, num_levels, seed, task):
    """Worker: writes the shards of an annulus; returns name -> (path, Counter of dispositions), and rows to list."""
    from astronet.data.records import tf_example, tfrecord

    annulus, number, total = task
    made = samples.make(adi_cube, annulus, counts, snr_range, num_levels, seed)
    order = np.random.default_rng([seed, number]).permutation(len(made))
    shards, rows = {}, []
    for split in samples.SPLITS:
        name, examples, dispositions = f"{split}-{number:05d}-of-{total:05d}", [], collections.Counter()
        for i in order:
            sample = made[i]
            if sample.split != split:
                continue
            columns = {
                "row_id": number * 1_000_000 + int(i),
                "tic_id": 100 * annulus.number + int(sample.wedge),
                "Sectors": 0,
                "Disposition": COMPANION if sample.is_companion else SPECKLE,
                "annulus": annulus.number,
                **{key: float(getattr(sample, key)) for key in ("x", "y", "flux", "snr")},
            }
            example = tf_example.to_example(columns, {FEATURE: sample.patch.ravel()})
            examples.append(example.SerializeToString(deterministic=True))
            dispositions[columns["Disposition"]] += 1
            rows.append([columns[column] for column in _COLUMNS] + [name])
        path = os.path.join(staging, name)
        tfrecord.write_shard(path, examples)
        shards[name] = path, dispositions
    return shards, rows


def _generate(flags):
    check(flags)
    adi_cube = cube.from_flags(flags)
    counts = write(adi_cube, flags.output_dir, flags)
    for split, dispositions in counts.items():
        told = ", ".join(f"{count} {kind}s" for kind, count in sorted(dispositions.items()))
        print(f"{split}: {told} in {flags.output_dir}/{split}-*")


def main(argv=None):
    parser = Parser(description=__doc__)
    cube.add_flags(parser)
    parser.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the record files"
    )
    add_flags(parser)
    return run(_generate, parser.parse_args(argv))


if __name__ == "__main__":
    from astronet.direct_imaging.generate_patch_records import main  # noqa: F811 (workers have another __main__)

    sys.exit(main())
