"""What callers give the Python face: time series of all kinds, and the mistakes that strangers make."""

import logging
import re

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked

import astronet

PERIOD, T0, HOURS, PPM = 3.1, 1683.475, 3.6, 9000
EVENT = {"period": PERIOD, "t0": T0, "duration_hours": HOURS, "depth_ppm": PPM, "sn": 30.0}


@pytest.fixture(scope="module")
def arrays():
    """Times (BTJD) and relative fluxes of a star with transits, in sector 14."""
    time = np.arange(1683.4, 1710, 30 / 1440)
    dips = np.abs((time - T0 + PERIOD / 2) % PERIOD - PERIOD / 2) < HOURS / 48
    return time, 1 - PPM / 1e6 * dips + np.random.default_rng(0).normal(0, 5e-4, len(time))


@pytest.fixture(scope="module")
def expected(triage, arrays):
    return triage.score(*arrays, **EVENT, sector=14).probability


class LightCurve(TimeSeries):
    """A time series as lightkurve makes them: of its own class, masked, with quality flags and a header's words."""

    @property
    def flux(self):
        return self["flux"]


def lightkurve_like(time, flux):
    series = LightCurve(time=Time(time + 2457000, format="jd", scale="tdb"))
    mask = np.zeros(len(time), bool)
    mask[5] = True
    series["flux"] = Masked(np.where(mask, 77, flux) * 1e4 * u.electron / u.s, mask=mask)
    series["flux_err"] = np.full(len(time), 5.0) * u.electron / u.s
    series["pdcsap_flux"] = np.full(len(time), 1.0) * u.electron / u.s  # not the one that its user has cleaned
    series["quality"] = np.zeros(len(time), int)
    series.meta.update(TICID=1001, OBJECT="TIC 1001", SECTOR=14, MISSION="TESS", CAMERA=2, CCD=1)
    return series


def without_one(values):
    return np.delete(values, 5)


@pytest.mark.parametrize("kind", ["like", "real"])
def test_light_curves_of_lightkurve_are_taken_as_they_are(triage, arrays, kind):
    time, flux = arrays
    if kind == "real":
        lightkurve = pytest.importorskip("lightkurve")
        series = lightkurve.LightCurve(lightkurve_like(time, flux), meta={"SECTOR": 14, "TICID": 1001, "CAMERA": 2})
    else:
        series = lightkurve_like(time, flux)
    expected = triage.score(without_one(time), without_one(flux), **EVENT, tic_id=1001, sector=14, camera=2)
    for given in (series, [series]):
        result = triage.score(given, **EVENT)
        assert result.probability == pytest.approx(expected.probability, abs=1e-6)
        assert (result.tic_id, result.sector) == (1001, 14)
        assert result.light_curve.notes == ()
    with pytest.raises(astronet.ScriptError, match="the light curve is of TIC 1001, not 5"):
        triage.score(series, **EVENT, tic_id=5)


def test_time_series_and_tables_of_others_are_taken_as_they_are(triage, arrays, expected, tmp_path):
    time, flux = arrays
    utc = Time(time + 2457000, format="jd", scale="tdb").utc
    table = Table({"BJD": time + 2457000, "Flux": flux})
    path = tmp_path / "tic1001_s14.csv"
    pd.DataFrame({"BTJD": time, "flux": flux}).to_csv(path, index=False)
    for given in (
        TimeSeries(time=utc, data={"flux": flux}),
        table,
        table.to_pandas(),
        table.to_pandas().set_index("BJD"),
        {"time": time, "flux": list(flux)},
        (pd.Series(time), pd.Series(flux, dtype="Float64")),
        (time * u.day, flux * u.dimensionless_unscaled),
        (time * 24 * u.hour, flux * 100 * u.percent),
        (utc, np.ma.array(flux)),
        (time, flux * 100 * u.percent),
        (time, -2.5 * np.log10(flux) + 10.0),
        (time, (-2.5 * np.log10(flux) + 10.0) * u.mag),
        (time[::-1], flux[::-1]),
        str(path),
    ):
        arguments = given if isinstance(given, tuple) else (given,)
        result = triage.score(*arguments, **EVENT, sector=14)
        assert result.probability == pytest.approx(expected, abs=2e-4), given


