import dataclasses
import itertools

import numpy as np
import pytest

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.config.schema import Scalar
from astronet.data.records import tf_example, tfrecord
from astronet.ops import dataset

CONFIG = configuration.get("AstroModel", "yu2019")


def with_hparams(**changes):
    return dataclasses.replace(CONFIG, hparams=dataclasses.replace(CONFIG.hparams, **changes))


def batches(tces, config, **options):
    return dataset.training_batches(dataset.read([tces], config), config, **options)


def take(batches, count):
    return [(features["global_view"].numpy(), labels.numpy()) for features, labels in itertools.islice(batches, count)]


@pytest.fixture(scope="module")
def tces(tmp_path_factory, write_tces):
    return write_tces(tmp_path_factory.mktemp("records") / "train-00000-of-00001")


def test_evaluation_reads_everything_in_order_with_labels_of_the_label_map(tces):
    whole = dataset.read([tces], CONFIG)
    (features,) = dataset.evaluation_batches(whole)
    examples = [tf_example.from_serialized(record) for record in tfrecord.read(tces)]
    for name in ("global_view", "local_view"):
        np.testing.assert_array_equal(features[name], [tf_example.series(example, name) for example in examples])
    dispositions = [tf_example.value(example, "Disposition") for example in examples]
    assert list(whole.labels) == [int(disposition in ("PC", "EB")) for disposition in dispositions]


def test_every_epoch_holds_every_example_once_in_another_order(tces):
    config = with_hparams(batch_size=8, reversal_probability=0.0)
    views = np.concatenate([view for view, _ in take(batches(tces, config, seed=1), 6)])
    epochs = [[view.tobytes() for view in epoch] for epoch in (views[:24], views[24:])]
    assert len(set(epochs[0])) == 24
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert epochs[0] != epochs[1]


def test_seed_decides_the_order_and_a_resumed_run_goes_on_in_it(tces):
    config = with_hparams(batch_size=8)
    first = take(batches(tces, config, seed=1), 6)
    resumed = take(batches(tces, config, seed=1, first_step=4), 2)
    np.testing.assert_equal(resumed, first[4:])
    other = take(batches(tces, config, seed=2), 6)
    assert not np.array_equal(other[0][0], first[0][0])


def test_all_series_of_an_example_are_reversed_together_half_of_the_time(tces):
    whole = dataset.read([tces], CONFIG).features
    rows = {view.tobytes(): i for i, view in enumerate(whole["global_view"])}
    turned_rows = {view[::-1].tobytes(): i for i, view in enumerate(whole["global_view"])}
    turned = []
    for features, _ in batches(tces, CONFIG, seed=1).take(10):
        for view, local_view in zip(features["global_view"].numpy(), features["local_view"].numpy()):
            turned.append(view.tobytes() in turned_rows)
            row = (turned_rows if turned[-1] else rows)[view.tobytes()]
            np.testing.assert_array_equal(local_view, whole["local_view"][row][:: -1 if turned[-1] else 1])
    assert abs(np.mean(turned) - 0.5) < 4 * 0.5 / np.sqrt(len(turned))  # 4 standard deviations of a fair coin


def test_augmentation_shifts_series_and_adds_noise_of_their_own_scatter(tces):
    whole = dataset.read([tces], CONFIG).features
    views = whole["local_view"]
    plain = {"reversal_probability": 0.0, "batch_size": 24}
    shifted = _augmented(tces, "local_view", max_shift_bins=2, **plain)
    shifts = [[k for k in range(-2, 3) for view in views if (np.roll(view, k) == row).all()] for row in shifted]
    assert {k for found in shifts for k in found} == {-2, -1, 0, 1, 2}
    assert all(len(found) == 1 for found in shifts)

    unchanged, noisy = (_augmented(tces, "local_view", max_noise=noise, **plain) for noise in (0.0, 1.0))
    added = (noisy - unchanged).std(axis=1)  # the scatter of the views is 0.05, and amplitudes spread evenly up to it
    assert (added < 0.08).all() and 0.015 < added.mean() < 0.035


def _augmented(tces, name, **hparams):
    (features, _) = next(iter(batches(tces, with_hparams(**hparams), seed=1)))
    return features[name].numpy()


