"""Which star, sector and detector a light curve file is of, and what is no such thing."""

import pytest
from astropy.io import fits

from light_curve_util import identity, tess_io
from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.identity import Identity

SPOC = "tess2018234235059-s0002-0000000000000077-0121-s_lc.fits"


@pytest.mark.parametrize(
    "header, expected",
    [
        ({"TICID": 77, "SECTOR": 2, "CAMERA": 3, "CCD": 4}, Identity(77, 2, 3, 4)),
        ({"TICID": "77", "SECTOR": "2"}, Identity(77, 2)),
        ({"TIC_ID": 77, "SECTOR": 2, "CAMERA": 1, "CHIP": 3}, Identity(77, 2, 1, 3)),  # eleanor
        ({"OBJECT": "TIC 77"}, Identity(77)),
        ({"OBJECT": "77"}, Identity(77)),  # lightkurve's to_fits
        ({"HLSPTARG": "TIC-77", "OBJECT": "WASP-18 b"}, Identity(77)),
        ({"KEPLERID": 11442793, "QUARTER": 3, "OBJECT": "KIC 11442793"}, Identity(11442793, 3)),
        ({"KEPLERID": 201912552, "CAMPAIGN": 1}, Identity(201912552, 1)),
    ],
)
def test_headers_tell(header, expected):
    assert identity.of_header(fits.Header(header)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "WASP-18 b",
        "TIC 123.01",
        "TOI-123.01",
        "Gaia DR3 5707485527450614656",
        "5707485527450614656",
        "HD 39091",
        "",
        "1.5",
    ],
)
@pytest.mark.parametrize("key", ["OBJECT", "TICID"])
def test_no_id_is_made_of_the_digits_of_a_name(key, name):
    assert identity.of_header(fits.Header({key: name})).tic_id is None


@pytest.mark.parametrize("value", [True, 1.5, -1, 0, "no", float(1 << 60)])
def test_what_is_no_whole_number_is_no_id(value):
    assert identity.of_header(fits.Header({"TICID": value})).tic_id is None


def write(path, **header):
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(header=fits.Header(header)).writeto(path)
    return path


def test_header_then_name_then_place(tmp_path):
    path = write(tmp_path / "sector-2/ffi/cam3/ccd4/LC" / SPOC, TICID=77)
    assert tess_io.identity(path) == Identity(77, 2, 3, 4)
    (tmp_path / "sector-5/79").mkdir(parents=True)
    (tmp_path / "sector-5/79/lc.csv").touch()
    assert tess_io.identity(tmp_path / "sector-5/79/lc.csv") == Identity(79, 5)
    (tmp_path / "80.h5").touch()
    assert tess_io.identity(tmp_path / "80.h5") == Identity(80)
    damaged = tmp_path / SPOC
    damaged.write_bytes(b"SIMPLE  = damaged")
    assert tess_io.identity(damaged) == Identity(77, 2)


def test_a_header_that_contradicts_the_name_is_an_error(tmp_path):
    path = write(tmp_path / SPOC, TICID=78, SECTOR=2)
    with pytest.raises(UnreadableLightCurveError, match=f"{SPOC}: its header is of TIC 78, not 77 as its name says"):
        tess_io.identity(path)
