"""Makes a report of TCEs: a folder with one page on which they are ranked, looked at and labeled, without a network.

docs/report.md says how to label with it, and what comes of the labels.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Optional

from astronet.base import arguments, locks, workers
from astronet.base.script import Parser, run, tell_problems
from astronet.estimator import ensemble

if TYPE_CHECKING:
    from astronet.review.tce import ReviewTce


def _report(flags: Any) -> int:
    from astronet.review import from_records, known

    problems: list[str] = []
    model, threshold, tces = _tces(flags, problems)
    controls = _controls(flags, tces) if flags.controls else {}
    names = ("output_dir", "tess_data_dir", "blind", "max_points", "single_file", "num_worker_processes", "cluster")
    choices = {name: getattr(flags, name) for name in names}
    if flags.known:
        tces = _with_names(tces, flags.known)
        choices["known"] = known.dated(flags.known)
    if flags.title:
        choices["title"] = flags.title
    request = from_records.request(flags.records, model=model, threshold=threshold, **choices, **controls)
    written = from_records.write(request, tces)
    print(f"{written.path}: {written.num_tces} TCEs, {written.num_bytes / 1e6:.1f} MB; open it in a browser")
    return tell_problems(problems)


def _tces(flags: Any, problems: list[str]) -> "tuple[str, float, list[ReviewTce]]":
    """Name of the models ("" for none), their threshold, and the TCEs."""
    from astronet.review import from_records, tce

    if flags.blind:
        return "", 0.5, list(map(tce.of_example, _examples(flags)))
    from astronet.estimator import scoring, stages
    from astronet.evaluation import explanation

    judges = stages.load(arguments.from_flags(ensemble.ModelChoice, flags), flags.threshold)
    records = scoring.RecordChoice(flags.records, flags.pattern, cluster=flags.cluster)
    predictions = stages.judge(judges, scoring.predict_files(judges[0].models, records, problems))
    tces = list(tce.of_predictions(predictions, explanation.Explainer(judges[0].models)))
    return from_records.models_name(judges), judges[0].threshold, tces


def _with_names(tces: "list[ReviewTce]", tables: Sequence[str]) -> "list[ReviewTce]":
    import dataclasses

    from astronet.review import known

    names = known.names(tces, known.read(tables))
    return [dataclasses.replace(tce, known=name) for tce, name in zip(tces, names)]


def _controls(flags: Any, tces: "list[ReviewTce]") -> dict[str, Any]:
    """Makes controls and adds them to the TCEs; returns what the report's request says of them."""
    import dataclasses

    from astronet.review import make_controls, photometry, tce

    views = {name: len(view) for name, view in tces[0].views.items()}
    settings = dataclasses.replace(photometry.settings_of_records(flags.records), views=views)
    place = f"{flags.output_dir.rstrip('/')}_controls"
    request = make_controls.ControlRequest(flags.tess_data_dir, place, settings, flags.controls, flags.seed)
    records = make_controls.make(request, list(_examples(flags)))
    if flags.blind:
        added = list(map(tce.of_example, records))
    else:
        from astronet.estimator import scoring, stages
        from astronet.evaluation import explanation

        judges = stages.load(arguments.from_flags(ensemble.ModelChoice, flags), flags.threshold)
        serialized = [record.SerializeToString() for record in records]
        predictions = stages.judge(judges, scoring.predict_records(judges[0].models, serialized))
        added = list(tce.of_predictions(predictions, explanation.Explainer(judges[0].models)))
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