def test_scalar_columns_are_dropped_in_training_alone_and_missing_ones_are_nan(tces):
    scalars = {"sn": Scalar({"SN": 1.0}), "period": Scalar({"Period": 1.0})}
    config = with_hparams(scalar_drop_probability=0.25, batch_size=240)
    config = dataclasses.replace(config, inputs=dataclasses.replace(config.inputs, scalars=scalars))
    whole = dataset.read([tces], config).features
    np.testing.assert_array_equal(np.isnan(whole["SN"][:, 0]), np.arange(24) % 2 == 0)
    assert np.isfinite(whole["Period"]).all()
    (features, _) = next(iter(batches(tces, config, seed=1)))
    share = np.isnan(features["Period"].numpy()).mean()
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 240)  # 4 standard deviations


def test_scalars_are_measured_where_there_are_values(tces):
    scalars = {"sn": Scalar({"SN": 2.0}), "none": Scalar({"Tmag": 1.0}), "set": Scalar({"SN": 1.0}, 1.0, 2.0)}
    config = dataclasses.replace(CONFIG, inputs=dataclasses.replace(CONFIG.inputs, scalars=scalars))
    measured = dataset.measure(dataset.read([tces], config), config).inputs.scalars
    logarithms = 2 * np.log(10.0 + np.arange(1, 24, 2))
    assert (measured["sn"].mean, measured["sn"].scale) == pytest.approx((logarithms.mean(), logarithms.std()), rel=1e-5)
    assert (measured["none"].mean, measured["none"].scale) == (0.0, 1.0)
    assert measured["set"] == scalars["set"]


def test_scalar_of_another_type_is_named(tmp_path):
    views = {name: np.zeros(length) for name, length in configuration.view_lengths(CONFIG).items()}
    columns = {"row_id": 1, "tic_id": 5, "Disposition": "PC", "SN": 7}
    tfrecord.write_shard(tmp_path / "train", [tf_example.to_example(columns, views).SerializeToString()])
    config = configuration.get("AstroModel", "triage")
    with pytest.raises(ScriptError, match="record 0 .*TIC 5.*: SN is 7: a finite float needed"):
        dataset.read([str(tmp_path / "train")], config)


def test_scalars_are_features_too(tces):
    config = configuration.resolve("AstroModel", "yu2019", '{"inputs": {"features": {"Period": {}}}}').config
    features = dataset.read([tces], config).features
    np.testing.assert_array_equal(features["Period"][:, 0], np.arange(1, 25, dtype=np.float32))


@pytest.mark.parametrize(
    "written, message",
    [
        ({"local_length": 81}, "local_view has 81 values, the configuration needs 61; make the records again with"),
        ({"local_length": 7}, "local_view has 7 values, the configuration needs 61; make the records again with"),
        ({"dispositions": ("PC", "KP")}, "unknown Disposition 'KP'; the label map has PC, EB, J, V, IS, O"),
    ],
)
def test_records_that_do_not_fit_are_named_with_the_remedy(tmp_path, write_tces, written, message):
    path = write_tces(tmp_path / "train", num_tces=2, **written)
    with pytest.raises(ScriptError) as error:
        dataset.read([path], CONFIG)
    assert str(error.value).startswith(f"{path}, record ")
    assert "TIC 100" in str(error.value)
    assert message in str(error.value)


def test_missing_feature_is_named(tces):
    config = configuration.resolve("AstroModel", "yu2019", '{"inputs": {"features": {"Tmag": {}}}}').config
    with pytest.raises(ScriptError, match="Tmag has 0 values, the configuration needs 1"):
        dataset.read([tces], config)


def test_corrupt_and_empty_files_are_named(tmp_path, write_tces):
    path = tmp_path / "train"
    write_tces(path, num_tces=2)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ScriptError, match="train.*record 1"):
        dataset.read([str(path)], CONFIG)
    path.write_bytes(b"")
    with pytest.raises(ScriptError, match="empty record file .*train"):
        dataset.read([str(path)], CONFIG)


def test_prediction_needs_no_label_but_the_right_views(tmp_path, write_tces):
    path = write_tces(tmp_path / "new", num_tces=3, dispositions=("unvetted",))
    batches = list(dataset.from_serialized_batches([list(tfrecord.read(path))], CONFIG))
    assert [features["global_view"].shape for features in batches] == [(3, 201)]
    assert batches[0]["serialized"] == list(tfrecord.read(path))
    with pytest.raises(ScriptError, match="row_id 0, TIC 1000.*train a model with --config_name=yu2019, which fits"):
        wrong = configuration.get("AstroModel", "local_global")
        list(dataset.from_serialized_batches([list(tfrecord.read(path))], wrong))
