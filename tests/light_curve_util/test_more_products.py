"""Reading what others make: eleanor, TASOC, CDIPS, PATHOS, TARS, DIAmante, T16, K2SFF, EVEREST, and unnamed tables."""

import numpy as np
import pytest
from astropy.io import fits

from light_curve_util import tess_io
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.identity import Identity

LENGTH = 200
TIME = 1325.3 + np.arange(LENGTH) / 48
DIP = np.isin(np.arange(LENGTH) % 40, [7, 8, 9])
FLUX = 1 - 0.01 * DIP + np.random.default_rng(3).normal(0, 1e-4, LENGTH)
FLAGGED = np.arange(LENGTH) == 30  # a cadence that each product's flags disqualify
KEPT = np.flatnonzero(~FLAGGED)
BTJD, BKJD = {"BJDREFI": 2457000, "BJDREFF": 0.0, "TIMEUNIT": "d"}, {"BJDREFI": 2454833, "BJDREFF": 0.0}
MAGNITUDES = -2.5 * np.log10(FLUX) + 12
TEXTS = np.where(FLAGGED, "X", "G")

# Product: name, primary header, columns, header of the table, its name, and what it tells of the star.
FILES = {
    "gsfc-eleanor-lite": (
        "hlsp_gsfc-eleanor-lite_tess_ffi_s0002-0000000000000077_tess_v1.0_lc.fits",
        {"TIC_ID": 77, "SECTOR": 2, "CAMERA": 3, "CHIP": 4},
        {
            "TIME": TIME,
            "RAW_FLUX": 0 * FLUX,
            "CORR_FLUX": 900 * FLUX,
            "QUALITY": 32 * FLAGGED,
            "FFIINDEX": KEPT[0] + TIME,
        },
        *({}, "", Identity(77, 2, 3, 4)),
    ),
    "eleanor": (
        "hlsp_eleanor_tess_ffi_tic77_s02_tess_v2.0.4_lc.fits",
        {"TIC_ID": 77, "SECTOR": 2},
        {"TIME": TIME, "TPF": np.ones((LENGTH, 4)), "RAW_FLUX": 0 * FLUX, "CORR_FLUX": FLUX, "QUALITY": 32 * FLAGGED},
        *({}, "", Identity(77, 2)),
    ),
    "tasoc": (
        "hlsp_tasoc_tess_ffi_tic00000000077-s0002-cam4-ccd3-c1800_tess_v05_ens-lc.fits",
        {"TICID": 77, "SECTOR": 2, "CAMERA": 4, "CCD": 3, "ORIGIN": "TASOC/Aarhus"},
        {
            "TIME": TIME,
            "FLUX_RAW": 0 * FLUX,
            "FLUX_CORR [ppm]": 1e6 * (FLUX - 1),
            "QUALITY": 2 * FLAGGED,
            "PIXEL_QUALITY": 0 * FLAGGED,
        },
        *(BTJD, "LIGHTCURVE", Identity(77, 2, 4, 3)),
    ),
    "cdips": (
        "hlsp_cdips_tess_ffi_gaiatwo0003007171311355035136-0002-cam3-ccd4_tess_v01_llc.fits",
        {"TICID": "77", "SECTOR": 2, "CAMERA": 3, "CCD": 4, "OBJECT": "3007171311355035136", "BJDREFI": 0},
        {"TMID_BJD": TIME + 2457000, "IRM2": 0 * FLUX, "TFA2": MAGNITUDES, "IRQ2": TEXTS},
        *({}, "", Identity(77, 2, 3, 4)),
    ),
    "t16": (
        "hlsp_t16_tess_ffi_s0002-cam1-ccd3-02475555794352572672_tess_v01_llc.fits",
        {"TICID": 77, "HLSPID": "T16"},
        {"BTJD": TIME, "TFA2": MAGNITUDES, "IRQ2": TEXTS},
        *({}, "", Identity(77, 2, 1, 3)),
    ),
    "pathos": (
        "hlsp_pathos_tess_lightcurve_tic-0000000077-s0002_tess_v1_llc.fits",
        {"TICID": 77, "SECTOR": 2},
        {"TIME": TIME, "PSF_FLUX_RAW": 0 * FLUX, "PSF_FLUX_COR": FLUX, "AP1_FLUX_COR": FLUX, "DQUALITY": 32 * FLAGGED},
        *({}, "", Identity(77, 2)),
    ),
    "tars": (
        "hlsp_tars_tess_ffi_s0002-0000000000000077_tess_v01_lc.fits",
        {"TICID": 77, "SECTOR": 2, "CAMERA": 1, "CCD": 1, "HLSPID": "TARS"},
        {"TIME": TIME, "FLUX": np.where(FLAGGED, np.nan, FLUX)},
        *(BTJD, "LIGHTCURVE", Identity(77, 2, 1, 1)),
    ),
    "diamante": (
        "hlsp_diamante_tess_lightcurve_tic-0000000000000077_tess_v1_llc.fits",
        {"TICID": 77},
        {"BTJD": TIME, "LC0_AP1": 0 * FLUX, "LC1_AP1": FLUX, "LC2_AP1": FLUX, "FLAG_AP1": 1 * FLAGGED},
        *({}, "", Identity(77)),
    ),
    "k2sff": (
        "hlsp_k2sff_k2_lightcurve_200000077-c02_kepler_v1_llc.fits",
        {"KEPLERID": 200000077, "CAMPAIGN": 2},
        {"T": TIME + 2167, "FRAW": 0 * FLUX, "FCOR": FLUX, "ARCLENGTH": FLUX, "MOVING": 1 * FLAGGED},
        *({}, "BESTAPER", Identity(200000077, 2)),
    ),
    "everest": (
        "hlsp_everest_k2_llc_200000077-c02_kepler_v2.0_lc.fits",
        {"KEPLERID": 200000077, "CAMPAIGN": 2},
        {"CADN": 1 * FLAGGED, "TIME": TIME + 2167, "FLUX": 900 * FLUX, "FRAW": 0 * FLUX, "QUALITY": 32 * FLAGGED},
        *(BKJD, "", Identity(200000077, 2)),
    ),
}


