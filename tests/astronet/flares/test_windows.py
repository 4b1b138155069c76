import dataclasses

import numpy as np
import pytest
from astropy.io import fits

from astronet.flares import light_curves, simulate_flares, windows
from light_curve_util import tess_io
from light_curve_util.errors import LightCurveError, LongCadenceError

STEP = 120 / 86400


def light_curve(gaps=((700, 730),), n=1200, seed=0):
    kept = np.ones(n, dtype=bool)
    for start, end in gaps:
        kept[start:end] = False
    time = 1325 + STEP * np.arange(n)
    return time[kept], np.random.default_rng(seed).normal(1, 0.01, n)[kept].astype(np.float32)


def obvious(time, flux, cadence, padded):
    """The window of a cadence, one flux at a time; None where there is none."""
    segment = next(s for s in windows.segments(time) if s.start <= cadence < s.stop)
    if segment.stop - segment.start < windows.LENGTH:
        return None
    wanted = range(cadence - windows.HALF, cadence + windows.HALF)
    if not padded and (wanted[0] < segment.start or wanted[-1] >= segment.stop):
        return None
    return np.array([flux[min(max(i, segment.start), segment.stop - 1)] for i in wanted])


@pytest.mark.parametrize("padded", [False, True])
def test_strided_windows_are_those_cut_out_one_by_one(padded):
    time, flux = light_curve(gaps=((300, 330), (420, 500), (703, 705)))  # a short segment, and two flagged cadences
    found = windows.centered(time, flux, np.arange(len(time)), padded)
    for cadence in range(len(time)):
        expected = obvious(time, flux, cadence, padded)
        if expected is None:
            assert np.isnan(found[cadence]).all()
        else:
            np.testing.assert_array_equal(found[cadence], expected)


def test_a_gap_is_more_than_ten_cadences():
    assert len(windows.segments(light_curve(gaps=((700, 709),))[0])) == 1
    assert len(windows.segments(light_curve(gaps=((700, 712),))[0])) == 2


def test_windows_are_views_that_copy_nothing():
    time, flux = light_curve(gaps=())
    ((_, views),) = windows.strided(time, flux)
    assert np.shares_memory(views, flux)


READING = light_curves.LightCurveReading(quality="default")


def test_flares_are_not_clipped_as_outliers(simulated):
    peaks = [
        (light_curves.read(path, READING).flux.max(), tess_io.read(path).flux.max())
        for path in simulated.glob("*.fits")
    ]
    assert max(whole - clipped for whole, clipped in peaks) > 0.02


def test_20_second_data_are_averaged_to_2_minutes(tmp_path):
    assert simulate_flares.main([f"--output_dir={tmp_path}", "--num_stars=1", "--days=1", "--cadence_seconds=20"]) == 0
    (path,) = tmp_path.glob("*.fits")
    coarse = light_curves.read(path, READING)
    fine = light_curves.read(path, dataclasses.replace(READING, cadence_seconds=20.0))
    assert windows.cadence_days(coarse.time) == pytest.approx(STEP, rel=1e-6)
    assert windows.cadence_days(fine.time) == pytest.approx(STEP / 6, rel=1e-6)
    assert coarse.flux[0] == pytest.approx(fine.flux[fine.time < fine.time[0] + 0.999 * STEP].mean(), rel=1e-12)
    too_long = dataclasses.replace(READING, cadence_seconds=5.0)
    with pytest.raises(LongCadenceError, match="cadence of 20 s, longer than --cadence_seconds=5"):
        light_curves.read(path, too_long)


def test_cadences_at_one_time_are_refused(simulated, tmp_path):
    path = tmp_path / sorted(simulated.glob("*.fits"))[0].name
    with fits.open(sorted(simulated.glob("*.fits"))[0]) as file:
        file["LIGHTCURVE"].data["TIME"][:] = 1326.5
        file.writeto(path)
    with pytest.raises(LightCurveError):
        light_curves.read(path, READING)


def test_a_file_tells_its_star(simulated, tmp_path):
    path = sorted(simulated.glob("*.fits"))[0]
    star = light_curves.star(path)
    assert (star.tic_id, star.sector) == (1001, 1) and 2900 <= star.teff < 4000 and 0.1 < star.radius < 0.7
    assert light_curves.star(tmp_path / "123_s0045.csv") == light_curves.Star(123, 45)
    with pytest.raises((LightCurveError, OSError)):
        light_curves.star(tmp_path / "absent_lc.fits")
