"""Predicts one TCE from its light curve and ephemeris, as generate_input_records.py and batch_predict.py would."""

import argparse
import functools
import math
import sys

from astronet.base import arguments
from astronet.base.script import Parser, ScriptError, run
from astronet.config import configuration
from astronet.data.catalog import epochs, plausibility
from astronet.data.records import preprocess, single_tce, tf_example
from astronet.data.records.columns import DEPTH, DURATION, EPOCH, PERIOD, SECTOR, SN, TIC_ID
from astronet.estimator import ensemble, scoring
from astronet.figures import tce as plotting
from light_curve_util import sector_times, tess_io, time_systems
from light_curve_util.identity import Identity
from light_curve_util.periodic_event import PeriodicEvent


def _flare_mask(flags):
    if flags.mask_flares is None:
        return None
    from astronet.flares import mask  # which most runs do without

    return mask.of_directory(flags.mask_flares)


def _predict(flags):
    path = flags.light_curve or tess_io.find(flags.tess_data_dir, flags.tic, flags.sector)
    arguments.refuse_overwriting_inputs(
        {"--output_image_file": flags.output_image_file},
        {"--light_curve" if flags.light_curve else "--tess_data_dir": path, "--catalog": flags.catalog},
    )
    models = ensemble.load(ensemble.ModelChoice.from_flags(flags))
    star = _identity(path, flags)
    sector = star.sector or 0
    event = _event(flags, sector if tess_io.is_of_tess(path) else 0)
    lengths = configuration.view_lengths(models.spec.config)
    settings = preprocess.Settings(lengths, flags.flux_key, flags.detrend, flags.quality, _flare_mask(flags))
    columns = {
        TIC_ID: star.tic_id,
        SECTOR: sector,
        EPOCH: event.t0,
        PERIOD: event.period,
        DURATION: event.duration_days,
        DEPTH: flags.transit_depth,
        SN: flags.sn,
    }
    check = preprocess.TimeCheck({sector: sector_times.window(sector)} if sector else {})
    views = preprocess.make_views(path, event, settings, functools.partial(check.look, event=event, columns=columns))
    _warn(columns, check.warnings)
    columns = single_tce.with_camera(columns, path)
    if flags.catalog:
        columns = single_tce.with_neighbors(columns, flags.catalog)
    record = tf_example.to_example(columns, views).SerializeToString()
    for doubt in single_tce.doubts(record, models.spec.config, bool(flags.catalog)):
        print(f"warning: {doubt}", file=sys.stderr)
    (prediction,) = scoring.predict_records(models, [record])

    print(f"{star.tic_id} {prediction.mean:.3f}")
    print(f"mean {prediction.mean:.7f}, standard deviation {prediction.standard_deviation:.7f}")
    for name, probability in zip(models.checkpoints, prediction.probabilities):
        print(f"member {name}: {probability:.7f}")
    if prediction.unlike_training:
        print(f"unlike training: {prediction.unlike_training}")
    if flags.output_image_file:
        plotting.plot_prediction(flags.output_image_file, prediction)


def _identity(path, flags):
    """The star, sector and detector of a light curve, as its file tells, completed by --tic and --sector.

    Raises:
      ScriptError: the flags contradict the file, or neither tells the star.
    """
    given, told = Identity(flags.tic, flags.sector), tess_io.identity(path)
    for flag, own, others in (("--tic", given.tic_id, told.tic_id), ("--sector", given.sector, told.sector)):
        if None not in (own, others) and own != others:
            raise ScriptError(
                f"{flag} is {own}, but {path} is of {'TIC' if flag == '--tic' else 'sector'} {others}: "
                f"name another light curve, or leave out {flag}"
            )
    star = told.completed_by(given)
    if star.tic_id is None:
        raise ScriptError(f"{path} does not tell its star: name it by --tic")
    return star


def _event(flags, sector):
    """The event to fold.

    Raises:
      ScriptError: its epoch is in no known time system, or it lasts longer than its period.
    """
    if flags.duration_hours > 24 * flags.period:
        raise ScriptError(
            f"--duration_hours={flags.duration_hours:.10g} is longer than the period, {flags.period:.10g} d: give "
            "hours; divide minutes by 60"
        )
    return PeriodicEvent(_t0_btjd(flags.t0, sector), flags.period, flags.duration_hours / 24)


def _epoch(text):
    """The type of --t0: a finite number that has not lost digits."""
    value = arguments.finite_number(text)
    problem = time_systems.lost_digits(text)
    if problem and not epochs.in_btjd([value], [0]).problems:  # which say more
        raise argparse.ArgumentTypeError(problem)
    return value


def _t0_btjd(t0, sector):
    """The epoch in BTJD; says which system it was taken for.

    Raises:
      ScriptError: it is in no known system.
    """
    times = epochs.in_btjd([t0], [sector])
    for note in times.notes:
        print(f"--t0={t0:.10g}: {note}", file=sys.stderr)
    for problem in times.problems.values():
        raise ScriptError(f"--t0: {problem}")
    rounded = time_systems.whole_days_warning([t0], "--t0")
    if rounded:
        print(f"warning: {rounded}", file=sys.stderr)
    return float(times.btjd[0])


def _warn(columns, warnings):
    """Says on stderr what is doubtful about the TCE."""
    tce = {name: [value] for name, value in {**columns, DURATION: columns[DURATION] * 24}.items()}
    found = plausibility.doubts(tce)
    for text in [*found.of_columns, *found.of_tces.get(0, ()), *warnings]:
        print(f"warning: {text}", file=sys.stderr)


def main(argv=None):
    parser = Parser(description=__doc__)
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    parser.add_argument(
        "--tic", type=arguments.tic_id, help="TIC ID of the star; the file of --light_curve may tell it"
    )
    parser.add_argument("--period", type=arguments.number(above=0, unit="days"), required=True, help="days")
    parser.add_argument(
        "--t0",
        type=_epoch,
        required=True,
        help="mid-time of an event: BJD - 2457000 or BJD (days), with all its digits",
    )
    parser.add_argument(
        "--duration_hours",
        type=arguments.number(above=0, unit="hours"),
        required=True,
        help="full duration of an event in HOURS",
    )
    parser.add_argument(
        "--transit_depth",
        type=arguments.number(above=0, unit="ppm", advice="leave the flag out where it is not known"),
        default=math.nan,
        help="depth of an event (ppm), for models that read scalars",
    )
    parser.add_argument(
        "--sn",
        type=arguments.number(above=0, advice="leave the flag out where it is not known"),
        default=math.nan,
        help="S/N to pink noise of the search, for models that read scalars",
    )
    parser.add_argument(
        "--light_curve", type=arguments.input_file, help="file of the light curve; or --tess_data_dir and --sector"
    )
    parser.add_argument("--tess_data_dir", help="directory of light curves, sector-1, sector-2, ...")
    parser.add_argument("--sector", type=arguments.sector, help="sector whose light curve to read, or of --light_curve")
    parser.add_argument(
        "--catalog",
        type=arguments.input_file,
        help="table of the TCEs of the same sector, as generate_input_records.py reads it: the models of the package "
        "read how many of them have events at the same times; the TCE's own row also gives what no flag gives",
    )
    preprocess.add_flags(parser)
    parser.add_argument("--output_image_file", type=arguments.image_file, help="image to plot the views to")
    flags = parser.parse_args(argv)
    if not flags.light_curve and None in (flags.tess_data_dir, flags.tic, flags.sector):
        parser.error("no light curve given: --light_curve, or --tess_data_dir, --tic and --sector")
    return run(_predict, flags)


if __name__ == "__main__":
    sys.exit(main())
