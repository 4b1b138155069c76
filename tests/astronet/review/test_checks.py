"""The checks: what each says of light curves whose truth is known."""

import dataclasses
import math

import numpy as np
import pytest
from astropy.io import fits

from astronet.data.catalog.transit_fit import trapezoid
from astronet.review import checks, momentum_dumps, twins
from astronet.review.measure import measure
from astronet.review.photometry import Photometry
from astronet.review.tce import ReviewTce
from light_curve_util.phase_fold import phase_fold

PERIOD, T0, DURATION, DEPTH = 3.3, 1326.1, 0.14, 2000e-6


def tce(**changes):
    numbers = {field.name: math.nan for field in dataclasses.fields(ReviewTce) if field.type in (float, "float")}
    return ReviewTce(
        **{
            **numbers,
            "row_id": 1,
            "tic_id": 5,
            "toi_id": "",
            "sector": 1,
            "stitched_sectors": "",
            "camera": 1,
            "ccd": 1,
            "disposition": "",
            "views": {},
            "epoch_btjd": T0,
            "period_days": PERIOD,
            "duration_days": DURATION,
            "depth_ppm": DEPTH * 1e6,
            "star_radius": 1.0,
            "star_mass": 1.0,
            "sn": 30.0,
            **changes,
        }
    )


def light_curve(flux_of=lambda time, phase: np.zeros(len(time)), noise=150e-6, gap=(1338.5, 1339.7), cadence=1 / 48):
    time = np.arange(1325.3, 1352.5, cadence)
    time = time[(time < gap[0]) | (time > gap[1])]
    phase = phase_fold(time, PERIOD, T0)
    flux = 1 - DEPTH * trapezoid(phase, DURATION, 0.2 * DURATION) + flux_of(time, phase)
    flux += np.random.default_rng(1).normal(0, noise, len(time))
    return Photometry(time, flux, None, ("lc",), "", {})


def states(photometry, of=None, found=()):
    of = of or tce()
    return {check.name: check.state for check in checks.run(of, measure(photometry, of.event), found)}


def test_a_clean_planet_raises_no_flag():
    state_of_check = states(light_curve())
    assert "flag" not in state_of_check.values()
    assert [
        state_of_check[name] for name in ("odd_even", "secondary", "not_unique", "size", "duration", "one_event")
    ] == ["pass"] * 6


def test_what_cannot_be_tested_is_never_a_pass():
    state_of_check = states(light_curve(), tce(star_radius=math.nan, event_density=math.nan))
    unknown = ("size", "duration", "sector_wide", "aperture", "dumps", "centroid")
    assert [state_of_check[name] for name in unknown] == ["untestable"] * 6
    few = states(light_curve(), tce(period_days=13.0, epoch_btjd=T0))
    assert few["odd_even"] == few["not_unique"] == "untestable"


def test_a_binary_at_half_its_period_is_flagged_by_odd_and_even_events():
    def deeper(time, phase):
        number = np.round((time - T0) / PERIOD).astype(int)
        return -0.5 * DEPTH * trapezoid(phase, DURATION, 0.2 * DURATION) * (number % 2)

    assert states(light_curve(deeper))["odd_even"] == "flag"


def test_events_that_come_late_by_turns_are_flagged():
    def shifted(time, phase):
        number = np.round((time - T0) / PERIOD).astype(int)
        dip = trapezoid(phase, DURATION, 0.2 * DURATION) - trapezoid(phase - 0.08, DURATION, 0.2 * DURATION)
        return DEPTH * dip * (number % 2)

    assert states(light_curve(shifted, noise=30e-6))["odd_even"] == "flag"


@pytest.mark.parametrize("phase_of_secondary", [0.5, 0.37])
def test_a_secondary_eclipse_is_flagged_wherever_it_is(phase_of_secondary):
    def secondary(time, phase):
        later = phase_fold(time, PERIOD, T0 + phase_of_secondary * PERIOD)
        return -0.5 * DEPTH * trapezoid(later, DURATION, 0.2 * DURATION)

    photometry = light_curve(secondary)
    assert states(photometry)["secondary"] == "flag"
    assert measure(photometry, tce().event).secondary.phase == pytest.approx(phase_of_secondary, abs=0.02)


def test_a_single_deep_event_is_flagged():
    def one(time, phase):
        is_other = np.abs(np.round((time - T0) / PERIOD)) != 3
        return DEPTH * trapezoid(phase, DURATION, 0.2 * DURATION) * is_other * 0.97

    assert states(light_curve(one))["one_event"] == "flag"


def test_a_large_companion_and_a_long_event_are_flagged():
    state_of_check = states(light_curve(), tce(star_radius=6.0))
    assert state_of_check["size"] == "flag"
    assert states(light_curve(), tce(duration_days=0.8))["duration"] == "flag"


