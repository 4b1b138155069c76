"""Scores any number of TCEs with models that are loaded once."""

import logging
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

from astronet.api import light_curves as given_light_curves
from astronet.api import quantities, table_scores
from astronet.api.score import Score
from astronet.data.records import preprocess, tf_example
from astronet.data.records.columns import DEPTH, SECTOR, SN
from astronet.estimator import engines, one_tce, scoring, stages
from astronet.evaluation.explanation import Explainer, Explanation
from light_curve_util.identity import Identity

_LOG = logging.getLogger("astronet")
_NAMES = {
    "t0": "t0",
    "duration_hours": "duration_hours",
    "catalog": "catalog",
    DEPTH: "depth_ppm",
    SN: "sn",
    SECTOR: "sector",
}


class Triage:
    """A model, or an ensemble, that gives TCEs a probability; `astronet.load` returns it.

    Attributes:
      models: the estimator.ensemble.Ensemble.
      threshold: a TCE is a candidate if its probability is at least this.
      stages: the models, and further ones that judge their candidates (estimator.stages.Stage).
    """

    def __init__(self, judges: Sequence[stages.Stage], name: str) -> None:
        self.stages, self.name = tuple(judges), name
        self.models, self.threshold = judges[0].models, judges[0].threshold
        self._restored: dict[str, engines.Scorer] = {}

    def __repr__(self) -> str:
        number = len(self.models.checkpoints)
        return f"<Triage {self.name}: {number} model{'' if number == 1 else 's'}, threshold {self.threshold:g}>"

    def score(
        self,
        time: Any,
        flux: Any = None,
        *,
        period: Any,
        t0: Any,
        duration_hours: Any,
        depth_ppm: Any = math.nan,
        sn: Any = math.nan,
        tic_id: Optional[int] = None,
        sector: Optional[int] = None,
        camera: Optional[int] = None,
        catalog: Union[str, "os.PathLike[str]", None] = None,
        flags: Any = None,
        flux_key: Optional[str] = None,
        quality: str = "default",
        detrend: str = "none",
    ) -> Score:
        """Scores one TCE, as generate_input_records.py and batch_predict.py would.

        Args:
          time: times [n] in days (BTJD, BJD, MJD, ...), or an astropy Time or Quantity. Without `flux`: a file, a
            LightCurve of read_light_curve(), a lightkurve LightCurve, an astropy TimeSeries or Table, a pandas
            DataFrame; or a list of these, one per sector of the same star, which are folded together.
          flux: [n] in any unit, relative, or magnitudes; NaN or masked in cadences without a flux.
          period: days (or Quantity).
          t0: mid-time of a transit, BTJD (BJD - 2457000) or BJD in days, or an astropy Time.
          duration_hours: full duration of a transit, hours (or Quantity).
          depth_ppm: depth of a transit, parts per million (or Quantity, a fraction); NaN if it is not known.
          sn: ratio of signal to pink noise in a transit search; NaN if it is not known.
          tic_id, sector, camera: of the light curve, if it does not contain them.
          catalog: table of TCEs of the same sector, for models with the input "event density": how many other stars
            of the sector have dips at the same times.
          flags: quality flags [n], if time and flux are arrays: a cadence whose flag is not 0 is dropped.
          flux_key, quality, detrend: how the light curve is read, as in generate_input_records.py.

        Returns:
          Score.

        Raises:
          ScriptError: an argument is not a number, is in a wrong unit, or contradicts the light curve.
          LightCurveError: the light curve cannot be read, or has no cadence during the transits.

        >>> result = triage.score(time, flux, period=1.33823, t0=2458355.1844, duration_hours=2.15)  # doctest: +SKIP
        >>> result.probability, result.is_candidate  # doctest: +SKIP
        """
        numbers = {"tic_id": tic_id, "sector": sector, "camera": camera}
        star = Identity(**{name: given_light_curves.whole(name, value) for name, value in numbers.items()})
        ephemeris = one_tce.Ephemeris(
            quantities.epoch("t0", t0),
            quantities.number("period", period, "d"),
            quantities.number("duration_hours", duration_hours, "h"),
            quantities.depth_ppm("depth_ppm", depth_ppm),
            quantities.number("sn", sn, "", may_be_unknown=True),
        )
        parts, source = given_light_curves.given(time, flux, given_light_curves.Reading(flux_key, quality), flags, star)
        notes: list[str] = []

        def tell(text: str) -> None:
            notes.append(text.removeprefix("warning: "))
            _LOG.warning(notes[-1])

        settings = self.settings(flux_key=flux_key, quality=quality, detrend=detrend)
        prepared = one_tce.prepare(
            lambda: parts,
            ephemeris,
            source,
            settings,
            self.models.spec.config,
            None if catalog is None else os.fspath(catalog),
            tell,
            _NAMES,
        )
        (prediction,) = self.predict([prepared.record])
        return Score.of(
            prediction,
            self.models.checkpoints,
            self.threshold,
            prepared.event,
            prepared.light_curve,
            tuple(notes),
            self.explain,
            {stage.name: stage.threshold for stage in self.stages[1:]},
        )

    def score_table(
        self,
        table: Any,
        light_curves: Union[str, "os.PathLike[str]", Mapping[Any, Any]],
        *,
        flux_key: Optional[str] = None,
        quality: str = "default",
        detrend: str = "none",
    ) -> Any:
        """Scores all TCEs of a table, as generate_input_records.py --stitch and batch_predict.py would.

        Args:
          table: pandas DataFrame or astropy Table, with the columns of a catalog or of any public table that
            docs/data.md lists.
          light_curves: directory of light curves, such as --tess_data_dir of the scripts; or a dictionary of TIC ID to
            a light curve (or a list of them, one per sector), of any kind that score() takes.
          flux_key, quality, detrend: how light curves are read.

        Returns:
          A copy of the table, of the same type and with the same rows, and the columns

            probability, spread: mean and standard deviation over the members; NaN if the row was not scored.
            is_candidate: whether the probability is at least the threshold.
            unlike_training: names the views and scalars that no training example resembles.
            reason: why the row was not scored; "" if it was.
            notes: what is doubtful about the row.

          Light curves of several sectors of a row are folded together.

        Raises:
          ScriptError: the table lacks a column, or there is no directory of light curves. (An error in one row is not
            raised: it is the `reason` of that row.)

        >>> scored = triage.score_table(pandas.read_csv("TOIs.csv", comment="#"), "tess/")  # doctest: +SKIP
        >>> scored.sort_values("probability", ascending=False).head()  # doctest: +SKIP
        """
        settings = self.settings(flux_key=flux_key, quality=quality, detrend=detrend)
        return table_scores.score(self, table, light_curves, settings)

    def settings(self, **reading: Any) -> preprocess.Settings:
        """Returns the settings that make the views of these models; `reading` as in preprocess.Settings."""
        return one_tce.settings_of([stage.models for stage in self.stages], **reading)

    def predict(self, records: list[bytes]) -> list[scoring.Prediction]:
        """Returns the predictions of serialized records. The networks are restored at the first call."""
        of_first = scoring.predict_records(self.models, records, restored=self._restored)
        return list(stages.judge(self.stages, of_first))

    def explain(self, score: Score, training: Iterable[tf_example.Example] = ()) -> Explanation:
        """Returns how much the probability of the first model changes without each part of its inputs.

        Args:
          score: result of score().
          training: labeled examples; the explanation shows those that resemble the TCE most.
        """
        return Explainer(self.models).explain(score.record, training)
