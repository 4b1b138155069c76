from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from astronet import plot_roc


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name, separation in (("good", 4), ("poor", 1)):
        labels = np.arange(100) % 2
        probabilities = 1 / (1 + np.exp(-separation * (labels - 0.5) - random.normal(size=100)))
        np.savetxt(f"true_vs_pred_{name}.txt", np.stack([labels, probabilities], axis=1), fmt=("%d", "%.6f"))


def test_several_models_in_one_figure(capsys):
    assert plot_roc.main(["true_vs_pred_good.txt", "true_vs_pred_poor.txt", "--output=both.png"]) == 0
    assert "both.png: precision-recall and ROC curves of good, poor" in capsys.readouterr().out
    assert plot_roc.main(["true_vs_pred_good.txt"]) == 0
    both, one = (matplotlib.image.imread(name)[..., :3] for name in ("both.png", "plot_roc.png"))
    assert both.shape == one.shape and np.mean(both < 0.9) > np.mean(one < 0.9)
    assert plot_roc.main(["true_vs_pred_good.txt", "--output=roc.pdf"]) == 0
    with open("roc.pdf", "rb") as file:
        assert file.read(4) == b"%PDF"


@pytest.mark.parametrize(
    "text, message",
    [
        ("1 0.5\n0 high\n", "bad.txt, line 2: expected '0' or '1' and a probability, found '0 high'"),
        ("1 0.5\n2 0.5\n", "bad.txt, line 2"),
        ("0 0.5\n0 0.4\n", "bad.txt: a curve needs TCEs of both kinds, found 0 positive and 2 negative"),
        ("", "found 0 positive and 0 negative"),
    ],
)
def test_files_of_which_no_curve_can_be_drawn_are_named(tmp_path, capsys, text, message):
    (tmp_path / "bad.txt").write_text(text)
    assert plot_roc.main(["bad.txt"]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "plot_roc.png").exists()


@pytest.mark.parametrize("bad", [b"1 nan", b"1 inf", b"1 1.5", b"0 -0.1", b"\x1b[2J 0.5", b"\xff\xfe 1"])
def test_a_line_without_a_probability_is_named(capsys, bad):
    lines = b"1 0.9\n" + bad + b"\n0 0.1\n"
    Path("bad.txt").write_bytes(lines)
    assert plot_roc.main(["bad.txt"]) == 1
    printed = capsys.readouterr().err
    assert "bad.txt, line 2: expected '0' or '1' and a probability" in printed and "\x1b" not in printed
    assert not Path("plot_roc.png").exists()


def test_the_output_is_no_input(capsys):
    Path("good.png").write_text("1 0.9\n0 0.1\n")
    assert plot_roc.main(["good.png", "--output=./good.png"]) == 1
    assert "--output would overwrite ./good.png, which true_vs_pred reads" in capsys.readouterr().err
    assert Path("good.png").read_text() == "1 0.9\n0 0.1\n"
