"""The CSV file of labels that a report exports: its columns, and the values that they may have.

The report writes such a file, reads it back, and reads that of a second reviewer; merge_labels.py joins several of
them. The file is UTF-8 with a header and a row for each TCE that has a label or a note, sorted by row_id; the label of
a row that has only a note is empty. This module imports nothing of the package.

>>> LABELS["PC"]
'planet candidate: dips alike, of a size that a planet can have'
>>> COLUMNS[:3]
('row_id', 'tic_id', 'toi_id')
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class LabelColumn:
    """One column.

    Attributes:
      name: name in the header.
      meaning: what the column contains, with the unit and the possible values.
    """

    name: str
    meaning: str


LABEL_COLUMNS = (
    LabelColumn("row_id", "row_id of the TCE's record; with tic_id and sector it names the TCE"),
    LabelColumn("tic_id", "TIC ID of the star"),
    LabelColumn("toi_id", "toi_id of the TCE's record; may be empty"),
    LabelColumn("sector", "sector of the light curve, or the sectors that are folded together (1;2;28)"),
    LabelColumn("period", "days"),
    LabelColumn("label", "the label that counts now: one of LABELS; empty where the label was taken back"),
    LabelColumn("confidence", "1 low, 2 middle, 3 high; empty where the reviewer did not say"),
    LabelColumn("reasons", "names of REASONS, parted by ';'; may be empty"),
    LabelColumn("note", "free text; see FORMULA_STARTS"),
    LabelColumn("reviewer", "name of the reviewer; free text, never empty"),
    LabelColumn("labeled_at", "UTC of the label, such as 2026-11-30T17:30:05Z"),
    LabelColumn(
        "seconds", "seconds that the panel or row was looked at before the label, to 0.1; empty where not known"
    ),
    LabelColumn("method", "how the label was given: one of METHODS"),
    LabelColumn("blind", "1 where the model's opinion was hidden when the first label was given, else 0"),
    LabelColumn("first_label", "the first label that the reviewer gave, before any change"),
    LabelColumn("revealed_at", "UTC when the model's opinion was shown after a blind label; empty where it was not"),
    LabelColumn("flags_shown", "names of the checks that raised a flag on the page, parted by ';'"),
    LabelColumn("report_id", "names the list of TCEs that the report shows; the same for every report of that list"),
    LabelColumn("catalog_sha256", "SHA-256 of the catalog that the records were made from; empty where not known"),
    LabelColumn("model", "name and content hash of the models whose opinion the report holds; empty where it has none"),
)
COLUMNS = tuple(column.name for column in LABEL_COLUMNS)

# What a label says: the dispositions of catalogs, and "unsure", which is no disposition.
LABELS = {
    "PC": "planet candidate: dips alike, of a size that a planet can have",
    "EB": "eclipsing binary: eclipses of a star, found at its period, half or twice it",
    "V": "stellar variability: the star itself changes, as by spots or pulsations",
    "IS": "instrumental: the spacecraft makes the dips: ramps, jumps, gaps, momentum dumps",
    "J": "junk: noise, or dips that do not repeat alike and have no such cause",
    "O": "other: none of these",
    "U": "unsure",
}
UNSURE = "U"

# single: the reviewer looked at this TCE. group: copied to the TCEs of one star or ephemeris by a key. bulk: given to
# all filtered TCEs at once. consensus: settled by two reviewers who had disagreed.
METHODS = ("single", "group", "bulk", "consensus")

REASONS = (
    "secondary",
    "odd-even",
    "V-shape",
    "too large",
    "off-target",
    "ephemeris",
    "edge or gap",
    "variability",
    "noise",
)

# Free text (note, reviewer) that begins with one of these gets a leading "'", so that no spreadsheet takes it for a
# formula; readers take off one leading "'" that stands before one of these or before another "'".
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")
FREE_TEXT = ("note", "reviewer", "toi_id")
LIST_SEPARATOR = ";"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def guarded(text: str) -> str:
    """Returns free text as the file contains it: with a leading "'" if a spreadsheet could take it for a formula.

    >>> guarded("=1+1"), guarded("deep"), guarded("'quoted'")
    ("'=1+1", 'deep', "''quoted'")
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def unguarded(cell: str) -> str:
    """Returns the free text of a cell; the inverse of guarded().

    >>> unguarded("'=1+1"), unguarded("deep"), unguarded("''quoted'")
    ('=1+1', 'deep', "'quoted'")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell
