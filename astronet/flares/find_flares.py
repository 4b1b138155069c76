"""Finds flares in light curves, and gives every cadence the probability that a flare peaks there.

--model_dir=pretrained:flares is the network that comes with the package. Writes flares.csv (a line for each flare),
LIGHT_CURVE_probability.csv (a line for each cadence), searched.csv (how much of each light curve was searched),
unsearched.csv (bright cadences where the network could not speak) and skipped.csv (files that could not be read, with
the reason).
"""

import contextlib
import csv
import os
import sys

import numpy as np

from astronet.base import arguments, locks
from astronet.base.files import make_directory, write_aside, write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.estimator import ensemble
from astronet.flares import detection, light_curves, search, stars
from light_curve_util.errors import LightCurveError

_TABLES = {  # file -> its columns
    "flares": search.FLARE_COLUMNS,
    "unsearched": search.UNSEARCHED_COLUMNS,
    "searched": search.SEARCHED_COLUMNS,
}


def _check_paths(flags):
    """Refuses, before any work, outputs that would overwrite each other or an input, or be searched next time."""
    stems = [search.stem(path) for path in flags.light_curves]
    repeated = sorted({name for name in stems if stems.count(name) > 1})
    if repeated:
        raise ScriptError(f"more than one light curve is named {', '.join(repeated)}: rename one, or find them apart")
    output_dir = os.path.realpath(flags.output_dir)
    beside = next((path for path in flags.light_curves if os.path.dirname(os.path.realpath(path)) == output_dir), None)
    if beside:
        raise ScriptError(
            f"--output_dir {flags.output_dir} holds the light curve {os.path.basename(beside)}: give another, for the "
            "tables written there look like light curves to the next search"
        )
    tables = [os.path.join(flags.output_dir, f"{name}.csv") for name in (*_TABLES, "skipped")]
    arguments.refuse_overwriting_inputs({"--output_dir": tables}, {"--stars": flags.stars})


def _search(path, flags, scorer, threshold, known):
    """Searches one light curve, writes its probabilities and its plot, and returns what was search.Found."""
    from tqdm import tqdm

    light_curve, star = light_curves.read(path, flags), light_curves.star(path)
    if star.tic_id in known:
        star = light_curves.Star(star.tic_id, star.sector, *known[star.tic_id])
    for note in star.notes:
        print(f"warning: {note}", file=sys.stderr)
    for note in light_curve.notes:
        print(f"warning: {path}: {note}", file=sys.stderr)
    name = search.stem(path)
    # The bar is for those who wait at a terminal for a long light curve.
    with tqdm(desc=name, total=len(light_curve.time), unit=" cadences", delay=3, leave=False, disable=None) as bar:
        probabilities = scorer.cadences(light_curve, bar.update)
    mean = probabilities.mean(axis=1)
    found = search.collect(light_curve, probabilities, threshold, star, flags.least_significance)
    output = os.path.join(flags.output_dir, name)
    _write_probabilities(output + light_curves.PROBABILITY_SUFFIX, light_curve, mean)
    if flags.plot:
        from astronet.flares import plots

        plots.plot_flares(f"{output}.png", light_curve, mean, found.flares, star, threshold, found.unsearched)
    return found


def _write_probabilities(path, light_curve, probability):
    with write_aside(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(light_curves.PROBABILITY_COLUMNS)
        for time, flux, value in zip(light_curve.time, light_curve.flux, probability):
            writer.writerow((f"{time:.8f}", f"{flux:.8g}", "" if np.isnan(value) else f"{value:.6f}"))


def _find(flags):
    _check_paths(flags)
    known = stars.read(flags.stars) if flags.stars else {}
    models = ensemble.load(flags)
    threshold, scorer = models.threshold(flags.threshold), detection.Scorer(models, len(flags.light_curves))
    make_directory(flags.output_dir)
    skips, searched = [], []
    with _open_tables(flags.output_dir) as write:
        for path in flags.light_curves:
            try:
                found = _search(path, flags, scorer, threshold, known)
            except (ScriptError, LightCurveError, OSError) as error:
                skips.append((path, str(error)))
                continue
            write(found)
            searched.append(found.searched)
            print(f"{path}: {found}", flush=True)
        write_csv(os.path.join(flags.output_dir, "skipped.csv"), ("light_curve", "reason"), skips)
        if not searched:
            raise ScriptError("no light curve could be read: " + "; ".join(reason for _, reason in skips))
    _summarize(searched, skips, threshold, flags)
    return ensemble.report([reason for _, reason in skips])


@contextlib.contextmanager
def _open_tables(directory):
    """Yields a function that writes a search.Found to the tables, which appear together at the end, or not at all."""
    with contextlib.ExitStack() as stack:
        tables = {}
        for name, columns in _TABLES.items():
            aside = stack.enter_context(write_aside(os.path.join(directory, f"{name}.csv")))
            tables[name] = csv.DictWriter(stack.enter_context(open(aside, "w", encoding="utf-8", newline="")), columns)
            tables[name].writeheader()

        def write(found):
            tables["flares"].writerows(found.flares)
            tables["unsearched"].writerows(found.unsearched)
            tables["searched"].writerow(found.searched)

        yield write


def _summarize(searched, skips, threshold, flags):
    counts = {name: sum(row[name] for row in searched) for name in ("num_flares", "num_significant")}
    num_bright = sum(row["num_bright_unsearched"] for row in searched)
    path = os.path.join(flags.output_dir, "flares.csv")
    print(f"{path}: {counts['num_flares']} flares in {len(searched)} light curves, from a probability of {threshold:g}")
    num_faint = counts["num_flares"] - counts["num_significant"]
    print(f"{num_faint} of them flagged (is_significant 0): below a significance of {flags.least_significance:g}")
    if num_bright:
        stretches = "1 bright stretch" if num_bright == 1 else f"{num_bright} bright stretches"
        print(f"{stretches} could not be searched, near gaps or between them: unsearched.csv")
    if skips:
        print(f"{len(skips)} of {len(flags.light_curves)} files left out: skipped.csv has the reasons")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "light_curves",
        nargs="+",
        metavar="LIGHT_CURVE",
        help="light curve files of any product that is read (docs/light_curves.md), of 2 min or less",
    )
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    search.add_significance_flag(
        parser, "flares that stand out by fewer standard deviations of the noise are flagged: is_significant is 0"
    )
    light_curves.add_flags(parser)
    parser.add_argument(
        "--stars",
        type=arguments.input_file,
        help="table with columns tic_id, teff [K] and star_rad [solar radii], for energies of stars whose header lacks "
        "them or has them wrong",
    )
    parser.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the tables and plots"
    )
    parser.add_argument("--plot", action="store_true", help="plot each light curve, its flares marked")
    return run(locks.holding(_find, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
