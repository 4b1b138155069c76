"""Predicts one TCE from its light curve and ephemeris, as generate_input_records.py and batch_predict.py would."""

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.script import Parser, run
from astronet.data.catalog import epochs
from astronet.data.records import preprocess
from astronet.estimator import ensemble, one_tce, stages
from astronet.figures import tce as plotting
from astronet.flares import mask_flag
from light_curve_util import tess_io, time_systems


def _predict(flags):
    path = flags.light_curve or tess_io.find(flags.tess_data_dir, flags.tic, flags.sector)
    arguments.refuse_overwriting_inputs(
        {"--output_image_file": flags.output_image_file},
        {"--light_curve" if flags.light_curve else "--tess_data_dir": path, "--catalog": flags.catalog},
    )
    judges = stages.load(arguments.from_flags(ensemble.ModelChoice, flags))
    models = judges[0].models
    tce = one_tce.LightCurveTce(
        flags.t0,
        flags.period,
        flags.duration_hours,
        flags.transit_depth,
        flags.sn,
        path=path,
        tic_id=flags.tic,
        sector=flags.sector,
    )
    settings = one_tce.settings_of(
        [stage.models for stage in judges],
        flux_key=flags.flux_key,
        detrend=flags.detrend,
        quality=flags.quality,
        mask_flares=mask_flag.flare_mask(flags.mask_flares),
    )
    (prediction,) = stages.judge(judges, [one_tce.score(models, tce, settings, flags.catalog)])
    _print(prediction, models)
    if flags.output_image_file:
        plotting.plot_prediction(flags.output_image_file, prediction)


def _print(prediction, models):
    print(f"{prediction.identity.tic_id} {prediction.mean:.3f}")
    print(f"mean {prediction.mean:.7f}, standard deviation {prediction.standard_deviation:.7f}")
    for name, probability in zip(models.checkpoints, prediction.probabilities):
        print(f"member {name}: {probability:.7f}")
    if prediction.unlike_training:
        print(f"unlike training: {prediction.unlike_training}")
    for name, later in prediction.later.items():
        print(f"{name} {later.mean:.7f}, standard deviation {later.standard_deviation:.7f}")
        if later.unlike_training:
            print(f"{name}, unlike training: {later.unlike_training}")


def _epoch(text):
    """The type of --t0: a finite number that has not lost digits."""
    value = arguments.finite_number(text)
    problem = time_systems.lost_digits(text)
    if problem and not epochs.in_btjd([value], [0]).problems:  # which say more
        raise argparse.ArgumentTypeError(problem)
    return value


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument("--light_curve", type=arguments.input_file, help="light curve file of the star")
    parser.input.add_argument(
        "--tess_data_dir",
        metavar="DIR",
        help="instead of --light_curve: directory of light curves (sector-1, sector-2, ...), with --tic and --sector",
    )
    parser.input.add_argument(
        "--tic", type=arguments.tic_id, help="TIC ID of the star; the file of --light_curve may have it"
    )
    parser.input.add_argument(
        "--sector", type=arguments.sector, help="sector of the light curve; the file of --light_curve may have it"
    )
    parser.input.add_argument(
        "--period", type=arguments.number(above=0, unit="days"), required=True, help="orbital period"
    )
    parser.input.add_argument(
        "--t0",
        type=_epoch,
        required=True,
        metavar="BJD",
        help="mid-time of an event in days: BJD - 2457000, or BJD with all its digits",
    )
    parser.input.add_argument(
        "--duration_hours",
        type=arguments.number(above=0, unit="hours"),
        required=True,
        help="full duration of an event, in HOURS",
    )
    parser.input.add_argument(
        "--transit_depth",
        type=arguments.number(above=0, unit="ppm", advice="leave the flag out where it is not known"),
        default=math.nan,
        help="depth of an event, for models that read scalars",
    )
    parser.input.add_argument(
        "--sn",
        type=arguments.number(above=0, advice="leave the flag out where it is not known"),
        default=math.nan,
        metavar="SN",
        help="S/N of the search, to pink noise, for models that read scalars",
    )
    parser.input.add_argument(
        "--catalog",
        type=arguments.input_file,
        help="table of the TCEs of the same sector, as generate_input_records.py reads it: the models of the package "
        "read how many of them have events at the same times. The row of the TCE also gives values that no flag gives",
    )
    preprocess.add_flags(parser)
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    parser.output.add_argument(
        "--output_image_file", type=arguments.image_file, help="image of the views to write (default: none)"
    )
    flags = parser.parse_args(argv)
    if not flags.light_curve and None in (flags.tess_data_dir, flags.tic, flags.sector):
        parser.error("no light curve given: --light_curve, or --tess_data_dir, --tic and --sector")
    return run(locks.holding_file(_predict, "output_image_file"), flags)


if __name__ == "__main__":
    sys.exit(main())