def write(path, primary, columns, header=(), extension="LIGHTCURVE", nulls=()):
    """Writes a table; a name may be followed by its unit in brackets."""
    made = []
    for name, values in columns.items():
        name, _, unit = name.partition(" [")
        values = np.asarray(values)
        kind = {"f": "D", "i": "J", "b": "J", "U": "1A"}[values.dtype.kind]
        kind = kind if values.ndim == 1 else f"{values.shape[1]}{kind}"
        made.append(fits.Column(name, kind, unit=unit.rstrip("]") or None, null=dict(nulls).get(name), array=values))
    table = fits.BinTableHDU.from_columns(made, fits.Header(dict(header)), name=extension or None)
    fits.HDUList([fits.PrimaryHDU(header=fits.Header(primary)), table]).writeto(path)
    return path


def assert_read(light_curve, kept=KEPT):
    np.testing.assert_allclose(light_curve.time, TIME[kept], rtol=0, atol=1e-8)
    np.testing.assert_allclose(light_curve.flux, FLUX[kept] / np.median(FLUX[kept]), rtol=0, atol=1e-7)


@pytest.mark.parametrize("product", FILES)
def test_each_product_is_read_found_and_known(tmp_path, product):
    name, primary, columns, header, extension, identity = FILES[product]
    (tmp_path / "sector-2").mkdir()
    path = write(tmp_path / "sector-2" / name, primary, columns, header, extension)
    assert_read(tess_io.read(path))
    assert tess_io.identity(path) == identity.completed_by(Identity(sector=2))
    assert tess_io.find(tmp_path, identity.tic_id, 2) == str(path)


@pytest.mark.parametrize("product", sorted(set(FILES) - {"t16"}))  # whose columns are known by the name alone
@pytest.mark.parametrize("name", ["star.fits", "WASP-4_lc.fits"])
def test_a_file_under_another_name_is_known_by_what_is_in_it(tmp_path, product, name):
    _, primary, columns, header, extension, _ = FILES[product]
    light_curve = tess_io.read(write(tmp_path / name, primary, columns, header, extension))
    assert_read(light_curve)
    known = product.rpartition("-")[2] if "-" not in product else "eleanor"
    is_spoc = product == "everest" and name != "star.fits"  # it has all that SPOC files have
    assert is_spoc or any(known in note.lower() for note in light_curve.notes)


def test_a_table_without_a_name_is_no_cut_off_file(tmp_path):
    columns = {"TIME": TIME, "PDCSAP_FLUX": FLUX, "QUALITY": 32 * FLAGGED}
    assert_read(tess_io.read(write(tmp_path / "tic77_lc.fits", {}, columns, BTJD, extension="")))


def test_an_unknown_table_is_read_by_the_names_of_its_columns(tmp_path):
    columns = {"HJD [d]": TIME + 2457000, "Rel Flux": FLUX, "Rel Flux Error": FLUX, "quality": 1 * FLAGGED}
    light_curve = tess_io.read(write(tmp_path / "mine.fits", {}, columns, {}, "DATA"))
    assert_read(light_curve)
    assert light_curve.notes == ("of no known product: HJD is taken for the time, Rel Flux for the flux or magnitude",)


