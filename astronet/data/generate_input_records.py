"""Makes record files, the input of networks: for each TCE of a table, the views of its light curve and its columns."""

import collections
import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, workers
from astronet.base.messages import LOG
from astronet.base.script import GOES_ON, Parser, ScriptError, run
from astronet.config import configuration
from astronet.data.records import preprocess
from astronet.flares import mask_flag
from light_curve_util.numerals import numbered


def _generate(flags):
    from astronet.data.records import generate  # imports pandas; worker processes import this file and do not need it

    dispositions = None
    arguments.refuse_overwriting_in(flags.output_dir, generate.WRITTEN, "--output_dir", {"--labels": flags.labels})
    if flags.labels:
        from astronet.review import merge

        dispositions, notes = merge.dispositions(flags.labels)
        LOG.info("\n".join(notes))
    choice = arguments.from_flags(
        generate.RecordRequest,
        flags,
        table_path=flags.input_tce_csv_file,
        spec=configuration.resolve(flags.model, flags.config_name, flags.config_json),
        flare_mask=mask_flag.flare_mask(flags.mask_flares),
        dispositions=dispositions,
        time_limit_seconds=flags.tce_time_limit,
    )
    _tell(generate.generate(choice), flags.output_dir)


def _tell(records, output_dir):
    """Prints the numbers of rows and records."""
    num_skipped = records.num_rows - records.num_records
    print(
        f"{numbered(records.num_rows, 'row')} = {numbered(records.num_records, 'record')} + {num_skipped} skipped "
        f"({_counted(records.skipped)})"
    )
    if not records.num_records:
        raise ScriptError(f"no TCE gives a record; {output_dir}/skipped.csv has the reason for each row")
    for name, split in records.manifest["splits"].items():
        num_records, kinds = numbered(split["num_records"], "record"), _counted(split["dispositions"])
        print(f"{name}: {num_records} ({kinds}) in {output_dir}/{name}-*")


def _counted(counts):
    most_common = collections.Counter(counts).most_common()
    return ", ".join(f"{name or 'no disposition'} {count}" for name, count in most_common) or "none"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument(
        "--input_tce_csv_file",
        "--catalog",
        type=arguments.input_file,
        required=True,
        help="catalog of TCEs, as make_catalog.py writes it, or any public table that docs/data.md lists",
    )
    parser.input.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        required=True,
        help="directory of light curves: sector-1/<tic>.h5, ...",
    )
    preprocess.add_flags(parser)
    parser.output.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of the record files"
    )
    parser.output.add_argument(
        "--num_train_shards",
        type=arguments.num_shards,
        default=8,
        help="number of files of the training set, or of the test set of --make_test_set",
    )
    parser.output.add_argument(
        "--make_test_set", action="store_true", help="make one test set of all TCEs, in the order of the catalog"
    )
    configuration.add_flags(parser, configuration.DEFAULT_MODEL)
    parser.settings.add_argument(
        "--clean", action="store_true", help="train and validate only on TCEs whose S/N is at least --threshold"
    )
    parser.settings.add_argument(
        "--threshold", type=arguments.finite_number, default=15, metavar="SN", help="lowest S/N for --clean"
    )
    parser.settings.add_argument(
        "--stitch",
        action="store_true",
        help="fold the light curves of all sectors of a row together (Sectors such as 1,2,28), instead of each by "
        "itself",
    )
    parser.input.add_argument(
        "--labels",
        type=arguments.input_file,
        nargs="+",
        help="CSV files of labels that the report exported; they replace the dispositions of the table, and TCEs "
        "without a label are skipped",
    )
    parser.settings.add_argument(
        "--split_by",
        choices=("tic", "row"),
        default="tic",
        help="tic: all TCEs of a star are on one side of the split; row: a star may be on several sides",
    )
    parser.settings.add_argument(
        "--seed", type=arguments.seed, default=123, help="seed of the split and of the order of the records"
    )
    workers.add_flags(parser, least=0)
    parser.machine.add_argument(
        "--tce_time_limit",
        type=arguments.number(least=0, unit="seconds"),
        default=60,
        help="time after which a TCE whose process hangs is skipped, with 2 processes or more; 0: no limit",
    )
    return run(_generate, parser.parse_args(argv), GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
