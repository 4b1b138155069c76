"""What a triage says of one TCE: numbers, what to be careful of, and a page to look at."""

import dataclasses
import os
from collections.abc import Callable
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
    """The answer of a triage for one TCE; print() shows it in some lines.

    Attributes:
      probability: that the TCE is a planet or an eclipsing binary, the mean over the members of the ensemble.
      spread: standard deviation over the members; 0 for a single model.
      threshold: probability from which a TCE is a candidate.
      unlike_training: says which views and scalars are unlike all of training; "" where none is.
      members: probability by each member, by its name.
      notes: what was converted or is doubtful, in words.
      tic_id, sector: of the star; None where they are not known.
      t0_btjd, period_days, duration_hours: the ephemeris that was folded.
      light_curve: as it was folded.
      views: what the network saw, by name, float32 [num_bins] each.
      later: the probability by each model behind the triage that judged the TCE, by name: {"vetting": 0.7}.
      later_spread: its standard deviation over the members.
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
    record: bytes = dataclasses.field(default=b"", repr=False)
    _explain: Optional[Callable[["Score"], Explanation]] = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def is_candidate(self) -> bool:
        """Whether the probability reaches the threshold."""
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
    ) -> "Score":
        """Makes the Score of a prediction by members of these names."""
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
            round(event.duration_days * 24, 12),  # as it was given
            light_curve,
            prediction.views,
            {name: later.mean for name, later in prediction.later.items()},
            {name: later.standard_deviation for name, later in prediction.later.items()},
            prediction.example.SerializeToString(),
            explain,
        )

    @property
    def verdict(self) -> str:
        """The answer in words, with the threshold."""
        if self.is_candidate:
            return f"candidate: the probability is {self.threshold:g} or more"
        return f"no candidate: the probability is below {self.threshold:g}"

    def plot(self, path: Union[str, "os.PathLike[str]", None] = None) -> "Figure":
        """Draws the page that plot_tces.py draws, with the probability on it.

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
        """Tells why the triage gives this probability: what each part of its views and each input does.

        Returns:
          evaluation.explanation.Explanation; evaluation.explanation_figure.page() draws it.

        Raises:
          ScriptError: the Score was not made by a Triage.
        """
        if self._explain is None:
            raise ScriptError("this Score does not know its models: explain one that Triage.score() returned")
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
