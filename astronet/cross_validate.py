"""Cross-validates on record files: each TCE is predicted by models that were trained without its star, or its sector.

Writes the predictions (out_of_fold.csv), how good they are (folds.json, folds.csv), and which labels are likely wrong
(suspect_labels.csv). Run again after an interruption, it goes on where it stopped.
"""

import os
import sys
import time

import numpy as np

import astronet
from astronet.base import arguments, dask_cluster, fingerprint, json_files, locks, workers
from astronet.base.files import make_directory, write_csv
from astronet.base.script import GOES_ON, Parser, ScriptError, run
from astronet.config import configuration, nouns
from astronet.data.records import event_density, leaks, record_features, split, tf_example, tfrecord
from astronet.estimator import checkpoints, ensemble, fit, scoring
from astronet.evaluation import labeled_records, suspect_labels
from astronet.evaluation import report as evaluation_report
from astronet.stats.metrics import DEFAULT_THRESHOLD

_PRINTED = ("average_precision", "auc", "accuracy", "cross_entropy", "recall")
_VALIDATION_SHARE = 0.1  # of the stars of a training side


def main(argv=None):
    parser = Parser(description=__doc__)
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    parser.add_argument("--files", nargs="+", required=True, help="labelled record files or patterns")
    sides = parser.add_mutually_exclusive_group(required=True)
    sides.add_argument(
        "--folds",
        type=arguments.whole_number(2, 1000, "folds"),
        help="split the stars into so many folds, each held out in turn",
    )
    sides.add_argument("--hold_out_sectors", type=arguments.sector, nargs="+", help="sectors to hold out, each in turn")
    parser.add_argument(
        "--model_dir",
        type=arguments.output_directory,
        required=True,
        help="directory for the folds and for what comes of them",
    )
    parser.add_argument("--num_models", type=arguments.num_models, default=1, help="models to average in each fold")
    parser.add_argument(
        "--train_share",
        type=arguments.positive_fraction,
        default=1.0,
        help="train on this share of the stars that are not held out, to see what more data would bring",
    )
    parser.add_argument(
        "--train_steps", type=arguments.positive_integer, help="batches to train each model on (default: as train.py)"
    )
    parser.add_argument(
        "--seed", type=arguments.seed, default=0, help="of the folds, the bootstrap, and the first of the models"
    )
    parser.add_argument(
        "--num_threads",
        type=arguments.num_threads,
        help="of each model; 0: all cores; 1: same seed, same result (default: as train.py)",
    )
    workers.add_cluster_flag(parser)
    parser.add_argument(
        "--catalog", type=arguments.input_file, help="CSV file of the TCEs, which tells V and IS from J"
    )
    parser.add_argument(
        "--threshold", type=arguments.probability, default=DEFAULT_THRESHOLD, help="probability to call positive from"
    )
    parser.add_argument("--num_resamples", type=arguments.num_resamples, default=1000, help="of the bootstrap")
    parser.add_argument("--plot", type=arguments.positive_integer, metavar="N", help="plot the N least likely labels")
    return run(locks.holding(_cross_validate, "model_dir"), parser.parse_args(argv), GOES_ON)


def _cross_validate(flags):
    from astronet.ops import dataset

    files = tfrecord.expand(flags.files)
    written = ("out_of_fold.csv", "folds.csv", "folds.json", suspect_labels.TABLE)
    read = {"--catalog": flags.catalog, "--files": files}
    arguments.refuse_overwriting_in(flags.model_dir, written, "--model_dir", read)
    config = configuration.resolve(flags.model, flags.config_name, flags.config_json).config
    dataset.count_examples(files, config)
    serialized = [record for path in files for record in tfrecord.read(path)]
    # Of a sector that is held out, training has not seen when it has events.
    if record_features.reads_event_densities(config):
        serialized = event_density.annotated(serialized)
    serialized = np.array(serialized, dtype=object)
    tces = labeled_records.table(map(tf_example.from_serialized, serialized), config.inputs, flags.catalog)
    folds = _folds(tces, flags)
    stops_early = config.hparams.early_stop_patience is not None
    sides = {name: _sides(tces, is_held_out, flags, stops_early) for name, is_held_out in folds.items()}
    for name, of_fold in sides.items():
        _check_labels(name, tces, of_fold)

    parts, begun = {}, time.monotonic()
    for number, (name, of_fold) in enumerate(sides.items()):
        num_train, num_val, num_test = (of_fold[side].sum() for side in ("train", "val", "test"))
        purpose = "to stop early by" if stops_early else "of these to watch the training by, which chooses nothing"
        where = f"== {name} ({number + 1} of {len(sides)}{_time_left(time.monotonic() - begun, number, len(sides))})"
        counted = nouns.of(config.inputs.features).count(num_train)
        print(f"{where}: {counted} to train on, {num_val} {purpose}, {num_test} held out", flush=True)
        directory = os.path.join(flags.model_dir, name)
        paths = {side: _write_records(directory, side, serialized[which]) for side, which in of_fold.items()}
        models = _train_members(directory, paths, flags)
        predictions = list(scoring.predict_records(models, serialized[of_fold["test"]]))
        same_views, same_star = leaks.Trained.from_files([paths["train"]]).find(tces.example[of_fold["test"]])
        parts[name] = tces[of_fold["test"]].assign(
            fold=name,
            probability=[prediction.mean for prediction in predictions],
            spread=[prediction.standard_deviation for prediction in predictions],
            same_views=same_views,
            same_star=same_star,
        )
    _write(parts, tces, files, flags)


