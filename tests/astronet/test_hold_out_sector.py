import runpy
from pathlib import Path

from astronet.util import example_util, records

main = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "hold_out_sector.py"))["main"]


def _write(path, sectors):
    examples = (example_util.to_example({"tic_id": 100 + i, "Sectors": s}, {}) for i, s in enumerate(sectors))
    records.write_shard(path, [example.SerializeToString() for example in examples])


def test_all_of_a_sector_and_nothing_else_is_held_out(tmp_path, capsys):
    _write(tmp_path / "train-0", [1, 2, 3, 2])
    _write(tmp_path / "val-0", [4, 2])
    arguments = [f"--files={tmp_path}/*-0", f"--output_dir={tmp_path}/out"]
    assert main([*arguments, "--sector=2"]) == 0
    tics = {
        path.name: [example_util.value(example_util.from_serialized(record), "tic_id") for record in records.read(path)]
        for path in (tmp_path / "out").iterdir()
    }
    assert tics == {"train-without-2": [100, 102, 100], "test-of-2": [101, 103, 101]}
    assert main([*arguments, "--sector=9"]) == 1
    assert "0 TCEs are of sector 9, 6 are not" in capsys.readouterr().err
