"""The commands of docs/flares.md run as they are written there, but for shorter light curves and trainings."""

from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/flares.md"


def test_the_commands_of_the_documentation_run(run_documented, tmp_path):
    shorter = {
        "--num_stars=40 --days=13": "--num_stars=12 --days=5",
        "--num_stars=6 --days=13": "--num_stars=2 --days=3",
        "astronet/train.py": "astronet/train.py --train_steps=40 --num_parallel=1",
        "--num_flares=100": "--num_flares=20",
        " --recall_target=0.75": "",  # so short a training needs a threshold at which all is a flare
    }
    run_documented(PAGE.read_text(), shorter)
    made = (
        "flare_records/windows.png",
        "flare_report/confusion.png",
        "found/flares.csv",
        "frequency/flare_frequency.png",
    )
    assert all((tmp_path / name).stat().st_size for name in made)
