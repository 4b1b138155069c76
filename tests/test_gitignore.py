"""`git status` stays clean after the walkthroughs."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FLAG = re.compile(r"--(?:output_dir|save_dir|model_dir|report|out|output|output_image_file)=([\w./-]+)")
VARIABLE = re.compile(r"^(?:TFRECORD_DIR|MODEL_DIR|SAVE_DIR|TESS_DATA_DIR|TCE_CSV_FILE)=\"?([\w./-]+)", re.MULTILINE)
WRITTEN_HERE = ["prediction.csv", "prediction_yyy.txt", "true_vs_pred_yyy.txt", "misclassified_yyy.csv", "plot_roc.png"]
WRITTEN_HERE += [
    "astronet/tic.sqlite",
    "astronet/qlp-data/x",
    "astronet/sector-1-simulated.csv",
    "tces.csv.incomplete-x-1",
]


def written(page):
    """What the commands of a page write, as paths below the root of the repository."""
    code = "\n".join(re.findall(r"^```bash\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    return {
        path.strip("/") for path in (*FLAG.findall(code), *VARIABLE.findall(code)) if path.strip("./") != "astronet"
    }


def test_what_the_walkthroughs_make_is_ignored():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    paths = sorted({path for page in PAGES for path in written(page)} - {"pretrained"} | set(WRITTEN_HERE))
    assert len(paths) > 20
    below = [path if "." in Path(path).name else f"{path}/x" for path in paths]
    messages = subprocess.run(
        ["git", "check-ignore", *below], cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines()
    assert sorted(messages) == sorted(below)


def test_nothing_that_is_kept_is_ignored():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout == ""
