"""Epochs in every time system, far from the light curve, and light curves out of their sector: by the scripts."""

import csv
import math

import numpy as np
import pytest

from astronet import batch_predict, predict
from astronet.data import generate_input_records
from astronet.data.catalog import epochs
from astronet.data.records import tf_example, tfrecord

TIME = np.arange(1326, 1352, 0.02)  # in sector 1
T0, PERIOD, DURATION_HOURS = 1327.0, 2.0, 4.0
HEADER = ("row_id", "tic_id", "toi_id", "Disposition", "Epoc", "Period", "Duration", "Transit_Depth", "Sectors")


@pytest.fixture
def make_records(tmp_path):
    """Function (list of dicts of what differs from a good row, times=TIME, header=HEADER) -> directory of records."""

    def make_records(rows, times=TIME, header=HEADER):
        flux = 1 - 0.01 * (np.abs((times - times[0] + 1 + PERIOD / 2 - 2) % PERIOD - PERIOD / 2) < DURATION_HOURS / 48)
        flux += np.random.default_rng(1).normal(0, 1e-4, len(times))
        sector = tmp_path / "tess" / "sector-1"
        sector.mkdir(parents=True, exist_ok=True)
        np.savetxt(sector / "7.csv", np.column_stack([times, flux]), "%.10f", ",", header="time,flux", comments="")
        good = dict(zip(HEADER, (0, 7, "1", "PC", T0, PERIOD, DURATION_HOURS, 10_000, 1)))
        with open(tmp_path / "tces.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, header)
            writer.writeheader()
            writer.writerows({**good, "row_id": i, "toi_id": i, **row} for i, row in enumerate(rows))
        flags = [f"--input_tce_csv_file={tmp_path}/tces.csv", f"--tess_data_dir={tmp_path}/tess", "--make_test_set"]
        flags += [f"--output_dir={tmp_path}/records", "--num_train_shards=1", "--num_worker_processes=0"]
        assert generate_input_records.main(flags) in (0, 1)
        return tmp_path / "records"

    return make_records


def rows_of(path):
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def made(directory):
    """The views and the epoch of each record."""
    examples = map(tf_example.from_serialized, tfrecord.read(directory / "test-00000-of-00001"))
    return [(tf_example.series(e, "global_view").tolist(), tf_example.value(e, "Epoc")) for e in examples]


def test_epochs_of_several_systems_in_one_column_give_the_same_records(make_records, capsys):
    given = [T0, T0 + 2457000, T0 + 56999.5, T0 + 7000]
    directory = make_records([{"Epoc": repr(epoch)} for epoch in given])
    printed = capsys.readouterr().err
    assert printed.count("1 of 4 epochs in BJD, converted to BTJD by subtracting 2457000") == 1
    assert "MJD" in printed and "assumed" in printed
    first, *others = made(directory)
    assert first[1] == T0 and all(other == first for other in others)
    assert not rows_of(directory / "warnings.csv") and not rows_of(directory / "skipped.csv")


def test_column_in_keplers_system_is_known_by_its_sectors(make_records, capsys):
    (first, second, third) = made(make_records([{"Epoc": T0 + i * PERIOD + 2167} for i in range(3)]))
    assert first[1] == T0 and "BKJD" in capsys.readouterr().err


def test_epoch_in_seconds_is_skipped_with_its_reason(make_records):
    directory = make_records([{"Epoc": T0 * 86400}, {}])
    (skip,) = rows_of(directory / "skipped.csv")
    assert skip["row_id"] == "0" and "86400" in skip["reason"]


def test_epoch_far_from_the_light_curve_is_moved_and_warned_of(make_records, capsys):
    far = {"Epoc": T0 + 500 * PERIOD}
    directory = make_records([far, {}, {"Epoc": T0 + 20 * PERIOD}])
    (warning,) = rows_of(directory / "warnings.csv")
    assert warning["row_id"] == "0" and "488 periods (975 d) after the light curve" in warning["warning"]
    assert "warnings.csv" in capsys.readouterr().err
    (folded, _), (in_place, _), _ = made(directory)
    assert folded == in_place


def test_errors_of_the_ephemeris_decide_where_they_are_known(make_records):
    header = (*HEADER, "Epoc Err", "Period Err")
    rows = [{"Epoc": T0 + 300 * PERIOD, "Epoc Err": 0.001, "Period Err": error} for error in (1e-6, 1e-3)]
    (warning,) = rows_of(make_records(rows, header=header) / "warnings.csv")
    assert warning["row_id"] == "1" and "its error has grown to 6.91 h" in warning["warning"]


def test_epoch_further_than_a_mission_is_warned_of_whatever_its_error():
    assert "time system" in epochs.distance_warning(-9000, 2, 0.1, 1325, 1352, 1e-6, 1e-9)
    assert "strictly periodic" in epochs.distance_warning(500, 2, 0.1, 1325, 1352, 1e-6, 1e-9)
    assert not epochs.distance_warning(1000, 2, 0.1, 1325, 1352, 1e-6, 1e-9)
    assert "Kepler" in epochs.distance_warning(1330 + 2167, 2, 0.1, 1325, 1352, math.nan, math.nan)


def test_light_curve_with_keplers_zero_point_is_refused(make_records):
    directory = make_records([{}], times=TIME + 2457000 - 2167)
    (skip,) = rows_of(directory / "skipped.csv")
    assert skip["reason"].startswith("misplaced") and "zero point of Kepler" in skip["reason"]


def test_light_curve_of_another_sector_is_warned_of(make_records):
    directory = make_records([{"Epoc": T0 + 100}], times=TIME + 100)
    (warning,) = rows_of(directory / "warnings.csv")
    assert "do not lie in sector 1" in warning["warning"]
    assert not rows_of(make_records([{}]) / "warnings.csv")  # that of the earlier run is gone


def test_public_light_curve_with_keplers_zero_point_is_refused(shared, tmp_path):
    row = "0,273589987,1,PC,1684.1,0.5926,3,8000,14\n"
    (tmp_path / "tces.csv").write_text(",".join(HEADER) + "\n" + row)
    flags = [f"--input_tce_csv_file={tmp_path}/tces.csv", f"--tess_data_dir={shared}/cases/times"]
    assert generate_input_records.main([*flags, f"--output_dir={tmp_path}/records", "--make_test_set"]) == 1
    (skip,) = rows_of(tmp_path / "records" / "skipped.csv")  # its name says the sector, so that its reader finds out
    assert "zero point of Kepler" in skip["reason"]


def test_public_planets_give_the_same_records_from_bjd(shared, tmp_path):
    for name in ("bjd", "btjd"):
        flags = [f"--input_tce_csv_file={shared}/cases/epochs/tces_{name}.csv", "--make_test_set"]
        flags += [f"--tess_data_dir={shared}/data/other/light_curves/spoc_2min", "--num_train_shards=1"]
        flags += ["--num_worker_processes=0", "--config_name=triage"]
        assert generate_input_records.main([*flags, f"--output_dir={tmp_path}/{name}"]) == 0
    bjd, btjd = ((tmp_path / name / "test-00000-of-00001").read_bytes() for name in ("bjd", "btjd"))
    assert bjd == btjd
    warned = {row["tic_id"]: row["warning"] for row in rows_of(tmp_path / "bjd" / "warnings.csv")}
    assert "57 periods" in warned["55652896"]


def test_public_planets_are_found_from_bjd_by_both_scripts(shared, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table, light_curves = shared / "cases/epochs/tces_bjd.csv", shared / "data/other/light_curves/spoc_2min"
    flags = [f"--input_tce_csv_file={table}", f"--tess_data_dir={light_curves}", "--config_name=triage"]
    flags += ["--make_test_set", "--num_worker_processes=0", "--detrend=spline", "--output_dir=records"]
    assert generate_input_records.main(flags) == 0
    model = ["--model_dir=pretrained:triage", "--engine=numpy"]
    assert batch_predict.main([*model, "--tfrecord_dir=records"]) == 0
    probability_of_star = {row["tic_id"]: float(row["mean"]) for row in rows_of(tmp_path / "prediction.csv")}
    assert [probability > 0.8 for probability in probability_of_star.values()] == [False, True, True, True]

    tce = rows_of(table)[0]  # TOI-216.02, the epoch of which is far away
    flags = [f"--tic={tce['tic_id']}", f"--period={tce['Period']}", f"--duration_hours={tce['Duration']}"]
    flags += [f"--sector={tce['Sectors']}", f"--transit_depth={tce['Transit_Depth']}", f"--sn={tce['SN']}"]
    flags += [f"--tess_data_dir={light_curves}", "--detrend=spline"]
    capsys.readouterr()
    assert predict.main([*model, *flags, f"--t0={tce['Epoc']}"]) == 0
    captured = capsys.readouterr()
    assert "57 periods (988 d) after the light curve" in captured.err and "epoch in BJD, converted" in captured.err
    assert float(captured.out.split()[1]) == round(probability_of_star[tce["tic_id"]], 3)


@pytest.mark.parametrize("t0", ["1.15e8", "20000"])
def test_t0_in_no_known_system_is_refused(t0, tmp_path, capsys):
    flags = ["--model_dir=pretrained:triage", "--tic=1", f"--t0={t0}", "--period=2", "--duration_hours=3"]
    (tmp_path / "1.csv").write_text("time,flux\n1326,1\n")
    assert predict.main([*flags, f"--light_curve={tmp_path}/1.csv"]) == 1
    assert "--t0" in capsys.readouterr().err
