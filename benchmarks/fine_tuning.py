"""What fine-tuning is worth on TCEs of another pipeline: the shipped ensemble as it is, recalibrated, and fine-tuned.

Five folds by star. In each, models learn from 50, 100, 200 or all TCEs of the other folds, and are judged on the fold.
Writes fine_tuning.csv and prints the table; a line that is there already is not measured again.
"""

import csv
import dataclasses
import os
import sys

import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.arguments import seed as seed_type
from astronet.base.files import make_directory, write_csv
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord
from astronet.estimator import ensemble, fit, scoring
from astronet.estimator.start import Origin
from astronet.evaluation import calibrate_models
from astronet.stats import intervals, metrics

NUM_FOLDS = 5
SIZES = (50, 100, 200, None)
_COLUMNS = ("fold", "way", "num_labels", "record", "star", "label", "probability")
_POSITIVE = ("PC", "EB")


def _measure(flags):
    records = [record for path in tfrecord.expand([f"{flags.records}/*-of-*"]) for record in tfrecord.read(path)]
    examples = list(map(tf_example.from_serialized, records))
    stars = np.array([tf_example.value(example, "tic_id") for example in examples])
    labels = np.array([tf_example.value(example, "Disposition") in _POSITIVE for example in examples])
    make_directory(flags.output_dir)
    path = os.path.join(flags.output_dir, "fine_tuning.csv")
    rows = _read(path)
    unique = np.random.default_rng(flags.seed).permutation(np.unique(stars))
    fold_of = dict(zip(unique.tolist(), (np.arange(len(unique)) % NUM_FOLDS).tolist()))
    folds = np.array([fold_of[star] for star in stars.tolist()])
    for fold in range(NUM_FOLDS):
        held_out = np.flatnonzero(folds == fold)
        for way, size in [("shipped", None), *((way, n) for n in SIZES for way in _WAYS)]:
            if any(row[0] == str(fold) and row[1] == way and row[2] == str(size or "all") for row in rows):
                continue
            chosen = _choose(np.flatnonzero(folds != fold), stars, size, flags.seed)
            directory = os.path.join(flags.output_dir, f"{fold}_{way.replace(' ', '_')}_{size or 'all'}")
            learn = _WAYS.get(way, _shipped)
            probabilities = learn(records, chosen, held_out, directory, flags)
            rows += [
                [str(fold), way, str(size or "all"), str(i), str(stars[i]), str(int(labels[i])), f"{value:.6f}"]
                for i, value in zip(held_out, probabilities)
            ]
            write_csv(path, _COLUMNS, rows, lineterminator="\n")
            print(f"fold {fold}, {way}, {size or 'all'} labels: measured", flush=True)
    _print(rows, flags)


def _read(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="") as file:
        return list(csv.reader(file))[1:]


def _choose(candidates, stars, size, seed):
    """TCEs to learn from: whole stars in a random order, up to `size` TCEs."""
    if size is None:
        return candidates
    unique = np.random.default_rng(seed).permutation(np.unique(stars[candidates]))
    order = np.argsort([np.flatnonzero(unique == star)[0] for star in stars[candidates]], kind="stable")
    return candidates[order[:size]]


def _predict(records, held_out, choice):
    models = ensemble.load(choice)
    return [prediction.mean for prediction in scoring.predict_records(models, [records[i] for i in held_out])]


def _shipped(records, chosen, held_out, directory, flags):
    del chosen, directory, flags
    return _predict(records, held_out, ensemble.ModelChoice("pretrained:triage"))


def _recalibrated(records, chosen, held_out, directory, flags):
    del flags
    models = ensemble.load(ensemble.ModelChoice("pretrained:triage"), calibrated=False)
    calibrated = calibrate_models.calibrate(models, [_write(directory, records, chosen)])
    models = dataclasses.replace(models, calibration=calibrated.calibration)
    return [prediction.mean for prediction in scoring.predict_records(models, [records[i] for i in held_out])]


def _fine_tuned(layers):
    def learn(records, chosen, held_out, directory, flags):
        origin = Origin("pretrained:triage", layers)
        return _train(origin.spec(), origin, records, chosen, held_out, directory, flags)

    return learn


def _from_nothing(records, chosen, held_out, directory, flags):
    return _train(configuration.resolve(config_name="triage"), None, records, chosen, held_out, directory, flags)


def _train(spec, origin, records, chosen, held_out, directory, flags):
    path = _write(directory, records, chosen)
    options = fit.FitOptions(
        os.path.join(directory, "model"),
        (path,),
        (path,),  # judged on the fold alone
        train_steps=max(flags.num_steps, 1),
        num_models=flags.num_models,
        num_parallel=1,
        num_threads=1,
        init_from=origin,
    )
    small = '{"hparams": {"batch_size": 32}}'
    fit.fit_ensemble(configuration.changed(spec, small), options, _silent, print)
    is_ensemble = flags.num_models > 1
    return _predict(records, held_out, ensemble.ModelChoice(options.model_dir, average=is_ensemble))


def _silent(line):
    del line


def _write(directory, records, chosen):
    make_directory(directory)
    path = os.path.join(directory, "train-00000-of-00001")
    tfrecord.write_shard(path, [records[i] for i in chosen])
    return path


_WAYS = {
    "recalibrated": _recalibrated,
    "fine-tuned, head": _fine_tuned("head"),
    "fine-tuned, all": _fine_tuned("all"),
    "from nothing": _from_nothing,
}


def _print(rows, flags):
    print(f"{'way':18s} {'labels':>6s}  average precision        accuracy at 0.5         log loss")
    for size in ("all", *(str(size) for size in SIZES if size)):
        for way in ("shipped", *_WAYS):
            chosen = [row for row in rows if row[1] == way and row[2] == size]
            if not chosen:
                continue
            labels, probabilities = (np.array([float(row[i]) for row in chosen]) for i in (5, 6))
            stars = [row[4] for row in chosen]
            figures = metrics.summary(labels, probabilities)
            limits = intervals.bootstrap(labels, probabilities, stars, 0.5, seed=flags.seed)
            losses = -np.log(np.clip(np.where(labels > 0, probabilities, 1 - probabilities), 1e-7, 1))
            told = "  ".join(
                f"{figures[name]:.3f} ({limits[name][0]:.3f} to {limits[name][1]:.3f})"
                for name in ("average_precision", "accuracy")
            )
            print(f"{way:18s} {size if way != 'shipped' else '':>6s}  {told}  {losses.mean():.3f}")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--records", required=True, help="directory of labeled records, as benchmarks/spoc.py makes it")
    parser.add_argument("--output_dir", required=True, help="directory of models and of fine_tuning.csv")
    parser.add_argument("--num_models", type=positive_integer, default=3, help="members of each ensemble")
    parser.add_argument("--num_steps", type=positive_integer, default=150, help="training steps of 32 TCEs")
    parser.add_argument("--seed", type=seed_type, default=0, help="seed of the folds and of the choice of labels")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
