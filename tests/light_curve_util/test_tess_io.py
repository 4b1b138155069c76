"""Finding and reading QLP files: real HDF5 files, good and bad, and the published counts and fluxes."""

import csv
import json
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from light_curve_util import tess_io
from light_curve_util.errors import EmptyLightCurveError, MissingLightCurveError, UnreadableLightCurveError
from light_curve_util.products.columns import Columns

SECTOR_1, SECTOR_2 = 1325.3, 1354.2
POWERS_OF_TEN = 2  # units in the last place by which NumPy's differ between processors, with AVX-512 and without


def write_qlp(path, time=None, magnitude=None, flags=None, bestap=1):
    """Writes a QLP file of two apertures: the magnitudes of aperture 2 are twice those of aperture 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if magnitude is None:
        magnitude = np.random.default_rng(7).normal(10, 0.001, 300 if time is None else len(time))
    if time is None:
        time = SECTOR_2 + np.arange(len(magnitude)) / 48
    with h5py.File(path, "w") as file:
        file["LightCurve/BJD"] = time
        if flags is not None:
            file["LightCurve/QFLAG"] = flags
        for number in (1, 2):
            aperture = file.create_group(f"LightCurve/AperturePhotometry/Aperture_{number:03d}")
            aperture["KSPMagnitude"] = number * np.asarray(magnitude)
            aperture["RawMagnitude"] = number * np.asarray(magnitude) + 0.01
        if bestap is not None:
            file["LightCurve/AperturePhotometry"].attrs["bestap"] = bestap
    return path


@pytest.fixture
def rng():
    return np.random.default_rng(3)


LAYOUTS = ("sector-2/77.h5", "sector-2/ffi/cam3/ccd4/LC/77.h5", "sector-2/cam3/ccd4/77.h5")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("detector", [{"camera": 3, "ccd": 4}, {"camera": 0, "ccd": 0}, {}])
def test_find_knows_every_layout(tmp_path, layout, detector):
    path = write_qlp(tmp_path / "survey [1]" / layout)
    assert tess_io.find(tmp_path / "survey [1]", 77, 2, **detector) == str(path)


def test_find_names_what_it_tried(tmp_path):
    write_qlp(tmp_path / "sector-2/ffi/cam1/ccd1/LC/77.h5")
    with pytest.raises(MissingLightCurveError) as error:
        tess_io.find(tmp_path, 77, 2, camera=3, ccd=4)
    assert "TIC 77 in sector 2" in str(error.value)
    places = ("sector-2/,", "sector-2/ffi/cam3/ccd4/LC/", "sector-2/cam3/ccd4/", "sector-2/77/", str(tmp_path))
    assert all(place in str(error.value) for place in places)


def test_published_counts_and_fluxes(shared):
    """Every light curve that the published code could use is the same; the others fail for its reasons."""
    views = shared / "golden" / "views"
    status = json.loads((views / "status.json").read_text())
    expected = np.load(views / "expected.npz")
    outcomes = {}
    with open(views / "tces.csv", newline="") as table:
        for tce in csv.DictReader(table):
            row_id, period, t0 = tce["row_id"], float(tce["Period"]), float(tce["Epoc"])
            try:
                path = tess_io.find(
                    views / "light_curves", tce["tic_id"], tce["Sectors"], int(tce["camera"]), int(tce["ccd"])
                )
                light_curve = tess_io.read(path)
            except (EmptyLightCurveError, MissingLightCurveError) as error:
                outcomes[row_id] = type(error)
                continue
            if status[row_id].startswith("ok"):
                assert f"ok {len(light_curve.time)}" == status[row_id]
                phase = np.mod(light_curve.time + (period / 2 - t0), period) - period / 2
                flux = light_curve.flux[np.argsort(phase)]
                np.testing.assert_array_max_ulp(flux, expected[f"{row_id}/folded_flux"], POWERS_OF_TEN)
    assert outcomes == {"40": EmptyLightCurveError, "41": MissingLightCurveError, "43": EmptyLightCurveError}


def test_flags_nans_and_bright_outliers_go_and_dips_stay(tmp_path, rng):
    magnitude = rng.normal(10, 0.001, 400)
    magnitude[5] = 9.9  # a flare
    magnitude[6] = 10.1  # a dip
    magnitude[7] = np.nan
    time = SECTOR_2 + np.arange(400) / 48
    time[8] = np.inf
    flags = np.zeros(400, int)
    flags[9] = 4096
    light_curve = tess_io.read(write_qlp(tmp_path / "1.h5", time, magnitude, flags))
    kept = np.delete(np.arange(400), [5, 7, 8, 9])
    np.testing.assert_array_equal(light_curve.time, time[kept])
    np.testing.assert_allclose(light_curve.flux, 10 ** (-0.4 * (magnitude[kept] - np.median(magnitude[kept]))))


@pytest.mark.parametrize("start, num_kept", [(SECTOR_1, 1282 - 245), (SECTOR_2, 1282)])
def test_without_flags_the_bad_cadences_of_sector_1_go_and_no_other_sector_s(tmp_path, start, num_kept):
    time = start + np.arange(1282) / 48
    light_curve = tess_io.read(write_qlp(tmp_path / "1.h5", time, np.full(1282, 10.0)))
    assert len(light_curve.time) == num_kept


def test_bad_cadences_of_sector_1_are_the_published_ones(tmp_path, shared):
    time = SECTOR_1 + np.arange(1282) / 48
    light_curve = tess_io.read(write_qlp(tmp_path / "1.h5", time, np.full(1282, 10.0)))
    bad = np.loadtxt(shared / "golden" / "sector1_bad_cadences.txt", dtype=int)
    np.testing.assert_array_equal(light_curve.time, np.delete(time, bad))


def test_full_bjd_is_converted_and_said(tmp_path):
    time = SECTOR_2 + np.arange(300) / 48
    light_curve = tess_io.read(write_qlp(tmp_path / "1.h5", time + 2457000))
    np.testing.assert_allclose(light_curve.time, time, rtol=0, atol=1e-9)
    assert light_curve.notes == ("all times in BJD, converted to BTJD by subtracting 2457000",)


def test_one_wild_time_is_dropped_and_said(tmp_path):
    time = SECTOR_2 + np.arange(300) / 48
    time[9] = 1e17
    light_curve = tess_io.read(write_qlp(tmp_path / "1.h5", time))
    np.testing.assert_array_equal(light_curve.time, np.delete(time, 9))
    assert light_curve.notes[0].startswith("1 time dropped: 1e+17 is no time in days")


def test_constant_flux_keeps_every_cadence(tmp_path):
    """So that its views are called flat, and not the light curve empty."""
    light_curve = tess_io.read(write_qlp(tmp_path / "1.h5", magnitude=np.full(100, 11.0)))
    np.testing.assert_array_equal(light_curve.flux, np.ones(100))


@pytest.mark.parametrize("bestap", [2, 2.0, np.float32(2), b"2", b"2.0", "2", "Aperture_002", b"Aperture_002", [2]])
def test_bestap_of_any_type(tmp_path, bestap):
    path = write_qlp(tmp_path / "1.h5", bestap=bestap)
    np.testing.assert_array_equal(tess_io.read(path).flux, tess_io.read(path, aperture=2).flux)
    assert tess_io.read(path).flux.std() > 1.5 * tess_io.read(path, aperture=1).flux.std()


def test_flux_key_chooses_the_magnitudes(tmp_path):
    path = write_qlp(tmp_path / "1.h5")
    with h5py.File(path, "a") as file:
        file["LightCurve/AperturePhotometry/Aperture_001/RawMagnitude"][:] += np.linspace(0, 0.5, 300)
    assert tess_io.read(path, "RawMagnitude").flux.std() > 10 * tess_io.read(path, "KSPMagnitude").flux.std()


def remove(name):
    def change(path):
        with h5py.File(path, "a") as file:
            del file[name]

    return change


def truncate(path):
    path.write_bytes(path.read_bytes()[:-500])


def replace_by_text(path):
    path.write_text("<html>404 not found</html>")


def shorten_magnitudes(path):
    remove("LightCurve/AperturePhotometry/Aperture_001/KSPMagnitude")(path)
    with h5py.File(path, "a") as file:
        file["LightCurve/AperturePhotometry/Aperture_001/KSPMagnitude"] = np.ones(299)


def write_bestap(bestap):
    return lambda path: write_qlp(path, bestap=bestap)


@pytest.mark.parametrize(
    "damage, message",
    [
        (truncate, "truncated file"),
        (replace_by_text, "not a whole QLP HDF5 light curve"),
        (remove("LightCurve/BJD"), "no BJD in /LightCurve, which holds AperturePhotometry"),
        (remove("LightCurve/AperturePhotometry"), "no AperturePhotometry in /LightCurve"),
        (remove("LightCurve/AperturePhotometry/Aperture_001/KSPMagnitude"), "which holds RawMagnitude"),
        (write_bestap(None), "no attribute bestap"),
        (write_bestap(4), "no Aperture_004 in /LightCurve/AperturePhotometry, which holds Aperture_001, Aperture_002"),
        (write_bestap(np.nan), "bestap is 'nan'"),
        (write_bestap("best"), "bestap is 'best'"),
        (shorten_magnitudes, "has shape (299,), BJD has 300 cadences"),
    ],
)
def test_a_file_that_cannot_be_read_says_which_and_why(tmp_path, damage, message):
    path = write_qlp(tmp_path / "1.h5")
    damage(path)
    with pytest.raises(UnreadableLightCurveError) as error:
        tess_io.read(path)
    assert str(error.value).startswith(f"{path}: ") and message in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_flux_key_lists_those_there_are(tmp_path):
    with pytest.raises(UnreadableLightCurveError, match="no SAPMagnitude in .* holds KSPMagnitude, RawMagnitude"):
        tess_io.read(write_qlp(tmp_path / "1.h5"), flux_key="SAPMagnitude")


@pytest.mark.parametrize(
    "content, message",
    [
        (
            {"magnitude": np.full(50, np.nan)},
            "none of 50 cadences is usable (0 flagged, 50 without finite time and KSPM",
        ),
        ({"magnitude": np.ones(50), "flags": np.ones(50)}, "none of 50 cadences is usable (50 flagged, 0 without"),
        (
            {"magnitude": np.ones(50), "time": np.full(50, np.nan)},
            "none of 50 cadences is usable (0 flagged, 50 without",
        ),
        ({"magnitude": []}, "has columns, but no cadence"),
    ],
)
def test_a_file_without_usable_cadences_is_empty(tmp_path, content, message):
    with pytest.raises(EmptyLightCurveError) as error:
        tess_io.read(write_qlp(tmp_path / "1.h5", **content))
    assert message in str(error.value)


def test_missing_file_and_unknown_product(tmp_path):
    with pytest.raises(MissingLightCurveError, match="no file"):
        tess_io.read(tmp_path / "1.h5")
    (tmp_path / "1.xyz").touch()
    with pytest.raises(UnreadableLightCurveError, match=r"1.xyz: .* there are readers for .*\.h5, "):
        tess_io.read(tmp_path / "1.xyz")


def test_one_line_registers_another_product(tmp_path, monkeypatch):
    def read_text(path, flux_key, aperture, quality):
        time, magnitude = np.loadtxt(path, unpack=True)
        return Columns(time, magnitude, time < 3, "second column", is_magnitude=True)

    product = SimpleNamespace(NAMES=(r"s(?P<sector>\d+)-(?P<tic>\d+)\.txt",), EXACT_NAMES=(), read=read_text)
    monkeypatch.setattr(tess_io, "PRODUCTS", (*tess_io.PRODUCTS, product))
    (tmp_path / "s2-77.txt").write_text("1 10\n2 10\n3 10\n")
    light_curve = tess_io.read(tess_io.find(tmp_path, 77, 2))
    np.testing.assert_array_equal(light_curve.time, [1, 2])


def elsewhere(kind):
    """Replaces the magnitudes by what is kept in another file."""

    def change(path):
        name = "LightCurve/AperturePhotometry/Aperture_001/KSPMagnitude"
        other = path.parent / "other.h5"
        write_qlp(other)
        remove(name)(path)
        with h5py.File(path, "a") as file:
            if kind == "link":
                file[name] = h5py.ExternalLink(str(other), name)
            elif kind == "external":
                file.create_dataset(name, (300,), "f8", external=[("/dev/zero", 0, 2400)])
            elif kind == "virtual":
                layout = h5py.VirtualLayout((300,), "f8")
                layout[:] = h5py.VirtualSource(str(other), name, (300,))
                file.create_virtual_dataset(name, layout)

    return change


@pytest.mark.parametrize("kind", ["link", "external", "virtual"])
def test_a_file_cannot_point_at_another(tmp_path, kind):
    path = write_qlp(tmp_path / "1.h5")
    elsewhere(kind)(path)
    with pytest.raises(UnreadableLightCurveError, match="1.h5: .*KSPMagnitude is kept in another file"):
        tess_io.read(path)


@pytest.mark.parametrize("shape, chunk", [((10**12,), 1024), ((300,), 2**28)])
def test_absurd_sizes_allocate_nothing(tmp_path, shape, chunk):
    path = write_qlp(tmp_path / "1.h5")
    remove("LightCurve/BJD")(path)
    with h5py.File(path, "a") as file:
        file.create_dataset("LightCurve/BJD", shape, "f8", maxshape=(None,), chunks=(chunk,))
    with pytest.raises(UnreadableLightCurveError, match="BJD (has shape|is in chunks)"):
        tess_io.read(path)


def test_magnitudes_too_far_apart_for_flux(tmp_path):
    magnitude = np.full(300, 10.0)
    magnitude[::2] = 1e300
    with pytest.raises(UnreadableLightCurveError, match="KSPMagnitude has values too far apart"):
        tess_io.read(write_qlp(tmp_path / "1.h5", magnitude=magnitude))
