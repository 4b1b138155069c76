"""Why a model calls a TCE what it does: what changes when a part of its inputs is taken away.

- Occlusion: a window slides over each view; the bins in it are set to the view's median, which is the flux out of
  transit (Zeiler and Fergus 2014, section 4.2).
- Left out: each view as a whole is set to its median, and each record column that scalars are made of is set to "not
  known".
- The training examples with the most similar views, with their labels.

Changes are in log odds, the natural logarithm of p / (1 - p), because a probability near 1 hardly changes even if much
evidence is taken away. A change is measured for each member of an ensemble; the results are the mean, the lowest and
the highest.
"""

import dataclasses
import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord
from astronet.data.records.tf_example import TceIdentity
from astronet.estimator import engines
from astronet.estimator.ensemble import Ensemble
from light_curve_util.array_types import Floats

ALL_COLUMNS = "all columns"
_WINDOWS_A_VIEW = 20  # the width of a window is this part of a view
_FEWEST_BINS = 3
_LEAST_PROBABILITY = 1e-9  # log odds of 0 and 1 are not defined

Features = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Change:
    """Change of the log odds when a part of the inputs is taken away; negative if the part is evidence for a positive.

    Attributes:
      mean, low, high: mean, lowest and highest change over the members.
      probability: mean probability without the part.
    """

    mean: float
    low: float
    high: float
    probability: float


@dataclasses.dataclass(frozen=True)
class Occlusion:
    """Effect of each part of a view.

    Attributes:
      view: values of the view, [num_bins].
      width: number of bins in the window.
      centers: bin (from 0) in the middle of each window, [num_windows].
      changes: Change without the bins of each window, [num_windows].
    """

    view: Floats
    width: int
    centers: list[float]
    changes: list[Change]


