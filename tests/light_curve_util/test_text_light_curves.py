"""Light curves in text files as people write them: any separator, no header, comments, other names, other times."""

import gzip

import numpy as np
import pytest
from astropy.io import fits

from light_curve_util import tess_io
from light_curve_util.errors import LightCurveError, UnreadableLightCurveError

LENGTH = 200
TIME = 1325.3 + np.arange(LENGTH) / 48
DIP = np.isin(np.arange(LENGTH) % 40, [7, 8, 9])
FLUX = 1 - 0.01 * DIP + np.random.default_rng(3).normal(0, 1e-4, LENGTH)


def rows(separator=",", time=TIME, flux=FLUX, comma=False, more=()):
    lines = [separator.join(map(repr, map(float, row))) for row in zip(time, flux, *more)]
    return "".join(f"{line.replace('.', ',') if comma else line}\n" for line in lines)


def read(tmp_path, text, name="tic77.csv", flux_key=None, **options):
    path = tmp_path / name
    path.write_text(text, **options)
    return tess_io.read(path, flux_key)


def assert_read(light_curve, time=TIME, flux=FLUX):
    np.testing.assert_allclose(light_curve.time, time, rtol=0, atol=1e-8)
    np.testing.assert_allclose(light_curve.flux, flux / np.median(flux), rtol=0, atol=1e-9)


ERRORS = (np.full(LENGTH, 1e-4),)
READ = {
    "semicolons": "time;flux\n" + rows(";"),
    "tabs": "time\tflux\n" + rows("\t"),
    "bars": "time|flux\n" + rows("|"),
    "blanks": "time  flux\n" + rows("   "),
    "semicolons, decimal commas": "time;flux\n" + rows(";", comma=True),
    "blanks, decimal commas": "time flux\n" + rows("  ", comma=True),
    "comments before": "# TIC 77\n# made by hand\n\ntime,flux\n" + rows(),
    "header in a comment": "# time flux flux_err\n" + rows(" ", more=ERRORS),
    "header in a comment, commas": "#time,flux\n" + rows(),
    "comments between": "time,flux\n" + rows().replace("\n", "\n# gap\n", 1),
    "an error column": "Time [days],Flux,Flux Error\n" + rows(more=ERRORS),
    "BJD - 2457000": '"BJD - 2457000",Relative Flux\n' + rows(),
    "BJD-2457000.0": "BJD-2457000.0 (d),flux_norm,e_flux\n" + rows(more=ERRORS),
    "JD": "JD,flux\n" + rows(time=TIME + 2457000),
    "HJD": "HJD_UTC,flux\n" + rows(time=TIME + 2457000),
    "MJD": "MJD,flux\n" + rows(time=TIME + 56999.5),
    "BJD - 2450000": "BJD-2450000,flux\n" + rows(time=TIME + 7000),
    "BJD - 2454833": "BJD - 2454833, Corrected Flux\n" + rows(time=TIME + 2167),
    "seconds": "time_s,flux\n" + rows(time=TIME * 86400),
    "ppm": "time,flux_ppm\n" + rows(flux=1e6 * (FLUX - 1)),
    "ppt": "time,flux [ppt]\n" + rows(flux=1e3 * (FLUX - 1)),
    "ppt in the name": "time,flux_ppt\n" + rows(flux=1e3 * (FLUX - 1)),
    "percent": "time,flux (%)\n" + rows(flux=100 * (FLUX - 1)),
    "magnitudes": "time,Tmag\n" + rows(flux=11 - 2.5 * np.log10(FLUX)),
    "millimagnitudes": "time,dmag [mmag]\n" + rows(flux=-2500 * np.log10(FLUX)),
    "units in brackets": "Time (BJD-2457000), Flux (e-/s), Flux Err (e-/s)\n"
    + rows(", ", flux=900 * FLUX, more=ERRORS),
    "a row of units": "time,flux,err\nBJD - 2457000,ppm,ppm\n" + rows(flux=1e6 * (FLUX - 1), more=ERRORS),
    "an index": ",time,flux\n" + rows(time=np.arange(LENGTH), flux=TIME, more=(FLUX,)),
    "ecsv": "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: t, unit: d, datatype: float64}\n"
    "# - {name: brightness_flux, unit: ppm, datatype: float64}\nt brightness_flux\n" + rows(" ", flux=1e6 * (FLUX - 1)),
}


@pytest.mark.parametrize("kind", READ)
def test_what_people_write_is_read(tmp_path, kind):
    assert_read(read(tmp_path, READ[kind]))


@pytest.mark.parametrize("name", ["tic77.txt", "77.dat", "star.tsv", "star.ecsv", "star.lc", "77.txt.gz"])
def test_text_files_of_other_names_are_read(tmp_path, name):
    text = "time flux\n" + rows(" ")
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    assert_read(tess_io.read(path))


