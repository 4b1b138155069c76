"""What the values of a column are: flux, magnitudes, relative flux about 0; codes for missing ones; wild times."""

import numpy as np
import pytest

from light_curve_util import tess_io
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.flux_scale import relative
from light_curve_util.products.columns import Columns

LENGTH = 2000
TIME = 1325.3 + np.arange(LENGTH) / 72
DIP = np.isin(np.arange(LENGTH) % 400, range(7, 12))
NOISE = np.random.default_rng(3).normal(0, 3e-4, LENGTH)
FLUX = 1 - 0.01 * DIP + NOISE
FAR_TIMES = (1e5, 60001.0, 5000.0, -3000.0)


def flux_of(values, time=TIME, clip=True, **column_options):
    columns = Columns(time, values, np.ones(len(time), dtype=bool), "flux", **column_options)
    return relative(np.asarray(time), columns, np.asarray(values), clip)


def assert_same_flux(values, **column_options):
    _, flux, notes = flux_of(values, **column_options)
    np.testing.assert_allclose(flux, FLUX / np.median(FLUX), rtol=0, atol=1e-6)
    return notes


@pytest.mark.parametrize("offset", [1e-5, -1e-5])  # whatever the sign of the noise of the median
@pytest.mark.parametrize("clip", [True, False])
def test_relative_flux_about_0_is_read_and_said(offset, clip):
    notes = assert_same_flux(FLUX - np.median(FLUX) + offset, clip=clip)
    assert notes == ["values about 0 are taken for relative flux, a fraction: 1 is added"]


@pytest.mark.parametrize("unit, scale", [("ppm", 1e6), ("percent", 100)])
@pytest.mark.parametrize("zero", [0, 1])
def test_a_unit_that_is_told_needs_no_guess(unit, scale, zero):
    assert assert_same_flux(scale * (FLUX - 1 + zero), unit=unit) == []


@pytest.mark.parametrize("scale", [1e6, 100, 3e3])  # ppm, percent, electrons a second of a difference image
@pytest.mark.parametrize("offset", [1e-5, -1e-5])
def test_relative_flux_about_0_in_a_unit_that_is_not_told_is_refused(scale, offset):
    with pytest.raises(
        UnreadableLightCurveError, match="values about 0 .* in a unit that is not told: percent, ppt or ppm"
    ):
        flux_of(scale * (FLUX - np.median(FLUX) + offset))


def test_flux_of_any_unit_is_flux():
    for scale in (1, 1e-3, 900, 1e6, 40):
        assert assert_same_flux(scale * FLUX, is_guessed=True) == []


def test_faint_stars_are_no_relative_flux():
    """A few cadences below zero, or a median near the noise, do not make flux relative."""
    noisy = 1 + np.random.default_rng(1).normal(0, 0.6, LENGTH)
    assert (noisy < 0).sum() > 20
    _, flux, notes = flux_of(noisy, clip=False)
    np.testing.assert_array_equal(flux, noisy / np.median(noisy))
    assert notes == []


@pytest.mark.parametrize("name", ["flux", "mag"])
def test_magnitudes_named_flux_and_the_reverse_are_refused(tmp_path, name):
    values = 12.3 - 2.5 * np.log10(FLUX) if name == "flux" else FLUX
    rows = "".join(f"{time},{value}\n" for time, value in zip(TIME, values))
    (tmp_path / "77.csv").write_text(f"time,{name}\n{rows}")
    with pytest.raises(
        UnreadableLightCurveError, match="are these magnitudes" if name == "flux" else "are no magnitudes"
    ):
        tess_io.read(tmp_path / "77.csv")
    (tmp_path / "77.csv").write_text(f"time,{'mag' if name == 'flux' else 'flux'}\n{rows}")
    np.testing.assert_allclose(tess_io.read(tmp_path / "77.csv").flux, FLUX / np.median(FLUX), atol=1e-9)


def test_magnitudes_of_any_star_are_magnitudes():
    for zero in (-12.0, 0.0, 2.0, 10.0, 20.0):
        assert_same_flux(zero - 2.5 * np.log10(FLUX), is_magnitude=True, is_guessed=True)


@pytest.mark.parametrize("code", [99.99, -1.0, 0.0, -99.0, 9999.0, np.float32(99.99)])
@pytest.mark.parametrize("is_magnitude", [False, True])
def test_codes_for_missing_in_a_third_of_the_cadences_go(code, is_magnitude):
    values = 12 - 2.5 * np.log10(FLUX) if is_magnitude else 500 * FLUX
    is_code = np.arange(LENGTH) % 3 == 1
    time, flux, notes = flux_of(np.where(is_code, code, values), is_magnitude=is_magnitude, is_guessed=True)
    np.testing.assert_array_equal(time, TIME[~is_code])
    np.testing.assert_allclose(flux, (FLUX / np.median(FLUX[~is_code]))[~is_code], atol=1e-9)
    assert notes == [f"{is_code.sum()} values of {code:g} dropped, which stand for missing ones"]


def test_eclipses_down_to_nothing_are_no_code():
    values = np.where(DIP, NOISE, FLUX)
    values[407] = 0  # once, in the noise
    assert len(flux_of(values, clip=False)[0]) == LENGTH


@pytest.mark.parametrize("far", FAR_TIMES)
def test_one_wild_time_is_dropped_and_said(tmp_path, far):
    time = TIME.copy()
    time[100] = far
    rows = "".join(f"{t!r},{value!r}\n" for t, value in zip(time.tolist(), FLUX.tolist()))
    (tmp_path / "77.csv").write_text(f"time,flux\n{rows}")
    light_curve = tess_io.read(tmp_path / "77.csv", clip=False)
    np.testing.assert_allclose(light_curve.time, np.delete(TIME, 100))
    assert any("1 time dropped" in note for note in light_curve.notes)


def test_sectors_years_apart_are_kept():
    time = np.concatenate([TIME[:1000], TIME[1000:] + 700])
    assert len(flux_of(FLUX, time, clip=False)[0]) == LENGTH


def test_a_million_cadences_are_read_in_linear_time():
    """Ten times the cadences may take no more than some ten times as long."""
    import time as clock

    def seconds(number):
        values = np.resize(FLUX, number)
        times = 1325.3 + np.arange(number) / 43200
        start = clock.process_time()
        for _ in range(3):
            flux_of(values, times)
        return clock.process_time() - start

    seconds(1000)
    assert seconds(1_000_000) < 40 * max(seconds(100_000), 0.005)
