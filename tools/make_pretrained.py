"""Makes the ensemble that comes with the package: trains it, exports it, calibrates it and measures it.

The last step writes figures.json, the data of the model card. Other files in output_dir, such as the card (README.md),
are not changed. After an interruption, run it again: it continues where it stopped.

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
from astronet.data.records import tfrecord
from astronet.estimator import ensemble, weights_file

_CONFIG_NAME = "triage"


def _make(flags):
    if not os.path.isdir(flags.records_dir):
        raise ScriptError(
            f"no directory {flags.records_dir}, which should hold the published records, train-* and val-*: give their "
            "directory by --records_dir (make pretrained RECORDS=DIR)"
        )
    train_files, eval_files = (os.path.join(flags.records_dir, pattern) for pattern in ("train-*", "val-*"))
    train_flag, eval_flag = f"--train_files={train_files}", f"--eval_files={eval_files}"
    trained, exported, report = (os.path.join(flags.work_dir, name) for name in ("trained", "exported", "report"))
    for stale in (exported, report):
        shutil.rmtree(stale, ignore_errors=True)

    _train(trained, flags, [train_flag, eval_flag])
    source = [f"--model_dir={trained}", "--average", f"--checkpoint={flags.checkpoint}"]
    _call(export, [*source, f"--output_dir={exported}", "--dtype=float16", eval_flag])
    models = [f"--model_dir={exported}", "--average", eval_flag, train_flag]
    _call(calibrate, models + ([f"--recall_target={flags.recall_target}"] if flags.recall_target else []))
    catalog = os.path.join(flags.records_dir, "tces.csv")
    _call(evaluate, [*models, f"--output_dir={report}", *([f"--catalog={catalog}"] if os.path.exists(catalog) else [])])
    _write_figures(os.path.join(exported, "figures.json"), report, exported, tfrecord.expand(train_files), flags)
    _install(exported, flags.output_dir)
    print(f"{flags.output_dir}: made; figures.json has what its README.md is to say")


def _train(model_dir, flags, files):
    """Trains the members 1, 2, ... of an ensemble, with seeds from flags.seed on."""
    spec = [f"--config_name={_CONFIG_NAME}", f"--seed={flags.seed}", f"--num_models={flags.num_models}"]
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


def _write_figures(path, report_dir, exported, train_files, flags):
    """Writes figures.json: the report of evaluate.py on the validation records, and how the ensemble was made."""
    report = json_files.read(os.path.join(report_dir, "report.json"), "a report", "remove it and run this again")
    made = {name: getattr(flags, name) for name in ("num_models", "seed", "num_threads", "checkpoint")}
    members = ensemble.members(exported)
    train_steps = configuration.load(members[0]).train_steps
    sizes = [os.path.getsize(os.path.join(member, weights_file.NAME)) for member in members]
    figures = {
        "training": {**made, "train_steps": train_steps, "records_sha256": fingerprint.of_files(train_files)},
        "weights_bytes": sum(sizes),
        **report,
    }
    json_files.write(path, figures)


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
    return run(locks.holding(_make, "output_dir", "work_dir"), parser.parse_args(argv), GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
