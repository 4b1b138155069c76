"""The TCE of a report, before its light curve is read: its record, and the probabilities of models."""

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Any, Optional

import numpy as np

from astronet.data.records import columns as names
from astronet.data.records import tf_example
from astronet.estimator.scoring import Prediction
from astronet.evaluation.explanation import Change, Explainer
from light_curve_util.constants import EARTH_RADII_IN_SUN, LOGG_OF_SUN
from light_curve_util.periodic_event import PeriodicEvent


@dataclasses.dataclass(frozen=True)
class Opinion:
    """What the models say of a TCE.

    Attributes:
      probability: mean of the members, of PC or EB.
      spread: standard deviation of the members; 0 for a single model.
      members: probability by each member.
      unlike_training: which inputs are unlike all of training; "" where none is.
      later, later_spread: probability by the last model behind the triage that judged the TCE, and its standard
        deviation; NaN where there is none.
      why: what each input does: its name, and the explanation.Change if it is left out.
    """

    probability: float
    spread: float
    members: tuple[float, ...]
    unlike_training: str = ""
    later: float = math.nan
    later_spread: float = math.nan
    why: tuple[tuple[str, Change], ...] = ()

    @classmethod
    def of(cls, prediction: Prediction, explainer: Optional[Explainer] = None) -> "Opinion":
        members = tuple(float(value) for value in prediction.probabilities)
        *_, last = (None, *prediction.later.values())
        return cls(
            prediction.mean,
            prediction.standard_deviation,
            members,
            prediction.unlike_training,
            last.mean if last else math.nan,
            last.standard_deviation if last else math.nan,
            tuple(explainer.left_out(prediction.example.SerializeToString()).items()) if explainer else (),
        )


@dataclasses.dataclass(frozen=True)
class ReviewTce:
    """A TCE of the report. Numbers that are not known are NaN.

    Attributes:
      row_id, tic_id, toi_id: as in the record.
      sector: number of the sector; of several that are folded together, the first.
      stitched_sectors: such as "1,2,28"; "" for one sector.
      camera, ccd: 0 if not known.
      epoch_btjd, period_days, duration_days, depth_ppm, sn: of the events, as the search measured them.
      tmag, teff, logg: TESS magnitude, effective temperature (K) and log g (cgs) of the star.
      star_radius, star_mass: in solar units.
      ra_degrees, dec_degrees: position of the star.
      event_density, camera_event_density: how many other stars of the sector, or of the camera, have dips at the times
        of the events; 1 is the mean.
      disposition: as in the record; "" if unknown.
      views: time series that the network reads, by name, float32 [num_bins].
      opinion: of the models; None in a report that has none.
      known: what a table of the user knows it as (known.names); "" for nothing.
    """

    row_id: int
    tic_id: int
    toi_id: str
    sector: int
    stitched_sectors: str
    camera: int
    ccd: int
    epoch_btjd: float
    period_days: float
    duration_days: float
    depth_ppm: float
    sn: float
    tmag: float
    teff: float
    logg: float
    star_radius: float
    star_mass: float
    ra_degrees: float
    dec_degrees: float
    event_density: float
    camera_event_density: float
    disposition: str
    views: dict[str, np.ndarray]
    opinion: Optional[Opinion] = None
    known: str = ""

    @property
    def event(self) -> PeriodicEvent:
        """The ephemeris.

        Raises:
          InvalidEventError: the record has no valid ephemeris.
        """
        return PeriodicEvent(self.epoch_btjd, self.period_days, self.duration_days)

    @property
    def columns(self) -> dict[str, Any]:
        """The columns by which preprocess.find_light_curves() finds the light curves."""
        return {
            names.TIC_ID: self.tic_id,
            names.SECTOR: self.sector,
            names.CAMERA: self.camera,
            names.CCD: self.ccd,
            names.STITCHED_SECTORS: self.stitched_sectors,
        }

    @property
    def companion_radius_earth(self) -> float:
        """Radius of the eclipsing body in Earth radii, if it is dark and no other star is in the aperture."""
        if not self.depth_ppm > 0:
            return math.nan
        return math.sqrt(self.depth_ppm * 1e-6) * self.star_radius * EARTH_RADII_IN_SUN

    @property
    def stellar_density(self) -> float:
        """Density of the star over the Sun's: from mass and radius, or from surface gravity and radius; else NaN."""
        if not self.star_radius > 0:
            return math.nan
        if self.star_mass > 0:
            return self.star_mass / self.star_radius**3
        return 10 ** (self.logg - LOGG_OF_SUN) / self.star_radius


_NUMBERS = {
    "epoch_btjd": names.EPOCH,
    "period_days": names.PERIOD,
    "duration_days": names.DURATION,
    "depth_ppm": names.DEPTH,
    "sn": names.SN,
    "tmag": names.TMAG,
    "teff": names.TEFF,
    "logg": names.LOGG,
    "star_radius": names.STAR_RADIUS,
    "star_mass": names.STAR_MASS,
    "ra_degrees": names.RA,
    "dec_degrees": names.DEC,
    "event_density": names.EVENT_DENSITY,
    "camera_event_density": names.CAMERA_EVENT_DENSITY,
}


def of_example(example: tf_example.Example, opinion: Optional[Opinion] = None) -> ReviewTce:
    """Returns the ReviewTce of a record.

    Raises:
      ScriptError: the record does not say which TCE it is of.
    """
    identity = tf_example.TceIdentity.from_example(example)
    held = example.features.feature
    numbers = {field: _number(tf_example.value(example, column)) for field, column in _NUMBERS.items()}
    return ReviewTce(
        row_id=identity.row_id,
        tic_id=identity.tic_id,
        toi_id=identity.toi_id,
        sector=identity.sector,
        stitched_sectors=str(tf_example.value(example, names.STITCHED_SECTORS, "")),
        camera=int(_number(tf_example.value(example, names.CAMERA, 0), 0)),
        ccd=int(_number(tf_example.value(example, names.CCD, 0), 0)),
        disposition=identity.disposition,
        views={name: tf_example.series(example, name) for name in tf_example.SERIES_NAMES if name in held},
        opinion=opinion,
        known="",
        **numbers,
    )


def of_predictions(predictions: Iterable[Prediction], explainer: Optional[Explainer] = None) -> Iterator[ReviewTce]:
    """Yields the ReviewTce of each prediction, as stages.judge() yields them; explainer tells what each input does."""
    for prediction in predictions:
        yield of_example(prediction.example, Opinion.of(prediction, explainer))


def _number(value: Any, missing: float = math.nan) -> float:
    """Returns a number if it is finite, else `missing`. Numbers in records are float32."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return missing
    return number if math.isfinite(number) else missing
