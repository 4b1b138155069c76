"""The score of one TCE: probability, warnings, and a page to look at."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

from astronet.base.script import ScriptError
from astronet.estimator.scoring import Prediction
from astronet.evaluation.explanation import Explanation
from astronet.stats.metrics import is_positive
from light_curve_util.array_types import Floats
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.tess_io import LightCurve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Score:
    """The result of Triage.score() for one TCE; print() shows it in a few lines.

    Attributes:
      probability: that the TCE is a planet or an eclipsing binary, the mean over the members of the ensemble.
      spread: standard deviation over the members; 0 for a single model.
      threshold: the TCE is a candidate if its probability is at least this.
      unlike_training: names the views and scalars that no training example resembles; "" if there are none.
      members: dictionary of the name of each member to its probability.
      notes: sentences about what was converted or is doubtful.
      tic_id, sector: None if they are not known.
      t0_btjd, period_days, duration_hours: the ephemeris that the light curve was folded by.
      light_curve: the light curve that was folded.
      views: dictionary of the name of each view to the network's input, float32 [num_bins].
      later: dictionary of the name of each further model that judged the TCE to its probability: {"vetting": 0.7}.
      later_spread: dictionary of the same names to the standard deviation over the members.
      later_threshold: dictionary of the same names to the probability from which each lets the TCE pass.
      record: the serialized tf.train.Example that was scored.
    """

    probability: float
    spread: float
    threshold: float
    unlike_training: str
    members: dict[str, float]
    notes: tuple[str, ...]
    tic_id: Optional[int]
    sector: Optional[int]
    t0_btjd: float
    period_days: float
    duration_hours: float
    light_curve: LightCurve = dataclasses.field(repr=False)
    views: dict[str, Floats] = dataclasses.field(repr=False)
    later: dict[str, float] = dataclasses.field(default_factory=dict)
    later_spread: dict[str, float] = dataclasses.field(default_factory=dict)
    later_threshold: dict[str, float] = dataclasses.field(default_factory=dict)
    record: bytes = dataclasses.field(default=b"", repr=False)
    _explain: Optional[Callable[["Score"], Explanation]] = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def is_candidate(self) -> bool:
        """Whether the probability is at least the threshold."""
        return bool(is_positive(self.probability, self.threshold))

    @classmethod
    def of(
        cls,
        prediction: Prediction,
        names: Any,
        threshold: float,
        event: PeriodicEvent,
        light_curve: LightCurve,
        notes: tuple[str, ...] = (),
        explain: Optional[Callable[["Score"], Explanation]] = None,
        later_thresholds: Optional[Mapping[str, float]] = None,
    ) -> "Score":
        """Returns the Score of a prediction by members of these names; later_thresholds are of the further models."""
        tce = prediction.identity
        return cls(
            prediction.mean,
            prediction.standard_deviation,
            threshold,
            prediction.unlike_training,
            dict(zip(names, prediction.probabilities.tolist())),
            notes,
            tce.tic_id or None,
            tce.sector or None,
            event.t0,
            event.period,
            round(event.duration_days * 24, 12),  # rounded to the number that was passed in hours
            light_curve,
            prediction.views,
            {name: later.mean for name, later in prediction.later.items()},
            {name: later.standard_deviation for name, later in prediction.later.items()},
            {name: (later_thresholds or {})[name] for name in prediction.later},
            prediction.example.SerializeToString(),
            explain,
        )

    @property
    def verdict(self) -> str:
        """Whether the TCE is a candidate, in words, with the threshold; and what each further model says to it."""
        if not self.is_candidate:
            return f"no candidate: the probability is below {self.threshold:g}"
        if not self.later:
            return f"candidate: the probability is {self.threshold:g} or more"
        words = [f"candidate of the triage: the probability is {self.threshold:g} or more"]
        for name, probability in self.later.items():
            least = self.later_threshold[name]
            words.append(f"{name} {least:g} or more" if is_positive(probability, least) else f"{name} below {least:g}")
        return "; ".join(words)

    def plot(self, path: Union[str, "os.PathLike[str]", None] = None) -> "Figure":
        """Draws the page of plot_tces.py, with the probability on it.

        Args:
          path: image file to write as well; its ending chooses the format.

        Returns:
          matplotlib Figure: light curve, folded light curve, and views.
        """
        from astronet.figures import tce as plotting

        event = PeriodicEvent(self.t0_btjd, self.period_days, self.duration_hours / 24)
        title = plotting.tce_title(self.tic_id, self.sector, self.period_days, None, self.probability)
        figure = plotting.tce_page(self.light_curve, event, self.views, title)
        if path is not None:
            plotting.save(figure, os.fspath(path))
        return figure

    def explain(self) -> Explanation:
        """Explains the probability: how much it changes without each part of the views and each other input.

        Returns:
          evaluation.explanation.Explanation; evaluation.explanation_figure.page() draws it.

        Raises:
          ScriptError: the Score was not made by a Triage.
        """
        if self._explain is None:
            raise ScriptError("this Score has no models: only those that Triage.score() returns can be explained")
        return self._explain(self)

    def __str__(self) -> str:
        star = "" if self.tic_id is None else f"TIC {self.tic_id}, "
        where = star + ("" if self.sector is None else f"sector {self.sector}, ")
        lines = [
            f"{where}period {self.period_days:.6g} d, epoch BTJD {self.t0_btjd:.5f}, {self.duration_hours:.3g} h",
            f"probability {self.probability:.3f} +- {self.spread:.3f}  ({self.verdict})",
        ]
        for name, probability in self.later.items():
            lines.append(f"{name} {probability:.3f} +- {self.later_spread[name]:.3f}")
        if self.unlike_training:
            lines.append(f"unlike training: {self.unlike_training}")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])
