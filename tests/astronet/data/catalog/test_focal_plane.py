"""Cameras and CCDs: MIT's published ones for every star, and 0, 0 for what is seen by none."""

import sys

import numpy as np
import pandas as pd
import pytest

from astronet.data.catalog import focal_plane


@pytest.fixture(scope="module")
def model():
    return focal_plane.open_detectors("none")


def locate(model, *stars, sector=1):
    camera, ccd = model.locate(*np.array(stars, float).T, sector)
    assert camera.dtype.kind == ccd.dtype.kind == "i"
    return list(zip(camera.tolist(), ccd.tolist()))


def test_all_stars_of_the_published_catalogue_stand_where_it_says(model, shared):
    with open(shared / "data" / "tess_triage" / "tces.csv", newline=None) as file:
        table = pd.read_csv(file)
    assert len(table) == 16734
    for sector, rows in table.groupby("Sectors"):
        camera, ccd = model.locate(rows["RA"], rows["Dec"], sector)
        wrong = (camera != rows["camera"]) | (ccd != rows["ccd"])
        assert not wrong.any(), rows[wrong]


def test_known_stars(model):
    assert locate(model, (100.470619, -55.794991), (319.530884, -51.78575)) == [(4, 4), (2, 4)]  # of that catalogue
    assert locate(model, (100.470619, -55.794991), sector=14) == [(0, 0)]  # in the north


def test_a_star_on_no_detector_and_one_without_coordinates(model):
    off = [(180, 60), (np.nan, -55.8), (100.5, np.nan), (np.nan, np.nan), (np.inf, 0)]
    assert locate(model, *off, (100.470619, -55.794991)) == [(0, 0)] * 5 + [(4, 4)]
    assert [len(answer) for answer in model.locate([], [], 1)] == [0, 0]


@pytest.mark.parametrize("sector", [1, 5, 14, 27, 96])
def test_pixels_and_sky_are_each_others_opposite(model, sector):
    for camera in range(1, 5):
        for ccd in range(1, 5):
            ra, dec = model.sky(camera, ccd, 150.0, 1800.0, sector)
            assert locate(model, (ra, dec), (ra - 360, dec), sector=sector) == [(camera, ccd)] * 2
            star, *where = (values[-1] for values in model.pixels([ra], [dec], sector))
            assert star == 0 and where == pytest.approx([camera, ccd, 150, 1800], abs=1e-3)


def test_where_cameras_overlap_it_is_the_higher_one(model):
    ra, dec = 359.409847, -33.189081  # TIC 183528244: sector 2, by the published catalogue camera 2, CCD 3
    assert set(model.pixels([ra], [dec], 2)[1]) == {1, 2}
    assert locate(model, (ra, dec), sector=2) == [(2, 3)]


@pytest.mark.parametrize("sector", [0, 1000])
def test_a_sector_without_a_pointing(model, sector):
    with pytest.raises(focal_plane.DetectorError, match=f"sector {sector} .* pip install --upgrade tess-point"):
        model.locate([1.0], [2.0], sector)


def test_pdo_without_its_package():
    with pytest.raises(focal_plane.DetectorError, match="needs MIT's package tsig"):
        focal_plane.open_detectors("pdo")


@pytest.mark.parametrize("catalog", ["pdo", "auto"])
def test_a_tsig_that_is_unlike_the_expected_does_not_stand_in_the_way(catalog, tmp_path, monkeypatch):
    (tmp_path / "tsig.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        model = focal_plane.open_detectors(catalog)
    finally:
        sys.modules.pop("tsig", None)
    assert "tess-point" in model.name and "tsig" in model.name
    assert locate(model, (100.470619, -55.794991)) == [(4, 4)]
