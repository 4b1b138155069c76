"""Event densities: the module against an obvious computation, and the scripts that write, learn and read them."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astronet import batch_predict, cross_validate, train
from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data import generate_input_records
from astronet.data.catalog import focal_plane
from astronet.data.records import event_density, tf_example, tfrecord
from astronet.data.records.columns import EVENT_DENSITIES

SECTOR = 2
START = focal_plane.middle(SECTOR) - 14.2
LEVEL = -2 * np.log(0.02) / 63  # what is written is rounded to
CROWDED, QUIET = START + 10.05, START + 20.05  # middles of a bin


def catalog(num_tces, seed, crowd=0.3):
    """TCEs of SECTOR, two to a star in places, a share of them with events at CROWDED and none near QUIET."""
    random = np.random.default_rng(seed)
    period = np.exp(random.uniform(np.log(0.05), np.log(40), num_tces))
    epoch = START + random.uniform(-30, 30, num_tces)
    is_crowd = random.random(num_tces) < crowd
    period[is_crowd] = 25.0
    epoch[is_crowd] = CROWDED + random.uniform(-0.04, 0.04, is_crowd.sum())
    stars = random.integers(0, num_tces, num_tces)
    return event_density.Ephemerides(stars, np.full(num_tces, SECTOR), stars % 3, epoch, period)


def bins_of_events(tces):
    """The bins of each TCE's events, event by event."""

    def bins(epoch, period):
        first = np.ceil((START - epoch) / period)
        times = epoch + period * (first + np.arange(1000))
        return [min(283, int((time - START) / 0.1)) for time in times if time < START + 28.4]

    return [bins(epoch, max(period, 0.1)) for epoch, period in zip(tces.epoch, tces.period)]


def obvious(tces, bins, number, name):
    """What among() has for one TCE, without rounding."""

    def density(skipped_star):
        counts, seen = np.zeros(284), set()
        for i in range(len(tces.period)):
            signal = (tces.tic_id[i], tces.epoch[i], tces.period[i])
            is_there = name in ("all", str(tces.camera[i]))
            if not is_there or tces.period[i] <= 2 or tces.tic_id[i] == skipped_star or signal in seen:
                continue
            seen.add(signal)
            for event in bins[i]:
                counts[event] += 1 / len(bins[i])
        return np.convolve(counts, [1 / 3, 1 / 3, 1 / 3], "same")

    everything, others = density(None), density(tces.tic_id[number])
    whole = np.zeros(284)
    for i in np.flatnonzero(tces.period > 2):
        whole[bins[i]] += 1
    mean = everything[np.convolve(whole, [1, 1, 1], "same") > 0].mean()
    ratios = np.clip(others[bins[number]] / mean, 0.02, 50)
    return np.log(ratios).mean() if len(ratios) else np.nan


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_density_is_that_of_other_stars_events_at_the_times_of_a_tces_own(seed):
    tces = catalog(400, seed)
    bins = bins_of_events(tces)
    columns = event_density.among(tces)
    for number in range(0, 400, 57):
        log_density = np.log(columns["Event_Density"][number])
        np.testing.assert_allclose(log_density, obvious(tces, bins, number, "all"), atol=LEVEL / 2 + 1e-9)
        camera = tces.camera[number]
        log_density = np.log(columns["Camera_Event_Density"][number])
        if camera:
            np.testing.assert_allclose(log_density, obvious(tces, bins, number, str(camera)), atol=LEVEL / 2 + 1e-9)
        else:
            assert np.isnan(log_density)


def test_what_is_measured_tells_other_stars_the_same():
    tces = catalog(600, seed=3)
    measured = event_density.measure(tces)
    assert list(measured) == [str(SECTOR)]
    new = event_density.Ephemerides(
        [-1, -1, -1], [SECTOR, SECTOR, 7], [1, 1, 1], [CROWDED, QUIET, QUIET], [30.0, 30.0, 30.0]
    )
    looked_up = event_density.look_up(new, measured)
    both = (np.append(getattr(tces, name), getattr(new, name)) for name in vars(tces))
    among = event_density.among(event_density.Ephemerides(*both))
    for column in EVENT_DENSITIES:
        np.testing.assert_allclose(np.log(looked_up[column][:2]), np.log(among[column][-3:-1]), atol=2 * LEVEL)
        assert looked_up[column][0] > 5 * looked_up[column][1]
        assert np.isnan(looked_up[column][2])  # of a sector that was not measured


def test_few_tces_and_unknown_sectors_tell_nothing():
    few, strange = catalog(199, seed=1), catalog(260, seed=1)
    strange.sector = np.full(260, 9999)
    for tces in (few, strange):
        assert event_density.measure(tces) == {}
        assert np.isnan(list(event_density.among(tces).values())).all()


