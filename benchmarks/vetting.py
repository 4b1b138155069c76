"""Vetting recipes by star: each TCE of the published vetting records by models that have not seen its star.

Judged against the labels of 2019, and on the TCEs that TFOPWG has settled since (CP or KP against FP). Run again after
an interruption, it goes on where it stopped; a recipe that is there already is judged again with the others.
"""

import glob
import json
import os
import sys

import numpy as np
import pandas as pd

from astronet.base import json_files
from astronet.base.files import make_directory
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.data.records import catalog_join, split, tf_example, tfrecord
from astronet.evaluation import cross_validation
from astronet.inference.scalars import normalized
from astronet.stats import intervals, metrics

SAME_PERIOD = 0.003  # largest relative difference between two periods of one signal
HARMONICS = (1, 2, 0.5)  # periods of a TCE over those of a TOI that are taken for the same signal
_TODAY = "labels of today"
SETTLED = {"CP": 1, "KP": 1, "FP": 0}
_PRINTED = {
    "2019": ("average_precision", "auc", "accuracy", "recall", "precision"),
    "settled": ("auc",),
    "settled PCs": ("auc",),
}
_COMPARED = {"2019": "average_precision", "settled": "auc"}


def _without(*scalars):
    return {"inputs": {"scalars": dict.fromkeys(scalars)}}


def _without_view(name):
    return {"inputs": {"features": {name: None}}, "hparams": {"columns": {name: None}}}


_STAR = ("companion_radius", "duration_ratio", "star_gravity", "star_mass", "star_radius", "star_temperature")
_INGRESS = {"powers": {"Qingress": 1.0}}
_VIEWS = ("global_view", "local_view", "secondary_view")
_WITH_CONVOLUTIONS = {
    "hparams": {
        "scatter_channel": True,
        "score_both_directions": True,
        "columns": {
            "global_view": {"num_blocks": 4, "pool_size": 5, "num_filters": 8, "max_num_filters": 32},
            "local_view": {"num_blocks": 2, "pool_size": 7, "num_filters": 8},
            "secondary_view": {"num_blocks": 2, "pool_size": 7, "num_filters": 8},
        },
    }
}
# Name of a recipe -> configuration, changes to it, and members in each fold.
RECIPES = {
    # The published recipe takes 68 epochs at a learning rate of 1e-5. Here a sixth of the steps at six times the rate.
    "published": ("vetting_yu2019", {"hparams": {"learning_rate": 6e-5, "train_epochs": 11}}, 1),
    "sketch": (
        "triage",
        {
            "inputs": {
                "features": {"secondary_view": {"length": 61, "is_time_series": True}},
                "scalars": {"event_density": None, "camera_event_density": None, "ingress": _INGRESS},
                "label_map": {"EB": 0},
            },
            "hparams": {
                "output_dim": 1,
                "train_epochs": 11,
                "columns": {"secondary_view": {"num_blocks": 2, "pool_size": 7, "max_num_filters": 64}},
            },
        },
        1,
    ),
    "vetting": ("vetting", {}, 2),
    "labels of today": ("vetting", {}, 1),
    "with convolutions": ("vetting", _WITH_CONVOLUTIONS, 1),
    "without half drop": ("vetting", {"hparams": {"half_drop_probability": 0.0}}, 5),
    **{f"without {name}": ("vetting", _without(name), 1) for name in ("depth_change", "ingress", "magnitude", "sn")},
    "without depth": ("vetting", _without("depth", "companion_radius"), 1),
    "without the star": ("vetting", _without(*_STAR), 1),
    "without the star and its magnitude": ("vetting", _without(*_STAR, "magnitude"), 1),
    **{f"without {name}": ("vetting", _without(name), 1) for name in ("companion_radius", "duration_ratio")},
    **{f"without {name}": ("vetting", _without_view(name), 1) for name in _VIEWS},
}


def _measure(flags):
    make_directory(flags.output_dir)
    records = _joined(flags)
    recipes = json_files.read(flags.recipes_json, "recipes", "correct it") if flags.recipes_json else RECIPES
    for name in flags.recipes:
        _predict(name, recipes[name], _with_labels_of_today(records, flags) if name == _TODAY else records, flags)
    _judge(records, flags)
    if flags.lacking:
        _lacking(flags)


