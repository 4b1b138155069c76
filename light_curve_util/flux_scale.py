"""Converts a column of a light curve file to flux relative to the median.

A column may hold flux in any unit, magnitudes, or relative flux about 0 (a fraction, percent or ppm). Names and units
decide which. If they do not, the values decide. If those are ambiguous, the light curve is refused.
"""

import numpy as np

from light_curve_util.array_types import Floats
from light_curve_util.constants import MAD_TO_SIGMA
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.numerals import numbered
from light_curve_util.products.columns import Columns

_MAX_BRIGHT_DEVIATION = 5  # in robust standard deviations; only bright outliers go, since dips are the signal

_SCALES = {"ppm": 1e-6, "ppt": 1e-3, "percent": 1e-2}
_LEAST_NEGATIVE = 0.1  # of the values of a relative flux about 0
_LARGEST_FRACTION_SCATTER = 0.02  # from cadence to cadence; relative flux that scatters more may be in percent
_LOWEST_FRACTION = -1.1  # no star is fainter than dark, but for noise

# Flux in electrons a second has, at these numbers, more noise than that from cadence to cadence: photons alone make it.
_MAGNITUDES_OF_STARS, _LARGEST_MAGNITUDE_SCATTER = (4.0, 21.0), 0.004  # the scatter is relative to the value
_LARGEST_MAGNITUDE = 40.0
_ABOUT_ONE, _LARGEST_FLUX_SCATTER = (0.7, 1.3), 0.1
_LEAST_TO_JUDGE = 20  # cadences

# Values that stand for "missing" where they are far from all others, and come again and again.
_NINES = [float(f"{'9' * digits}.{'9' * decimals}0") for digits in (2, 3, 4, 5) for decimals in range(5)]
_CODES = {sign * value for sign in (1, -1) for value in (0.0, 1.0, 9.0, *_NINES)} - {1.0, 9.0}
_CODES |= {float(np.float32(value)) for value in _CODES}
_CODE_DEVIATION = 10  # robust standard deviations of the others
_LEAST_REPEATED = 2

_GAP_DAYS = 100  # a group of times that is further than this from all others is one of another observation,
_SMALLEST_GROUP = 0.002  # or of damaged times, where it has a smaller share of the cadences


def relative(time: Floats, columns: Columns, values: Floats, clip: bool) -> tuple[Floats, Floats, list[str]]:
    """Converts the usable values of a column to flux relative to their median.

    Args:
      time: days, finite. [n], n >= 1
      columns: the Columns of the file, for the name and unit of the values.
      values: finite. [n]
      clip: whether bright outliers are dropped.

    Returns:
      time and flux of the cadences kept, and a list of messages about what was assumed or dropped.

    Raises:
      UnreadableLightCurveError: the values are not the flux or magnitudes of a star, or it is not clear which.
    """
    time, values, notes = _without_wild_times(time, values)
    time, values, more = _without_codes(time, values)
    notes += more
    is_magnitude = columns.is_magnitude
    if columns.is_guessed:
        is_magnitude = _checked_kind(values, columns, notes)
    if is_magnitude:
        if columns.unit == "mmag":
            values = values / 1000
        return (*to_flux(time, values, clip), notes)
    if columns.unit in _SCALES:
        return (*_scaled(time, values * _SCALES[columns.unit], clip), notes)
    if values.min() < 0 and _is_about_zero(values):
        notes.append(_fraction_or_refusal(values))
        return (*_scaled(time, values, clip), notes)
    return (*relative_flux(time, values, clip), notes)


def to_flux(time: Floats, magnitude: Floats, clip: bool = True) -> tuple[Floats, Floats]:
    """Drops bright outliers (unless clip is false) and converts magnitudes to flux.

    Args:
      time: [n] days.
      magnitude: [n] finite, n >= 1.

    Returns:
      time and flux of the cadences kept; flux is relative to their median.
    """
    if clip:
        time, magnitude = _without_bright_outliers(time, magnitude, 1)
    return time, 10 ** (-(magnitude - _median(magnitude)) / 2.5)


def relative_flux(time: Floats, flux: Floats, clip: bool = True) -> tuple[Floats, Floats]:
    """Drops bright outliers (unless clip is false) and divides flux by its median.

    Args:
      time: [n] days.
      flux: [n] finite, in any unit, n >= 1.

    Returns:
      time and flux of the cadences kept; flux is relative to their median.

    Raises:
      UnreadableLightCurveError: their median is not positive.
    """
    if clip:
        time, flux = _without_bright_outliers(time, flux, -1)
    median = _median(flux)
    if median <= 0:
        raise UnreadableLightCurveError(
            f'the median is {median:g}, no flux of a star: read another flux_key, or give magnitudes a name with "mag"'
        )
    return time, flux / median


def _scaled(time: Floats, flux: Floats, clip: bool) -> tuple[Floats, Floats]:
    """Returns flux relative to 1 from relative flux about 0, or about 1, as relative_flux() does."""
    return relative_flux(time, 1 + flux if _median(flux) < 0.5 else flux, clip)


def _is_about_zero(values: Floats) -> bool:
    median = _median(values)
    return abs(median) <= _sigma(values, median) and bool(np.mean(values < 0) >= _LEAST_NEGATIVE)


