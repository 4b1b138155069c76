"""The networks that find flares, loaded once, for any number of light curves."""

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
      probability: that a flare peaks at each cadence, mean over the members, [n]; NaN where it was not judged.
      threshold: probability from which a cadence belongs to a flare.
      unsearched: bright stretches that could not be judged, with the columns of unsearched.csv.
      light_curve: as it was searched, at the cadence of the networks, [n].
      notes: what was converted or is doubtful, in words.
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
    """Networks that find flares; `astronet.load("pretrained:flares")` makes it.

    Attributes:
      models: the estimator.ensemble.Ensemble.
      threshold: probability from which a cadence belongs to a flare.
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
          time, flux: as those of Triage.score(); the cadence is 2 min or less. Files are read with their bright
            outliers; a LightCurve of read_light_curve() has them if it was read with clip=False.
          tic_id, sector: of the light curve, where it does not tell them itself.
          flags: quality flags of arrays [n]: a cadence whose flag is not 0 is dropped.
          flux_key, quality: how a file or a table is read.
          cadence_seconds: cadence that the networks were trained at.
          least_significance: significance, in standard deviations, from which a flare is_significant.

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
        found = search.collect(light_curve, probabilities, self.threshold, described, least_significance)
        return Flares(
            [_numbers(row) for row in found.flares],
            np.asarray(probabilities.mean(axis=1)),
            self.threshold,
            [_numbers(row) for row in found.unsearched],
            light_curve,
            notes,
            described,
        )


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a table with numbers in place of their texts."""
    return {
        name: float(value) if isinstance(value, str) and name not in _TEXTS else value for name, value in row.items()
    }
