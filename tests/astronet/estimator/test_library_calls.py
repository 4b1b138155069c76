"""What the scripts do can be called from Python, without flags: it returns its results, and logs, printing nothing."""

import numpy as np
import pytest

import astronet
from astronet.base import arguments
from astronet.base.script import Parser
from astronet.config import configuration
from astronet.data.catalog import transit_search
from astronet.data.records import tfrecord
from astronet.estimator import ensemble, fit, scoring
from astronet.evaluation import calibrate_models, labeled_records, report


@pytest.fixture(scope="module")
def path(tmp_path_factory, write_tces):
    return write_tces(tmp_path_factory.mktemp("records") / "train", num_tces=12)


@pytest.fixture(scope="module")
def model_dir(path, tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("trained") / "model")
    spec = configuration.resolve("AstroModel", "yu2019", '{"hparams": {"batch_size": 8}}')
    fit.fit_ensemble(spec, fit.FitOptions(directory, (path,), (path,), train_steps=2, num_threads=1))
    return directory


def test_nothing_is_printed_and_progress_is_logged(path, model_dir, capsys, caplog):
    with caplog.at_level("INFO", "astronet"):
        spec = configuration.resolve("AstroModel", "yu2019", '{"hparams": {"batch_size": 8}}')
        fit.fit_ensemble(spec, fit.FitOptions(model_dir, (path,), (path,), train_steps=2, num_threads=1))
    assert f"{model_dir} is finished: it has 2 steps" in caplog.text
    models = ensemble.load(ensemble.ModelChoice(model_dir))
    predictions = list(scoring.predict_records(models, tfrecord.read(path)))
    calibrated = calibrate_models.calibrate(models, [path], train_files=[path])
    figures = labeled_records.evaluate(models, [path], threshold=0.3)
    computed, tables = report.compute(models, [path], report.ReportOptions(num_resamples=10))
    assert capsys.readouterr() == ("", "")
    assert [prediction.mean for prediction in predictions] == pytest.approx(calibrated.before, abs=1e-6)
    assert figures["global_step"] == 2 and [unlike.inputs for unlike in calibrated.unlike] == ["views"]
    assert computed["sets"]["all"]["num_tces"] == len(tables["all"]) == len(predictions) == 12


def test_a_light_curve_is_searched_and_its_event_scored_and_nothing_is_printed(capsys):
    time = np.arange(1683.4, 1710, 30 / 1440)
    dips = np.abs((time - 1684.2 + 1.55) % 3.1 - 1.55) < 0.07
    flux = 1 - 0.009 * dips + np.random.default_rng(0).normal(0, 5e-4, len(time))
    peak = transit_search.search(time, flux, 10.0)[0]
    assert peak.period == pytest.approx(3.1, abs=0.005) and not peak.why_not_tce()
    triage = astronet.load("pretrained:triage")
    event = {"period": peak.period, "t0": peak.t0, "duration_hours": peak.duration_hours}
    score = triage.score(time, flux, **event, depth_ppm=1e6 * peak.depth, sn=peak.pink_signal_to_noise, sector=14)
    assert score.probability > triage.threshold
    assert capsys.readouterr() == ("", "")


def test_flags_that_a_script_lacks_have_their_defaults():
    parser = Parser()
    ensemble.add_flags(parser)  # and not --engine
    flags = parser.parse_args(["--model_dir=pretrained:triage", "--checkpoint=best"])
    choice = arguments.from_flags(ensemble.ModelChoice, flags)
    assert choice == ensemble.ModelChoice("pretrained:triage", checkpoint="best", engine="auto")
    assert choice.is_averaged