def test_a_variable_star_is_flagged_as_a_sinusoid():
    assert states(light_curve(lambda time, phase: 500e-6 * np.sin(2 * np.pi * time / PERIOD)))["sine"] == "flag"


def test_a_v_is_told_from_a_flat_bottom():
    def to_v(time, phase):
        return DEPTH * (trapezoid(phase, DURATION, 0.2 * DURATION) - trapezoid(phase, DURATION, 0.5 * DURATION))

    of = tce(duration_days=DURATION)
    assert states(light_curve(to_v, noise=20e-6), of)["v_shape"] == "flag"
    assert states(light_curve(noise=20e-6), of)["v_shape"] == "pass"


def test_events_in_gaps_and_periods_of_the_spacecraft_are_flagged():
    gap = (T0 + PERIOD - 0.6, T0 + 5.5 * PERIOD)
    assert states(light_curve(gap=gap))["period_alias"] == "flag"
    assert states(light_curve(), tce(period_days=13.69, epoch_btjd=1326.5))["period_alias"] == "flag"


def test_events_at_momentum_dumps_are_flagged():
    events = T0 + PERIOD * np.arange(8)
    for dumps, state in ((events + 0.05, "flag"), (events + 0.6, "pass"), (np.zeros(0), "untestable")):
        assert states(dataclasses.replace(light_curve(), dumps=dumps))["dumps"] == state


def test_momentum_dumps_are_read_from_quality_flags(tmp_path):
    time = np.arange(1325.3, 1330, 1 / 720)
    quality = np.zeros(len(time), np.int32)
    quality[500:504], quality[2000], quality[3000] = 32, 32 + 2048, 128
    columns = [fits.Column("TIME", "D", array=time), fits.Column("QUALITY", "J", array=quality)]
    path = str(tmp_path / "tess2018206045859-s0001-0000000012345678-0120-s_lc.fits")
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)
    assert momentum_dumps.times([path]) == pytest.approx([time[500], time[2000]])
    assert momentum_dumps.times([str(tmp_path / "12345678.h5")]) is None
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE")
    assert momentum_dumps.times([str(tmp_path / "broken.fits")]) is None


def test_crowded_times_and_twins_are_flagged():
    state_of_check = states(light_curve(), tce(event_density=7.0), (checks.Twin(2, 6, 30.0, True),))
    assert state_of_check["sector_wide"] == state_of_check["same_ephemeris"] == "flag"


def test_the_depth_by_aperture_tells_a_neighbor():
    clean, faint = (
        light_curve(),
        light_curve(lambda time, phase: 0.5 * DEPTH * trapezoid(phase, DURATION, 0.2 * DURATION)),
    )
    apertures = {"small": (faint.time, faint.flux), "large": (clean.time, clean.flux)}
    assert states(dataclasses.replace(clean, apertures=apertures))["aperture"] == "flag"
    same = {"small": (clean.time, clean.flux), "large": (clean.time, clean.flux)}
    assert states(dataclasses.replace(clean, apertures=same))["aperture"] == "untestable"


def test_a_short_or_strange_light_curve_is_measured_all_the_same():
    photometry = light_curve()
    for part in (slice(0, 2), slice(0, 30), slice(0, 400, 20)):
        cut = dataclasses.replace(photometry, time=photometry.time[part], flux=photometry.flux[part])
        assert len(states(cut)) == len(checks.CHECKS)
    flat = dataclasses.replace(photometry, flux=np.ones(len(photometry.time)))
    assert len(states(flat)) == len(checks.CHECKS)


def test_twins_are_other_stars_of_the_same_sector_period_and_time():
    own = tce(ra_degrees=10.0, dec_degrees=-20.0, tmag=9.0)
    others = [
        tce(row_id=2, tic_id=6, period_days=PERIOD * 1.00005, ra_degrees=10.01, dec_degrees=-20.0, tmag=8.0),
        tce(row_id=3, tic_id=7, period_days=PERIOD * 1.01),
        tce(row_id=4, tic_id=8, epoch_btjd=T0 + 1.0),
        tce(row_id=5, tic_id=9, sector=2),
        tce(row_id=6, tic_id=5),
    ]
    (of_own, of_first, *rest) = twins.find([own, *others])
    assert [twin.row_id for twin in of_own] == [2] and of_own[0].is_brighter
    assert of_own[0].separation_arcsec == pytest.approx(33.8, abs=0.1)
    assert {twin.row_id for twin in of_first} == {1, 6}
    assert rest[:3] == [(), (), ()]


def test_every_threshold_has_a_source_and_is_used():
    import inspect

    text = inspect.getsource(checks) + inspect.getsource(twins)
    for name, threshold in checks.thresholds().items():
        assert threshold["source"] and threshold["value"] >= 0 and f'"{name}"' in text
