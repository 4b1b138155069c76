"""The columns of catalogs and records: one home, and the documentation says the same."""

import csv
import re
from pathlib import Path

from astronet.data.catalog import catalog_rows
from astronet.data.records import columns

DOCS = Path(__file__).parents[4] / "docs/data.md"


def documented(column):
    """The row of the table in docs/data.md that a column should have."""
    kind = {int: "integer", float: "float", str: "text"}[column.kind]
    catalog, record = column.unit, column.record_unit or column.unit
    units = catalog if catalog == record else f"{catalog} in a catalog, {record} in a record"
    place = "" if column.in_catalog else "record"
    return f"| `{column.name}` | {kind} | {column.meaning} | {units} | {place} |".replace("  ", " ")


def test_the_documented_table_has_every_column_with_its_type_unit_and_meaning():
    section = re.search(r"^## The catalog \(`tces.csv`\)\n(.*?)^## ", DOCS.read_text(), re.MULTILINE | re.DOTALL)[1]
    table = [line.replace("  ", " ") for line in section.splitlines() if line.startswith("| `")]
    assert table == list(map(documented, columns.COLUMNS))


def test_every_name_stands_once_and_each_constant_names_a_column():
    names = [column.name for column in columns.COLUMNS]
    assert len(set(names)) == len(names)
    read_only = {columns.SOURCE, columns.EPOCH_ERROR, columns.PERIOD_ERROR}
    constants = {value for name, value in vars(columns).items() if name.isupper() and isinstance(value, str)}
    assert constants == set(names) | read_only


def test_a_catalog_is_written_with_the_columns_of_this_home(tmp_path):
    catalog_rows.write_catalog(tmp_path / "tces.csv", [])
    with open(tmp_path / "tces.csv", newline="") as file:
        assert next(csv.reader(file)) == list(columns.CATALOG_COLUMNS)