def _joined(flags):
    """The published records with the columns of the catalog, written once."""
    path = os.path.join(flags.output_dir, "joined-00000-of-00001")
    if not os.path.exists(path):
        serialized = [record for file in tfrecord.expand(flags.files) for record in tfrecord.read(file)]
        tfrecord.write_shard(path, catalog_join.join(serialized, flags.catalog))
    return path


def _with_labels_of_today(path, flags):
    """The records, of which those whose TOI is settled are PC (CP, KP) or J (FP), written once."""
    today = os.path.join(flags.output_dir, "today-00000-of-00001")
    if not os.path.exists(today):
        serialized = list(tfrecord.read(path))
        is_planet = settled(_tces(path), flags.tois)
        tfrecord.write_shard(today, [_labeled(*pair) for pair in zip(serialized, is_planet)])
    return today


def _labeled(serialized, is_planet):
    if np.isnan(is_planet):
        return serialized
    example = tf_example.from_serialized(serialized)
    example.features.feature["Disposition"].bytes_list.value[0] = b"PC" if is_planet else b"J"
    return example.SerializeToString(deterministic=True)


def _tces(path):
    """Table of records: row_id, tic_id, Period (days), Disposition, and label (1: PC)."""
    names = ("row_id", "tic_id", "Period", "Disposition")
    examples = map(tf_example.from_serialized, tfrecord.read(path))
    table = pd.DataFrame([[tf_example.value(example, name) for name in names] for example in examples], columns=names)
    return table.assign(label=(table.Disposition == "PC").astype(int))


def _predict(name, recipe, records, flags):
    config_name, changes, num_models = recipe
    directory = os.path.join(flags.output_dir, name.replace(" ", "_"))
    path = os.path.join(directory, "out_of_fold.csv")
    if os.path.exists(path) and (num_models == 1 or os.path.exists(os.path.join(directory, "first_member.csv"))):
        return
    options = cross_validation.FoldOptions(
        directory,
        flags.folds,
        config_name=config_name,
        config_json=json.dumps(changes),
        num_models=num_models,
        seed=flags.seed,
        num_threads=1,
        catalog=flags.catalog,
        num_resamples=10,
    )
    predicted = cross_validation.predict([records], options, lambda line: print(line, flush=True), print)
    cross_validation.write(predicted, cross_validation.describe(predicted, options), [records], options)
    if num_models > 1:
        _write_single(directory, options)


def _write_single(directory, options):
    """Predictions of the first member of each fold alone, beside those of the ensemble."""
    from astronet.estimator import ensemble, scoring

    rows = []
    for fold in sorted(glob.glob(os.path.join(directory, "fold-*"))):
        first = ensemble.load(ensemble.ModelChoice(os.path.join(fold, "1")))
        serialized = list(tfrecord.read(os.path.join(fold, "records", "test-00000-of-00001")))
        for prediction in scoring.predict_records(first, serialized):
            identity = prediction.identity
            rows.append((identity.row_id, identity.tic_id, prediction.mean))
    table = pd.DataFrame(rows, columns=["row_id", "tic_id", "probability"])
    table.to_csv(os.path.join(directory, "first_member.csv"), index=False)


def settled(tces, tois):
    """Returns 1 (CP, KP), 0 (FP) or NaN for each TCE: what TFOPWG says of the TOI of its star with its period.

    Args:
      tces: DataFrame with tic_id and Period (days).
      tois: path of the ExoFOP TOI table.
    """
    table = pd.read_csv(tois)[["TIC ID", "Period (days)", "TFOPWG Disposition"]]
    table.columns = ["tic_id", "toi_period", "toi_disposition"]
    pairs = tces.reset_index()[["index", "tic_id", "Period"]].merge(table, on="tic_id")
    ratio = pairs.Period / pairs.toi_period
    is_same = np.any([np.abs(ratio / harmonic - 1) < SAME_PERIOD for harmonic in HARMONICS], axis=0)
    pairs = pairs[is_same].drop_duplicates("index")
    found = pairs.set_index("index").toi_disposition
    return found.map(SETTLED).reindex(tces.index)


