"""The commands of docs/walkthrough.md, and of the published README that it answers, run as they are written there."""

import contextlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from astronet.data import simulate_survey
from astronet.data.simulation import signals

ROOT = Path(__file__).parents[1]

# All that is changed: a training of 14,000 steps, which a test cannot wait for, a survey of 400 stars, and the one of
# them that predict.py is shown.
STEPS = 4
STARS = 60
STAR = 42964768


def bash_blocks(text):
    """The commands in a document's bash blocks, in order; blocks that show an output or start a server are left out."""
    return [block for language, block in blocks_to_run(text) if language == "bash"]


def with_python(text):
    """The same, and the Python blocks between them, each as the bash command that runs it."""
    return [
        block if language == "bash" else f"MPLBACKEND=Agg python - <<'END'\n{block}END\n"
        for language, block in blocks_to_run(text)
    ]


def blocks_to_run(text):
    """Pairs (language, block) of a document."""
    blocks = re.findall(r"^ *```(bash|python)\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)
    shown = ("INFO:tensorflow", "tensorboard --logdir")
    return [(language, block) for language, block in blocks if not any(text in block for text in shown)]


def shortened(block):
    block = re.sub(r"(ensemble_train\.sh \S+) 14000", rf"\1 {STEPS}", block)
    block = re.sub(r"(simulate_survey\.py .*--num_stars)=400", rf"\1={STARS}", block)
    block = block.replace("--tic=463340776", f"--tic={STAR}")
    return re.sub(r"(python astronet/train\.py) ", rf"\1 --train_steps={STEPS} ", block)


def free_ports(number):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in sockets]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Function (name, script) that puts a command into the PATH, in place of one that needs more machines than one."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()

    def stand_in(name, script):
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)

    return stand_in


@pytest.fixture
def checkout(tmp_path):
    """A copy of the repository, so that what the commands write beside the code stays out of it."""
    ignored = shutil.ignore_patterns(".*", "build", "demo", "*.egg-info", "__pycache__", "tess", "model")
    return shutil.copytree(ROOT, tmp_path / "repository", ignore=ignored, symlinks=True)


