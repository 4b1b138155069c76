"""Ranks transit-like events (TCEs) of light curves: how probable is it that each is a planet or an eclipsing binary?

python astronet/triage.py LIGHT_CURVES... --output_dir=OUT searches light curves (files or directories, of any products)
for transits; --table=TOIs.csv takes the TCEs of a table instead. OUT/candidates.csv has them, the most probable first,
OUT/plots a page of plots for each of the first, OUT/skipped.csv what was left out, and why. A single light curve needs
no --output_dir: the answer is on the screen.
"""

import argparse
import dataclasses
import os
import sys
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from astronet.base import arguments, locks, workers
from astronet.base.messages import LOG
from astronet.base.script import GOES_ON, Parser, ScriptError, run
from astronet.data.catalog import tic_ids
from astronet.data.records import preprocess
from astronet.estimator import ensemble
from astronet.flares import mask_flag
from light_curve_util.numerals import numbered

if TYPE_CHECKING:
    from astronet.pipeline import triage

_SHOWN = 10  # rows of the table on the screen


def _triage(flags: argparse.Namespace) -> int:
    from astronet.pipeline import light_curve_files, triage  # bring in what --help does without
    from light_curve_util import tess_io

    paths = light_curve_files.existing(flags.light_curves)
    if not flags.output_dir:
        if len(paths) != 1 or not os.path.isfile(paths[0]):
            raise ScriptError("--output_dir is needed, unless LIGHT_CURVES is a single file")
        tess_io.read(paths[0], flags.flux_key, quality=flags.quality)  # if it cannot be read, that is the answer
        with tempfile.TemporaryDirectory(prefix="astronet-triage-") as directory:
            request = dataclasses.replace(_request(flags, directory), num_plots=0, is_kept=False)
            return _tell(triage.run(request))
    request = _request(flags, flags.output_dir)
    request.check()
    result = triage.run(request)
    code = _tell(result)
    if flags.report and result.predictions:
        _report(result, flags.title)
    return code


def _report(result: "triage.TriageResult", title: Optional[str]) -> None:
    """Makes the report, on which the candidates are looked at and labeled."""
    from astronet.evaluation import explanation
    from astronet.review import from_records, tce

    request = result.request
    wanted = from_records.request(
        request.records_dir,
        output_dir=request.path("report"),
        tess_data_dir=result.files.directory,
        title=title or os.path.basename(os.path.abspath(request.output_dir)),
        model=from_records.models_name(result.stages),
        threshold=result.threshold,
        num_worker_processes=request.num_worker_processes,
        cluster=request.cluster,
    )
    tces = list(tce.of_predictions(result.predictions, explanation.Explainer(result.stages[0].models)))
    print(f"{from_records.write(wanted, tces).path}: open it in a browser")


def _request(flags: argparse.Namespace, output_dir: str) -> "triage.TriageRequest":
    from astronet.pipeline import triage

    return arguments.from_flags(
        triage.TriageRequest,
        flags,
        light_curves=_light_curves(flags, output_dir),
        output_dir=output_dir,
        models=arguments.from_flags(ensemble.ModelChoice, flags),
        tic_id=flags.tic,
        flare_mask=mask_flag.flare_mask(flags.mask_flares),
        num_plots=flags.plots,
    )


def _light_curves(flags: argparse.Namespace, output_dir: str) -> list[str]:
    """The light curves that are given, and those that are fetched."""
    if not flags.download:
        return list(flags.light_curves)
    from astronet.base.downloads import Server
    from astronet.pipeline import downloads

    try:
        server = Server(flags.mast_url)
    except ValueError as error:
        raise ScriptError(f"--mast_url: {error}") from error
    directory = os.path.join(output_dir, "downloads")
    stars = flags.tics or flags.table
    return [
        *flags.light_curves,
        downloads.fetch(stars, flags.download, directory, server, flags.sectors or ()),
    ]


def _tell(result: "triage.TriageResult") -> int:
    """Prints the ranking, the verdict and where everything is."""
    from astronet.pipeline import candidates

    is_kept = result.request.is_kept
    most = _SHOWN if is_kept else None
    if result.candidates:
        later = [stage.name for stage in result.stages[1:]]
        print(candidates.as_text(result.candidates, most, later))
    is_single = len(result.files.stars) == 1
    for row in result.candidates[:most]:
        for text in filter(
            None, (row["unlike_training"] and f"unlike training: {row['unlike_training']}", row["warnings"])
        ):
            LOG.warning(f"note: TIC {row['tic_id']}, period {row['Period']:.6g} d: {text}")
    if is_single:
        _tell_skips_of_star(result)
    verdict = "a candidate" if result.num_candidates == 1 else f"{result.num_candidates} candidates"
    print(
        f"{numbered(len(result.candidates), 'TCE')} in {numbered(len(result.files.stars), 'light curve')}: {verdict}, "
        f"with a probability of {result.threshold:g} or more ({result.stages[0].model_dir})"
    )
    _tell_later_stages(result)
    if is_kept:
        path = result.request.path
        print(f"{path('candidates.csv')}, candidates.ecsv: all of them, ranked; {path('plots')}: pages of the first")
        if result.skips:
            print(f"{path('skipped.csv')}: {len(result.skips)} left out, with reasons")
    if result.candidates or result.request.table is None:
        return 0
    LOG.error(f"error: no TCE of {result.table} could be scored")
    return 1


