import csv
import dataclasses
import json

import numpy as np
import pytest

from astronet.config import configuration
from astronet.data.records import tfrecord
from astronet.estimator import checkpoints, ensemble, estimator_util, tensorflow_engine
from astronet.evaluation import labeled_records
from astronet.ops import dataset
from astronet.stats import metrics

PUBLISHED_DIGITS = 1e-5  # predictions.csv has seven decimals; float32 sums in another order cost the rest


def predict(spec, members, serialized, batch_size=1000):
    batches = (serialized[i : i + batch_size] for i in range(0, len(serialized), batch_size))
    score = tensorflow_engine.scorer(spec, members)
    return np.concatenate(list(map(score, dataset.from_serialized_batches(batches, spec.config))))


def test_published_checkpoint_gives_its_published_predictions(shared):
    with open(shared / "golden" / "checkpoint" / "predictions.csv") as file:
        published = [float(row["probability"]) for row in csv.DictReader(file)]
    serialized = list(tfrecord.read(shared / "data" / "tess_triage" / "val-00000-of-00001"))
    checkpoint = checkpoints.find(str(shared / "golden" / "checkpoint"))
    spec = configuration.resolve("AstroCNNModel", "yu2019")
    probabilities = predict(spec, [checkpoint], serialized)
    assert probabilities.shape == (1657, 1)
    np.testing.assert_allclose(probabilities[:, 0], published, rtol=0, atol=PUBLISHED_DIGITS)


def test_scores_of_both_directions_are_averaged(tmp_path, write_tces):
    path = write_tces(tmp_path / "val")
    hparams = {"score_both_directions": True, "learning_rate": 0.01}
    spec = configuration.resolve("AstroModel", "yu2019", json.dumps({"hparams": hparams}))
    spec = dataclasses.replace(spec, train_steps=3, seed=1)
    tces = dataset.read([path], spec.config)
    estimator_util.train_and_evaluate(spec, str(tmp_path), tces, tces)
    checkpoint = checkpoints.find(str(tmp_path))
    found = predict(spec, [checkpoint], list(tfrecord.read(path)))[:, 0]

    model = checkpoints.restore(spec, checkpoint)
    views = tces.features.items()
    directions = [model({name: view[:, ::step] for name, view in views}).numpy() for step in (1, -1)]
    assert not np.allclose(*directions, atol=1e-3)
    np.testing.assert_allclose(found, metrics.probability(np.mean(directions, axis=0)), rtol=1e-5)
    loss = metrics.evaluate(tces.labels, np.mean(directions, axis=0))["loss"]
    models = ensemble.Ensemble({"1": spec}, {"1": checkpoint})
    assert labeled_records.evaluate(models, [path])["loss"] == pytest.approx(loss, rel=1e-5)
    with open(f"{checkpoints.find(str(tmp_path), 'best')}.json") as file:
        assert json.load(file)["loss"] == pytest.approx(loss, rel=1e-5)


def test_members_are_scored_together_as_each_alone(tmp_path, write_tces):
    path = write_tces(tmp_path / "val")
    spec = configuration.ModelSpec("AstroModel", "yu2019", configuration.get("AstroModel", "yu2019"), 1, 0)
    members = [tmp_path / seed for seed in "12"]
    tces = dataset.read([path], spec.config)
    for seed, member in enumerate(members):
        estimator_util.train_and_evaluate(dataclasses.replace(spec, seed=seed), str(member), tces, tces)
    found = [checkpoints.find(str(member)) for member in members]
    serialized = list(tfrecord.read(path))
    together = predict(spec, found, serialized, batch_size=7)
    alone = [predict(spec, [checkpoint], serialized)[:, 0] for checkpoint in found]
    assert not np.allclose(*alone)
    np.testing.assert_allclose(together.T, alone, rtol=1e-5)
