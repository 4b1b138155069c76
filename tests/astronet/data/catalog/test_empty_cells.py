"""The same cells mean "no value" to all readers of tables: catalogs, sectors, flare catalogs, text light curves."""

import numpy as np
import pytest

from astronet.data.catalog import tce_table, tic_ids
from astronet.flares import table_rows
from light_curve_util.products import text_rows


@pytest.mark.parametrize("cell", ["", "nan", "NA", "n/a", "None", "null", "-", "--", "---", "..."])
def test_a_cell_without_a_value_is_one_to_every_reader(cell, tmp_path):
    header = "row_id,tic_id,Sectors,Epoc,Period,Duration,SN\n"
    (tmp_path / "tces.csv").write_text(f"{header}1,7,1,1325.5,3.5,2.0,{cell}\n")
    table, skips = tce_table.read(tmp_path / "tces.csv")
    assert np.isnan(table.SN[0]) and not skips
    assert tic_ids.parse_sectors(cell) == ()
    assert table_rows.Row(1, {"teff": cell}).value("teff") is None
    assert np.isnan(text_rows.parse(f"time,flux\n1325.5,1.0\n1325.6,{cell}\n").numbers(1)[1])


def test_an_epoch_without_a_value_is_a_reason_that_says_so(tmp_path):
    (tmp_path / "tces.csv").write_text(
        "row_id,tic_id,Sectors,Epoc,Period,Duration\n1,7,1,...,3.5,2.0\n2,7,1,1325.5,3.5,2\n"
    )
    (skip,) = tce_table.read(tmp_path / "tces.csv")[1]
    assert skip.reason == "incomplete: no Epoc"
