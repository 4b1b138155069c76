"""Finds the flares of any number of light curves with networks that are loaded once."""

import dataclasses
import logging
import os
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from astronet.api import light_curves
from astronet.estimator.ensemble import Ensemble
from astronet.flares import detection, search
from astronet.flares import light_curves as flare_light_curves
from light_curve_util.array_types import Floats
from light_curve_util.identity import Identity
from light_curve_util.tess_io import LightCurve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOG = logging.getLogger("astronet")
_TEXTS = ("light_curve",)


@dataclasses.dataclass(frozen=True)
class Flares:
    """The flares of a light curve.

    Attributes:
      flares: a dictionary for each flare, with the columns of flares.csv (docs/flares.md): start, end and peak_time
        (BTJD), probability, amplitude, rise_minutes, decay_minutes, significance, is_significant, ...
      probability: for each cadence, the probability that a flare peaks there: mean over the members, [n]; NaN where the
        networks could not judge.
      threshold: a cadence belongs to a flare if its probability is at least this.
      unsearched: bright stretches of time that could not be judged, with the columns of unsearched.csv.
      light_curve: the light curve that was searched, at the cadence of the networks, [n].
      notes: sentences about what was converted or is doubtful.
    """

    flares: list[dict[str, Any]]
    probability: Floats = dataclasses.field(repr=False)
    threshold: float
    unsearched: list[dict[str, Any]]
    light_curve: LightCurve = dataclasses.field(repr=False)
    notes: tuple[str, ...]
    star: flare_light_curves.Star

    def __len__(self) -> int:
        return len(self.flares)

    def plot(self, path: Union[str, "os.PathLike[str]", None] = None) -> "Figure":
        """Draws the page that find_flares.py --plot draws: the light curve colored by probability, flares marked.

        Args:
          path: image file to write as well; its ending chooses the format.
        """
        from astronet.figures import tce
        from astronet.flares import plots

        page = plots.flares_page(
            self.light_curve, self.probability, self.flares, self.star, self.threshold, self.unsearched
        )
        if path is not None:
            tce.save(page, os.fspath(path))
        return page


class FlareFinder:
    """Networks that find flares, as `astronet.load("pretrained:flares")` returns them.

    Attributes:
      models: the estimator.ensemble.Ensemble.
      threshold: a cadence belongs to a flare if its probability is at least this.
    """

    def __init__(self, models: Ensemble, name: str, threshold: Optional[float] = None) -> None:
        self.models, self.name = models, name
        self.threshold = models.threshold(threshold)
        self._scorer: Optional[detection.Scorer] = None

    def __repr__(self) -> str:
        number = len(self.models.checkpoints)
        return f"<FlareFinder {self.name}: {number} model{'' if number == 1 else 's'}, threshold {self.threshold:g}>"

    def find(
        self,
        time: Any,
        flux: Any = None,
        *,
        tic_id: Optional[int] = None,
        sector: Optional[int] = None,
        flags: Any = None,
        flux_key: Optional[str] = None,
        quality: str = flare_light_curves.FLARE_QUALITY,
        cadence_seconds: float = flare_light_curves.DEFAULT_CADENCE_SECONDS,
        least_significance: float = search.LEAST_SIGNIFICANCE,
    ) -> Flares:
        """Finds the flares of one light curve, as find_flares.py would.

        Args:
          time, flux: as for Triage.score(); the cadence must be 2 min or less. Bright outliers, which flares are, must
            be kept: files are read so, but read_light_curve() needs clip=False.
          tic_id, sector: TIC ID and sector, if the light curve does not contain them.
          flags: quality flags [n], if time and flux are arrays: a cadence whose flag is not 0 is dropped.
          flux_key, quality: how a file or a table is read, as for read_light_curve().
          cadence_seconds: cadence that the networks were trained at.
          least_significance: `is_significant` is true for flares of at least this many standard deviations.

        Raises:
          LightCurveError: the light curve cannot be read, or its cadence is too long.

        >>> flares = load("pretrained:flares").find(time, flux)  # doctest: +SKIP
        >>> [flare["peak_time"] for flare in flares.flares]  # doctest: +SKIP
        """
        reading = light_curves.Reading(flux_key, quality, clip=False)
        star = Identity(light_curves.whole("tic_id", tic_id), light_curves.whole("sector", sector))
        (held,), source = light_curves.given([time] if flux is None else time, flux, reading, flags, star)
        light_curve = flare_light_curves.at_cadence(held, cadence_seconds)
        described = flare_light_curves.star_of(source.star, source.header, light_curve.path)
        notes = (*light_curve.notes, *described.notes)
        for note in notes:
            _LOG.warning(note)
        if self._scorer is None:
            self._scorer = detection.Scorer(self.models, 1)
        probabilities = self._scorer.cadences(light_curve)
        collected = search.collect(light_curve, probabilities, self.threshold, described, least_significance)
        return Flares(
            [_numbers(row) for row in collected.flares],
            np.asarray(probabilities.mean(axis=1)),
            self.threshold,
            [_numbers(row) for row in collected.unsearched],
            light_curve,
            notes,
            described,
        )


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a row of a table, with numbers in place of texts that are numbers."""
    return {
        name: float(value) if isinstance(value, str) and name not in _TEXTS else value for name, value in row.items()
    }