def test_text_files_are_looked_for_where_their_names_tell_a_star(tmp_path):
    (tmp_path / "sector-1").mkdir()
    for name in ("readme.txt", "2019_notes.txt", "times.dat"):
        (tmp_path / "sector-1" / name).touch()
    path = tmp_path / "sector-1" / "tic77.txt"
    path.touch()
    assert tess_io.find(tmp_path, 77, 1) == str(path)
    assert tess_io.stars(tmp_path) == [(1, 77)]


def test_utf_16_and_a_byte_order_mark(tmp_path):
    assert_read(read(tmp_path, "time,flux\n" + rows(), encoding="utf-16"))


@pytest.mark.parametrize("separator", [",", " ", ";"])
def test_columns_without_names_are_time_and_flux_and_that_is_said(tmp_path, separator):
    light_curve = read(tmp_path, rows(separator, more=ERRORS))
    assert_read(light_curve)
    assert light_curve.notes == ("no names of columns: column 1 is taken for the time, column 2 for the flux",)
    assert_read(read(tmp_path, rows(separator, flux=0 * FLUX, more=(FLUX,)), flux_key="3"))
    magnitudes = read(tmp_path, rows(separator, flux=11 - 2.5 * np.log10(FLUX)))
    assert_read(magnitudes)
    assert "values about 11 are taken for magnitudes" in magnitudes.notes


def test_words_for_missing_are_no_values(tmp_path):
    text = (
        "time,flux\n"
        + rows()
        + "".join(f"{1400 + i},{word}\n" for i, word in enumerate(["--", "NULL", "", " ", "NaN"]))
    )
    assert_read(read(tmp_path, text))


@pytest.mark.parametrize(
    "text, message",
    [
        ("time,flux\n1325,5,0,998\n1325,6,0,999\n", "line 2 has 4 cells, the first has 2: with decimal commas"),
        ("time,flux\n1325.5,dark\n", "line 2: flux is 'dark', which is no number"),
        ("# made by hand\n\ntime,flux\n1325.5,dark\n", "line 4: flux is 'dark'"),
        ("<!DOCTYPE html><html>\n<body>404</body>\n", "a web page, with no column for the time"),
        (
            "time,flux_a,flux_b\n1,1,1\n",
            "flux_a, flux_b: which is the flux or magnitude. Name one of these as flux_key",
        ),
        ("when,flux\n1,1\n", "no column for the time: .* give the column of the time the name time"),
        ("time,flux\n", "it has columns, but no cadence"),
        ("1\n2\n3\n", "a single column: a light curve has a time and a flux"),
        ("1 2\n2 3\n", "no column flux: its 2 columns have no names; give the number of one"),
        ("time,flux\n" + rows(time=TIME * 86400), "the times are 1800 apart, .* divide them by 86400"),
        ("time,flux\n" + rows(time=np.arange(200)), "the times are 1 apart"),
    ],
)
def test_what_cannot_be_read_is_told_exactly(tmp_path, text, message):
    with pytest.raises(LightCurveError, match=f"tic77.csv: {message}"):
        read(tmp_path, text, flux_key="flux" if "no names" in message else None)


def test_text_of_the_archive_without_names_of_columns_is_not_guessed(tmp_path):
    with pytest.raises(UnreadableLightCurveError, match="have no names: fetch the FITS file"):
        read(tmp_path, rows(" "), "hlsp_pathos_tess_lightcurve_tic-0000000077-s0001_tess_v1_llc.txt")


def test_times_mixed_in_one_column_are_each_converted_and_said(tmp_path):
    mixed = np.where(np.arange(LENGTH) % 2, TIME, TIME + 2457000)
    light_curve = read(tmp_path, "time,flux\n" + rows(time=mixed))
    assert_read(light_curve)
    assert light_curve.notes == ("100 of 200 times in BJD, converted to BTJD by subtracting 2457000",)


def test_times_outside_the_sector_of_the_name_are_refused(tmp_path):
    assert_read(read(tmp_path, "time,flux\n" + rows(), "tic77_s0001.csv"))
    with pytest.raises(UnreadableLightCurveError, match="do not lie in sector 14, which ran from about BTJD 168"):
        read(tmp_path, "time,flux\n" + rows(), "tic77_s0014.csv")


def test_kepler_s_times_are_known_by_the_sector(tmp_path):
    light_curve = read(tmp_path, "time,flux\n" + rows(time=TIME + 2167), "tic77_s0001.csv")
    assert_read(light_curve)
    assert "BKJD" in light_curve.notes[0]