def _time_left(seconds, num_done, num_all):
    """How long the folds that are left take, for a headline; empty where none is done."""
    return f", about {seconds / num_done * (num_all - num_done) / 60:.0f} min left" if num_done else ""


def _folds(tces, flags):
    """Dictionary, name of a fold -> [num_tces], whether it holds the TCE out."""
    if flags.folds is None:
        sectors = list(dict.fromkeys(flags.hold_out_sectors))
        absent = [str(sector) for sector in sectors if not (tces.Sectors == sector).any()]
        if absent:
            there = ", ".join(f"{sector:g}" for sector in np.unique(tces.Sectors.dropna())) or "of no known sector"
            raise ScriptError(f"no TCE is of sector {', '.join(absent)}: hold out some that the files have ({there})")
        return {f"sector-{sector}": (tces.Sectors == sector).to_numpy() for sector in sectors}
    of_star = np.array([split.fold(tic_id, flags.folds, flags.seed) for tic_id in tces.tic_id])
    return {f"fold-{number}": of_star == number for number in range(1, flags.folds + 1)}


def _sides(tces, is_held_out, flags, stops_early):
    """Dictionary of "train", "val" and "test" to [num_tces], whether the TCE is on that side.

    Training is evaluated on "val", which is of the training side: no choice may depend on what is held out. It is
    trained on as well, and the last checkpoint is used; only a training that stops early has to be without it.
    """
    stars = tces.tic_id[~is_held_out].unique()
    stars = np.array([star for star in stars if split.fraction(star, f"share {flags.seed}") < flags.train_share])
    order = np.argsort([split.fraction(star, f"validation {flags.seed}") for star in stars], kind="stable")
    chosen = stars[order[: int(np.ceil(_VALIDATION_SHARE * len(stars)))]]
    is_seen, is_val = (~is_held_out & tces.tic_id.isin(some).to_numpy() for some in (stars, chosen))
    return {"train": is_seen & ~(is_val & stops_early), "val": is_val, "test": is_held_out}


def _check_labels(name, tces, sides):
    for side, what in (("train", "trained on"), ("test", "held out")):
        labels = tces.label[sides[side]]
        if labels.nunique() < 2:
            raise ScriptError(
                f"{name}: of {len(labels)} TCEs {what}, {labels.sum()} are positive: both kinds are needed on both "
                "sides; give more records, fewer folds, or another sector"
            )


def _write_records(directory, side, serialized):
    """Writes one side of a fold, or, where the file is there already, makes sure that it is the same; returns it."""
    make_directory(os.path.join(directory, "records"))
    path = os.path.join(directory, "records", f"{side}-00000-of-00001")
    if not os.path.exists(path):
        tfrecord.write_shard(path, serialized)
    elif list(tfrecord.read(path)) != list(serialized):
        raise ScriptError(
            f"{path} holds other TCEs than these --files, --folds, --train_share and --seed give: choose another "
            "--model_dir, or remove that one"
        )
    return path


def _train_members(directory, paths, flags):
    """Trains the models of a fold, directory/1 and so on, unless they are trained already; returns the Ensemble."""
    model_dir = directory if flags.num_models > 1 else os.path.join(directory, "1")
    options = fit.FitOptions(
        model_dir,
        (paths["train"],),
        (paths["val"],),
        flags.train_steps,
        flags.seed,
        flags.num_models,
        num_threads=flags.num_threads,
        cluster=flags.cluster,
    )
    spec = configuration.resolve(flags.model, flags.config_name, flags.config_json)
    try:
        fit.fit_ensemble(spec, options, dask_cluster.tell, dask_cluster.tell_error)
    except (ScriptError, OSError) as error:
        raise ScriptError(f"a model of {directory} failed ({error}): mend that, and run this again") from error
    members = {str(number): os.path.join(directory, str(number)) for number in range(1, flags.num_models + 1)}
    found = {name: checkpoints.find(member) for name, member in members.items()}
    return ensemble.Ensemble({name: configuration.load(member) for name, member in members.items()}, found)


