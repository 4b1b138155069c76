"""Records hold what vetters look at where a configuration reads it, and no other record changes."""

import csv
import json
import math

import h5py
import numpy as np
import pytest

from astronet.data import generate_input_records
from astronet.data.records import event_columns, tf_example, tfrecord
from astronet.data.records.columns import EVENT_MEASURES
from light_curve_util import apertures, tess_io
from light_curve_util.errors import LightCurveError
from light_curve_util.find_secondary import depth_change
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import phase_fold

EVENT = PeriodicEvent(1355.0, 2.5, 0.12)
_ALL = {"inputs": {"scalars": {name.lower(): {"powers": {name: 1.0}, "symlog_unit": 0.1} for name in EVENT_MEASURES}}}
_COLUMNS = "row_id,tic_id,toi_id,Disposition,RA,Dec,Tmag,Epoc,Period,Duration,Transit_Depth,Sectors,camera,ccd"


def _write_star(directory, tic_id, depths=(0.01, 0.012), odd_depth=None):
    """A light curve whose dip is deeper in aperture 3 than in aperture 2."""
    time = np.arange(1354.1, 1381.0, 1 / 48)
    random = np.random.default_rng(tic_id)
    path = directory / "sector-2" / f"{tic_id}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["LightCurve/BJD"] = time
        file["LightCurve/QFLAG"] = np.zeros(len(time), int)
        for number, depth in zip((2, 3), depths):
            flux = 1 + random.normal(0, 5e-4, len(time))
            for event_depth, t0 in ((depth, EVENT.t0), (odd_depth or depth, EVENT.t0 + EVENT.period)):
                flux -= event_depth * (np.abs(phase_fold(time, 2 * EVENT.period, t0)) < EVENT.duration_days / 2)
            file[f"LightCurve/AperturePhotometry/Aperture_{number:03d}/KSPMagnitude"] = 10 - 2.5 * np.log10(flux)
        file["LightCurve/AperturePhotometry"].attrs["bestap"] = 2
    return str(path)


def _records(directory, config_name, changes=None):
    rows = [
        f"{i},{i},0.01,PC,10,-50,10.0,{EVENT.t0},{EVENT.period},{24 * EVENT.duration_days},10000,2,1,1" for i in (1, 2)
    ]
    catalog = directory / "tces.csv"
    star = ",star_rad,star_mass,SN,Qingress"
    catalog.write_text("\n".join([_COLUMNS + star, rows[0] + ",1.0,1.0,30,0.1", rows[1] + ",,,30,"]) + "\n")
    output = directory / f"out-{config_name}-{bool(changes)}"
    flags = [f"--input_tce_csv_file={catalog}", f"--tess_data_dir={directory}", f"--output_dir={output}"]
    flags += ["--make_test_set", "--num_train_shards=1", f"--config_name={config_name}", "--num_worker_processes=0"]
    assert generate_input_records.main([*flags, *([f"--config_json={json.dumps(changes)}"] if changes else [])]) == 0
    serialized = [record for path in sorted(output.glob("test-*")) for record in tfrecord.read(str(path))]
    return sorted(map(tf_example.from_serialized, serialized), key=lambda example: tf_example.value(example, "tic_id"))


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    directory = tmp_path_factory.mktemp("survey")
    _write_star(directory, 1)
    _write_star(directory, 2, odd_depth=0.005)
    return directory


def test_columns_that_a_configuration_reads_are_measured(survey):
    planet, binary = _records(survey, "local_global", _ALL)
    assert tf_example.value(planet, "depth_change") > 1  # deeper in the larger aperture
    assert tf_example.value(planet, "Companion_Radius") == pytest.approx(10.9, abs=0.1)
    assert tf_example.value(planet, "Duration_Ratio") == pytest.approx(0.12 / (0.07564 * 2.5 ** (1 / 3)), rel=1e-3)
    assert abs(tf_example.value(planet, "Odd_Even_Difference")) < 0.1
    assert abs(tf_example.value(binary, "Odd_Even_Difference")) > 0.5
    assert tf_example.value(binary, "Odd_Even_Significance") > 10


def test_unknown_star_gives_nan_and_its_record_stays(survey):
    _, binary = _records(survey, "local_global", _ALL)
    assert math.isnan(tf_example.value(binary, "Companion_Radius"))
    assert math.isnan(tf_example.value(binary, "Duration_Ratio"))


def test_records_of_other_configurations_hold_none_of_the_columns(survey):
    for example in _records(survey, "local_global"):
        assert set(EVENT_MEASURES).isdisjoint(example.features.feature)


def test_vetting_records_hold_its_views_and_its_depth_change(survey):
    planet, _ = _records(survey, "vetting")
    assert len(tf_example.series(planet, "secondary_view")) == 61
    path = str(survey / "sector-2" / "1.h5")
    time, small, large = apertures.read_pair(path)
    expected = depth_change(time, small, large, EVENT, 0.1)
    assert tf_example.value(planet, "depth_change") == pytest.approx(expected, rel=1e-5)


def test_light_curve_without_apertures_has_no_depth_change(tmp_path):
    path = tmp_path / "star.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("time", "flux"), *((1354 + i / 48, 1.0 - 0.01 * (i % 7 == 0)) for i in range(99))])
    with pytest.raises(LightCurveError, match="no apertures that are known"):
        apertures.read_pair(str(path))
    light_curve = tess_io.read(path)
    values = event_columns.measured(["depth_change"], light_curve, EVENT, {}, [str(path)])
    assert math.isnan(values["depth_change"])
