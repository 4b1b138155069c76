"""What is said of an ephemeris that its light curve contradicts: no dip there, one of another size, a single event."""

import numpy as np
import pytest

import astronet
from astronet.data.records import dip_check
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent

TIME = 1354.1 + np.arange(0, 27, 1 / 48)
EVENT = PeriodicEvent(1355.1844, 1.33823, 0.09)


def flux(depth_ppm=27000, noise=3e-4):
    near = np.abs((TIME - EVENT.t0 + EVENT.period / 2) % EVENT.period - EVENT.period / 2) < 0.045
    return 1 - depth_ppm / 1e6 * near + np.random.default_rng(0).normal(0, noise, len(TIME))


def test_an_ephemeris_that_fits_brings_no_word():
    assert dip_check.warnings(TIME, flux(), EVENT, 27000) == []
    assert dip_check.warnings(TIME, flux(), EVENT, float("nan")) == []
    assert dip_check.warnings(TIME, flux(300, 1e-3), EVENT, 300) == []  # which the noise hides


def test_an_epoch_half_a_day_off_is_told():
    (told,) = dip_check.warnings(TIME, flux(), PeriodicEvent(EVENT.t0 - 0.5, EVENT.period, 0.09), 27000)
    assert "half a day off?" in told and "27e+04" not in told


@pytest.mark.parametrize("depth", [2.7, 27, 270])
def test_a_depth_in_another_unit_is_told(depth):
    (told,) = dip_check.warnings(TIME, flux(), EVENT, depth)
    assert "is the depth in ppm?" in told


def test_a_period_in_hours_is_told():
    (told,) = dip_check.warnings(TIME, flux(), PeriodicEvent(EVENT.t0, 24 * EVENT.period, 0.09), 27000)
    assert "longer than the light curve" in told and "one event at most" in told


def test_it_is_told_where_a_tce_is_scored():
    triage = astronet.load("pretrained:triage")
    numbers = {"period": EVENT.period, "duration_hours": 2.16, "depth_ppm": 27000}
    result = triage.score(TIME, flux(), t0=EVENT.t0 - 0.5, **numbers)
    assert any("half a day off?" in note for note in result.notes)
    assert not any("dips by" in note for note in triage.score(TIME, flux(), t0=EVENT.t0, **numbers).notes)


def test_a_table_of_tces_is_no_light_curve(tmp_path):
    path = tmp_path / "tic5_tois.csv"
    path.write_text("TIC ID,TOI,TESS Mag,Epoch (BJD),Period (days),Duration (hours)\n5,1.01,10.1,2458355.1,1.3,2\n" * 1)
    with pytest.raises(LightCurveError, match="as a table of TCEs has"):
        astronet.read_light_curve(path)