def _write(parts, tces, files, flags):
    """Writes and prints all that comes of the predictions of each fold's held-out TCEs."""
    import pandas as pd

    judged = pd.concat(parts.values()).sort_index()
    described = {name: _describe(part, flags) for name, part in {**parts, "all": judged}.items()}
    noise = suspect_labels.write(flags.model_dir, judged, tces, flags.plot or 0)
    report = {
        "version": astronet.__version__,
        **{name: getattr(flags, name) for name in ("model", "config_name", "config_json", "folds", "hold_out_sectors")},
        **{name: getattr(flags, name) for name in ("num_models", "train_share", "train_steps", "seed", "threshold")},
        "num_resamples": flags.num_resamples,
        "records": [os.path.basename(path) for path in files],
        "records_sha256": fingerprint.of_files(files),
        "results": described,
        "label_noise": {
            "num_suspects": int(noise.is_suspect.sum()),
            "thresholds": noise.thresholds.tolist(),
            "counts": noise.counts.tolist(),
            "joint": noise.joint.tolist(),
            "share": noise.share,
        },
    }
    json_files.write(os.path.join(flags.model_dir, "folds.json"), report)
    rows = [[name, *row] for name, result in described.items() for row in evaluation_report.figure_rows(result["sets"])]
    columns = ("fold", "set", "figure", "value", "low", "high")
    write_csv(os.path.join(flags.model_dir, "folds.csv"), columns, rows)
    columns = ("row_id", "tic_id", "Sectors", "Disposition", "label", "fold", "probability", "spread")
    numbers = {"Sectors": "{:g}", "probability": "{:.7f}", "spread": "{:.7f}"}
    table = judged.assign(**{name: judged[name].map(form.format, na_action="ignore") for name, form in numbers.items()})
    rows = table[list(columns)].fillna("").to_numpy().tolist()
    write_csv(os.path.join(flags.model_dir, "out_of_fold.csv"), columns, rows)

    _print_table(described, nouns.of(tces.example.iloc[0].features.feature))
    _print_noise(noise, judged)
    plots = f", {suspect_labels.PLOTS}/" if flags.plot else ""
    print(f"{flags.model_dir}: out_of_fold.csv, folds.json, folds.csv, {suspect_labels.TABLE}{plots}")


def _describe(part, flags):
    """What training has seen of held-out TCEs, and how well they were predicted: all, and those without it."""
    is_unseen = ~(part.same_views | part.same_star)
    sets = {"all": part} if is_unseen.all() else {"all": part, "unseen": part[is_unseen]}
    return {
        "seen_in_training": {
            "identical_views": int(part.same_views.sum()),
            "shared_stars": int(part.same_star.sum()),
        },
        "sets": {
            name: evaluation_report.describe(members, flags.threshold, flags.num_resamples, flags.seed)
            for name, members in sets.items()
            if len(members)
        },
    }


def _print_table(described, words):
    width = max(6, len(words.many) + 1)
    print(f"{'':18s}{words.many:>{width}s}{'positive':>9s}" + "".join(f"  {figure:24s}" for figure in _PRINTED))
    for fold, result in described.items():
        for name, part in result["sets"].items():
            title = fold if name == "all" else f"{fold}, {name}"
            cells = (
                f"{value['value']:.4f} ({value['low']:.4f} to {value['high']:.4f})"
                for value in map(part["figures"].get, _PRINTED)
            )
            print(f"{title:18s}{part['num_tces']:{width}d}{part['num_positive']:9d}  " + "  ".join(cells))
    seen = described["all"]["seen_in_training"]
    print(
        f"of those held out, {seen['shared_stars']} are of {words.sources} that were trained on, "
        f"{seen['identical_views']} have the very views of a training {words.one}; intervals are of 95 %"
    )


def _print_noise(noise, judged):
    num_positive = int(judged.label.sum())
    of_positive, of_negative = noise.joint[1, 0] * len(judged), noise.joint[0, 1] * len(judged)
    print(
        f"{noise.is_suspect.sum()} labels are likely wrong; estimated share: {noise.share:.2%} of all, "
        f"{of_positive / num_positive:.2%} of the positive, {of_negative / (len(judged) - num_positive):.2%} of the "
        "negative"
    )


if __name__ == "__main__":
    sys.exit(main())
