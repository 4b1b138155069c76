"""Predicts TCEs (or windows, or patches) of record files: prediction_SUFFIX.txt and .csv, a line for each, in order."""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks, messages
from astronet.base.files import make_directory
from astronet.base.script import Parser, run, tell_problems
from astronet.config import nouns
from astronet.estimator import ensemble, scoring, stages
from astronet.evaluation import prediction_files


def _predict(flags):
    judges = stages.load(arguments.from_flags(ensemble.ModelChoice, flags), flags.threshold)
    models, threshold = judges[0].models, judges[0].threshold
    make_directory(flags.output_dir)
    stem = os.path.normpath(os.path.join(flags.output_dir, "_".join(filter(None, ["prediction", flags.suffix]))))
    records = arguments.from_flags(scoring.RecordChoice, flags)
    problems: list[str] = []
    scoring.refuse_overwriting_records(prediction_files.paths_of(stem), records)
    words = nouns.of(models.spec.config.inputs.features)
    of_first = scoring.predict_files(models, records, problems)
    predictions = messages.bar(stages.judge(judges, of_first, records.batch_size), unit=f" {words.one}")
    plot_dir = flags.save_dir if flags.plot else None
    written = prediction_files.write(predictions, stem, models, threshold, plot_dir, judges[1:])
    print(
        f"{stem}.txt, {stem}.csv: {words.count(written.num_predicted)} by {len(models.checkpoints)} model(s), "
        f"{written.num_positive} with a probability of {threshold:g} or more"
    )
    for stage in judges[1:]:
        num_judged, num_called = written.later[stage.name]
        print(f"{stage.name}: judged {num_judged} of these, {num_called} with {stage.threshold:g} or more")
    if flags.plot:
        print(f"{plot_dir}: {written.num_plots} plots")
    return tell_problems(problems)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    scoring.add_record_flags(parser)
    parser.output.add_argument("--plot", action="store_true", help="plot the views of each TCE; needs --save_dir")
    parser.output.add_argument("--save_dir", type=arguments.output_directory, help="directory of the plots")
    ensemble.add_flags(parser)
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    flags = parser.parse_args(argv)
    if flags.plot and not flags.save_dir:
        parser.error("--plot needs --save_dir: the directory to save the plots in")
    return run(locks.holding(_predict, *(["save_dir"] if flags.plot else [])), flags)


if __name__ == "__main__":
    sys.exit(main())