def run_as_written(blocks, directory):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    # mkdir is the one command that may fail: the step before it has made the directory already.
    script = "\n".join(["set -e", *blocks]).replace("mkdir astronet/plots", "mkdir astronet/plots || true")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env={**os.environ, "PATH": path, "NUM_MODELS": "2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def assert_triaged(directory):
    predictions = (directory / "prediction_yyy.txt").read_text().splitlines()
    truth = (directory / "true_vs_pred_yyy.txt").read_text().splitlines()
    assert len(predictions) == len(truth) > 0
    assert all(re.fullmatch(r"\d+ [01]\.\d{3}", line) for line in predictions)
    assert sorted(path.name for path in (directory / "astronet/model").iterdir() if path.name.isdigit()) == ["1", "2"]
    assert len(list((directory / "astronet/plots").iterdir())) >= len(predictions)


def bare(block):
    """A block without what makes no difference to its commands: comments, spaces, quotes, a path, mkdir's -p."""
    lines = [line for line in block.splitlines() if not line.startswith(("#", "export PYTHONPATH="))]
    return " ".join(" ".join(lines).replace('"', "").replace("\\", "").replace("mkdir -p", "mkdir").split())


def test_the_commands_of_the_walkthrough_run_as_written(checkout, published_readme):
    """The published README's are among them, and run as they are written there."""
    blocks = with_python((ROOT / "docs/walkthrough.md").read_text())
    published = {bare(block): block for block in bash_blocks(published_readme)}
    assert len(published) == (6 if published_readme else 0)
    assert published.keys() <= {bare(block) for block in blocks}
    done = run_as_written([shortened(published.get(bare(block), block)) for block in blocks], checkout)
    assert "Saving dict for global step" in done.stdout
    assert_triaged(checkout)


def test_the_catalogue_commands_of_the_published_readme(checkout, tmp_path, shared, published_readme):
    assert simulate_survey.main([f"--output_dir={tmp_path}/pdo", "--num_stars=30", "--seed=1"]) == 0
    pdo = tmp_path / "pdo"
    made = (pdo / "tces.csv").read_bytes()
    (pdo / "tces.csv").unlink()
    header, *rows = (pdo / "sector-3-simulated.csv").read_text().splitlines()
    (pdo / "sector-3-01.csv").write_text("\n".join([header, *rows[:3]]) + "\n")
    (pdo / "sector-3-02.csv").write_text("\n".join([header, *rows[3:]]) + "\n")
    (pdo / "sector-1-simulated.csv").rename(pdo / "sector-1-earlylook.csv")
    (pdo / "sector-2-simulated.csv").rename(pdo / "sector-2-bright.csv")
    (pdo / "sector-4-bad.txt").write_text("11\n")
    (pdo / "sector-4-good.txt").write_text("12\n13\n")

    commands = re.findall(r"^python make_.*$", published_readme, flags=re.MULTILINE)
    assert len(commands) == 2
    run_as_written([re.sub(r"\[where.*?\]", str(pdo), command) for command in commands], checkout / "astronet/data")
    assert (pdo / "tces.csv").read_bytes() == made
    assert len((pdo / "sector-4-all.csv").read_text().splitlines()) == 4


def test_from_light_curves_alone(checkout):
    done = run_as_written(bash_blocks((ROOT / "docs/from_light_curves.md").read_text()), checkout)
    catalog = (checkout / "found/tces.csv").read_text().splitlines()
    predictions = (checkout / "prediction_yyy.txt").read_text().splitlines()
    assert len(predictions) == len(catalog) - 1 >= 15
    best = done.stdout.splitlines()[-5:]
    assert {"377598984", "125450460", "157134720", "274616147"} < {line.split()[0] for line in best}  # its EB and PCs
    ranked = pd.read_csv(checkout / "ranked/candidates.csv")
    assert sorted(f"{tic_id} {probability:.3f}" for tic_id, probability in zip(ranked.tic_id, ranked.probability)) == (
        sorted(predictions)
    )


def test_the_python_of_the_readme(monkeypatch):
    """On the light curve of a planet that is like the one in its picture."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    [script] = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    time = np.arange(2458354.1, 2458381.5, 1 / 48)
    orbit = {"t0": 2458355.1844, "period": 1.33823, "radius_ratio": 0.154, "scaled_axis": 5.46, "impact": 0.1}
    transits = signals.transit_flux(time, **orbit, limb_darkening=[0.4, 0.2])
    names = {"time": time, "flux": transits + np.random.default_rng(0).normal(0, 0.002, len(time))}
    exec(script, names)
    assert names["result"].probability > 0.9


def test_ask_why(checkout):
    done = run_as_written(with_python((ROOT / "docs/explain.md").read_text()), checkout)
    assert "tic410931833_row93: probability 0.999" in done.stdout
    assert len(list((checkout / "why").glob("*.png"))) == 2


def test_on_a_cluster(checkout, stand_in):
    """The scheduler and the workers of "machines" that are all this one."""
    stand_in("ssh", 'exec bash -c "$2"')
    text = (ROOT / "docs/cluster.md").read_text().replace(" 14000", f" {STEPS}").replace("=14000", f"={STEPS}")
    for port in re.findall(r"\b(?:8786|2000\d)\b", text):
        text = text.replace(port, *free_ports(1))
    blocks = bash_blocks(text.replace("--nworkers=2", "--nworkers=1"))
    assert len(blocks) == 5
    done = run_as_written(blocks, checkout)
    assert f"survey/model/2: step {STEPS:6d}/{STEPS}" in done.stdout
    records = (checkout / "survey/tfrecord/test-00000-of-00001").read_bytes()
    assert records and len((checkout / "prediction_yyy.txt").read_text().splitlines()) > 1
    # Each of the two processes may be in the middle of a step when the last one is counted.
    (last,) = (checkout / "survey/shared_model").glob("model.ckpt-*.index")
    assert STEPS <= int(last.stem.rpartition("-")[2]) <= STEPS + 2


def test_on_slurm(checkout, stand_in):
    """The example of docs/cluster.md, where a job is a process of this machine."""
    if not importlib.util.find_spec("dask_jobqueue"):
        pytest.skip("no dask-jobqueue here")
    stand_in("sbatch", 'cp "$1" job.sh\nsetsid bash job.sh > job.log 2>&1 &\necho Submitted batch job $!')
    stand_in("scancel", 'kill -TERM -- "-$1"')
    [script] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/cluster.md").read_text(), flags=re.DOTALL)
    sizes = {"cores=32": "cores=2", "processes=32": "processes=2", '"64GB"': '"4GB"', '"ib0"': '"lo"'}
    for there, here in sizes.items():
        assert there in script
        script = script.replace(there, here)
    script = script.replace("jobs=4", "jobs=1").replace("train_shards=256", "train_shards=3")
    (checkout / "triage_on_slurm.py").write_text(script)
    assert simulate_survey.main([f"--output_dir={checkout}/survey", "--num_stars=10", "--seed=1"]) == 0
    run_as_written(["python triage_on_slurm.py"], checkout)
    catalog = (checkout / "survey/tces.csv").read_text().splitlines()
    assert len((checkout / "prediction_yyy.txt").read_text().splitlines()) == len(catalog) - 1


def test_the_python_of_the_transit_search(shared, tmp_path, monkeypatch, capsys):
    """On the public light curve of WASP-4 that it names."""
    [script] = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs/transit_search.md").read_text(), re.MULTILINE | re.DOTALL
    )
    [name] = re.findall(r'"(tess\d.*_lc\.fits\.gz)"', script)
    (tmp_path / name).symlink_to(shared / "data/other/light_curves/spoc_2min" / name)
    monkeypatch.chdir(tmp_path)
    exec(script, {})
    [found] = capsys.readouterr().out.splitlines()
    assert float(found.split()[0]) == pytest.approx(1.33823, abs=1e-4)
