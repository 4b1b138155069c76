"""Measures what the chain misses: planets are injected into light curves before detrending, searched and judged.

completeness.ecsv and .png have the share of planets that pass each stage, by period and radius; injections.csv has each
planet. reliability.csv tells how many light curves that hold no planet, turned upside down or scrambled, pass as well.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, Optional

from astronet.base import arguments, locks, workers
from astronet.base.files import make_directory
from astronet.base.messages import LOG
from astronet.base.script import Parser, ScriptError, run
from light_curve_util.products.quality import QUALITIES


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.model.add_argument(
        "--model_dir",
        nargs="+",
        default=["pretrained:triage"],
        metavar="DIR",
        help="networks that judge, in their order: a triage, and a vetting network where there is one",
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the results"
    )
    parser.input.add_argument(
        "--tess_data_dir", type=arguments.input_directory, help="directory of light curves (default: simulated stars)"
    )
    parser.settings.add_argument(
        "--num_stars",
        type=arguments.positive_integer,
        default=200,
        help="number of simulated stars, or of light curves of --tess_data_dir, drawn at random where it has more",
    )
    parser.input.add_argument(
        "--flux_key",
        metavar="COLUMN",
        help="column of the light curves before detrending, such as SAP_FLUX (default: the detrended one)",
    )
    parser.input.add_argument("--quality", choices=QUALITIES, default="default", help="flagged cadences to leave out")
    parser.input.add_argument(
        "--star_catalog",
        default="none",
        metavar="CATALOG",
        help="star catalog, for radii and masses: local:PATH, mast or pdo; none: the headers of the files have them",
    )
    parser.settings.add_argument(
        "--num_each", type=arguments.positive_integer, default=5, help="number of planets for each light curve"
    )
    limits: dict[str, Any] = {"nargs": 2, "metavar": ("LEAST", "GREATEST"), "type": arguments.positive_number}
    parser.settings.add_argument(
        "--periods", default=(0.5, 13.0), help="range of their orbital periods [days]", **limits
    )
    parser.settings.add_argument("--radii", default=(1.0, 16.0), help="range of their radii [Earth radii]", **limits)
    parser.settings.add_argument(
        "--num_bins", type=arguments.whole_number(1, 50), default=5, help="number of bins in period and in radius"
    )
    parser.settings.add_argument("--seed", type=arguments.seed, default=0, help="seed of stars and planets")
    workers.add_flags(parser)
    return run(locks.holding(_measure, "output_dir"), parser.parse_args(argv), "given again, it goes on from there")


def _measure(flags):
    from astronet.completeness import maps, trial

    for name in ("periods", "radii"):
        least, greatest = getattr(flags, name)
        if not least < greatest:
            raise ScriptError(f"--{name} {least:g} {greatest:g}: the greatest must be above the least")
    make_directory(flags.output_dir)
    choice = trial.Trial(
        _stars(flags, trial),
        flags.output_dir,
        tuple(flags.model_dir),
        tuple(flags.periods),
        tuple(flags.radii),
        flags.num_each,
        seed=flags.seed,
    )
    results = trial.run(choice, flags.num_worker_processes, flags.cluster)
    for name, reason in results.skipped:
        LOG.warning(f"{name} left out: {reason}")
    if not results.num_curves:
        raise ScriptError("no light curve can be used: give another --tess_data_dir")
    maps.write(results, choice, flags.num_bins)
    trial.discard(choice)
    for line in maps.lines(results):
        print(line)
    print(f"{flags.output_dir}: {', '.join(maps.WRITTEN)}")


def _stars(flags, trial):
    from astronet.completeness.star_curves import SimulatedStar

    if not flags.tess_data_dir:
        return tuple(SimulatedStar(1000 + number, 1 + number % 13, flags.seed) for number in range(flags.num_stars))
    if not flags.flux_key:
        LOG.warning("note: planets are put into detrended fluxes: what detrending takes from transits is not counted")
    stars = trial.stars_of_directory(
        flags.tess_data_dir, flags.flux_key, flags.quality, flags.star_catalog, flags.num_stars, flags.seed
    )
    if not stars:
        raise ScriptError(f"no light curve with a known star and sector in {os.fspath(flags.tess_data_dir)}")
    return stars


if __name__ == "__main__":
    sys.exit(main())
