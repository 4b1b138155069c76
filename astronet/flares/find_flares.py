"""Finds flares in light curves: flares.csv, searched.csv, and the probability of a flare at each cadence of each."""

import csv
import os
import re
import sys

import numpy as np

from astronet import ensemble
from astronet.flares import detection, energy, flare_fit, light_curves, windows
from astronet.util import locks
from astronet.util.files import make_directory, write_aside, write_csv
from astronet.util.script import Parser, ScriptError, run
from light_curve_util.errors import LightCurveError

COLUMNS = (
    *("tic_id", "sector", "light_curve", "flare", "start", "end", "num_cadences", "probability", "standard_deviation"),
    *("peak_time", "peak_time_error", "amplitude", "amplitude_error", "rise_minutes", "rise_minutes_error"),
    *("decay_minutes", "decay_minutes_error", "equivalent_duration", "equivalent_duration_error"),
    *("energy_erg", "energy_erg_error", "chi_squared"),
)
_SEARCHED = ("tic_id", "sector", "light_curve", "num_cadences", "cadences_searched", "days_searched", "num_flares")
_MINUTES_PER_DAY = 1440
_FITTED = {
    "peak_time": 1,
    "amplitude": 1,
    "rise": _MINUTES_PER_DAY,
    "decay": _MINUTES_PER_DAY,
    "equivalent_duration": 1,
}
_IN_MINUTES = {"rise": "rise_minutes", "decay": "decay_minutes"}


def describe(light_curve, probabilities, threshold, star):
    """Yields what flares.csv says about each flare of a light curve, as a dictionary of its columns.

    Args:
      light_curve: tess_io.LightCurve.
      probabilities: [n, num_members], NaN where there is none.
      threshold: probability from which a cadence belongs to a flare.
      star: light_curves.Star.
    """
    mean = probabilities.mean(axis=1)
    flares = detection.group(light_curve.time, mean, threshold)
    for number, flare in enumerate(flares, 1):
        surest = flare.start + int(np.nanargmax(mean[flare]))
        row = {
            "tic_id": star.tic_id,
            "sector": star.sector,
            "light_curve": stem(light_curve.path),
            "flare": number,
            "start": f"{light_curve.time[flare.start]:.6f}",
            "end": f"{light_curve.time[flare.stop - 1]:.6f}",
            "num_cadences": flare.stop - flare.start,
            "probability": f"{mean[surest]:.6f}",
            "standard_deviation": f"{probabilities[surest].std():.6f}",
            "peak_time": f"{light_curve.time[flare][np.argmax(light_curve.flux[flare])]:.6f}",
        }
        others = [other for other in flares if other != flare]
        fitted = flare_fit.fit(light_curve.time, light_curve.flux, flare, others)
        yield {**row, **(_fit_columns(fitted, star) if fitted else {})}


def _fit_columns(fitted, star):
    columns = {"chi_squared": f"{fitted.chi_squared:.3f}"}
    for name, factor in _FITTED.items():
        column, digits = _IN_MINUTES.get(name, name), ".6f" if name == "peak_time" else ".6g"
        columns[column] = f"{getattr(fitted, name) * factor:{digits}}"
        columns[f"{column}_error"] = f"{fitted.errors[name] * factor:.3g}"
    if star.teff and star.radius:
        per_second = energy.energy(1.0, star.teff, star.radius)
        columns["energy_erg"] = f"{per_second * fitted.equivalent_duration:.4e}"
        columns["energy_erg_error"] = f"{per_second * fitted.errors['equivalent_duration']:.2e}"
    return columns


def stem(path):
    """Returns the name of a light curve file without directory and without what says its form."""
    return re.sub(r"\.(fits|csv|h5)(\.gz)?$", "", os.path.basename(path))