def test_numbers_with_units_are_converted(triage, arrays, expected):
    result = triage.score(
        *arrays,
        period=PERIOD * 24 * u.hour,
        t0=Time(T0 + 2457000, format="jd", scale="tdb"),
        duration_hours=HOURS * 60 * u.min,
        depth_ppm=PPM / 1e4 * u.percent,
        sn=30,
        sector=14,
    )
    assert result.probability == pytest.approx(expected, abs=1e-5)
    assert (result.period_days, result.duration_hours) == (pytest.approx(PERIOD), pytest.approx(HOURS))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"period": 0}, astronet.ScriptError, "period=0 must be a positive number of days"),
        ({"period": -3.1}, astronet.ScriptError, "period=-3.1 must be a positive number of days"),
        ({"period": np.nan}, astronet.ScriptError, "period=nan must be a positive number of days"),
        ({"period": "3.1"}, astronet.ScriptError, "period='3.1' is not a number of days"),
        ({"period": 3.1 * u.km}, astronet.ScriptError, "is not a number of days"),
        (
            {"duration_hours": 216},
            astronet.ScriptError,
            "longer than the period, 3.1 d: give hours; divide minutes by 60",
        ),
        ({"t0": np.nan}, astronet.ScriptError, "t0=nan must be a finite number of days"),
        ({"t0": np.float32(2458683.475)}, astronet.ScriptError, "stored in single precision, in steps of 0.25 d"),
        ({"t0": 2.45e10}, astronet.ScriptError, "t0: .* is no time in days"),
        ({"depth_ppm": 0.009}, astronet.ScriptError, "is the depth a fraction\\? Give ppm, 9000"),
        ({"depth_ppm": 0.9}, astronet.ScriptError, "is the depth percent\\? Give ppm, 9000"),
        ({"depth_ppm": -9000}, astronet.ScriptError, "leave it out if it is not known"),
        ({"sn": 0}, astronet.ScriptError, "sn=0 must be a positive number"),
        ({"sector": 1.5}, astronet.ScriptError, "sector=1.5 must be a whole number"),
        ({"quality": "best"}, ValueError, "unknown quality 'best'"),
    ],
)
def test_arguments_in_a_wrong_unit_are_refused(triage, arrays, changes, error, message):
    with pytest.raises(error, match=message):
        triage.score(*arrays, **{**EVENT, "sector": 14, **changes})


def test_arrays_that_are_no_light_curve_are_refused(triage, arrays):
    time, flux = arrays
    for given, told in (
        ((time, flux[1:]), "1277 times and 1276 of flux"),
        ((time, np.full(len(time), np.nan)), "none of 1277 cadences is usable"),
        (([], []), "no cadence"),
        ((time * 86400, flux), "divide them by 86400 if they are in seconds"),
        ((time * 1440, flux), "in seconds, by 1440 if in minutes"),
        (((time + 2457000).astype(np.float32), flux), "the times have lost digits, as in single precision"),
        ((np.array(["2019-07-18"] * len(time), "M8[D]"), flux), "the times are dates"),
        ((time, np.array([flux, flux])), "the shape"),
        ((time, ["a"] * len(time)), "flux has values that are no numbers"),
        (
            (time, flux - 1 + np.random.default_rng(1).normal(0, 0.5, len(time))),
            "percent, ppt or ppm must be in the name",
        ),
        ((flux,), "a ndarray without flux"),
        (([],), "the list is empty"),
        (({"a": time, "b": flux},), "no column for the time"),
        ((time[:3], flux[:3]), "does not cover the event"),
        ((time, np.ones(len(time))), "no dip to normalize by"),
        (("none.fits",), "none.fits"),
    ):
        with pytest.raises((astronet.LightCurveError, astronet.ScriptError, OSError), match=told):
            triage.score(*given, **EVENT)
    folded = TimeSeries(time=Time(time, format="jd", scale="tdb"), data={"flux": flux}).fold(period=PERIOD * u.day)
    with pytest.raises(astronet.LightCurveError, match="before it was folded"):
        triage.score(folded, **EVENT)
    with pytest.raises(astronet.ScriptError, match="give only one of them"):
        triage.score({"time": time, "flux": flux}, flux, **EVENT)


def test_what_is_doubtful_is_told(triage, arrays, caplog):
    time, flux = arrays
    for given, changes, told in (
        ((time, flux), {"t0": T0 - 900 * PERIOD}, "the epoch, BTJD -1106.5250, is 900 periods"),
        ((time, flux), {"t0": 1683.0}, "t0 is a whole or half day: was it rounded?"),
        ((time, flux), {"duration_hours": 0.3, "depth_ppm": np.nan, "t0": T0}, "as if it were in days"),
        ((time, flux), {"sector": 20}, "do not lie in sector 20"),
        ((time[::-1], flux[::-1]), {}, "the times go back at 1276 places"),
        ((time, -2.5 * np.log10(flux) + 10.0), {}, "values about 10 are taken for magnitudes"),
        ((time, flux - 1), {}, "are taken for relative flux, a fraction"),
        ((time, flux), {"sn": None}, "the model reads .*SN.*: give sn"),
    ):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "astronet"):
            try:
                result = triage.score(*given, **{**EVENT, "sector": 14, **changes})
            except astronet.LightCurveError:  # so short an event has too few cadences
                continue
        assert any(re.search(told, note) for note in result.notes), (told, result.notes)
        assert re.search(told, caplog.text) and "warning:" not in caplog.text


