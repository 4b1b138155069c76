"""CPU and wall time of --help of every script, beside those of Python itself; and of batch_predict.py on few TCEs.

Each is a process of its own, from its start to its end. The reference of batch_predict.py, which predicts with the
pretrained ensemble, is a process that does no more than import TensorFlow.
"""

import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

import child
import simulated_records

from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.config import configuration

_PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
_MODEL_DIR = "pretrained:triage"


def _median(costs):
    return statistics.median(cost.cpu for cost in costs), statistics.median(cost.wall for cost in costs)


def _compare(name, arguments, reference, rounds):
    """Runs both in turn, prints medians and their ratio, and returns the wall time."""
    pairs = [(child.run(*arguments), child.run(*reference)) for _ in range(rounds)]
    (cpu, wall), (reference_cpu, reference_wall) = map(_median, zip(*pairs))
    print(
        f"{name:40s} {cpu:5.2f} s of CPU, {wall:5.2f} s; reference {reference_cpu:5.2f}, {reference_wall:5.2f}; "
        f"ratio of CPU {cpu / reference_cpu:.1f}",
        flush=True,
    )
    return wall


def _measure(flags):
    print(f"{os.cpu_count()} cores; medians of {flags.rounds} runs each")
    scripts = re.findall(r'^[\w-]+ = "([\w.]+):main"$', _PYPROJECT.read_text(), re.MULTILINE)
    walls = [_compare(name, ("-m", name, "--help"), ("-c", "pass"), flags.rounds) for name in scripts]
    print(f"--help of {len(walls)} scripts: {max(walls):.2f} s at most")
    with tempfile.TemporaryDirectory() as directory:
        simulated_records.write(directory, flags.num_tces, configuration.get(config_name="triage"))
        predict = ["-m", "astronet.batch_predict", f"--model_dir={_MODEL_DIR}", f"--tfrecord_dir={directory}"]
        _compare(
            f"astronet.batch_predict on {flags.num_tces} TCEs",
            [*predict, f"--output_dir={directory}"],
            ("-c", "import tensorflow"),
            flags.rounds,
        )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--rounds", type=positive_integer, default=3, help="how often to run each")
    parser.add_argument("--num_tces", type=positive_integer, default=10, help="TCEs to predict")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