@pytest.mark.parametrize(
    "columns, flux_key, message",
    [
        (
            FILES["eleanor"][2],
            "PDCSAP_FLUX",
            "as an eleanor light curve, its flux columns are RAW_FLUX, CORR_FLUX: give",
        ),
        (
            {"TIME": TIME, "PDCSAP_FLUX": FLUX},
            None,
            "no column QUALITY .*: it is unknown which cadences are bad; read all",
        ),
        ({"TIME": TIME, "FLUX_A": FLUX, "FLUX_B": FLUX}, None, "FLUX_A, FLUX_B: which is the flux .* as flux_key"),
        (
            {"TIME": TIME, "X": FLUX},
            None,
            "no extension LIGHTCURVE, only PRIMARY, an unnamed one .TIME, X.: the table has",
        ),
    ],
)
def test_what_a_file_is_and_lacks_is_told(tmp_path, columns, flux_key, message):
    path = write(tmp_path / ("star.fits" if "QUALITY" not in message else "x_lc.fits"), {}, columns, BTJD, "")
    with pytest.raises(UnreadableLightCurveError, match=f"^{path}: .*{message}") as error:
        tess_io.read(path, flux_key)
    assert "cut off" not in str(error.value)


@pytest.mark.parametrize(
    "names, message",
    [
        (("TARGETTABLES", "APERTURE"), "a target pixel file .*, not a light curve"),
        (("TCE_1",), "a data validation time"),
    ],
)
def test_other_files_of_the_archive_are_called_by_their_names(tmp_path, names, message):
    table = fits.BinTableHDU.from_columns([fits.Column("TIME", "D", array=TIME)], name=names[0])
    others = [fits.ImageHDU(np.ones((4, 4)), name=name) for name in names[1:]]
    fits.HDUList([fits.PrimaryHDU(), table, *others]).writeto(tmp_path / "star.fits")
    with pytest.raises(UnreadableLightCurveError, match=message):
        tess_io.read(tmp_path / "star.fits")


def test_tnull_marks_missing_integers(tmp_path):
    counts = np.where(np.arange(LENGTH) == 50, -999, np.round(1e6 * FLUX)).astype(np.int32)
    columns = {"TIME": TIME, "PDCSAP_FLUX": counts, "QUALITY": np.where(FLAGGED, -1, 0).astype(np.int32)}
    path = write(tmp_path / "tic77_lc.fits", {}, columns, BTJD, nulls={"PDCSAP_FLUX": -999, "QUALITY": -1}.items())
    np.testing.assert_allclose(tess_io.read(path).time, np.delete(TIME, [30, 50]))
    assert len(tess_io.read(path, quality="none").time) == LENGTH - 1


@pytest.mark.parametrize("header, scale", [({"TIMEUNIT": "s"}, 86400), ({"TIMEUNIT": "min"}, 1440)])
def test_the_unit_of_time_in_the_header_counts(tmp_path, header, scale):
    columns = {"TIME": TIME * scale, "PDCSAP_FLUX": FLUX, "QUALITY": 1 * FLAGGED}
    light_curve = tess_io.read(write(tmp_path / "tic77_lc.fits", {}, columns, header))
    assert_read(light_curve)
    assert light_curve.notes == (f"times divided by {scale}, which makes them days",)


@pytest.mark.parametrize("offset", [2457000, 2400000.5, 2454833])
def test_times_that_contradict_the_header_are_converted_and_said(tmp_path, offset):
    times = {2457000: TIME + 2457000, 2454833: TIME + 2167}.get(offset, TIME + 56999.5)
    header = {"BJDREFI": 2454833} if offset == 2454833 else BTJD
    columns = {"TIME": times, "PDCSAP_FLUX": FLUX, "QUALITY": 32 * FLAGGED}
    light_curve = tess_io.read(write(tmp_path / "tic77_lc.fits", {}, columns, header))
    assert_read(light_curve)
    assert len(light_curve.notes) == (offset != 2454833)


def test_a_header_that_contradicts_the_name_is_refused(tmp_path):
    name, primary, columns, header, extension, _ = FILES["pathos"]
    path = write(tmp_path / name, {**primary, "TICID": 78}, columns, header, extension)
    with pytest.raises(UnreadableLightCurveError, match="header is of TIC 78, not 77"):
        tess_io.read(path)
