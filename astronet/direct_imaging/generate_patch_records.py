"""Makes the record files that companion detectors learn from: MLAR patches of injected companions and of speckles."""

import collections
import functools
import os
import sys

import numpy as np

import astronet
from astronet.direct_imaging import cube, mlar, samples
from astronet.direct_imaging.configurations import FEATURE, LABEL_MAP
from astronet.util import workers
from astronet.util.arguments import positive_integer
from astronet.util.files import make_directory, sha256, write_csv
from astronet.util.script import Parser, ScriptError, run

COMPANION, SPECKLE = LABEL_MAP
_EVALUATED = 0.15  # of the number of training samples: how many are made for validation, and for test
_COLUMNS = ("row_id", "tic_id", "Disposition", "annulus", "x", "y", "flux", "snr")
_DECISIVE_FLAGS = (
    *("recenter", "angle_offset", "flip_angles"),
    *("num_companions", "num_speckles", "snr_range", "num_levels", "seed"),
)


def add_flags(parser):
    """Adds what says which samples are made of a cube."""
    parser.add_argument(
        "--num_companions", type=positive_integer, default=400, help="companions to train on, in each annulus"
    )
    parser.add_argument("--num_speckles", type=positive_integer, default=1600, help="speckles, in each annulus")
    add_snr_flag(parser)
    parser.add_argument("--num_levels", type=positive_integer, default=20, help="low-rank approximations of a patch")
    parser.add_argument("--num_worker_processes", type=positive_integer, default=os.cpu_count(), help="side by side")
    workers.add_cluster_flag(parser)


def add_snr_flag(parser):
    """Adds the range of S/N of injected companions."""
    parser.add_argument(
        "--snr_range",
        type=float,
        nargs=2,
        default=[1.0, 3.0],
        metavar=("LEAST", "MOST"),
        help="S/N of the companions in PCA images",
    )


def settings(flags):
    """What decides on the samples, as records.json holds it."""
    return {name: getattr(flags, name) for name in _DECISIVE_FLAGS}


def check(flags):
    """Raises a ScriptError for a range of S/N that is none."""
    if not 0 <= flags.snr_range[0] < flags.snr_range[1]:
        raise ScriptError("--snr_range is no range: give the lower S/N first")


def write(adi_cube, directory, flags, origin):
    """Makes the records of all annuli: train, val and test, a shard of each an annulus; samples.csv; records.json.

    Args:
      adi_cube: AdiCube.
      directory: where they go.
      flags: those of add_flags, and seed.
      origin: dictionary, for records.json: what they are made of.

    Returns:
      Dictionary, split -> collections.Counter of dispositions.

    Raises:
      ScriptError: the frames are too small for an annulus.
    """
    from astronet.data import record_set

    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    if not rings:
        raise ScriptError(
            f"frames of {adi_cube.size} x {adi_cube.size} pixels hold no annulus for a FWHM of {adi_cube.fwhm:.1f} px: "
            "give frames of 5 FWHM at least"
        )
    make_directory(directory)
    counts = flags.num_companions, flags.num_speckles
    evaluated = tuple(max(1, int(_EVALUATED * count)) for count in counts)
    work = functools.partial(
        _write_annulus,
        adi_cube,
        record_set.staging_directory(directory),
        {split: counts if split == "train" else evaluated for split in samples.SPLITS},
        tuple(flags.snr_range),
        flags.num_levels,
        flags.seed,
    )
    tasks = [(ring, number, len(rings)) for number, ring in enumerate(rings)]
    made, listed = {}, []
    for shards, rows in workers.map_in_order(work, tasks, flags.num_worker_processes, cluster=flags.cluster):
        made.update(shards)
        listed += rows
    entries = {
        name: (path, record_set.Entry("", "", sha256(path), dict(dispositions), []))
        for name, (path, dispositions) in sorted(made.items())
    }
    record_set.publish(directory, entries)
    write_csv(os.path.join(directory, "samples.csv"), (*_COLUMNS, "shard"), listed)
    record_set.write_manifest(
        directory,
        {name: dispositions for name, (_, dispositions) in sorted(made.items())},
        version=astronet.__version__,
        configuration={"views": {FEATURE: flags.num_levels * mlar.patch_size(adi_cube.fwhm) ** 2}},
        settings=settings(flags),
        **origin,
    )
    return {
        split: sum((each for name, (_, each) in made.items() if name.startswith(split)), collections.Counter())
        for split in samples.SPLITS
    }


def _write_annulus(adi_cube, staging, counts, snr_range, num_levels, seed, task):
    """Worker: writes the shards of an annulus; returns name -> (path, Counter of dispositions), and rows to list."""
    from astronet.util import example_util, records

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
            example = example_util.to_example(columns, {FEATURE: sample.patch.ravel()})
            examples.append(example.SerializeToString(deterministic=True))
            dispositions[columns["Disposition"]] += 1
            rows.append([columns[column] for column in _COLUMNS] + [name])
        path = os.path.join(staging, name)
        records.write_shard(path, examples)
        shards[name] = path, dispositions
    return shards, rows


def _generate(flags):
    check(flags)
    adi_cube = cube.from_flags(flags)
    origin = {"cube": {name: os.path.abspath(getattr(flags, name)) for name in ("cube", "psf", "angles")}}
    counts = write(adi_cube, flags.output_dir, flags, origin)
    for split, dispositions in counts.items():
        told = ", ".join(f"{count} {kind}s" for kind, count in sorted(dispositions.items()))
        print(f"{split}: {told} in {flags.output_dir}/{split}-*")


def main(argv=None):
    parser = Parser(description=__doc__)
    cube.add_flags(parser)
    parser.add_argument("--output_dir", required=True, help="directory of the record files")
    add_flags(parser)
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    return run(_generate, parser.parse_args(argv))


if __name__ == "__main__":
    from astronet.direct_imaging.generate_patch_records import main  # noqa: F811 (workers have another __main__)

    sys.exit(main())
