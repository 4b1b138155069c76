"""The commands of docs/flares.md run as they are written there, but for shorter light curves and trainings."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_commands_of_the_documentation_run(tmp_path):
    blocks = re.findall(r"^```bash\n(.*?)^```", (ROOT / "docs/flares.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    script = "\n".join(["set -e", *blocks])
    for long, short in (
        ("--num_stars=40 --days=13", "--num_stars=12 --days=5"),
        ("--num_stars=6 --days=13", "--num_stars=2 --days=3"),
        ("astronet/train.py", "astronet/train.py --train_steps=100 --num_parallel=1"),
        ("--num_flares=100", "--num_flares=20"),
        (" --recall_target=0.75", ""),  # so short a training needs a threshold at which all is a flare
    ):
        assert long in script
        script = script.replace(long, short)
    script = script.replace("python astronet/", f"python {ROOT}/astronet/")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    made = (
        "flare_records/windows.png",
        "flare_report/confusion.png",
        "found/flares.csv",
        "frequency/flare_frequency.png",
    )
    assert all((tmp_path / name).stat().st_size for name in made)