def test_parts_that_tces_are_taken_in_change_nothing(monkeypatch):
    tces = catalog(400, seed=4)
    whole, measured = event_density.among(tces), event_density.measure(tces)
    monkeypatch.setattr(event_density, "_CHUNK", 7)
    for name, values in event_density.among(tces).items():
        np.testing.assert_array_equal(values, whole[name])
    assert event_density.measure(tces) == measured


def test_impossible_ephemerides_tell_nothing_and_change_nothing():
    tces = catalog(260, seed=2)
    columns = event_density.among(tces)
    odd = {"epoch": [np.nan, np.inf, 1e30, 1340, 1340, 1340, 1340], "period": [9, 9, 1e-9, 0, -3, np.nan, np.inf]}
    ones = {"tic_id": range(-7, 0), "sector": [SECTOR] * 7, "camera": [1] * 7}
    both = (np.append(getattr(tces, name), {**ones, **odd}[name]) for name in vars(tces))
    for name, values in event_density.among(event_density.Ephemerides(*both)).items():
        np.testing.assert_array_equal(values, [*columns[name], *[np.nan] * 7])


@pytest.mark.parametrize(
    "sector, text, message",
    [
        ("2", "A" * 283, "inputs.sector_events.2.densities.all is not what training wrote"),
        ("2", "A" * 283 + "?", "inputs.sector_events.2.densities.all is not what training wrote"),
        ("two", "A" * 284, "inputs.sector_events.two: .two. is not the number of a sector"),
    ],
)
def test_damaged_densities_are_named(sector, text, message):
    changes = {"inputs": {"sector_events": {sector: {"start": START, "densities": {"all": text}}}}}
    measured = configuration.resolve(config_name="triage", config_json=json.dumps(changes)).config.inputs.sector_events
    with pytest.raises(ScriptError, match=message):
        event_density.look_up(catalog(3, seed=1), measured)


def test_catalogue_tells_records_how_crowded_their_times_are(tmp_path, write_light_curves):
    tces = catalog(300, seed=5)
    epochs = {1: CROWDED, 2: QUIET}  # row_id -> epoch of the two whose light curves there are
    with open(tmp_path / "tces.csv", "w", newline="") as file:
        writer = csv.writer(file)
        names = ("row_id", "tic_id", "toi_id", "Disposition", "Epoc", "Period", "Duration", "Transit_Depth", "Sectors")
        writer.writerow([*names, "camera"])
        for row_id, epoch in epochs.items():
            writer.writerow([row_id, 10**6 + row_id, ".01", "PC", epoch, 7.0, 4, 5000, SECTOR, 1])
        for i in range(300):
            row = [100 + i, tces.tic_id[i], ".01", "J", tces.epoch[i], tces.period[i], 0.1, 5000, SECTOR, 1]
            writer.writerow(row)
    write_light_curves(tmp_path / "tess", {10**6 + row_id: epoch for row_id, epoch in epochs.items()})
    flags = [f"--input_tce_csv_file={tmp_path}/tces.csv", f"--tess_data_dir={tmp_path}/tess", "--make_test_set"]
    flags += ["--config_name=triage", "--num_worker_processes=0", f"--output_dir={tmp_path}/records"]
    assert generate_input_records.main(flags) == 0

    made = {tf_example.value(example, "row_id"): example for example in read(f"{tmp_path}/records/test-*")}
    assert set(made) == set(epochs)
    for column in EVENT_DENSITIES:
        assert tf_example.value(made[1], column) > 2 * tf_example.value(made[2], column) > 0


@pytest.fixture
def write_light_curves():
    import h5py

    def write(data_dir, epochs):
        (data_dir / f"sector-{SECTOR}").mkdir(parents=True)
        time = START + 0.3 + np.arange(1300) / 48
        for tic_id, epoch in epochs.items():
            noise = np.random.default_rng(tic_id).normal(0, 3e-4, len(time))
            dip = 5e-3 * (np.abs((time - epoch + 3.5) % 7.0 - 3.5) < 0.08)
            with h5py.File(data_dir / f"sector-{SECTOR}" / f"{tic_id}.h5", "w") as file:
                file["LightCurve/BJD"] = time
                file["LightCurve/QFLAG"] = np.zeros(len(time), int)
                file["LightCurve/AperturePhotometry/Aperture_002/KSPMagnitude"] = 10 + dip + noise
                file["LightCurve/AperturePhotometry"].attrs["bestap"] = 2

    return write