def read_stars(path):
    """Reads radius and temperature of stars from a CSV file.

    Args:
      path: CSV file with columns tic_id, teff [K] and star_rad [solar radii], or None.

    Returns:
      Dictionary, TIC ID -> (teff, radius).

    Raises:
      ScriptError: naming the column that it lacks or the line that is no number.
    """
    if not path:
        return {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        lacking = {"tic_id", "teff", "star_rad"}.difference(reader.fieldnames or ())
        if lacking:
            raise ScriptError(f"{path} lacks the column {', '.join(sorted(lacking))}: name them so in its first line")
        try:
            return {
                int(row["tic_id"]): (float(row["teff"]), float(row["star_rad"]))
                for row in reader
                if row["teff"] and row["star_rad"]
            }
        except ValueError as error:
            raise ScriptError(f"{path}, line {reader.line_num}: {error}: correct it, or leave it empty") from error


def _write_probabilities(path, light_curve, probability):
    with write_aside(path) as aside, open(aside, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("time", "flux", "probability"))
        for time, flux, value in zip(light_curve.time, light_curve.flux, probability):
            writer.writerow((f"{time:.8f}", f"{flux:.8g}", "" if np.isnan(value) else f"{value:.6f}"))


def _find(flags):
    stems = [stem(path) for path in flags.light_curves]
    repeated = sorted({name for name in stems if stems.count(name) > 1})
    if repeated:
        raise ScriptError(f"more than one light curve is named {', '.join(repeated)}: rename one, or find them apart")
    known = read_stars(flags.stars)
    models = ensemble.load(flags)
    threshold, scorer = models.threshold(flags.threshold), detection.Scorer(models, len(flags.light_curves))
    make_directory(flags.output_dir)
    problems, searched = [], []
    table_path = os.path.join(flags.output_dir, "flares.csv")
    with write_aside(table_path) as aside, open(aside, "w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for path in flags.light_curves:
            try:
                light_curve, star = light_curves.read(path, flags), light_curves.star(path)
            except (ScriptError, LightCurveError, OSError) as error:
                problems.append(str(error))
                continue
            teff, radius = known.get(star.tic_id, (star.teff, star.radius))
            star = light_curves.Star(star.tic_id, star.sector, teff, radius)
            probabilities = scorer.cadences(light_curve)
            rows = list(describe(light_curve, probabilities, threshold, star))
            table.writerows(rows)
            output = os.path.join(flags.output_dir, stem(path))
            _write_probabilities(f"{output}_probability.csv", light_curve, probabilities.mean(axis=1))
            if flags.plot:
                from astronet.flares import plots

                plots.plot_flares(f"{output}.png", light_curve, probabilities.mean(axis=1), rows, star, threshold)
            num_searched = int(np.count_nonzero(~np.isnan(probabilities[:, 0])))
            days = num_searched * windows.cadence_days(light_curve.time)
            counts = len(probabilities), num_searched, f"{days:.4f}", len(rows)
            searched.append((star.tic_id, star.sector, stem(path), *counts))
            share = num_searched / len(probabilities)
            print(f"{path}: {len(rows)} flares; {share:.1%} of {len(probabilities)} cadences searched", flush=True)
        if not searched:
            raise ScriptError("no light curve could be read: " + "; ".join(problems))
    write_csv(os.path.join(flags.output_dir, "searched.csv"), _SEARCHED, searched)
    num_flares = sum(row[-1] for row in searched)
    print(f"{table_path}: {num_flares} flares in {len(searched)} light curves, from a probability of {threshold:g}")
    return ensemble.report(problems)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("light_curves", nargs="+", metavar="LIGHT_CURVE", help="files of any product that can be read")
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    light_curves.add_flags(parser)
    parser.add_argument("--stars", help="CSV file with tic_id, teff, star_rad, for energies; None: what headers tell")
    parser.add_argument("--output_dir", required=True, help="directory of flares.csv and of the probabilities")
    parser.add_argument("--plot", action="store_true", help="plot each light curve, its flares marked")
    return run(locks.holding(_find, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