def _fraction_or_refusal(values: Floats) -> str:
    """Returns the message that values about 0 are used as a fraction. Raises UnreadableLightCurveError if in doubt."""
    scatter = _step_scatter(values)
    if scatter <= _LARGEST_FRACTION_SCATTER and values.min() >= _LOWEST_FRACTION:
        return "values about 0 are taken for relative flux, a fraction: 1 is added"
    raise UnreadableLightCurveError(
        f"values about 0 (median {_median(values):.3g}) that scatter by {scatter:.3g}, in a unit that is not told: "
        'percent, ppt or ppm must be in the name of the column (such as "flux_ppm"), and the difference flux of image '
        "subtraction needs the star's own flux; read another flux_key"
    )


def _checked_kind(values: Floats, columns: Columns, notes: list[str]) -> bool:
    """Returns whether values are magnitudes, if only the name of the column tells, and the values must agree."""
    median = _median(values)
    lowest, highest = _MAGNITUDES_OF_STARS
    looks_like_magnitudes = (
        not columns.unit and lowest <= median <= highest and _step_scatter(values) < _LARGEST_MAGNITUDE_SCATTER * median
    )
    if columns.is_magnitude is None:
        if looks_like_magnitudes:
            notes.append(f"values about {median:.4g} are taken for magnitudes")
        return looks_like_magnitudes
    if looks_like_magnitudes and not columns.is_magnitude and len(values) >= _LEAST_TO_JUDGE:
        raise UnreadableLightCurveError(
            f"values about {median:.4g}, with less noise than a flux of so few photons has: are these magnitudes? Then "
            'give the column a name with "mag" in it; if it is flux, divide it by its median'
        )
    if columns.is_magnitude and not columns.unit:
        is_about_one = _ABOUT_ONE[0] < median < _ABOUT_ONE[1] and _step_scatter(values) < _LARGEST_FLUX_SCATTER
        if median > _LARGEST_MAGNITUDE or (is_about_one and len(values) >= _LEAST_TO_JUDGE):
            raise UnreadableLightCurveError(
                f"values about {median:.4g} are no magnitudes of a star that TESS sees: if they are flux, give the "
                'column a name without "mag" in it'
            )
    return columns.is_magnitude


def _without_codes(time: Floats, values: Floats) -> tuple[Floats, Floats, list[str]]:
    """Drops codes for missing values, such as -999. Returns time, values, and a list of messages."""
    notes = []
    while len(values):
        for code in (values.min(), values.max()):
            if float(code) in _CODES:
                is_code = values == code
                number = np.count_nonzero(is_code)
                if number >= _LEAST_REPEATED and _is_far(code, values[~is_code]):
                    notes.append(f"{number} values of {code:g} dropped, which stand for missing ones")
                    time, values = time[~is_code], values[~is_code]
                    break
        else:
            break
    return time, values, notes


def _is_far(code: float, others: Floats) -> bool:
    if len(others) < 2:
        return False
    median = _median(others)
    sigma = _sigma(others, median)
    return sigma > 0 and abs(code - median) > _CODE_DEVIATION * sigma


def _without_wild_times(time: Floats, values: Floats) -> tuple[Floats, Floats, list[str]]:
    """Drops a few cadences that are months away from all others. Returns time, values, and a list of messages."""
    if time.max() - time.min() <= _GAP_DAYS:
        return time, values, []
    order = np.argsort(time, kind="stable")
    group = np.cumsum(np.diff(time[order], prepend=-np.inf) > _GAP_DAYS) - 1
    sizes = np.bincount(group)
    wild = np.zeros(len(time), dtype=bool)
    wild[order] = sizes[group] < _SMALLEST_GROUP * len(time)
    if not wild.any():
        return time, values, []
    example = time[wild][0]
    dropped = numbered(np.count_nonzero(wild), "time")
    note = f"{dropped} dropped, such as {example:.10g}: more than {_GAP_DAYS} d from all others"
    return time[~wild], values[~wild], [note]


def _without_bright_outliers(time: Floats, values: Floats, faint: int) -> tuple[Floats, Floats]:
    """Drops bright outliers. Returns time and values; `faint` is 1 if high values are faint (magnitudes), else -1."""
    median = _median(values)
    sigma = _sigma(values, median)
    if sigma == 0:  # A constant light curve has no outliers: its views are flat, and they say so.
        return time, values
    kept = faint * values > faint * median - _MAX_BRIGHT_DEVIATION * sigma
    return time[kept], values[kept]


def _sigma(values: Floats, median: float) -> float:
    return MAD_TO_SIGMA * _median(np.abs(values - median))


def _step_scatter(values: Floats) -> float:
    """Returns the robust scatter from cadence to cadence. The slow variation of a star hardly changes it."""
    steps = np.diff(values)
    return MAD_TO_SIGMA * _median(np.abs(steps)) / np.sqrt(2) if len(steps) else 0.0


def _median(values: Floats) -> float:
    """Returns the median of finite values; for a light curve, three times faster than np.median."""
    middle = len(values) // 2
    if len(values) % 2:
        median: float = np.partition(values, middle)[middle]
    else:
        ordered = np.partition(values, (middle - 1, middle))
        median = (ordered[middle - 1] + ordered[middle]) / 2
    return median