def _judge(records, flags):
    """Prints and writes the figures of all recipes that are there, and the paired differences to --against."""
    tables = {}
    for path in sorted(glob.glob(os.path.join(flags.output_dir, "*", "*.csv"))):
        kind, name = os.path.basename(path), os.path.basename(os.path.dirname(path)).replace("_", " ")
        if kind in ("out_of_fold.csv", "first_member.csv"):
            title = name if kind == "out_of_fold.csv" else f"{name}, one member"
            tables[title] = pd.read_csv(path).set_index(["row_id", "tic_id"]).probability
    tces = _tces(records)
    keys = pd.MultiIndex.from_frame(tces[["row_id", "tic_id"]])
    is_planet = settled(tces, flags.tois)
    known, is_pc = is_planet.notna().to_numpy(), (tces.label == 1).to_numpy()
    today = np.nan_to_num(is_planet.to_numpy()).astype(int)
    sets = {
        "2019": (np.full(len(tces), True), tces.label.to_numpy()),
        "settled": (known, today),
        "settled PCs": (known & is_pc, today),
    }
    for name in ("settled", "settled PCs"):
        which, labels = sets[name]
        print(f"{name}: {which.sum()}, of which {labels[which].sum()} CP or KP")
    figures = {}
    for title, probabilities in tables.items():
        p = probabilities.reindex(keys).to_numpy()
        is_there = np.isfinite(p)  # where not all folds are there
        of_title = {name: (which & is_there, labels) for name, (which, labels) in sets.items()}
        figures[title] = {
            name: _figures(labels[which], p[which], tces.tic_id[which], flags)
            for name, (which, labels) in of_title.items()
        }
        if not is_there.all():
            print(f"{title}: {is_there.sum()} of {len(p)} TCEs, of the folds that are there")
        for other in flags.against:
            if other not in tables or other == title:
                continue
            q = tables[other].reindex(keys).to_numpy()
            for name, figure in _COMPARED.items():
                which, labels = of_title[name]
                both = which & np.isfinite(q)
                figures[title][name][f"less {other}"] = _difference(
                    labels[both], p[both], q[both], tces.tic_id[both], figure, flags
                )
        line = "  ".join(
            f"{name} {figure} {_told(figures[title][name][figure])}"
            for name, chosen in _PRINTED.items()
            for figure in (*chosen, *(f"less {other}" for other in flags.against))
            if figure in figures[title][name]
        )
        print(f"{title:36s} {line}", flush=True)
    _settled_alone(records, flags)
    json_files.write(os.path.join(flags.output_dir, "figures.json"), {"against": flags.against, "figures": figures})


def _lacking(flags):
    """Prints how good the predictions of --lacking are, by star, for records that lack some inputs."""
    from astronet.estimator import ensemble, scoring

    published = {_identity(record): record for path in tfrecord.expand(flags.files) for record in tfrecord.read(path)}
    star = ("star_rad", "star_mass", "teff", "logg")
    ways = {
        "all there": lambda record: record,
        "as published": lambda record: published[_identity(record)],
        "without the star's parameters": lambda record: _without_columns(record, star),
        "without the depth change": lambda record: _without_columns(record, ("depth_change",)),
        "without both, ingress, magnitude": lambda record: _without_columns(
            record, (*star, "depth_change", "Qingress", "Tmag")
        ),
    }
    labels, probabilities = [], {way: [] for way in ways}
    for fold in sorted(glob.glob(os.path.join(flags.output_dir, flags.lacking.replace(" ", "_"), "fold-*"))):
        several = len(ensemble.members(fold)) > 1
        models = ensemble.load(ensemble.ModelChoice(fold if several else os.path.join(fold, "1"), average=several))
        held_out = list(tfrecord.read(os.path.join(fold, "records", "test-00000-of-00001")))
        labels += [tf_example.value(tf_example.from_serialized(record), "Disposition") == "PC" for record in held_out]
        for way, change in ways.items():
            predictions = scoring.predict_records(models, list(map(change, held_out)))
            probabilities[way] += [prediction.mean for prediction in predictions]
    for way, values in probabilities.items():
        figures = metrics.summary(labels, values)
        print(
            f"{way}: " + ", ".join(f"{name} {figures[name]:.4f}" for name in ("average_precision", "auc", "accuracy"))
        )


