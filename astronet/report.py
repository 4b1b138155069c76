"""Makes a report of TCEs: a folder with one page on which they are ranked, looked at and labeled, without a network."""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, json_files, locks, workers
from astronet.base.script import Parser, run, tell_problems


def _report(flags):
    from tqdm import tqdm

    from astronet.review import folder, photometry

    problems: list[str] = []
    model, threshold, tces = _tces(flags, problems)
    manifest = json_files.read_or_nothing(os.path.join(flags.records, photometry.MANIFEST))
    catalog = manifest.get("catalogue")
    request = folder.ReportRequest(
        output_dir=flags.output_dir,
        tess_data_dir=flags.tess_data_dir,
        settings=photometry.settings_of_records(flags.records),
        title=flags.title or os.path.basename(os.path.abspath(flags.records)),
        model=model,
        threshold=threshold,
        catalog_sha256=str(catalog.get("sha256", "")) if isinstance(catalog, dict) else "",
        **{
            name: getattr(flags, name)
            for name in ("blind", "max_points", "single_file", "num_worker_processes", "cluster")
        },
    )
    total = -(-len(tces) // folder.ROWS_OF_PANELS)
    written = folder.write(
        request, tces, lambda pieces: tqdm(pieces, total=total, unit=f" x {folder.ROWS_OF_PANELS} TCEs", disable=None)
    )
    for row_id, tic_id, why in written.problems:
        print(f"warning: row_id {row_id} (TIC {tic_id}) is shown without its light curve: {why}", file=sys.stderr)
    print(f"{written.path}: {written.num_tces} TCEs, {written.num_bytes / 1e6:.1f} MB; open it in a browser")
    return tell_problems(problems)


def _tces(flags, problems):
    """Name of the models ("" for none), their threshold, and list of ReviewTce."""
    from astronet.review import tce

    if flags.blind:
        return "", 0.5, list(map(tce.of_example, _examples(flags)))
    from astronet.estimator import checkpoints, ensemble, scoring

    models = ensemble.load(arguments.from_flags(ensemble.ModelChoice, flags))
    records = scoring.RecordChoice(flags.records, flags.pattern, cluster=flags.cluster)
    name = f"{flags.model_dir}@{checkpoints.sha256(models.checkpoints.values())[:12]}"
    tces = list(tce.of_predictions(scoring.predict_files(models, records, problems)))
    return name, models.threshold(flags.threshold), tces


def _examples(flags):
    from astronet.data.records import tf_example, tfrecord
    from astronet.estimator import scoring

    for path in tfrecord.expand([scoring.RecordChoice(flags.records, flags.pattern).path_pattern]):
        yield from map(tf_example.from_serialized, tfrecord.read(path))


def main(argv: Optional[Sequence[str]] = None) -> int:
    from astronet.estimator import ensemble

    parser = Parser(description=__doc__)
    parser.add_argument(
        "--records", type=arguments.input_directory, required=True, help="directory of the record files of the TCEs"
    )
    parser.add_argument("--pattern", default="test-*", help="which files of --records to show")
    parser.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        help="directory of the light curves that the records were made from; without it the report has no light curves",
    )
    parser.add_argument("--output_dir", type=arguments.output_directory, required=True, help="folder of the report")
    parser.add_argument("--title", help="title of the page (default: the name of --records)")
    parser.add_argument(
        "--blind",
        action="store_true",
        help="leave probabilities and dispositions out of the files, for labels that no model has influenced; no "
        "model is read",
    )
    parser.add_argument(
        "--max_points",
        type=arguments.whole_number(100, 1_000_000, "points"),
        default=4000,
        help="points of each light curve and sector that the report holds; all of those near events",
    )
    parser.add_argument("--single_file", action="store_true", help="put all data inside index.html, for up to 200 TCEs")
    parser.add_argument(
        "--num_worker_processes", type=arguments.num_processes, default=1, help="1 reads light curves in this process"
    )
    workers.add_cluster_flag(parser)
    ensemble.add_flags(parser, default_model_dir="pretrained:triage")
    ensemble.add_engine_flag(parser)
    ensemble.add_threshold_flag(parser)
    return run(locks.holding(_report, "output_dir"), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
