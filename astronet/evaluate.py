"""Evaluates a trained model on labelled record files."""

import os
import sys

from astronet.ops import metrics
from astronet.util import checkpoints, configuration, estimator_util, records
from astronet.util.script import Parser, run


def main(argv=None):
    parser = Parser(description=__doc__)
    configuration.add_flags(parser)
    parser.add_argument("--eval_files", nargs="+", required=True, help="record files or patterns to evaluate on")
    parser.add_argument("--model_dir", required=True, help="directory of the trained model")
    parser.add_argument("--checkpoint", choices=["last", "best"], default="last", help="best: of least validation loss")
    parser.add_argument("--eval_name", default="test", help="TensorBoard finds the result in model_dir/eval_NAME")
    parser.add_argument(
        "--threshold", type=float, default=metrics.DEFAULT_THRESHOLD, help="probability from which a TCE is positive"
    )
    return run(_evaluate, parser.parse_args(argv))


def _evaluate(flags):
    checkpoint = checkpoints.find(flags.model_dir, flags.checkpoint)
    spec = configuration.load(flags.model_dir, flags.model, flags.config_name, flags.config_json)
    values = estimator_util.evaluate(spec, checkpoint, records.expand(flags.eval_files), flags.threshold)
    step = values["global_step"]
    told = ", ".join(
        f"{name} = {value if name == 'global_step' else round(value, 7)}" for name, value in sorted(values.items())
    )
    print(f"INFO:tensorflow:Saving dict for global step {step}: {told}")
    estimator_util.write_summary(os.path.join(flags.model_dir, f"eval_{flags.eval_name}"), step, values)


if __name__ == "__main__":
    sys.exit(main())