def test_a_light_curve_made_with_kepler_s_zero_point(shared):
    """GJ 1243: cases/times."""
    with pytest.raises(UnreadableLightCurveError, match="do not lie in sector 14, .*2167"):
        tess_io.read(shared / "cases" / "times" / "273589987_s0014.csv")


def test_the_light_curves_of_the_cases(shared):
    for path in (shared / "cases" / "binaries").glob("*.csv"):
        light_curve = tess_io.read(path)
        assert len(light_curve.time) > 500 and light_curve.notes == ()


@pytest.mark.parametrize("zero, name", [(2458000, "BJD-2458000"), (2458000.5, "BJD_TDB - 2,458,000.5")])
def test_any_zero_point_in_the_name_of_a_time_is_honored(tmp_path, zero, name):
    assert_read(read(tmp_path, f'"{name}",flux\n' + rows(time=TIME + 2457000 - zero)))


@pytest.mark.parametrize(
    "time",
    [
        np.float32(TIME + 2457000).astype(float),
        [f"{value:.5E}" for value in TIME + 2457000],
    ],
)
def test_times_that_have_lost_digits_are_refused(tmp_path, time):
    with pytest.raises(UnreadableLightCurveError, match="tic77.csv: .* cadences have the same time .*: .* lost digits"):
        read(tmp_path, "BJD,flux\n" + rows(time=time))


def test_two_light_curves_in_one_file_are_refused_or_said(tmp_path):
    with pytest.raises(UnreadableLightCurveError, match="200 of 400 cadences .* two light curves in one file, keep"):
        read(tmp_path, "time,flux\n" + rows() + rows(flux=2 - FLUX))
    pasted = read(tmp_path, "time,flux\n" + rows() + rows(time=TIME[:20]))
    assert "20 of 220 cadences have the same time as another one; all are used" in pasted.notes
    between = read(tmp_path, "time,flux\n" + rows() + rows(time=TIME + 0.01))
    assert "the times go back at 1 place: are these two light curves in one file?" in between.notes


@pytest.mark.parametrize("unit, kind", [("d", np.float32), ("BJD - 2458000", np.float64)])
def test_fits_times_are_those_of_their_unit_or_are_refused(tmp_path, unit, kind):
    """In single precision, BJD has steps of 0.25 d."""
    zero = 2458000 if "-" in unit else 0
    time = (TIME + 2457000 - zero).astype(kind)
    columns = [fits.Column("TIME", "DE"[kind is np.float32], unit, array=time), fits.Column("FLUX", "D", array=FLUX)]
    path = tmp_path / "star.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)
    if zero:
        assert_read(tess_io.read(path))
    else:
        with pytest.raises(UnreadableLightCurveError, match="star.fits: .* 0.25 d apart: the times have lost digits"):
            tess_io.read(path)


@pytest.mark.parametrize("flux_key, is_refused", [("TIME", True), ("CADENCENO", True), ("SAP_BKG", False)])
def test_a_flux_key_that_is_no_flux_is_refused_or_said(tmp_path, flux_key, is_refused):
    path = tmp_path / "star_lc.fits"
    arrays = {"TIME": TIME, "CADENCENO": TIME, "PDCSAP_FLUX": FLUX, "SAP_BKG": FLUX, "QUALITY": 0 * TIME.astype(int)}
    columns = [fits.Column(name, "J" if name == "QUALITY" else "D", array=array) for name, array in arrays.items()]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")]).writeto(path)
    if is_refused:
        with pytest.raises(UnreadableLightCurveError, match=f"star_lc.fits: flux_key {flux_key} is a column of "):
            tess_io.read(path, flux_key)
    else:
        assert any(
            note.startswith("SAP_BKG is read, which looks like an error") for note in tess_io.read(path, flux_key).notes
        )


def test_text_under_the_name_of_a_fits_file_is_told(tmp_path):
    with pytest.raises(
        UnreadableLightCurveError, match="star.fits: .* if it is text, give it a name that ends in .csv"
    ):
        read(tmp_path, "time,flux\n" + rows(), "star.fits")


def test_a_time_column_of_text_or_of_arrays_is_told_as_what_it_is(tmp_path):
    for time, told in ((TIME.astype(str), "but text: store one number a row"), (TIME, "an array of 200 values a row")):
        path = tmp_path / "star.fits"
        kind = "20A" if time.dtype.kind == "U" else "200D"
        values = [time, FLUX] if kind == "20A" else [time[None], FLUX[:1]]
        columns = [fits.Column("TIME", kind, array=values[0]), fits.Column("FLUX", "D", array=values[1])]
        fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path, overwrite=True)
        with pytest.raises(UnreadableLightCurveError, match=f"column TIME has not one number a cadence, .*{told}"):
            tess_io.read(path)