def read(pattern):
    paths = tfrecord.expand(str(pattern))
    return [tf_example.from_serialized(record) for path in paths for record in tfrecord.read(path)]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory, write_tces):
    """Directory of records as the published ones are: without densities, all junk being in the crowd; sectors 1, 2."""
    directory = tmp_path_factory.mktemp("crowd")
    tces = catalog(480, seed=8, crowd=0)
    written = write_tces(directory / "plain", num_tces=480, dispositions=("PC", "J", "EB", "J"))
    changed = []
    for i, example in enumerate(read(written)):
        features = example.features.feature
        is_junk = tf_example.value(example, "Disposition") == "J"
        features["Period"].float_list.value[:] = [25.0 if is_junk else 12 + tces.period[i]]
        features["Epoc"].float_list.value[:] = [CROWDED if is_junk else tces.epoch[i]]
        features["Sectors"].int64_list.value[:] = [1 + i // 240]
        features["camera"].int64_list.value[:] = [1]
        changed.append(example.SerializeToString())
    tfrecord.write_shard(directory / "train-0", changed)
    tfrecord.write_shard(directory / "val-0", changed[::16])
    return directory


SMALL = json.dumps(
    {
        "inputs": {"scalars": {"depth": None, "duration": None, "period": None, "sn": None}},
        "hparams": {"learning_rate": 0.01, "batch_size": 48, "scalar_drop_probability": 0, "average_decay": 0},
    }
)
LINEAR = ["--model=AstroModel", "--config_name=triage", f"--config_json={SMALL}"]


def test_training_measures_what_records_do_not_say_and_prediction_uses_it(crowd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = [f"--train_files={crowd}/train-*", f"--eval_files={crowd}/val-*", "--train_steps=20", "--num_threads=1"]
    assert train.main([*LINEAR, *files, "--model_dir=model"]) == 0
    measured = configuration.load("model").config.inputs.sector_events
    assert set(measured) == {"1", "2"} and set(measured["2"].densities) == {"all", "1"}

    (example, *_) = read(f"{crowd}/train-*")
    own = dict.fromkeys(EVENT_DENSITIES, 0.02)
    cases = [({"Epoc": CROWDED}, {}), ({"Epoc": QUIET}, {}), ({"Epoc": CROWDED}, own), ({"Epoc": np.nan}, {})]
    shard = []
    for row_id, (ephemeris, columns) in enumerate(cases):
        features = example.features.feature
        features["row_id"].int64_list.value[:] = [row_id]
        features["Sectors"].int64_list.value[:] = [SECTOR]
        for name, value in {"Period": 30.0, **ephemeris, **columns}.items():
            features[name].float_list.value[:] = [value]
        shard.append(example.SerializeToString())
        for name in columns:
            del features[name]
    tfrecord.write_shard(tmp_path / "test-0", shard)

    def predict(*flags):
        assert batch_predict.main(["--model_dir=model", "--tfrecord_dir=.", "--suffix=yyy", *flags]) == 0
        with open("prediction_yyy.csv", newline="") as file:
            return [float(row["mean"]) for row in csv.DictReader(file)]

    crowded, quiet, said, unknown = predict()
    assert crowded < unknown < quiet  # junk comes in crowds here
    assert said == pytest.approx(predict("--config_name=triage", f"--config_json={SMALL}")[2]) and said > unknown
    assert predict(*LINEAR) == [crowded, quiet, said, unknown]  # flags do not take away what was measured


def test_held_out_sector_is_measured_by_its_own_tces(crowd, tmp_path):
    flags = ["--hold_out_sectors=2", "--train_steps=20", "--num_threads=1", "--num_resamples=20", "--seed=1"]
    assert cross_validate.main([*LINEAR, *flags, f"--files={crowd}/train-*", f"--model_dir={tmp_path}/held"]) == 0
    held_out = read(tmp_path / "held" / "sector-2" / "records" / "test-*")
    densities = {name: [] for name in ("PC", "EB", "J")}
    for example in held_out:
        densities[tf_example.value(example, "Disposition")].append(tf_example.value(example, "Event_Density"))
    assert min(densities["J"]) > np.nanmedian(densities["PC"] + densities["EB"])


def test_record_with_an_odd_sector_is_named(crowd, tmp_path, capsys):
    (example, *_) = read(f"{crowd}/train-*")
    example.features.feature["Sectors"].float_list.value[:] = [2.0]
    tfrecord.write_shard(tmp_path / "odd", [example.SerializeToString()])
    files = [f"--train_files={tmp_path}/odd", f"--eval_files={crowd}/val-*", f"--model_dir={tmp_path}/model"]
    assert train.main([*LINEAR, *files]) == 1
    assert "odd, record 0 (row_id 0, TIC 1000): Sectors is 2.0" in capsys.readouterr().err


def test_published_sectors_are_crowded_when_scattered_light_is(shared):
    """Most junk of few events in the published records of sector 2 is in crowds; planets are not."""
    examples = read(shared / "data" / "tess_triage" / "train-*")
    names = ("tic_id", "Sectors", "camera", "Epoc", "Period")
    tces = event_density.Ephemerides(*([tf_example.value(example, name) for example in examples] for name in names))
    is_positive = np.array([tf_example.value(example, "Disposition") in ("PC", "EB") for example in examples])
    density = np.log(event_density.among(tces)["Event_Density"])
    few_events = (tces.period > 8) & (tces.sector != 5)
    junk, positive = (density[few_events & (is_positive == label)] for label in (False, True))
    assert np.nanmedian(junk) > np.nanmedian(positive) + 0.2
    assert dataclasses.is_dataclass(event_density.measure(tces)["1"])
