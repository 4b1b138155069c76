"""Predicts one TCE from its light curve and ephemeris, as generate_input_records.py and batch_predict.py would."""

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
from light_curve_util import sector_times, tess_io
from light_curve_util.identity import Identity
from light_curve_util.periodic_event import PeriodicEvent


def _flare_mask(flags):
    if flags.mask_flares is None:
        return None
    from astronet.flares import mask  # which most runs do without

    return mask.of_directory(flags.mask_flares)


def _predict(flags):
    arguments.refuse_overwriting_inputs(
        {"--output_image_file": flags.output_image_file}, {"--light_curve": flags.light_curve}
    )
    models = ensemble.load(ensemble.ModelChoice.from_flags(flags))
    path = flags.light_curve or tess_io.find(flags.tess_data_dir, flags.tic, flags.sector)
    star = _identity(path, flags)
    sector = star.sector or 0
    event = PeriodicEvent(
        _t0_btjd(flags.t0, sector if tess_io.is_of_tess(path) else 0), flags.period, flags.duration_hours / 24
    )
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
    contradiction = given.contradiction(told)
    if contradiction:
        raise ScriptError(
            f"--tic and --sector name {contradiction}, as {path} says: name another light curve, or leave out the flag"
        )
    star = told.completed_by(given)
    if star.tic_id is None:
        raise ScriptError(f"{path} does not tell its star: name it by --tic")
    return star


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
        "--t0", type=arguments.finite_number, required=True, help="mid-time of an event: BJD - 2457000 or BJD (days)"
    )
    parser.add_argument(
        "--duration_hours",
        type=arguments.number(above=0, unit="hours"),
        required=True,
        help="full duration of an event in HOURS",
    )
    parser.add_argument(
        "--transit_depth",
        type=arguments.finite_number,
        default=math.nan,
        help="depth of an event (ppm), for models that read scalars",
    )
    parser.add_argument(
        "--sn",
        type=arguments.finite_number,
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
        help="table of TCEs of the same sector, for models that read how crowded the times of events are, as those of "
        "the package do; what it tells of the TCE counts where no flag does",
    )
    preprocess.add_flags(parser)
    parser.add_argument("--output_image_file", type=arguments.image_file, help="image to plot the views to")
    flags = parser.parse_args(argv)
    if not flags.light_curve and None in (flags.tess_data_dir, flags.tic, flags.sector):
        parser.error("no light curve given: --light_curve, or --tess_data_dir, --tic and --sector")
    return run(_predict, flags)


if __name__ == "__main__":
    sys.exit(main())