def _identity(serialized):
    example = tf_example.from_serialized(serialized)
    return tf_example.value(example, "row_id"), tf_example.value(example, "tic_id")


def _without_columns(serialized, names):
    example = tf_example.from_serialized(serialized)
    for name in names:
        if name in example.features.feature:
            del example.features.feature[name]
    return example.SerializeToString(deterministic=True)


def _settled_alone(records, flags):
    """Prints how well a forest that learns from the settled TCEs alone tells CP and KP from FP, by star, same folds."""
    from sklearn.ensemble import RandomForestClassifier

    tces = _tces(records)
    is_planet = settled(tces, flags.tois).to_numpy()
    known = np.flatnonzero(~np.isnan(is_planet))
    scalars = configuration.get(config_name="vetting").inputs.scalars
    rows = []
    for record in np.array(list(tfrecord.read(records)), dtype=object)[known]:
        example = tf_example.from_serialized(record)
        names = sorted({name for scalar in scalars.values() for name in scalar.powers})
        columns = {name: np.array([[tf_example.value(example, name, np.nan)]], np.float32) for name in names}
        zero, one = np.zeros(len(scalars), np.float32), np.full(len(scalars), 10, np.float32)
        rows.append(normalized(scalars, columns, zero, one)[0])
    folds = np.array([split.fold(tic_id, flags.folds, flags.seed) for tic_id in tces.tic_id[known]])
    scores = np.zeros(len(known))
    for fold in np.unique(folds):
        out = folds == fold
        forest = RandomForestClassifier(300, min_samples_leaf=3, random_state=flags.seed)
        forest.fit(np.array(rows)[~out], is_planet[known][~out])
        scores[out] = forest.predict_proba(np.array(rows)[out])[:, 1]
    figures = _figures(is_planet[known].astype(int), scores, tces.tic_id[known], flags)
    print(f"a forest of the settled TCEs alone, scalars alone: settled auc {_told(figures['auc'])}")


def _told(figure):
    return f"{figure['value']:.4f} ({figure['low']:.4f} to {figure['high']:.4f})"


def _figures(labels, probabilities, tic_ids, flags):
    values = metrics.summary(labels, probabilities)
    limits = intervals.bootstrap(labels, probabilities, tic_ids, 0.5, flags.num_resamples, flags.seed)
    names = ("average_precision", "auc", "accuracy", "cross_entropy", "recall", "precision")
    return {name: {"value": values[name], "low": limits[name][0], "high": limits[name][1]} for name in names}


def _difference(labels, probabilities, others, tic_ids, figure, flags):
    """Figure of `probabilities` less that of `others`, with its interval: the same stars are drawn for both."""
    stars, star_of_tce = np.unique(np.asarray(tic_ids), return_inverse=True)
    random = np.random.default_rng(flags.seed)
    differences = []
    for _ in range(flags.num_resamples):
        weights = np.bincount(random.integers(len(stars), size=len(stars)), minlength=len(stars))[star_of_tce]
        pair = (metrics.summary(labels, p, weights=weights)[figure] for p in (probabilities, others))
        differences.append(next(pair) - next(pair))
    low, high = np.percentile(differences, (2.5, 97.5))
    value = metrics.summary(labels, probabilities)[figure] - metrics.summary(labels, others)[figure]
    return {"value": value, "low": low, "high": high}


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--files", nargs="+", required=True, help="published vetting records (train-* and val-*)")
    parser.add_argument("--catalog", required=True, help="CSV file of the TCEs, for the columns that the records lack")
    parser.add_argument("--tois", required=True, help="ExoFOP's TOI table, for the labels of today")
    parser.add_argument("--output_dir", required=True, help="directory of the folds and the results")
    parser.add_argument(
        "--recipes", nargs="*", default=list(RECIPES), help="which to train; all that are there are judged"
    )
    parser.add_argument("--recipes_json", help="JSON file of other recipes: name -> [config_name, changes, num_models]")
    parser.add_argument(
        "--against", nargs="*", default=["published", "vetting, one member"], help="recipes to compare the others with"
    )
    parser.add_argument("--lacking", help="recipe to try on records that lack some inputs")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--num_resamples", type=int, default=1000, help="of the bootstrap over stars")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