def test_bad_cadences_are_dropped_by_flags_and_masks(triage, arrays, expected):
    time, flux = arrays
    bad, flags = flux.copy(), np.zeros(len(time), int)
    bad[100:110], flags[100:110] = 0.2, 4
    kept = np.delete(np.arange(len(time)), slice(100, 110))
    reference = triage.score(time[kept], flux[kept], **EVENT, sector=14).probability
    for result in (
        triage.score(time, bad, **EVENT, sector=14, flags=flags),
        triage.score({"time": time, "flux": bad, "quality": flags}, **EVENT, sector=14),
        triage.score(time, np.ma.array(bad, mask=flags > 0), **EVENT, sector=14),
        triage.score(time, np.where(flags, np.nan, bad), **EVENT, sector=14),
    ):
        assert result.probability == pytest.approx(reference, abs=1e-6)


def test_a_search_finds_what_a_score_takes(triage, arrays):
    time, flux = arrays
    (tce,) = astronet.search(time, flux)
    assert tce.period_days == pytest.approx(PERIOD, abs=0.01) and tce.depth_ppm == pytest.approx(PPM, rel=0.1)
    assert triage.score(time, flux, **tce.ephemeris, sector=14).is_candidate
    assert astronet.search(lightkurve_like(time, flux))[0].period_days == pytest.approx(tce.period_days, rel=2e-3)
    quiet = 1 + np.random.default_rng(1).normal(0, 5e-4, len(time))
    assert astronet.search(time, quiet) == []
    assert all(peak.why_no_tce for peak in astronet.search(time, quiet, all_peaks=True))
    with pytest.raises(astronet.ScriptError, match="the light curve: 50 cadences"):
        astronet.search(time[:50], flux[:50])


def test_flares_are_found_in_arrays(tmp_path):
    finder = astronet.load("pretrained:flares")
    time = 1326 + np.arange(800) / 720
    flux = 1 + np.random.default_rng(2).normal(0, 1e-3, len(time))
    since = (time - time[400]) * 1440  # minutes
    flux += np.where(since >= 0, 0.05 * np.exp(-since.clip(0) / 8), 0)
    flares = finder.find(time, flux, tic_id=7)
    assert len(flares) == 1 and flares.flares[0]["tic_id"] == 7 and flares.flares[0]["is_significant"] == 1
    assert flares.flares[0]["peak_time"] == pytest.approx(time[400], abs=2 / 720)
    assert flares.probability.shape == time.shape and np.nanmax(flares.probability) > finder.threshold
    flares.plot(tmp_path / "flares.png")
    assert (tmp_path / "flares.png").stat().st_size > 10_000
    assert [flare["peak_time"] for flare in finder.find(time + 2457000, flux).flares] == pytest.approx(
        [flares.flares[0]["peak_time"]], abs=1e-5
    )
    with pytest.raises(astronet.LightCurveError, match="a cadence of 1800 s"):
        finder.find(time[::15], flux[::15])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pretrained:triag",), "there are: pretrained:flares, pretrained:triage, pretrained:vetting"),
        (
            ("no/such/directory",),
            "no directory no/such/directory: give the directory of a model, or one of pretrained:",
        ),
        (("pretrained:triage", "engine=tpu"), "engine='tpu' is not one of"),
        (("pretrained:triage", "threshold=2"), "must be a probability"),
    ],
)
def test_a_model_that_is_not_there_is_refused_with_those_that_are(arguments, message):
    options = dict(argument.split("=") for argument in arguments[1:])
    if "threshold" in options:
        options["threshold"] = float(options["threshold"])
    with pytest.raises(astronet.ScriptError, match=message):
        astronet.load(arguments[0], **options)


def test_directories_of_models_are_loaded_as_they_are(ensemble_dir, arrays):
    several, one = astronet.load(ensemble_dir), astronet.load(ensemble_dir / "2")
    assert list(several.models.checkpoints) == ["1", "2", "10"] and len(one.models.checkpoints) == 1
    results = [model.score(*arrays, **EVENT, sector=14) for model in (several, one)]
    assert results[0].members["2"] == pytest.approx(results[1].probability, abs=1e-6)
    assert results[0].probability == pytest.approx(np.mean(list(results[0].members.values())))
    assert results[1].spread == 0
