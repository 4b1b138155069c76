"""Tests of long TCE tables, which are read in parts; test_generate_input_records.py has those of single rows."""

import csv
import tracemalloc

from astronet.data.catalog import tce_table

NUM_ROWS = 20_500  # more than are read at a time, twice
BAD = (3, 9_999, 10_000, NUM_ROWS - 1)
TCE = {"toi_id": ".01", "Disposition": "PC", "Period": 2.5, "Duration": 3.6, "Transit_Depth": 5000, "Sectors": 1}


def write_table(path, num_rows, more=lambda i: {}):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, {"row_id": 0, "tic_id": 0, "Epoc": 0, **TCE, **more(0)})
        writer.writeheader()
        for i in range(num_rows):
            writer.writerow({"row_id": i, "tic_id": 1000 + i, "Epoc": f"{1326 + i * 1e-6:.6f}", **TCE, **more(i)})
    return path


def test_a_column_has_one_type_in_all_of_a_long_table(tmp_path):
    def more(i):
        return {
            "Period": "?" if i in BAD else 2.5,
            "SN": "",
            "rank": "" if i % 2 else i / 4,
            "remark": "see notes" if i == NUM_ROWS - 2 else f"{i}.0",
            "grade": "second" if i < 5 else "",
        }

    table, skips = tce_table.read(write_table(tmp_path / "tces.csv", NUM_ROWS, more))
    assert [(skip.row_id, skip.tic_id) for skip in skips] == [(str(i), str(1000 + i)) for i in BAD]
    assert {skip.reason for skip in skips} == {"invalid: text '?' in numeric column Period"}
    kept = [i for i in range(NUM_ROWS) if i not in BAD]
    assert table.row_id.tolist() == kept and table.index.tolist() == list(range(len(kept)))
    kinds = {name: dtype.kind for name, dtype in table.dtypes.items()}
    assert kinds["row_id"] == kinds["Sectors"] == "i"
    assert kinds["Period"] == kinds["SN"] == kinds["rank"] == "f"
    assert kinds["toi_id"] == kinds["remark"] == kinds["grade"] == "O"
    assert table["rank"].dropna().tolist() == [i / 4 for i in kept if i % 2 == 0]
    assert table.remark.tolist() == [f"{i}.0" for i in kept[:-1]] + ["see notes"]
    assert table.grade.tolist() == ["second"] * 4 + [""] * (len(kept) - 4)


def test_a_further_tce_takes_the_memory_of_its_numbers_not_of_its_text(tmp_path):
    peaks = []
    for num_rows in (10_000, 20_000):
        path = write_table(tmp_path / f"{num_rows}.csv", num_rows)
        tracemalloc.start()
        tce_table.read(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 10_000 < 3 * 8 * 9  # bytes, of nine columns; of their text it would be 900
