import json
import runpy
from pathlib import Path

import pytest

main = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "learning_speed.py"))["main"]

CHANGES = json.dumps({"hparams": {"batch_size": 8, "learning_rate": 0.01}})


@pytest.fixture
def measure(tmp_path, write_tces):
    def measure(*flags):
        files = [
            f"--train_files={write_tces(tmp_path / 'train')}",
            f"--eval_files={write_tces(tmp_path / 'val', seed=1)}",
        ]
        model = ["--model=AstroModel", "--config_name=yu2019", f"--config_json={CHANGES}", "--num_models=2"]
        assert main([*model, *files, f"--output={tmp_path}/speed.json", "--train_steps=60", *flags]) == 0
        return json.loads((tmp_path / "speed.json").read_text())

    return measure


def test_the_first_evaluation_that_passes_the_marks_is_told(measure, capsys):
    report = measure("--average_precision=0.9", "--accuracy=0.9", "--published_steps=1")
    evaluations = report["evaluations"]
    assert [evaluation["step"] for evaluation in evaluations] == [0, 51, 60]
    seconds = [evaluation["cpu_seconds"] for evaluation in evaluations]
    assert 0 < seconds[0] < seconds[1] < seconds[2]
    passing = [e for e in evaluations if e["average_precision"] >= 0.9 and e["accuracy"] >= 0.9]
    assert report["passed"]["both"] == passing[0]
    published = report["published"]
    assert published["extrapolated_cpu_seconds"] == pytest.approx(10 * 14000 * published["cpu_seconds_per_step"])
    assert report["ratio"] == published["extrapolated_cpu_seconds"] / passing[0]["cpu_seconds"]
    output = capsys.readouterr().out
    assert f"both: {passing[0]['cpu_seconds']:.0f} CPU s, step {passing[0]['step']}" in output
    assert "EXTRAPOLATED to 10 members of 14000 steps" in output


def test_marks_that_are_not_passed_are_told(measure, capsys):
    report = measure("--accuracy=1.1", "--published_steps=0")
    assert report["passed"]["accuracy"] is None and report["passed"]["both"] is None
    assert "published" not in report and "both: not passed" in capsys.readouterr().out
