"""Adds the dispositions of today to a catalog of TCEs, from later tables: ExoFOP, NASA archive, binaries, your own."""

import sys
from collections.abc import Sequence
from typing import Optional

from astronet.base import arguments, locks
from astronet.base.messages import LOG
from astronet.base.script import Parser, run
from astronet.data.catalog import later_dispositions
from light_curve_util.numerals import numbered


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = Parser(description=__doc__)
    parser.input.add_argument("--catalog", type=arguments.input_file, required=True, help="catalog of TCEs")
    parser.input.add_argument(
        "--tables",
        type=arguments.input_file,
        nargs="+",
        default=[],
        help="tables with TIC IDs, periods and dispositions, such as ExoFOP's TOI table; an earlier one comes first",
    )
    parser.input.add_argument(
        "--eb_tables",
        type=arguments.input_file,
        nargs="+",
        default=[],
        help="tables all of whose rows are eclipsing binaries, such as Prsa et al. 2022; they come behind --tables",
    )
    parser.input.add_argument(
        "--readme", type=arguments.input_file, help="the ReadMe of a table of CDS without a header, in --eb_tables"
    )
    parser.output.add_argument("--output", type=arguments.output_file, required=True, help="catalog to write (CSV)")
    parser.settings.add_argument(
        "--replace",
        action="store_true",
        help="also change Disposition where it is settled today (KP, CP: PC; FP, EB: EB; FA: J), so that networks are "
        "trained with it; V, IS and J change only for confirmed planets; Disposition_before keeps the old one",
    )
    flags = parser.parse_args(argv)
    if not flags.tables and not flags.eb_tables:
        parser.error("give --tables or --eb_tables: where the dispositions of today are")
    return run(locks.holding_file(_relabel, "output"), flags)


def _relabel(flags):
    outputs = [flags.output, *later_dispositions.beside(flags.output)]
    inputs = {"--catalog": flags.catalog, "--tables": flags.tables, "--eb_tables": flags.eb_tables}
    arguments.refuse_overwriting_inputs({"--output": outputs}, inputs)
    signals = []
    for path in flags.tables:
        signals += _read(path)
    for path in flags.eb_tables:
        signals += _read(path, "EB", flags.readme)
    relabeled = later_dispositions.relabel(flags.catalog, signals, flags.replace)
    changes_path, not_matched_path = later_dispositions.write(flags.output, relabeled)
    num_known = sum(count for (_, today), count in relabeled.counts.items() if today)
    print(f"{numbered(len(relabeled.rows), 'TCE')} in {flags.output}, {num_known} with a disposition of today")
    for (before, today), count in sorted(relabeled.counts.items(), key=lambda item: (item[0][0], -item[1])):
        if today:
            print(f"  {before or '(none)':6s} today {today:4s} {count:6d}")
    print(f"{numbered(len(relabeled.changes), 'disposition')} changed: {changes_path}")
    print(f"{numbered(len(relabeled.not_matched), 'TCE')} of stars in the tables, of other signals: {not_matched_path}")


def _read(path, disposition=None, readme=None):
    table = later_dispositions.read_table(path, disposition, readme)
    for note in table.notes:
        LOG.warning(f"{path}: {note}")
    unused = ", ".join(f"{count} {reason}" for reason, count in sorted(table.unused.items()))
    LOG.info(f"{path}: {numbered(len(table.signals), 'signal')}" + (f"; rows not used: {unused}" if unused else ""))
    return table.signals


if __name__ == "__main__":
    sys.exit(main())
