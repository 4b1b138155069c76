"""Makes the ensemble that comes with the package: trains it, exports it, calibrates it and measures it.

The last step writes figures.json, the data of the model card. Other files in output_dir, such as the card (README.md),
are not changed. After an interruption, run it again: it continues where it stopped.

With --folds, there is no validation set: the ensemble is trained on all records, train-* and val-*, and calibrated and
measured by a cross-validation by star, each TCE by models that have not seen its star. --catalog gives the records the
columns that they lack (the star's parameters). This is how pretrained:vetting is made.

To calibrate an existing ensemble again without training, run calibrate.py --model_dir=DIRECTORY --average with the same
--eval_files and --train_files.
"""

import os
import shutil
import sys

from astronet import calibrate, evaluate, export, train
from astronet.base import arguments, fingerprint, json_files, locks
from astronet.base.files import make_directory, write_aside
from astronet.base.script import GOES_ON, Parser, ScriptError, run
from astronet.config import configuration
from astronet.data.records import catalog_join, tfrecord
from astronet.estimator import ensemble, weights_file
from astronet.evaluation import calibrate_models, cross_validation, report
from astronet.stats import calibration


def _make(flags):
    if not os.path.isdir(flags.records_dir):
        raise ScriptError(
            f"no directory {flags.records_dir}, which should hold the published records, train-* and val-*: give their "
            "directory by --records_dir (make pretrained RECORDS=DIR)"
        )
    made = _by_folds(flags) if flags.folds else _by_validation(flags)
    _install(made, flags.output_dir)
    print(f"{flags.output_dir}: made; figures.json has what its README.md is to say")


def _by_validation(flags):
    """Makes the ensemble from train-*, calibrated and measured on val-*; returns its directory."""
    train_files, eval_files = (os.path.join(flags.records_dir, pattern) for pattern in ("train-*", "val-*"))
    train_flag, eval_flag = f"--train_files={train_files}", f"--eval_files={eval_files}"
    trained, exported, report_dir = (os.path.join(flags.work_dir, name) for name in ("trained", "exported", "report"))
    for stale in (exported, report_dir):
        shutil.rmtree(stale, ignore_errors=True)

    _train(trained, flags, [train_flag, eval_flag])
    source = [f"--model_dir={trained}", "--average", f"--checkpoint={flags.checkpoint}"]
    _call(export, [*source, f"--output_dir={exported}", "--dtype=float16", eval_flag])
    models = [f"--model_dir={exported}", "--average", eval_flag, train_flag]
    _call(calibrate, models + ([f"--recall_target={flags.recall_target}"] if flags.recall_target else []))
    catalog = os.path.join(flags.records_dir, "tces.csv")
    _call(
        evaluate,
        [*models, f"--output_dir={report_dir}", *([f"--catalog={catalog}"] if os.path.exists(catalog) else [])],
    )
    content = json_files.read(os.path.join(report_dir, "report.json"), "a report", "remove it and run this again")
    _write_figures(exported, content, tfrecord.expand(train_files), flags)
    return exported


def _by_folds(flags):
    """Makes the ensemble from all records, calibrated and measured by a cross-validation; returns its directory."""
    records = _all_records(flags)
    trained, exported, folds = (os.path.join(flags.work_dir, name) for name in ("trained", "exported", "folds"))
    shutil.rmtree(exported, ignore_errors=True)
    options = cross_validation.FoldOptions(
        folds,
        flags.folds,
        config_name=flags.config_name,
        num_models=flags.fold_models,
        train_steps=flags.train_steps,
        seed=flags.seed,
        num_threads=flags.num_threads,
        num_resamples=1000,
    )
    predicted = cross_validation.predict([records], options, print, print)
    _train(trained, flags, [f"--train_files={records}", f"--eval_files={records}"])
    source = [f"--model_dir={trained}", "--average", f"--checkpoint={flags.checkpoint}"]
    _call(export, [*source, f"--output_dir={exported}", "--dtype=float16", f"--eval_files={records}"])

    models = ensemble.load(ensemble.ModelChoice(exported, average=True), calibrated=False)
    held_out = [_held_out(os.path.join(folds, name), flags.fold_models) for name in predicted.parts]
    calibrated = calibrate_models.calibrate_by_folds(models, held_out, [records])
    calibration.save(exported, calibrated.calibration)
    tces = calibrated.tces.assign(probability=calibrated.after)
    content = {
        "config_name": flags.config_name,
        "num_members": flags.num_models,
        "num_members_of_a_fold": flags.fold_models,
        "threshold": calibrated.calibration.threshold,
        "temperature": calibrated.calibration.temperature,
        "calibration": {
            "before": report.judge_calibration(tces.label, calibrated.before),
            "after": report.judge_calibration(tces.label, calibrated.after),
        },
        "by_star": report.describe(tces, calibrated.calibration.threshold, options.num_resamples, flags.seed),
    }
    _write_figures(exported, content, [records], flags)
    return exported


