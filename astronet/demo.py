"""From a simulated survey to triaged TCEs in a few minutes: runs the scripts of the walkthrough, and shows how.

The network that is trained here has the configuration of the pretrained ensemble, so that both read the same records.
"""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.files import make_directory
from astronet.base.messages import LOG
from astronet.base.script import Parser, ScriptError, run
from astronet.evaluation.misclassified import read_true_vs_pred

_CONFIG = "--config_name=triage"
_PRETRAINED = "pretrained:triage"


def _steps(flags):
    """Returns what to do: (title, script, its arguments), all relative to the output directory."""
    seed = f"--seed={flags.seed}"
    model = ["--model_dir=model", "--checkpoint=best"]
    return [
        (
            "Simulate a survey",
            "data.simulate_survey",
            ["--output_dir=.", f"--num_stars={flags.num_stars}", "--num_worker_processes=2", seed],
        ),
        (
            "Make records of folded views",
            "data.generate_input_records",
            ["--input_tce_csv_file=tces.csv", "--tess_data_dir=tess", "--output_dir=tfrecord"]
            + ["--num_worker_processes=2", _CONFIG],
        ),
        (
            "Train",
            "train",
            ["--model=AstroCNNModel", _CONFIG]
            + ["--train_files=tfrecord/train*", "--eval_files=tfrecord/val*", "--model_dir=model"]
            + [f"--train_steps={flags.train_steps}", seed],
        ),
        ("Evaluate on the test set", "evaluate", ["--eval_files=tfrecord/test*", *model]),
        (
            "List what it gets wrong",
            "find_incorrect",
            ["--tfrecord_dir=tfrecord", "--suffix=demo", "--save_dir=plots/misclassified", *model],
        ),
        (
            "Predict",
            "batch_predict",
            ["--tfrecord_dir=tfrecord", "--suffix=demo", "--plot", "--save_dir=plots", *model],
        ),
        (
            "Compare with the pretrained ensemble, which has never seen a simulation",
            "find_incorrect",
            ["--tfrecord_dir=tfrecord", "--suffix=pretrained", "--save_dir=plots/misclassified_pretrained"]
            + [f"--model_dir={_PRETRAINED}"],
        ),
        (
            "Draw the precision-recall and ROC curves of both",
            "plot_roc",
            ["true_vs_pred_demo.txt", "true_vs_pred_pretrained.txt", "--output=roc.png"],
        ),
        (
            "Make the report: a page on which TCEs are ranked, looked at and labeled",
            "report",
            ["--records=tfrecord", "--tess_data_dir=tess", "--output_dir=report", "--title=Simulated survey"]
            + ["--num_worker_processes=2", *model],
        ),
    ]


def _run_step(title, module, argv, directory, messages):
    """Runs a script in the directory of the demo; `messages` are its flags --quiet or --verbose, if any."""
    name = "astronet-" + module.split(".")[-1].replace("_", "-")
    LOG.info(f"\n== {title}\n$ {shlex.join([name, *argv])}")
    finished = subprocess.run([sys.executable, "-m", f"astronet.{module}", *argv, *messages], cwd=directory)
    if finished.returncode:
        raise ScriptError(f"{name} ended with exit code {finished.returncode}: its message stands above")


def _summary(directory):
    from sklearn.metrics import average_precision_score

    labels, fresh = read_true_vs_pred(directory / "true_vs_pred_demo.txt")
    _, pretrained = read_true_vs_pred(directory / "true_vs_pred_pretrained.txt")
    return f"""
== Done
{directory}/tess, tces.csv        the simulated survey
{directory}/tfrecord              records.json tells what is in it, skipped.csv what is not
{directory}/model                 the trained network; tensorboard --logdir {directory}/model shows its training
{directory}/prediction_demo.txt   the probability of each TCE in the test set; more in prediction_demo.csv
{directory}/true_vs_pred_*.txt    label and probability of each, by this network and by the pretrained ensemble
{directory}/plots, roc.png        a plot of each TCE in the test set; the precision-recall and ROC curves

Average precision on {len(labels)} TCEs of stars that were never trained on (by chance: {labels.mean():.3f}):
  {average_precision_score(labels, fresh):.3f}  the network trained just now, on the simulation
  {average_precision_score(labels, pretrained):.3f}  {_PRETRAINED}, trained on real TESS data (views of 201 and 61 bins)
These are SIMULATED data: they show that the system works, not how well either does on TESS.

{directory}/report/index.html: open it in a browser, to look at the TCEs of the test set and label them"""


def _demo(flags):
    directory = Path(flags.output_dir)
    make_directory(directory)
    with locks.exclusive_file(directory / "demo"):  # each step locks what it writes itself, for as long as it takes
        LOG.info(f"$ cd {directory}")
        messages = [f"--{name}" for name in ("quiet", "verbose") if getattr(flags, name)]
        for title, module, argv in _steps(flags):
            _run_step(title, module, argv, directory, messages)
        print(_summary(directory))


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.output.add_argument(
        "--output_dir",
        type=arguments.output_directory,
        default="demo",
        help="directory of everything that the demo makes",
    )
    parser.settings.add_argument(
        "--num_stars",
        type=arguments.whole_number(1, 100_000, "stars"),
        default=1200,
        help="number of stars to simulate",
    )
    parser.settings.add_argument(
        "--train_steps", type=arguments.positive_integer, default=300, help="number of training steps, of 128 TCEs each"
    )
    parser.settings.add_argument(
        "--seed", type=arguments.seed, default=0, help="seed of the survey and of the training"
    )
    return run(_demo, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
