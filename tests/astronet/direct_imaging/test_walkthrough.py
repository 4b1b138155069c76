"""The commands of docs/direct_imaging.md run as they are written there, but for smaller cubes and fewer samples."""

import csv
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/direct_imaging.md"
SMALL = "--size=41 --num_frames=20 --fwhm=3.5"
ALONE = "--num_worker_processes=1"
FEW = f"--num_companions=15 --num_speckles=60 --num_levels=5 {ALONE}"


def test_the_commands_of_the_documentation_run(run_documented, tmp_path):
    shorter = {
        "--output_dir=cube --seed=0": f"--output_dir=cube --seed=0 {SMALL} --companions 12,140,1e-3",
        "--output_dir=empty": f"--output_dir=empty {SMALL}",
        "--num_companions=300 --num_speckles=1200": FEW,
        "--num_maps=20": f"--num_maps=2 --no_llsg {ALONE}",
    }
    messages = run_documented(PAGE.read_text(), shorter)
    assert "the sign of the parallactic angles is right" in messages
    for name in ("companions/detections.png", "nothing/probability_map.fits", "roc/roc.png"):
        assert (tmp_path / name).stat().st_size
    with open(tmp_path / "companions/detections.csv", newline="") as file:
        assert list(csv.DictReader(file).fieldnames)[:3] == ["detection", "x", "y"]
