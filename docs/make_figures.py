"""Draws the figures of README.md and docs/ from what `make demo` and a training have left behind.

With --searched_light_curves, draws from real files alone: what the transit search finds, and its probability.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import astronet
from astronet import plot_roc, plot_tces
from astronet.base.script import Parser, ScriptError, run
from astronet.data.catalog import transit_search
from light_curve_util import tess_io
from light_curve_util.detrend import detrend
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import phase_fold
from light_curve_util.view_generator import ViewGenerator

DOCS = Path(__file__).parent


def _scalars(directory, tag):
    """Steps and values of a TensorBoard summary."""
    events = EventAccumulator(str(directory)).Reload()
    if tag not in events.Tags()["scalars"]:
        raise ScriptError(f"{directory} has no summary of {tag}: train a model there first (make demo)")
    return zip(*((event.step, event.value) for event in events.Scalars(tag)))


def draw_training_curve(model_dir, path):
    """Draws loss and accuracy over the steps of a training, as TensorBoard does."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    loss.plot(*_scalars(model_dir / "eval_train", "loss"), color="0.5", label="training, mean of the epoch")
    loss.plot(*_scalars(model_dir / "eval_val", "loss"), color="#D55E00", label="validation")
    loss.set(xlabel="Training step", ylabel="Cross-entropy", ylim=(0, 0.3))
    loss.legend(frameon=False)
    accuracy.plot(*_scalars(model_dir / "eval_val", "accuracy/accuracy"), color="#0072B2", label="accuracy")
    accuracy.plot(*_scalars(model_dir / "eval_val", "auc"), color="#009E73", label="area under the ROC curve")
    accuracy.set(xlabel="Training step", ylabel="On the validation set", ylim=(0.9, 1))
    accuracy.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=120)


def draw_search(name, path):
    """Draws the best peak of a light curve, folded: the whole orbit, and two durations either way."""
    light_curve = tess_io.read(path)
    peaks = transit_search.search(light_curve.time, light_curve.flux, float("nan"))
    if not peaks:
        raise ScriptError(f"{path}: no peak to draw; give another light curve")
    event = PeriodicEvent(peaks[0].t0, peaks[0].period, peaks[0].duration_hours / 24)
    flat = detrend(light_curve, "spline", event)
    generator = ViewGenerator(flat.time, flat.flux, event)
    phase_days = phase_fold(flat.time, event.period, event.t0)
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    figure.suptitle(f"{name.replace('_', ' ')}: {event.period:.5f} d, {24 * event.duration_days:.2f} h")
    windows = (("global_view", 201, event.period / 2, 5), ("local_view", 61, 2 * event.duration_days, 1))
    for (view_name, num_bins, half_width, thin), (points, view) in zip(windows, figure.subplots(2, 2, sharex="col").T):
        near = np.abs(phase_days) <= half_width
        points.plot(24 * phase_days[near][::thin], flat.flux[near][::thin], ".", ms=1.5, color="0.5")
        points.set(ylabel="Relative flux", xlim=(-24 * half_width, 24 * half_width))
        points.set_title("Every fifth cadence" if thin > 1 else "Every cadence", fontsize="medium")
        centers = 24 * half_width * np.linspace(-1, 1, num_bins)
        view.plot(centers, generator.view(view_name, num_bins), ".-", ms=4, lw=0.8, color="#D55E00")
        view.set(xlabel="Hours from mid-transit", ylabel=view_name)
    figure.savefig(DOCS / f"search_{name}.png", dpi=90)


def draw_score(path):
    """Draws the page of README.md: WASP-4 b, as the Python lines there score it."""
    light_curve = tess_io.read(path)
    event = {"period": 1.33823, "t0": 2458355.1844, "duration_hours": 2.15, "depth_ppm": 27000}
    score = astronet.load("pretrained:triage").score(light_curve.time, light_curve.flux, **event)
    print(score.probability, score.spread, score.is_candidate)
    score.plot().savefig(DOCS / "score_WASP-4_b.png", dpi=75)


def _draw(flags):
    if flags.searched_light_curves:
        for name, path in flags.searched_light_curves:
            draw_search(name, path)
            if name == "WASP-4_b":
                draw_score(path)
        return
    demo = Path(flags.demo)
    if not (demo / "tces.csv").exists():
        raise ScriptError(f"{demo} holds no survey: run make demo first")
    tces = pd.read_csv(demo / "tces.csv")
    planets = tces[(tces.Disposition == "PC") & tces.SN.between(25, 60) & tces.Period.between(2, 6)]
    row_id = planets.row_id.iloc[0]
    plot_tces.main(
        [f"--input_tce_csv_file={demo}/tces.csv", f"--tess_data_dir={demo}/tess", f"--row_id={row_id}"]
        + [f"--output_dir={demo}/figures"]
    )
    (page,) = (demo / "figures").glob(f"*row{row_id}.png")
    page.replace(DOCS / "folded_tce.png")
    draw_training_curve(Path(flags.model_dir or demo / "model"), DOCS / "training_curve.png")
    plot_roc.main(
        [*(f"{demo}/true_vs_pred_{name}.txt" for name in ("demo", "pretrained")), f"--output={DOCS / 'roc.png'}"]
    )


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--demo", default="demo", help="output directory of the demo")
    parser.add_argument("--model_dir", help="training to draw the curve of (default: the demo's)")
    parser.add_argument(
        "--searched_light_curves",
        type=lambda text: text.split("=", 1),
        nargs="+",
        metavar="NAME=FILE",
        help="real light curves, to draw what the transit search finds in each; nothing else is drawn",
    )
    return run(_draw, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