@dataclasses.dataclass(frozen=True)
class Neighbor:
    """A training example.

    Attributes:
      identity: identity of its TCE.
      disposition: its label.
      distance: root mean square difference of the views, in units of the normalized flux.
      views: dictionary of the name of each view to its values, [num_bins].
    """

    identity: TceIdentity
    disposition: str
    distance: float
    views: dict[str, Floats]


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Why a model calls a TCE what it does.

    Attributes:
      identity: identity of the TCE.
      probability: calibrated probability, mean over the members.
      members: probability by each member, [num_members].
      occlusions: dictionary of the name of each view to its Occlusion.
      left_out: dictionary of the name of each input (a view, a record column, or ALL_COLUMNS) to the Change without it.
      neighbors: the most similar training examples, nearest first.
    """

    identity: TceIdentity
    probability: float
    members: list[float]
    occlusions: dict[str, Occlusion]
    left_out: dict[str, Change]
    neighbors: list[Neighbor]

    def to_json(self) -> dict[str, Any]:
        """Returns all but the views, for a JSON file."""
        occlusions = {
            name: {
                "width_bins": occlusion.width,
                "center_bins": occlusion.centers,
                "change_log_odds": [dataclasses.asdict(change) for change in occlusion.changes],
            }
            for name, occlusion in self.occlusions.items()
        }
        neighbors = [
            {**dataclasses.asdict(item.identity), "disposition": item.disposition, "distance": item.distance}
            for item in self.neighbors
        ]
        return {
            "tce": dataclasses.asdict(self.identity),
            "probability": self.probability,
            "probability_by_member": self.members,
            "occlusion": occlusions,
            "left_out": {name: dataclasses.asdict(change) for name, change in self.left_out.items()},
            "nearest_training_examples": neighbors,
        }


class Explainer:
    """Explains the probabilities of an ensemble, whose networks are restored once."""

    def __init__(self, models: Ensemble) -> None:
        """Takes models as ensemble.load() returns them."""
        self._models = models.with_engine_for(1)
        self._config = models.spec.config
        self._score = engines.scorer(self._models.engine, models.spec, list(models.checkpoints.values()))

    def explain(
        self, record: bytes, training: Iterable[tf_example.Example] = (), num_neighbors: int = 5
    ) -> Explanation:
        """Explains the probability of one TCE.

        Args:
          record: serialized tf.train.Example.
          training: labeled examples, among which the most similar ones are found. The TCE itself is skipped.
          num_neighbors: number of similar examples to return.

        Raises:
          ScriptError: the models cannot read the record.
        """
        features = self._features(record)
        whole = self._probabilities(features)
        identity = TceIdentity.from_example(tf_example.from_serialized(record))
        return Explanation(
            identity,
            float(whole.mean()),
            whole[0].tolist(),
            {name: self._occlusion(features, whole, name) for name in configuration.view_lengths(self._config)},
            self._left_out(features, whole),
            self._neighbors(features, identity, training, num_neighbors),
        )

    def left_out(self, record: bytes) -> dict[str, Change]:
        """Returns the Change without each input, as in Explanation.left_out."""
        features = self._features(record)
        return self._left_out(features, self._probabilities(features))

    def _features(self, record):
        (features,) = engines.feature_batches(
            self._models.engine, [[record]], self._config, lambda number: "the record"
        )
        return {name: features[name] for name in configuration.input_lengths(self._config)}

    def _probabilities(self, features):
        """Returns calibrated probabilities, [num_variants, num_members]."""
        return self._models.calibration.apply(self._score(features))

    def _occlusion(self, features, whole, name):
        view = features[name][0]
        width = max(_FEWEST_BINS, len(view) // _WINDOWS_A_VIEW)
        starts = np.unique(np.linspace(0, len(view) - width, 2 * _WINDOWS_A_VIEW + 1).astype(int))
        covered = np.tile(view, (len(starts), 1))
        for row, start in zip(covered, starts):
            row[start : start + width] = np.median(view)
        variants = {other: np.repeat(values, len(covered), axis=0) for other, values in features.items()}
        changes = self._changes(whole, {**variants, name: covered})
        return Occlusion(view, width, [float(start + (width - 1) / 2) for start in starts], changes)

    def _left_out(self, features, whole):
        series = self._config.inputs.features
        without = {name: np.full_like(features[name], np.median(features[name])) for name in series}
        columns = {name: np.full_like(values, np.nan) for name, values in features.items() if name not in series}
        by_name = {name: {name: values} for name, values in sorted({**without, **columns}.items())}
        if len(columns) > 1:
            by_name[ALL_COLUMNS] = columns
        variants = {
            name: np.concatenate([replaced.get(name, values) for replaced in by_name.values()])
            for name, values in features.items()
        }
        return dict(zip(by_name, self._changes(whole, variants)))

    def _changes(self, whole, variants):
        """The Change of each variant of the features, [num_variants, length] by name."""
        left = self._probabilities(variants)
        shifts = _log_odds(left) - _log_odds(whole)
        return [
            Change(float(of.mean()), float(of.min()), float(of.max()), float(probabilities.mean()))
            for of, probabilities in zip(shifts, left)
        ]

    def _neighbors(self, features, identity, training, number):
        views = {name: features[name][0] for name in configuration.view_lengths(self._config)}
        if not views:
            return []
        others = (other for other in training if TceIdentity.from_example(other) != identity)
        nearest = heapq.nsmallest(
            number,
            ((distance, order, example) for order, (distance, example) in enumerate(_distances(views, others))),
        )
        label = self._config.inputs.label_feature
        return [
            Neighbor(
                TceIdentity.from_example(example),
                str(tf_example.value(example, label, "")),
                distance,
                {name: tf_example.series(example, name) for name in views},
            )
            for distance, _, example in nearest
        ]


def _log_odds(probabilities):
    clipped = np.clip(probabilities, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.log(clipped / (1 - clipped))


def _distances(views, training) -> Iterator[tuple[float, tf_example.Example]]:
    for example in training:
        squares = [np.mean((tf_example.series(example, name) - view) ** 2) for name, view in views.items()]
        yield math.sqrt(float(np.mean(squares))), example


def lines(explanation: Explanation) -> Iterator[str]:
    """Yields lines of text about an explanation: the inputs, the most important first, and the nearest examples."""
    for name, change in sorted(explanation.left_out.items(), key=lambda item: -abs(item[1].mean)):
        side = "for" if change.mean < 0 else "against"
        yield (
            f"without {name:20s} log odds {change.mean:+.2f} ({change.low:+.2f} to {change.high:+.2f}), probability "
            f"{change.probability:.3f}: it speaks {side} a positive"
        )
    for neighbor in explanation.neighbors:
        tce = neighbor.identity
        yield f"like {neighbor.disposition:4s} TIC {tce.tic_id} row_id {tce.row_id}, distance {neighbor.distance:.3f}"


def find(files: Sequence[str], row_ids: Sequence[int], tic_id: Optional[int] = None) -> dict[str, bytes]:
    """Returns a dictionary of a name for files, such as "tic5_row12", to the record of each TCE.

    Args:
      files: record files.
      row_ids: row_ids of the TCEs; empty: all TCEs of the star.
      tic_id: TIC ID of the star; None: any star.

    Raises:
      ScriptError: no file contains one of the row_ids, or the star; the message names it.
    """
    records: dict[str, bytes] = {}
    missing = set(row_ids)
    for path in files:
        for record in tfrecord.read(path):
            tce = TceIdentity.from_example(tf_example.from_serialized(record))
            if (not row_ids or tce.row_id in row_ids) and tic_id in (None, tce.tic_id):
                records[f"tic{tce.tic_id}_row{tce.row_id}"] = record
                missing.discard(tce.row_id)
    if missing or not records:
        wanted = f"row_id {', '.join(map(str, sorted(missing)))}" if missing else f"TIC {tic_id}"
        raise ScriptError(f"no record of {wanted} in {', '.join(files)}: give other --records")
    return records
