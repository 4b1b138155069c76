"""Finding the light curve of a star and sector in any mixture of products, names and directories."""

import gzip
import os

import pytest
from astropy.io import fits

from light_curve_util import tess_io
from light_curve_util.errors import MissingLightCurveError

QLP = "hlsp_qlp_tess_ffi_s0002-0000000000000077_tess_v01_llc.fits"
SPOC = "tess2018234235059-s0002-0000000000000077-0121-s_lc.fits"
FAST = "tess2018234235059-s0002-0000000000000077-0121-a_fast-lc.fits"
TGLC = "hlsp_tglc_tess_ffi_gaiaid-5707485527450614656-s0002-cam2-ccd4_tess_v{}_llc.fits"


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def write_header(path, tic_id, sector):
    """Writes a FITS file that has nothing but a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = fits.Header({"TICID": str(tic_id), "SECTOR": sector} if tic_id else {})
    fits.PrimaryHDU(header=header).writeto(path)
    return str(path)


@pytest.mark.parametrize(
    "name",
    [
        "77.h5",
        QLP,
        QLP + ".gz",
        QLP.replace("v01", "v02"),
        SPOC,
        SPOC + ".gz",
        FAST,
        "hlsp_tess-data-alerts_tess_phot_00000000077-s02_tess_v1_lc.fits.gz",
        "hlsp_tess-spoc_tess_phot_0000000000000077-s0002_tess_v1_lc.fits",
        "0ca_" + SPOC + ".gz",
        "tic77_lc.fits.gz",
        "77.csv",
        "TIC 77.csv",
        "tic77_s0002.csv.gz",
        "tic77_sector_2_qlp.csv",
        "kplr000000077-2010009091648_llc.fits",
    ],
)
@pytest.mark.parametrize("place", ["sector-2", "sector-2/ffi/cam3/ccd4/LC", "sector-2/cam3/ccd4", "sector-2/77"])
def test_every_name_is_found_in_every_place(tmp_path, name, place):
    path = touch(tmp_path / place / name)
    assert tess_io.find(tmp_path, 77, 2, 3, 4) == tess_io.find(tmp_path, 77, 2) == path
    for other_star_or_sector in [(7, 2), (77, 1), (770, 2)]:
        with pytest.raises(MissingLightCurveError):
            tess_io.find(tmp_path, *other_star_or_sector)


@pytest.mark.parametrize("name", [QLP, SPOC + ".gz", FAST, "tic77_s2.csv"])
def test_files_lie_directly_in_the_data_directory(tmp_path, name):
    path = touch(tmp_path / name)
    assert tess_io.find(tmp_path, 77, 2) == path
    with pytest.raises(MissingLightCurveError):
        tess_io.find(tmp_path, 77, 3)


@pytest.mark.parametrize("name", ["77.h5", "77.csv", "kplr000000077-2010009091648_llc.fits"])
def test_a_name_that_tells_no_sector_tells_too_little_there(tmp_path, name):
    touch(tmp_path / name)
    with pytest.raises(MissingLightCurveError):
        tess_io.find(tmp_path, 77, 2)


def test_a_name_counts_more_than_its_directory(tmp_path):
    """A file that somebody put into the wrong directory is not taken for another star's or sector's."""
    touch(tmp_path / "sector-3" / SPOC)
    touch(tmp_path / "sector-2/78" / SPOC)
    touch(tmp_path / "sector-3/77" / TGLC.format(1))
    for tic_id, sector in [(77, 3), (78, 2)]:
        with pytest.raises(MissingLightCurveError):
            tess_io.find(tmp_path, tic_id, sector)


def test_the_preferred_of_several(tmp_path):
    """Each file that goes makes room for the next in the documented order of preference."""
    in_order = [
        "sector-2/77.h5",
        f"sector-2/cam3/ccd4/{QLP}",
        f"sector-2/{QLP.replace('v01', 'v02')}",
        f"{SPOC}.gz",
        f"sector-2/77/{SPOC}",
        f"sector-2/{FAST}",
        f"sector-2/77/{TGLC.format(2)}",
        f"sector-2/77/{TGLC.format(1)}",
        "sector-2/77.csv",
        "sector-2/kplr000000077-2010009091648_llc.fits",
    ]
    for name in reversed(in_order):
        touch(tmp_path / name)
        assert tess_io.find(tmp_path, 77, 2) == str(tmp_path / name)


@pytest.mark.parametrize("place", ["", "sector-2", "sector-2/cam3/ccd4"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_gaia_id_is_looked_up_in_the_header(tmp_path, place, ending):
    path = write_header(tmp_path / place / (TGLC.format(1) + ending), 77, 2)
    write_header(tmp_path / place / TGLC.format(1).replace("57", "58"), 78, 2)
    write_header(tmp_path / place / TGLC.format(1).replace("57", "59"), None, None)
    (tmp_path / place / TGLC.format(1).replace("57", "60")).write_text("no FITS file")
    assert tess_io.find(tmp_path, 77, 2, 3, 4) == path
    for other_star_or_sector in [(7, 2), (77, 3)]:
        with pytest.raises(MissingLightCurveError):
            tess_io.find(tmp_path, *other_star_or_sector, 3, 4)


def test_a_sector_is_looked_up_in_the_header(tmp_path):
    path = write_header(tmp_path / "tic77_lc.fits.gz", 77, 5)
    assert tess_io.find(tmp_path, 77, 5) == path
    with pytest.raises(MissingLightCurveError):
        tess_io.find(tmp_path, 77, 2)


def test_headers_are_read_once_and_only_where_names_do_not_tell(tmp_path, monkeypatch):
    opened = []
    for i in range(5):
        write_header(tmp_path / f"sector-2/{TGLC.format(1).replace('57', str(i))}", 100 + i, 2)
    touch(tmp_path / "sector-2" / SPOC)
    settle(tmp_path / "sector-2", tmp_path)
    monkeypatch.setattr(fits.Header, "fromfile", lambda file: opened.append(file.name) or {"TICID": 0, "SECTOR": 0})
    tess_io.find(tmp_path, 77, 2)
    assert not opened
    for _ in range(3):
        with pytest.raises(MissingLightCurveError):
            tess_io.find(tmp_path, 5, 2)
    assert len(opened) == 5


def settle(*directories):
    """Makes directories look as if they had last changed long ago."""
    for directory in directories:
        os.utime(directory, (1e9, 1e9))


def test_a_directory_is_listed_once_for_all_its_stars(tmp_path, monkeypatch):
    for tic_id in range(500):
        touch(tmp_path / "sector-2" / f"tess2018234235059-s0002-{tic_id:016d}-0121-s_lc.fits.gz")
    settle(tmp_path / "sector-2", tmp_path)
    listed = []
    monkeypatch.setattr(os, "listdir", lambda path, listdir=os.listdir: listed.append(path) or listdir(path))
    for tic_id in range(500):
        assert f"{tic_id:016d}" in tess_io.find(tmp_path, tic_id, 2, 1, 1)
    assert len(listed) == len(set(listed)) == 2


def test_names_that_follow_from_the_star_need_no_listing(tmp_path, monkeypatch):
    touch(tmp_path / "sector-2/77.h5")
    touch(tmp_path / "sector-3" / QLP.replace("s0002", "s0003"))
    monkeypatch.setattr(os, "listdir", None)
    assert tess_io.find(tmp_path, 77, 2).endswith("77.h5")
    assert tess_io.find(tmp_path, 77, 3, 1, 1).endswith("llc.fits")


def test_files_that_come_later_are_found(tmp_path):
    touch(tmp_path / "sector-2" / SPOC.replace("077", "076"))
    for tic_id in range(77, 90):  # each of them within one tick of the file system's clock, or in the next
        with pytest.raises(MissingLightCurveError):
            tess_io.find(tmp_path, tic_id, 2)
        path = touch(tmp_path / "sector-2" / SPOC.replace("077", f"{tic_id:03d}"))
        assert tess_io.find(tmp_path, tic_id, 2) == path


def test_other_files_and_directories_do_not_matter(tmp_path):
    touch(tmp_path / "sector-2/README.md")
    touch(tmp_path / "tces.csv")
    (tmp_path / "notes.fits.gz").write_bytes(gzip.compress(b"nothing"))
    with pytest.raises(MissingLightCurveError, match=r"sector-2/, sector-2/ffi/cam\*/ccd\*/LC/, "):
        tess_io.find(tmp_path, 77, 2)
    with pytest.raises(MissingLightCurveError):
        tess_io.find(tmp_path / "absent", 77, 2)


@pytest.mark.parametrize("root", ["mastDownload", "."])
def test_what_lightkurve_and_astroquery_download_is_found(tmp_path, root):
    """<collection>/<observation>/<file>, below the data directory or a directory mastDownload itself."""
    spoc, qlp, gaia = SPOC, QLP, TGLC.format(1)
    kepler = "kplr000000077-2010009091648_llc.fits"
    paths = {
        name: tmp_path / root / collection / observation / name
        for collection, observation, name in (
            ("TESS", spoc.replace("_lc.fits", ""), spoc),
            ("HLSP", qlp.replace(".fits", ""), qlp),
            ("HLSP", gaia.replace(".fits", ""), gaia),
            ("Kepler", "kplr000000077_lc_Q111111110111011101", kepler),
        )
    }
    for other in range(200, 210):
        touch(
            tmp_path / root / "TESS" / f"tess2018234235059-s0002-{other:016d}-0121-s" / SPOC.replace("077", f"{other}")
        )
    assert touch(paths[qlp]) == tess_io.find(tmp_path, 77, 2)
    paths[qlp].unlink()
    assert touch(paths[spoc]) == tess_io.find(tmp_path, 77, 2)
    assert tess_io.stars(tmp_path)[0] == (2, 77)
    with pytest.raises(MissingLightCurveError):
        tess_io.find(tmp_path, 77, 3)
    paths[spoc].unlink()
    assert write_header(paths[gaia], 77, 2) == tess_io.find(tmp_path, 77, 2)
    paths[gaia].unlink()
    paths[kepler].parent.mkdir(parents=True)
    fits.PrimaryHDU(header=fits.Header({"KEPLERID": 77, "QUARTER": 3})).writeto(paths[kepler])
    assert tess_io.find(tmp_path, 77, 3) == str(paths[kepler])


def test_real_files_are_found(shared):
    folder = shared / "data" / "other" / "light_curves"
    assert "0121-s_lc" in tess_io.find(folder / "spoc_2min", 402026209, 2)
    assert "tic55525572" in tess_io.find(folder / "spoc_2min", 55525572, 5)
    assert "00160148385-s02" in tess_io.find(folder / "spoc_2min", 160148385, 2)
    assert "s0008-cam2-ccd4" in tess_io.find(folder / "tglc_ffi_30min", 218795833, 8)
    assert "s0061" in tess_io.find(folder / "tglc_ffi_30min", 218795833, 61)
    assert "122ca_" in tess_io.find(folder / "ucd_custom_aperture_2min", 73118477, 9)


@pytest.mark.parametrize(
    "path, message",
    [
        ("77.csv", "has 77.csv, which is not looked for: move it to sector-2/77.csv"),
        ("sector-02/77.csv", "has sector-02/77.csv: rename sector-02 to sector-2"),
        ("Sector_2/77.csv", "has Sector_2/77.csv: rename Sector_2 to sector-2"),
        ("TIC_77_S02.CSV", "has TIC_77_S02.CSV, which is not looked for: move it to sector-2/77.csv"),
        (
            "sector-2/lc_of_77.dat.gz",
            "has sector-2/lc_of_77.dat.gz, which is not looked for: move it to sector-2/77.dat",
        ),
    ],
)
def test_a_file_that_is_there_under_another_name_is_named(tmp_path, path, message):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).touch()
    with pytest.raises(MissingLightCurveError) as error:
        tess_io.find(tmp_path, 77, 2)
    assert f"; {tmp_path} {message}" in str(error.value)


@pytest.mark.parametrize("path", ["sector-3/77.csv", "tic77_s0003.csv", "sector-2/78.csv"])
def test_a_file_of_another_star_or_sector_is_no_near_miss(tmp_path, path):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).touch()
    with pytest.raises(MissingLightCurveError, match="fetch the file or give another data directory"):
        tess_io.find(tmp_path, 77, 2)


def test_which_of_two_files_of_one_star_and_sector_is_read_is_said(tmp_path):
    place = tmp_path / "sector-2" / "77"
    place.mkdir(parents=True)
    (place / "a.csv").touch()
    assert tess_io.choice_note(tmp_path, 77, 2) == tess_io.choice_note(tmp_path, 78, 2) == ""
    (place / "b.csv").touch()
    assert tess_io.find(tmp_path, 77, 2) == str(place / "b.csv")
    assert tess_io.choice_note(tmp_path, 77, 2).startswith(
        f"{place}/b.csv is read, of the same star and sector as a.csv"
    )


def test_an_earlier_version_of_a_file_is_no_choice(tmp_path):
    for version in (1, 2):
        (tmp_path / f"hlsp_tess-spoc_tess_phot_0000000000000077-s0002_tess_v{version}_lc.fits").touch()
    assert tess_io.find(tmp_path, 77, 2).endswith("_v2_lc.fits") and tess_io.choice_note(tmp_path, 77, 2) == ""
