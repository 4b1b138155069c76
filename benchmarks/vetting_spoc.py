"""Whether odd and even views tell planets from binaries, on the SPOC TCEs of Nigraha (docs/spoc.md), by star.

A gradient-boosted forest is trained on KP, CP and PC against EB: with summaries of the global and the local view and
the ephemeris, and with the odd/even view besides.
"""

import argparse
import glob
import os
import sys

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold, cross_val_predict

from astronet.data.records import tf_example, tfrecord
from astronet.stats import metrics
from light_curve_util import view_summary
from light_curve_util.errors import FlatViewError
from light_curve_util.normalize import normalize_view

_LABELS = {"KP": 1, "CP": 1, "PC": 1, "EB": 0}
_SUMMARIES = {"global view": (201, 0.1), "local view": (81, 0.3)}


def _row(example):
    """Features without and with the odd/even view; None where a view is missing."""
    try:
        views = {name: normalize_view(tf_example.series(example, name)) for name in _SUMMARIES}
        odd, even = np.split(tf_example.series(example, "odd_even view").astype(np.float64), 2)
    except (KeyError, ValueError, FlatViewError):
        return None
    if any(len(views[name]) != bins for name, (bins, _) in _SUMMARIES.items()) or len(odd) != 81:
        return None
    plain = [
        view_summary.summarize(views[name][np.newaxis].astype(np.float32), view_summary.geometry(*shape))[0]
        for name, shape in _SUMMARIES.items()
    ]
    ephemeris = [np.log(tf_example.value(example, name, np.nan)) for name in ("Period", "Duration")]
    level, depth = np.median([odd, even]), -min(odd.min(), even.min()) or 1.0
    apart = [abs(np.median(odd[36:45]) - np.median(even[36:45])), np.abs(odd - even).mean(), odd.std(), even.std()]
    return [*np.concatenate(plain), *ephemeris], [*np.array(apart) / abs(depth), level]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input_dir", required=True, help="directory of Nigraha's *.tfRecords")
    parser.add_argument("--num_seeds", type=int, default=5, help="forests whose probabilities are averaged")
    parser.add_argument("--num_resamples", type=int, default=1000, help="of the bootstrap over stars")
    flags = parser.parse_args(argv)
    plain, odd_even, labels, stars = [], [], [], []
    for path in sorted(glob.glob(os.path.join(glob.escape(flags.input_dir), "*.tfRecords"))):
        for serialized in tfrecord.read(path):
            example = tf_example.from_serialized(serialized)
            label = _LABELS.get(tf_example.value(example, "Disposition"))
            row = None if label is None else _row(example)
            if row is not None:
                plain.append(row[0])
                odd_even.append(row[1])
                labels.append(label)
                stars.append(tf_example.value(example, "TIC_ID"))
    labels, stars = np.array(labels), np.array(stars)
    print(f"{labels.sum()} planets and candidates, {(1 - labels).sum()} EBs of {len(set(stars.tolist()))} stars")
    scores = {}
    for name, rows in (("without", plain), ("with", np.hstack([plain, odd_even]))):
        forests = (
            HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=8, min_samples_leaf=10, random_state=seed)
            for seed in range(flags.num_seeds)
        )
        folds = list(GroupKFold(5).split(rows, labels, stars))
        each = [
            cross_val_predict(forest, np.array(rows), labels, cv=folds, method="predict_proba") for forest in forests
        ]
        scores[name] = np.mean(each, axis=0)[:, 1]
        print(f"{name} the odd/even view: AUC {metrics.summary(labels, scores[name])['auc']:.4f}")
    names, star_of_tce = np.unique(stars, return_inverse=True)
    random, differences = np.random.default_rng(0), []
    for _ in range(flags.num_resamples):
        weights = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))[star_of_tce]
        auc = [metrics.summary(labels, scores[name], weights=weights)["auc"] for name in ("with", "without")]
        differences.append(auc[0] - auc[1])
    low, high = np.percentile(differences, (2.5, 97.5))
    print(f"difference: 95 % interval by star {low:+.4f} to {high:+.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
