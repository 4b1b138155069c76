"""Records get what the catalog knows of their stars; a record that is not in it is named."""

import pytest

from astronet.base.script import ScriptError
from astronet.data.records import catalog_join, tf_example

_HEADER = "row_id,tic_id,Disposition,Tmag,Epoc,Period,Duration,Transit_Depth,Sectors,star_rad,star_mass,SN"


def _record(row_id, tic_id, **columns):
    columns = {"row_id": row_id, "tic_id": tic_id, "Tmag": -4.0, "Transit_Depth": -51882.0, "SN": 9.0, **columns}
    return tf_example.to_example(columns, {"global_view": [0.0, -1.0]}).SerializeToString()


@pytest.fixture
def catalog(tmp_path):
    path = tmp_path / "tces.csv"
    rows = ["1,10,PC,11.5,1354.5,2.0,3.0,900,1,0.8,0.9,12", "2,20,EB,9.5,1354.5,2.0,3.0,5000,1,,,30"]
    path.write_text("\n".join([_HEADER, *rows]) + "\n")
    return path


def test_columns_of_the_catalog_take_the_place_of_those_of_the_record(catalog):
    joined = [tf_example.from_serialized(record) for record in catalog_join.join([_record(1, 10)], catalog)]
    values = {name: tf_example.value(joined[0], name) for name in ("Tmag", "Transit_Depth", "star_rad", "SN")}
    assert values == pytest.approx({"Tmag": 11.5, "Transit_Depth": 900, "star_rad": 0.8, "SN": 12})
    assert tf_example.series(joined[0], "global_view").tolist() == [0, -1]


def test_what_the_catalog_does_not_know_is_missing(catalog):
    (record,) = catalog_join.join([_record(2, 20, star_rad=3.0)], catalog)
    assert tf_example.value(tf_example.from_serialized(record), "star_rad") is None


def test_record_that_is_not_in_the_catalog_is_named(catalog):
    with pytest.raises(ScriptError, match="no row 3 of TIC 10: give the catalog of these records"):
        catalog_join.join([_record(3, 10)], catalog)


def test_catalog_without_any_of_the_columns_is_refused(tmp_path):
    path = tmp_path / "tces.csv"
    path.write_text("row_id,tic_id,Disposition,Epoc,Period,Duration,Sectors\n1,10,PC,1354.5,2.0,3.0,1\n")
    with pytest.raises(ScriptError, match="has none of the columns Tmag"):
        catalog_join.join([_record(1, 10)], path)
