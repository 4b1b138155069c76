import dataclasses

import numpy as np
import pytest

from astronet import models
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.estimator import engines, ensemble, weights_file
from astronet.flares import detection, windows
from astronet.ops.tensorflow import keras, tf
from light_curve_util import tess_io

STELLA = configuration.get("AstroCNNModel", "stella")
COLUMN = STELLA.hparams.columns[windows.NAME]


def changed(column, **hparams):
    """Configuration stella with another column and other hyperparameters."""
    columns = {windows.NAME: dataclasses.replace(COLUMN, num_filters=4, **column)}
    return dataclasses.replace(STELLA, hparams=dataclasses.replace(STELLA.hparams, columns=columns, **hparams))


SLIDING = {
    "stella": STELLA,
    "padded": changed({}, max_padded_bins=windows.HALF),
    "two convolutions a block": changed({"convs_per_block": 2, "kernel_size": 3}),
    "classes": changed({"pool_size": 5, "pool_stride": 5}, output_dim=3, num_pre_logits_hidden_layers=2),
    "linear": changed({"num_blocks": 1, "pool_size": 4, "pool_stride": 4}, num_pre_logits_hidden_layers=0),
}
ALONE = {
    "flares": configuration.get("AstroCNNModel", "flares"),
    "overlapping poolings": changed({"pool_size": 3}),
    "poolings that leave some over": changed({"num_blocks": 4}),
    "poolings that leave nothing but ends": changed({"num_blocks": 3, "convs_per_block": 5, "later_kernel_size": 9}),
    "even kernel": changed({"kernel_size": 4}),
    "both directions": changed({}, score_both_directions=True),
}


def untrained(directory, config, num_members=2):
    """An ensemble of random weights, the biases too."""
    specs, paths = {}, {}
    for seed in range(num_members):
        keras.utils.set_random_seed(seed)
        model = models.build("AstroCNNModel", config)
        for layer in model.layers:
            if layer.weights:
                layer.bias.assign(tf.random.normal(layer.bias.shape, stddev=0.3))
        specs[str(seed)] = configuration.ModelSpec("AstroCNNModel", None, config, 0, seed)
        (directory / str(seed)).mkdir()
        paths[str(seed)] = str(directory / str(seed) / weights_file.NAME)
        weights = {weight.name.split(":")[0]: weight.numpy() for weight in model.weights}
        weights_file.write(paths[str(seed)], weights, 0, "float32")
    return ensemble.Ensemble(specs, paths)


def light_curve(lengths, seed):
    """Random flux in segments of some lengths, between gaps."""
    index = np.concatenate([np.arange(length) + 30 * i + sum(lengths[:i]) for i, length in enumerate(lengths)])
    flux = np.random.default_rng(seed).normal(1, 1, len(index))
    return tess_io.LightCurve(1325 + 120 / 86400 * index, flux, "random")


def expected(scorer, lc):
    """Probabilities of all cadences, of each window by itself."""
    cut = windows.centered(lc.time, lc.flux, np.arange(len(lc.time)), scorer.is_padded)
    probability = np.full([len(cut), 2], np.nan)
    has_window = ~np.isnan(cut[:, 0])
    probability[has_window] = scorer.windows(cut[has_window])
    return probability


@pytest.mark.parametrize("engine", ["tensorflow", "numpy"])
@pytest.mark.parametrize("name", SLIDING)
def test_windows_that_share_convolutions_score_as_each_by_itself(name, engine, tmp_path, monkeypatch):
    models = dataclasses.replace(untrained(tmp_path, SLIDING[name]), engine=engine)
    assert engines.sliding_scorer(engine, models.spec, list(models.checkpoints.values()))
    scorer = detection.Scorer(models)
    monkeypatch.setattr(detection, "_STRETCH", 130)  # the longer segments are scored in several parts
    for seed, lengths in enumerate([(200,), (199, 201), (202, 100, 203), (204,), (211, 460)]):
        lc = light_curve(lengths, seed)
        found = scorer.cadences(lc)
        np.testing.assert_allclose(found, expected(scorer, lc), atol=1e-5)
    assert np.nanstd(found) > 0.01  # or equality would mean little


@pytest.mark.parametrize("engine", ["tensorflow", "numpy"])
@pytest.mark.parametrize("name", ALONE)
def test_windows_that_share_nothing_are_scored_by_themselves(name, engine, tmp_path):
    models = dataclasses.replace(untrained(tmp_path, ALONE[name]), engine=engine)
    assert engines.sliding_scorer(engine, models.spec, list(models.checkpoints.values())) is None
    scorer = detection.Scorer(models)
    lc = light_curve((230, 210), 0)
    np.testing.assert_allclose(scorer.cadences(lc), expected(scorer, lc), atol=1e-5)


@pytest.mark.parametrize("name", ["stella", "flares"])
def test_both_engines_find_the_same_probabilities(name, tmp_path):
    models = untrained(tmp_path, {**SLIDING, **ALONE}[name])
    bright = light_curve((500, 260), 3)
    bright = tess_io.LightCurve(bright.time, 1 + 3e-4 * (bright.flux - 1), "bright")  # little noise, near rounding
    both = [detection.Scorer(dataclasses.replace(models, engine=engine)) for engine in ("tensorflow", "numpy")]
    for lc in (bright, light_curve((500, 260), 4)):
        expected, found = (scorer.cadences(lc) for scorer in both)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_networks_of_transits_are_refused():
    spec = configuration.ModelSpec("AstroCNNModel", "base", configuration.get("AstroCNNModel", "base"))
    with pytest.raises(ScriptError, match=r"reads global_view \(201\), not flare_window \(200\)"):
        detection.Scorer(ensemble.Ensemble({"1": spec}, {"1": "none"}))
