"""Reading each product: written files in its true format, and real ones."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from light_curve_util import flux_scale, tess_io
from light_curve_util.errors import EmptyLightCurveError, MissingLightCurveError, UnreadableLightCurveError
from light_curve_util.phase_fold import phase_fold

DOCS = Path(__file__).parents[2] / "docs" / "light_curves.md"
LENGTH = 200
TIME = 1325.3 + np.arange(LENGTH) / 48


def wavy(amplitude, mean=1.0):
    """A flux whose amplitude tells from which column it was read."""
    return (mean * (1 + amplitude * np.sin(np.arange(LENGTH)))).astype(np.float32)


def write_fits(path, columns, primary=None, extension="LIGHTCURVE", **header):
    """Writes columns (name: array, or pair of format and array) as the pipelines do: empty primary, binary table."""
    formats = {"f8": "D", "f4": "E", "i4": "J", "i2": "I"}
    table = fits.BinTableHDU.from_columns(
        [fits.Column(name, formats[array.dtype.str[1:]], array=array) for name, array in columns.items()],
        header=fits.Header(header),
        name=extension,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(header=fits.Header(primary or {})), table]).writeto(path, overwrite=True)
    return path


def write_spoc(
    path, flux=None, quality=None, time=TIME, name="tess2018206045859-s0001-0000000000000077-0120-s_lc.fits"
):
    columns = {
        "TIME": np.asarray(time, np.float64),
        "CADENCENO": np.arange(len(time), dtype=np.int32),
        "SAP_FLUX": wavy(0.2, 2000.0)[: len(time)],
        "PDCSAP_FLUX": wavy(0.1, 3000.0)[: len(time)] if flux is None else np.asarray(flux, np.float32),
        "QUALITY": np.zeros(len(time), np.int32) if quality is None else np.asarray(quality, np.int32),
    }
    primary = {"TELESCOP": "TESS", "OBJECT": "TIC 77", "TICID": 77, "SECTOR": 1}
    return write_fits(path / name, columns, primary, BJDREFI=2457000, BJDREFF=0.0, TIMEUNIT="d")


def write_qlp(path, sector, quality=None, detrended=None):
    detrended = detrended or ("KSPSAP_FLUX" if sector < 56 else "DET_FLUX")
    columns = {
        "TIME": TIME,
        "CADENCENO": np.arange(LENGTH, dtype=np.int32),
        "SAP_FLUX": wavy(0.2),
        detrended: wavy(0.1),
        f"{detrended}_ERR": np.full(LENGTH, 0.001, np.float32),
        "QUALITY": np.zeros(LENGTH, np.int32) if quality is None else np.asarray(quality, np.int32),
        "ORBITID": np.full(LENGTH, 9, np.int32),
        "SAP_X": wavy(0.001, 300.0),
        "SAP_Y": wavy(0.001, 300.0),
        "SAP_BKG": wavy(1.0),
        f"{detrended}_SML": wavy(0.3),
        f"{detrended}_LAG": wavy(0.4),
    }
    primary = {"TELESCOP": "TESS", "OBJECT": "TIC 77", "TICID": 77, "SECTOR": sector, "CAMERA": 4, "CCD": 2}
    primary["TESSMAG"] = 10.5
    name = f"hlsp_qlp_tess_ffi_s{sector:04d}-{77:016d}_tess_v01_llc.fits"
    return write_fits(path / name, columns, primary, BJDREFI=2457000, BJDREFF=0.0, TIMEUNIT="d")


def write_tglc(path, tess_flags=None, tglc_flags=None):
    zeros = np.zeros(LENGTH, np.int16)
    columns = {
        "time": TIME,
        "psf_flux": wavy(0.2, 228.0),
        "aperture_flux": wavy(0.3, 228.0),
        "cal_psf_flux": wavy(0.4),
        "cal_aper_flux": wavy(0.1),
        "background": wavy(1.0),
        "cadence_num": np.arange(LENGTH, dtype=np.int32),
        "TESS_flags": zeros if tess_flags is None else np.asarray(tess_flags).astype(np.int16),
        "TGLC_flags": zeros if tglc_flags is None else np.asarray(tglc_flags).astype(np.int16),
    }
    name = "hlsp_tglc_tess_ffi_gaiaid-5707485527450614656-s0008-cam2-ccd4_tess_v2_llc.fits"
    return write_fits(path / name, columns, {"TICID": "77", "SECTOR": 8}, BJDREFI=2457000, BJDREFR=0.0)


def write_kepler(path, quality=None, **header):
    columns = {
        "TIME": TIME + (2457000 - 2454833),
        "SAP_FLUX": wavy(0.2, 40000.0),
        "PDCSAP_FLUX": wavy(0.1, 40000.0),
        "SAP_QUALITY": np.zeros(LENGTH, np.int32) if quality is None else np.asarray(quality, np.int32),
    }
    header = header or {"BJDREFI": 2454833, "BJDREFF": 0.0}
    name = "kplr011442793-2009350155506_llc.fits"
    return write_fits(path / name, columns, {"KEPLERID": 11442793, "QUARTER": 3}, **header)


def amplitude(light_curve):
    """The amplitude that wavy() was given."""
    return round((light_curve.flux.max() - light_curve.flux.min()) / 2, 2)


@pytest.mark.parametrize(
    "write, by_key",
    [
        (write_spoc, {None: 0.1, "PDCSAP_FLUX": 0.1, "SAP_FLUX": 0.2, "sap_flux": 0.2}),
        (lambda path: write_qlp(path, 1), {None: 0.1, "SAP_FLUX": 0.2, "KSPSAP_FLUX_SML": 0.3, "KSPSAP_FLUX_LAG": 0.4}),
        (lambda path: write_qlp(path, 56), {None: 0.1, "SAP_FLUX": 0.2, "DET_FLUX_SML": 0.3, "DET_FLUX_LAG": 0.4}),
        (write_tglc, {None: 0.1, "psf_flux": 0.2, "aperture_flux": 0.3, "cal_psf_flux": 0.4, "CAL_PSF_FLUX": 0.4}),
        (write_kepler, {None: 0.1, "SAP_FLUX": 0.2}),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_each_product_gives_btjd_and_relative_flux(tmp_path, write, by_key, compressed):
    path = write(tmp_path)
    if compressed:
        path, plain = path.with_name(path.name + ".gz"), path
        path.write_bytes(gzip.compress(plain.read_bytes()))
    for flux_key, expected in by_key.items():
        light_curve = tess_io.read(path, flux_key)
        np.testing.assert_allclose(light_curve.time, TIME, rtol=0, atol=1e-9)
        assert light_curve.time.dtype == light_curve.flux.dtype == np.float64 and light_curve.path == str(path)
        assert np.median(light_curve.flux) == pytest.approx(1) and amplitude(light_curve) == expected


@pytest.mark.parametrize("flux_key", ["KSPMagnitude", "FLUX"])
@pytest.mark.parametrize("write", [write_spoc, write_tglc, write_kepler, lambda path: write_qlp(path, 1)])
def test_a_flux_key_that_is_not_there_lists_those_that_are(tmp_path, write, flux_key):
    path = write(tmp_path)
    with pytest.raises(
        UnreadableLightCurveError, match=rf"no column {flux_key} .* has (TIME|time), .*(FLUX|cal_psf_flux).*"
    ) as error:
        tess_io.read(path, flux_key)
    assert str(error.value).startswith(f"{path}: ")


def test_what_lightkurve_writes(tmp_path):
    columns = {"TIME": TIME, "FLUX": wavy(0.1, 570.0), "QUALITY": np.zeros(LENGTH, np.int32)}
    path = write_fits(tmp_path / "0ca_tess2019082014090-s0001-0000000029780677-0000-s_lc.fits", columns)
    light_curve = tess_io.read(path)
    np.testing.assert_array_equal(light_curve.time, TIME)
    assert amplitude(light_curve) == 0.1


def test_kepler_without_a_reference_date_is_bkjd(tmp_path):
    np.testing.assert_allclose(tess_io.read(write_kepler(tmp_path, EXTVER=1)).time, TIME, rtol=0, atol=1e-9)


# Cadence n has bit n, cadence 0 has none.
EACH_BIT = np.concatenate([[0], 1 << np.arange(31), np.zeros(LENGTH - 32)]).astype(np.int64)


def dropped(path, quality):
    """The numbers of the bits whose cadences are dropped."""
    return set(np.flatnonzero(~np.isin(TIME.round(6), tess_io.read(path, quality=quality).time.round(6))))


DROPPED = {"flares": ("default",), "default": ("default", "outlier"), "hard": ("default", "outlier", "hard")}


def documented(heading, quality):
    """The bits that the table in docs/light_curves.md says are dropped."""
    section = DOCS.read_text().split(heading)[1].split("###")[0]
    by_bit = dict(re.findall(r"^\| (\d+) \|[^|]*\| (\w*) ?\|", section, re.MULTILINE))
    for bit in re.findall(r"^\| (\d+) \|.*left in by `flares`", section, re.MULTILINE):
        by_bit[bit] = "outlier"
    assert len(by_bit) in (16, 21)
    return {int(bit) for bit, word in by_bit.items() if word in DROPPED[quality]}


@pytest.mark.parametrize("quality", ["flares", "default", "hard"])
def test_the_documented_bits_are_dropped(tmp_path, quality):
    tess, kepler = documented("### TESS", quality), documented("### Kepler", quality)
    assert dropped(write_spoc(tmp_path, quality=EACH_BIT), quality) == tess
    assert dropped(write_kepler(tmp_path, EACH_BIT), quality) == kepler
    assert dropped(write_qlp(tmp_path, 55, EACH_BIT), quality) == tess | {13}
    assert dropped(write_qlp(tmp_path, 56, EACH_BIT), quality) == tess | {31}
    assert dropped(write_tglc(tmp_path, EACH_BIT & 0xFFFF), quality) == tess
    assert dropped(write_tglc(tmp_path, tglc_flags=EACH_BIT & 0xFFFF), quality) == set(range(1, 17))


def test_quality_none_drops_nothing_and_needs_no_flags(tmp_path):
    flags = np.full(LENGTH, -1)
    for path in (write_spoc(tmp_path, quality=flags), write_kepler(tmp_path, flags), write_qlp(tmp_path, 1, flags)):
        assert len(tess_io.read(path, quality="none").time) == LENGTH
        with pytest.raises(EmptyLightCurveError, match=f"none of {LENGTH} cadences is usable .{LENGTH} flagged"):
            tess_io.read(path)
    assert len(tess_io.read(write_tglc(tmp_path, flags, flags), quality="none").time) == LENGTH
    path = write_fits(tmp_path / "tic77_lc.fits", {"TIME": TIME, "FLUX": wavy(0.1)})
    assert len(tess_io.read(path, quality="none").time) == LENGTH
    with pytest.raises(UnreadableLightCurveError, match="no column QUALITY in extension LIGHTCURVE"):
        tess_io.read(path)


def test_unknown_quality_names_the_masks(tmp_path):
    with pytest.raises(ValueError, match="unknown quality 'best'; the masks are none, flares, default, hard"):
        tess_io.read(write_spoc(tmp_path), quality="best")


def test_only_hdf5_has_numbered_apertures(tmp_path):
    (tmp_path / "77.csv").write_text("time,flux\n1,1\n")
    for path in (write_spoc(tmp_path), write_tglc(tmp_path), write_kepler(tmp_path), tmp_path / "77.csv"):
        with pytest.raises(UnreadableLightCurveError, match="aperture 2 was asked for"):
            tess_io.read(path, aperture=2)


def test_flares_go_and_eclipses_down_to_nothing_stay(tmp_path):
    flux = np.random.default_rng(5).normal(100, 1, LENGTH)
    flux[10] = 200  # a flare
    flux[20:23] = 1e-9, 0, -30  # the bottom of an eclipse, in noise
    flux[30] = np.nan
    light_curve = tess_io.read(write_spoc(tmp_path, flux))
    kept = np.delete(np.arange(LENGTH), [10, 30])
    np.testing.assert_array_equal(light_curve.time, TIME[kept])
    np.testing.assert_allclose(light_curve.flux, flux[kept] / np.median(flux[kept]), rtol=1e-6, atol=1e-9)


@given(st.lists(st.floats(0.5, 2), min_size=1, max_size=40), st.floats(-0.5, 0.5, width=32), st.integers(-30, 30))
def test_the_unit_of_flux_does_not_matter(values, deepest, exponent):
    """To the last bit, for units that are powers of two; and the deepest cadence stays."""
    time, flux = np.arange(len(values) + 1), np.array([*values, deepest])
    kept, relative = flux_scale.relative_flux(time, flux)
    also_kept, also_relative = flux_scale.relative_flux(time, flux * 2.0**exponent)
    np.testing.assert_array_equal(kept, also_kept)
    np.testing.assert_array_equal(relative, also_relative)
    assert time[-1] in kept and np.median(relative) == pytest.approx(1)


def test_a_median_that_is_not_positive(tmp_path):
    with pytest.raises(UnreadableLightCurveError, match="PDCSAP_FLUX: the median is -1, .* read another flux_key"):
        tess_io.read(write_spoc(tmp_path, np.full(LENGTH, -1)))


def test_all_nan_flux_is_empty(tmp_path):
    path = write_spoc(tmp_path, np.full(LENGTH, np.nan))
    with pytest.raises(EmptyLightCurveError, match=rf"{path}: none of 200 .* 200 without finite time and PDCSAP_FLUX"):
        tess_io.read(path)


def test_no_rows_are_empty(tmp_path):
    with pytest.raises(EmptyLightCurveError, match="has columns, but no cadence"):
        tess_io.read(write_spoc(tmp_path, [], time=[]))


CSV = {
    "btjd": ("Time (BTJD),Flux,Quality\n", 0),
    "bjd": ("bjd_tdb,normalized flux,quality\n", 2457000),
    "mark": ("\ufefftime,flux,quality\n", 0),
    "magnitude": ("time,mag,qflag\n", 0),
}


def write_csv(path, header, zero, values, quality=None):
    quality = np.zeros(LENGTH, int) if quality is None else quality
    rows = [f"{t + zero!r},{v!r},{q}\n" for t, v, q in zip(TIME.tolist(), np.asarray(values).tolist(), quality)]
    path.write_text(header + "".join(rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", CSV)
def test_csv_in_every_spelling(tmp_path, kind):
    flux = wavy(0.1, 40.0).astype(float)
    values = -2.5 * np.log10(flux) if kind == "magnitude" else flux
    light_curve = tess_io.read(write_csv(tmp_path / "77.csv", *CSV[kind], values, EACH_BIT))
    kept = np.flatnonzero(EACH_BIT == 0)
    np.testing.assert_allclose(light_curve.time, TIME[kept], rtol=0, atol=1e-8)
    np.testing.assert_allclose(light_curve.flux, flux[kept] / np.median(flux[kept]), rtol=1e-5)
    assert len(tess_io.read(light_curve.path, quality="none").time) == LENGTH
    impulsive = np.flatnonzero(EACH_BIT & ~512 == 0)
    assert len(tess_io.read(light_curve.path, quality="flares").time) == len(impulsive) == len(kept) + 1


def test_csv_columns_by_flux_key_and_without_quality(tmp_path):
    path = tmp_path / "77.csv.gz"
    path.write_bytes(gzip.compress(b"flux,Small Aperture,time,my_mag\r\n1,4,10,5\r\n1,6,11,\r\n,5,12,5\r\n"))
    np.testing.assert_array_equal(tess_io.read(path).time, [10, 11])
    np.testing.assert_allclose(tess_io.read(path, "small_aperture").flux, [0.8, 1.2, 1])
    np.testing.assert_allclose(tess_io.read(path, "my_mag").time, [10, 12])
    with pytest.raises(UnreadableLightCurveError, match="looked for pdc, there is flux, Small Aperture, time, my_mag"):
        tess_io.read(path, "pdc")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "no column for the time: looked for .* there is nothing"),
        (b"<html>404</html>\n", "no column for the time"),
        (b"time,brightness\n1,2\n", "no column for the flux or magnitude: .* there is time, brightness"),
        (b"time,flux\n1,2\n\n3,\n5,no\n", "line 5: flux is 'no', which is no number"),
        (b"time,flux\n1,2\n3", "line 3 has 1 cells, the first has 2"),
        (b"time,flux\n\xff\xfe,2\n", "not a whole CSV light curve"),
        (b"time,flux\n1,2\n\0,2\n", "."),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_where_and_why(tmp_path, content, message):
    path = tmp_path / "77.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableLightCurveError, match=f"^{path}: .*{message}"):
        tess_io.read(path)


def test_a_csv_file_of_a_header_alone_is_empty(tmp_path):
    (tmp_path / "77.csv").write_text("time,flux\n")
    with pytest.raises(EmptyLightCurveError, match="has columns, but no cadence"):
        tess_io.read(tmp_path / "77.csv")


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_fits_file_cut_off_anywhere_is_unreadable_or_whole(tmp_path, ending):
    path = write_spoc(tmp_path)
    content = path.read_bytes() if not ending else gzip.compress(path.read_bytes())
    whole = tess_io.read(path)
    path = tmp_path / (path.name + ending)
    unreadable = 0
    for length in range(0, len(content), len(content) // 50):
        path.write_bytes(content[:length])
        try:
            light_curve = tess_io.read(path)
        except UnreadableLightCurveError as error:
            assert str(error).startswith(f"{path}: ") and "fetch the file again" in str(error)
            unreadable += 1
        else:  # nothing but the padding is missing
            np.testing.assert_array_equal(light_curve.flux, whole.flux)
    assert unreadable >= 40


@pytest.mark.parametrize(
    "write, message",
    [
        (lambda path: path.write_text("<html>404 not found</html>"), "not a whole FITS light curve"),
        (lambda path: fits.PrimaryHDU(np.ones((4, 4))).writeto(path), "no extension LIGHTCURVE, only PRIMARY"),
        (lambda path: write_fits(path, {"TIME": TIME}, extension="TARGETTABLES"), "only PRIMARY, TARGETTABLES"),
        (lambda path: write_fits(path, {"FLUX": TIME, "QUALITY": np.zeros(200, "i4")}), "no column TIME in"),
        (
            lambda path: write_fits(path, {"TIME": TIME, "QUALITY": np.zeros(200, "i4")}),
            "no column PDCSAP_FLUX or FLUX",
        ),
        (lambda path: write_fits(path, {"TIME": TIME, "FLUX": np.ones(200)}), "no column QUALITY in"),
        (
            lambda path: fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.ones(9), name="LIGHTCURVE")]).writeto(path),
            ".",
        ),
    ],
)
def test_a_fits_file_that_is_no_light_curve_says_why(tmp_path, write, message):
    path = tmp_path / "tic77_lc.fits"
    write(path)
    with pytest.raises(UnreadableLightCurveError) as error:
        tess_io.read(path)
    assert str(error.value).startswith(f"{path}: ") and message in str(error.value) and "\n" not in str(error.value)


def test_a_column_of_images_is_no_flux(tmp_path):
    columns = [fits.Column("TIME", "D", array=TIME), fits.Column("FLUX", "4E", array=np.ones((LENGTH, 4)))]
    columns.append(fits.Column("QUALITY", "J", array=np.zeros(LENGTH)))
    fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE").writeto(tmp_path / "tic77_lc.fits")
    with pytest.raises(UnreadableLightCurveError, match="column FLUX has not one number a cadence"):
        tess_io.read(tmp_path / "tic77_lc.fits")


# Cadences that each mask keeps, of those that have a time; the same as lightkurve 2.6.0 keeps by these names.
KEPT = {
    "spoc_2min/tess2018234235059-s0002-0000000402026209-0121-s_lc.fits.gz": (18699, 18316, 18316),
    "spoc_2min/tess2019032160000-s0008-0000000413248763-0136-s_lc.fits.gz": (14555, 13417, 13392),
    "spoc_2min/tess2019112060037-s0011-0000000425064757-0143-s_lc.fits.gz": (18749, 18537, 16375),
    "spoc_2min/hlsp_tess-data-alerts_tess_phot_00160148385-s02_tess_v1_lc.fits.gz": (18699, 18314, 18314),
    "ucd_custom_aperture_2min/104ca_tess2019090911104-s0008-0000000007975441-0000-s_lc.fits.gz": (13427,) * 3,
    "kepler90/kplr011442793-2010009091648_llc.fits": (1021, 1011, 980),  # lightkurve: 982, it leaves bits 7, 12, 13, 16
    "tglc_ffi_30min/hlsp_tglc_tess_ffi_gaiaid-5707485527450614656-s0008-cam2-ccd4_tess_v2_llc.fits": (968, 839, 839),
    "qlp_csv/toi3505_sector_14_qlp.csv": (1241, 665, 665),
}


@pytest.mark.parametrize("name", KEPT)
def test_real_files_keep_the_known_cadences(shared, name):
    path = shared / "data" / "other" / "light_curves" / name
    for quality, number in zip(("none", "default", "hard"), KEPT[name]):
        (product,) = [p for p in tess_io.PRODUCTS if any(re.fullmatch(pattern, path.name) for pattern in p.NAMES)]
        columns = product.read(str(path), quality=quality)
        assert np.count_nonzero(columns.good & np.isfinite(columns.time)) == number


def test_every_real_file_is_read(shared):
    paths = [path for path in (shared / "data" / "other" / "light_curves").rglob("*") if path.is_file()]
    assert len(paths) == 91
    for path in paths:
        light_curve = tess_io.read(path)
        assert len(light_curve.time) > 600 and np.median(light_curve.flux) == pytest.approx(1)
        assert -2200 < light_curve.time.min() < light_curve.time.max() < 3600
        assert np.ptp(light_curve.time) > 15


def test_wasp_4_b_dips_when_it_should(shared):
    """Epoch, period (days) and depth: ExoFOP, TOI 232.01."""
    folder = shared / "data" / "other" / "light_curves" / "spoc_2min"
    light_curve = tess_io.read(tess_io.find(folder, 402026209, 2))
    phase = phase_fold(light_curve.time, 1.33823071, 2459109.94701 - 2457000)
    depth = 1 - np.median(light_curve.flux[np.abs(phase) < 0.02])
    assert depth == pytest.approx(27219e-6, rel=0.05)


def test_missing_file(tmp_path):
    with pytest.raises(MissingLightCurveError, match="no file"):
        tess_io.read(tmp_path / "tic77_lc.fits")