def _tell_later_stages(result: "triage.TriageResult") -> None:
    """Prints how many candidates each stage after the triage lets pass, and what the table is ranked by."""
    for stage, number in zip(result.stages[1:], result.nums_passed):
        print(f"{stage.name}: {number} of these with {stage.threshold:g} or more ({stage.model_dir})")
    if len(result.stages) > 1 and len(result.candidates) > 1:
        *before, last = [stage.name for stage in result.stages]
        print(f"ranked by {last}; below, what {last} did not judge: by {', then by '.join(reversed(before))}")


def _tell_skips_of_star(result: "triage.TriageResult") -> None:
    """Prints why TCEs of the one star were left out; a table may have thousands of others."""
    ((_, star),) = result.files.stars
    reasons = [reason for _, tic_id, _, reason in result.skips if str(tic_id) in ("", str(star))]
    for reason in reasons:
        print(f"left out: {reason}")
    if not (reasons or result.candidates):
        print(f"{result.table} has no TCE of TIC {star}")


def _sectors(text: str) -> tuple[int, ...]:
    """The type of --sectors."""
    try:
        sectors = tic_ids.parse_sectors(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not sectors:
        raise argparse.ArgumentTypeError("it is empty: give numbers of sectors")
    return sectors


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "light_curves", nargs="*", metavar="LIGHT_CURVES", help="files, directories or patterns, of any products"
    )
    parser.input.add_argument(
        "--table",
        "--catalog",
        type=arguments.input_file,
        help="table of TCEs: a catalog, ExoFOP's TOIs, or another that docs/data.md lists (default: the light curves "
        "are searched)",
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, help="directory of all results; a single file needs none"
    )
    parser.output.add_argument(
        "--plots", type=arguments.whole_number(0, 100_000), default=50, help="number of pages of plots"
    )
    parser.output.add_argument(
        "--report",
        action="store_true",
        help="make a page on which all TCEs are ranked, looked at and labeled: output_dir/report",
    )
    parser.output.add_argument("--title", help="title of the report (default: the name of --output_dir)")
    parser.input.add_argument(
        "--tic", type=arguments.tic_id, help="TIC ID of a single light curve that does not tell it"
    )
    parser.input.add_argument(
        "--tics", type=arguments.input_file, help="for --download: table with tic_id and Sectors, or a list of TIC IDs"
    )
    parser.input.add_argument("--sectors", type=_sectors, help="sectors of the list of --tics, such as 1,2 or 1-13")
    parser.input.add_argument(
        "--download", choices=("qlp", "spoc", "tglc"), help="fetch the light curves of --tics, or of --table, from MAST"
    )
    parser.input.add_argument(
        "--mast_url", default="https://mast.stsci.edu", metavar="URL", help="address of MAST, or of a mirror"
    )
    parser.settings.add_argument(
        "--stitch", action="store_true", help="search and fold the light curves of all sectors of a star together"
    )
    parser.input.add_argument(
        "--star_catalog",
        default="auto",
        metavar="CATALOG",
        help="for a search, star catalog: mast, local:PATH, pdo, or auto: tic.sqlite, tic.csv or tic.fits beside the "
        "directory of light curves, else what the headers of the files tell",
    )
    ensemble.add_flags(parser, default_model_dir="pretrained:triage")
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    preprocess.add_flags(parser)
    workers.add_flags(parser)
    flags = parser.parse_args(argv)
    if not (flags.light_curves or flags.download):
        parser.error("no light curves: give files, directories or patterns, or --download")
    if flags.download and not (flags.tics or flags.table):
        parser.error("--download needs --tics or --table: whose light curves to fetch")
    if flags.tics and not flags.download:
        parser.error("--tics needs --download: which product to fetch")
    if flags.download and not flags.output_dir:
        parser.error("--download needs --output_dir")
    if flags.report and not flags.output_dir:
        parser.error("--report needs --output_dir")
    return run(locks.holding(_triage, "output_dir"), flags, GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