def _all_records(flags):
    """Writes all records, with the columns of the catalog, into one file of the work directory; returns its path."""
    path = os.path.join(flags.work_dir, "records", "all-00000-of-00001")
    make_directory(os.path.dirname(path))
    files = [file for name in ("train-*", "val-*") for file in tfrecord.expand(os.path.join(flags.records_dir, name))]
    serialized = [record for file in files for record in tfrecord.read(file)]
    tfrecord.write_shard(path, catalog_join.join(serialized, flags.catalog) if flags.catalog else serialized)
    return path


def _held_out(directory, num_models):
    """The uncalibrated models of a fold, and the record file that they have not seen."""
    choice = (
        ensemble.ModelChoice(directory, average=True)
        if num_models > 1
        else ensemble.ModelChoice(os.path.join(directory, "1"))
    )
    return ensemble.load(choice, calibrated=False), os.path.join(directory, "records", "test-00000-of-00001")


def _train(model_dir, flags, files):
    """Trains the members 1, 2, ... of an ensemble, with seeds from flags.seed on."""
    spec = [f"--config_name={flags.config_name}", f"--seed={flags.seed}", f"--num_models={flags.num_models}"]
    steps = [f"--train_steps={flags.train_steps}"] if flags.train_steps else []
    directory = model_dir if flags.num_models > 1 else os.path.join(model_dir, "1")
    _call(train, [*spec, *steps, f"--model_dir={directory}", f"--num_threads={flags.num_threads}", *files])
    num_there = len(ensemble.members(model_dir))
    if num_there != flags.num_models:
        raise ScriptError(f"{model_dir} has {num_there} models, not {flags.num_models}: remove it or change --work_dir")


def _call(script, arguments):
    """Runs a script, which prints its own error messages."""
    name = script.__name__.rpartition(".")[-1]
    print(f"== {name} {' '.join(arguments)}", flush=True)
    if script.main(arguments):
        raise ScriptError(f"{name} failed: mend what it says above and run this again")


def _write_figures(exported, content, train_files, flags):
    """Writes figures.json: how good the ensemble is, and how it was made."""
    made = {name: getattr(flags, name) for name in ("num_models", "seed", "num_threads", "checkpoint")}
    members = ensemble.members(exported)
    train_steps = configuration.load(members[0]).train_steps
    sizes = [os.path.getsize(os.path.join(member, weights_file.NAME)) for member in members]
    figures = {
        "training": {**made, "train_steps": train_steps, "records_sha256": fingerprint.of_files(train_files)},
        "weights_bytes": sum(sizes),
        **content,
    }
    json_files.write(os.path.join(exported, "figures.json"), figures)


def _install(source, output_dir):
    """Replaces the ensemble in output_dir by the new one, file by file."""
    make_directory(output_dir)
    for stale in ensemble.members(output_dir):
        shutil.rmtree(stale)
    shutil.copytree(source, output_dir, dirs_exist_ok=True, copy_function=_copy_whole)


def _copy_whole(source, destination):
    with write_aside(destination) as aside:
        shutil.copyfile(source, aside)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--records_dir",
        required=True,
        help="directory of train-* and val-*, and (if any) of tces.csv",
    )
    parser.output.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        required=True,
        help="directory of the ensemble to make, or to make again",
    )
    parser.output.add_argument(
        "--work_dir",
        type=arguments.output_directory,
        default="build/pretrained",
        help="directory of the trainings and of the report",
    )
    parser.input.add_argument(
        "--catalog", type=arguments.input_file, help="with --folds: catalog of the TCEs, for columns that records lack"
    )
    parser.model.add_argument("--config_name", default="triage", help="configuration of AstroCNNModel")
    parser.model.add_argument(
        "--folds",
        type=arguments.whole_number(2, 1000, "folds"),
        help="train on all records, and calibrate and measure by a cross-validation by star (default: train on "
        "train-*, calibrate and measure on val-*)",
    )
    parser.model.add_argument("--fold_models", type=arguments.num_models, default=2, help="members in each fold")
    parser.model.add_argument("--num_models", type=arguments.num_models, default=10, help="members of the ensemble")
    parser.settings.add_argument(
        "--train_steps", type=arguments.positive_integer, help="of each member (default: as train.py)"
    )
    parser.settings.add_argument(
        "--seed", type=arguments.seed, default=1, help="of the first member; the next has the next"
    )
    parser.settings.add_argument(
        "--recall_target",
        type=arguments.recall,
        help="choose the threshold that has this recall (default: the threshold is 0.5)",
    )
    parser.model.add_argument(
        "--checkpoint", choices=("last", "best"), default="last", help="which of each member to ship"
    )
    parser.machine.add_argument(
        "--num_threads", type=arguments.num_threads, default=1, help="0: all cores; 1: same seed, same weights"
    )
    flags = parser.parse_args(argv)
    if flags.folds and flags.recall_target:
        parser.error("--recall_target is for a validation set: leave out --folds")
    if flags.catalog and not flags.folds:
        parser.error("--catalog is for --folds; without, DIR/tces.csv of --records_dir=DIR is read, for the report")
    return run(locks.holding(_make, "output_dir", "work_dir"), flags, GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
