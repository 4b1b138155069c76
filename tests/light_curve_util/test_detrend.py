"""Detrending: the star's variation goes, the transit stays. Depths and residuals are known, since both are injected."""

import csv

import numpy as np
import pytest

from light_curve_util import tess_io
from light_curve_util.detrend import detrend
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.phase_fold import phase_fold
from light_curve_util.tess_io import LightCurve
from light_curve_util.view_generator import ViewGenerator

NOISE = 3e-4
DEPTH = 5e-3
DEPTH_TOLERANCE = 0.03 * DEPTH  # what may go into the spline: a few times the error of the depth
RESIDUAL_TOLERANCE = 0.4 * NOISE  # the spline's own error: in quadrature it adds 8 % to the noise
EVENT = PeriodicEvent(t0=1326.2, period=3.1, duration_days=0.15)


def light_curve_with(event, variation_period):
    time = 1325.3 + np.concatenate([np.arange(0, 12.9, 1 / 48), np.arange(14, 27, 1 / 48)])
    variation = 1 + 0.02 * np.sin(2 * np.pi * time / variation_period)
    in_transit = np.abs(phase_fold(time, event.period, event.t0)) < event.duration_days / 2
    noise = np.random.default_rng(11).normal(0, NOISE, len(time))
    flux = variation * (1 + noise) * (1 - DEPTH * in_transit)
    return LightCurve(time, flux, "77.h5"), in_transit


@pytest.mark.parametrize("variation_period", [4, 8, 30])
def test_variation_goes_and_the_transit_stays(variation_period):
    light_curve, in_transit = light_curve_with(EVENT, variation_period)
    detrended = detrend(light_curve, "spline", EVENT)
    np.testing.assert_array_equal(detrended.time, light_curve.time)
    out_of_transit = detrended.flux[~in_transit]
    assert out_of_transit.mean() - detrended.flux[in_transit].mean() == pytest.approx(DEPTH, abs=DEPTH_TOLERANCE)
    assert out_of_transit.std() < np.hypot(NOISE, RESIDUAL_TOLERANCE)
    assert light_curve.flux.std() > 10 * detrended.flux.std()


def test_a_long_event_is_not_followed_where_it_cannot_be_masked():
    """Most cadences lie within a duration of a mid-event: nothing is masked, and far knots spare the dip."""
    event = PeriodicEvent(t0=1326.2, period=0.95, duration_days=0.45)
    light_curve, in_transit = light_curve_with(event, 30)
    flux = detrend(light_curve, "spline", event).flux
    assert flux[~in_transit].mean() - flux[in_transit].mean() == pytest.approx(DEPTH, rel=0.05)


def test_none_changes_nothing():
    light_curve, _ = light_curve_with(EVENT, 8)
    assert detrend(light_curve, "none", EVENT) is light_curve


def test_without_an_event_the_variation_goes_all_the_same():
    light_curve, in_transit = light_curve_with(EVENT, 8)
    assert detrend(light_curve, "spline").flux[~in_transit].std() < 1.1 * NOISE


def test_cadences_without_a_fit_are_dropped():
    light_curve, _ = light_curve_with(EVENT, 8)
    lone = light_curve.time[-1] + 2 + np.arange(3) / 48
    longer = LightCurve(np.append(light_curve.time, lone), np.append(light_curve.flux, [1, 1, 1]), "77.h5")
    np.testing.assert_array_equal(detrend(longer, "spline", EVENT).time, light_curve.time)


def test_too_few_cadences_name_the_file():
    with pytest.raises(LightCurveError, match=r"^77\.h5: no stretch .*leave this TCE out"):
        detrend(LightCurve(np.arange(5.0), np.ones(5), "77.h5"), "spline", EVENT)


def test_unknown_method_lists_the_methods():
    with pytest.raises(ValueError, match="'median'.*none, spline"):
        detrend(LightCurve(np.arange(5.0), np.ones(5), "77.h5"), "median")


def test_real_photometry(shared):
    """Against the published views: the spline leaves PC, EB and V as they are, and mends the global views of J."""
    folder = shared / "data" / "real_qlp"
    published = np.load(folder / "published_views.npz")
    with open(folder / "tces.csv", newline="") as table:
        tces = [tce for tce in csv.DictReader(table) if f"{tce['row_id']}/local_view" in published]
    for tce in tces:
        event = PeriodicEvent(float(tce["Epoc"]), float(tce["Period"]), float(tce["Duration"]) / 24)
        raw = tess_io.read(tess_io.find(folder, tce["tic_id"], tce["Sectors"]), "RawMagnitude")

        def agreement(light_curve, name, event=event, row_id=tce["row_id"]):
            expected = published[f"{row_id}/{name}"]
            view = ViewGenerator(light_curve.time, light_curve.flux, event).view(name, len(expected))
            return np.corrcoef(view, expected)[0, 1]

        detrended = detrend(raw, "spline", event)
        if tce["Disposition"] in ("PC", "EB", "V"):
            assert agreement(detrended, "local_view") > 0.97, tce
        elif tce["Disposition"] == "J":
            assert agreement(detrended, "global_view") > agreement(raw, "global_view") + 0.2, tce
    assert len(tces) == 11
