"""Makes a report of TCEs: a folder with one page on which they are ranked, looked at and labeled, without a network.

docs/report.md says how to label with it, and what comes of the labels.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Optional

from astronet.base import arguments, locks, workers
from astronet.base.script import Parser, run, tell_problems
from astronet.estimator import ensemble
from astronet.stats.metrics import DEFAULT_THRESHOLD

if TYPE_CHECKING:
    from astronet.estimator.scoring import Prediction
    from astronet.review.tce import ReviewTce


def _report(flags: Any) -> int:
    from astronet.review import from_records, known

    problems: list[str] = []
    judges = None if flags.blind else _Judges(flags)
    tces = _tces(flags, judges, problems)
    controls = _controls(flags, judges, tces) if flags.controls else {}
    names = ("output_dir", "tess_data_dir", "blind", "max_points", "single_file", "num_worker_processes", "cluster")
    choices = {name: getattr(flags, name) for name in names}
    if flags.known:
        tces = _with_names(tces, flags.known)
        choices["known"] = known.dated(flags.known)
    if flags.title:
        choices["title"] = flags.title
    model, threshold = (judges.name, judges.threshold) if judges else ("", DEFAULT_THRESHOLD)
    request = from_records.request(flags.records, model=model, threshold=threshold, **choices, **controls)
    written = from_records.write(request, tces)
    print(f"{written.path}: {written.num_tces} TCEs, {written.num_bytes / 1e6:.1f} MB; open it in a browser")
    return tell_problems(problems)


class _Judges:
    """The models of the report, loaded once for the TCEs of the records and for the controls.

    Attributes:
      name: what the report calls them.
      threshold: a TCE is a candidate if its probability is at least this.
    """

    def __init__(self, flags: Any) -> None:
        from astronet.estimator import stages
        from astronet.evaluation import explanation
        from astronet.review import from_records

        self._stages = stages.load(arguments.from_flags(ensemble.ModelChoice, flags), flags.threshold)
        self.models, self.threshold = self._stages[0].models, self._stages[0].threshold
        self.name = from_records.models_name(self._stages)
        self._explainer = explanation.Explainer(self.models)

    def tces(self, of_first: "Iterable[Prediction]") -> "list[ReviewTce]":
        """Returns the TCEs of predictions of the first model, each with what all of them say."""
        from astronet.estimator import stages
        from astronet.review import tce

        return list(tce.of_predictions(stages.judge(self._stages, of_first), self._explainer))


def _tces(flags: Any, judges: Optional[_Judges], problems: list[str]) -> "list[ReviewTce]":
    from astronet.estimator import scoring
    from astronet.review import tce

    if judges is None:
        return list(map(tce.of_example, _examples(flags)))
    records = scoring.RecordChoice(flags.records, flags.pattern, cluster=flags.cluster)
    return judges.tces(scoring.predict_files(judges.models, records, problems))


def _with_names(tces: "list[ReviewTce]", tables: Sequence[str]) -> "list[ReviewTce]":
    import dataclasses

    from astronet.review import known

    names = known.names(tces, known.read(tables))
    return [dataclasses.replace(tce, known=name) for tce, name in zip(tces, names)]


def _controls(flags: Any, judges: Optional[_Judges], tces: "list[ReviewTce]") -> dict[str, Any]:
    """Makes controls and adds them to the TCEs; returns what the report's request says of them."""
    import dataclasses

    from astronet.estimator import scoring
    from astronet.review import make_controls, photometry, tce

    views = {name: len(view) for name, view in tces[0].views.items()}
    settings = dataclasses.replace(photometry.settings_of_records(flags.records), views=views)
    place = f"{flags.output_dir.rstrip('/')}_controls"
    request = make_controls.ControlRequest(flags.tess_data_dir, place, settings, flags.controls, flags.seed)
    records = make_controls.make(request, list(_examples(flags)))
    if judges is None:
        added = list(map(tce.of_example, records))
    else:
        serialized = [record.SerializeToString() for record in records]
        added = judges.tces(scoring.predict_records(judges.models, serialized))
    tces += added
    return {
        "controls": frozenset((one.row_id, one.tic_id) for one in added),
        "controls_dir": request.light_curves,
    }


def _examples(flags: Any) -> Iterator[Any]:
    from astronet.data.records import tf_example, tfrecord
    from astronet.estimator import scoring

    for path in tfrecord.expand([scoring.RecordChoice(flags.records, flags.pattern).path_pattern]):
        yield from map(tf_example.from_serialized, tfrecord.read(path))


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--records", type=arguments.input_directory, required=True, help="directory of the record files of the TCEs"
    )
    parser.input.add_argument("--pattern", default="test-*", help="which files of --records to show")
    parser.input.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        help="directory of the light curves that the records were made from; without it the report has no light curves",
    )
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="folder of the report"
    )
    parser.output.add_argument("--title", help="title of the page (default: the name of --records)")
    parser.output.add_argument(
        "--blind",
        action="store_true",
        help="leave probabilities and dispositions out of the files, for labels that no model has influenced; no model "
        "is read",
    )
    parser.output.add_argument(
        "--max_points",
        type=arguments.whole_number(100, 1_000_000, "points"),
        default=4000,
        help="points of each light curve and sector that the report holds; all of those near events",
    )
    parser.output.add_argument(
        "--single_file", action="store_true", help="put all data inside index.html, for up to 200 TCEs"
    )
    parser.input.add_argument(
        "--known",
        type=arguments.input_file,
        nargs="+",
        metavar="TABLE",
        help="tables of known signals, such as ExoFOP's TOIs: a column of the page tells which TCEs are known",
    )
    parser.output.add_argument(
        "--controls",
        type=arguments.whole_number(0, 10_000, "TCEs"),
        default=0,
        help="mix so many TCEs in whose answer is known (repeated, injected, inverted); their list, "
        "OUTPUT_DIR_controls/controls.csv, is for merge_labels.py --controls, not for the reviewer",
    )
    parser.output.add_argument("--seed", type=arguments.seed, default=0, help="seed of the controls")
    ensemble.add_flags(parser, default_model_dir="pretrained:triage")
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    workers.add_flags(parser)
    flags = parser.parse_args(argv)
    if flags.controls and not flags.tess_data_dir:
        parser.error("--controls are made of light curves: give --tess_data_dir")
    return run(locks.holding(_report, "output_dir"), flags)


if __name__ == "__main__":
    sys.exit(main())
