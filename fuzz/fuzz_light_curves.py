"""Light curves for fuzz.py: a file of each product of tess_io, and readers by h5py, astropy and pandas alone."""

import contextlib
import functools
import gzip
import io
import os

import h5py
import numpy as np
from astropy.io import fits
from fuzz_mutations import hostile_floats, hostile_text, mutated_bytes, mutated_table

from light_curve_util import flux_scale, tess_io, time_systems
from light_curve_util.constants import BKJD_ZERO, BTJD_ZERO
from light_curve_util.errors import LightCurveError
from light_curve_util.products import quality
from light_curve_util.products.columns import Columns

_SIZE = 40
_PHOTOMETRY = "LightCurve/AperturePhotometry"
_MAGNITUDES = f"{_PHOTOMETRY}/Aperture_002/KSPMagnitude"
_BJDREF, _BKJDREF = ({"BJDREFI": day, "BJDREFF": 0.0} for day in (BTJD_ZERO, BKJD_ZERO))
_TEXTS = "texts, G where a cadence is good"
# Product: file name, sector, columns of time and flux, quality columns with the mask that disqualifies, BJD at time 0.
_FITS = {
    "qlp_fits": (
        *("hlsp_qlp_tess_ffi_s0002-0000000000000077_tess_v01_llc.fits", 2, "TIME", "KSPSAP_FLUX"),
        *({"QUALITY": quality.TESS["default"] | 1 << 12}, _BJDREF),
    ),
    "spoc": (
        *("tess2018234235059-s0002-0000000000000077-0121-s_lc.fits", 2, "TIME", "PDCSAP_FLUX"),
        *({"QUALITY": quality.TESS["default"]}, _BJDREF),
    ),
    "tglc": (
        *("hlsp_tglc_tess_ffi_gaiaid-1-s0002-cam1-ccd1_tess_v1_llc.fits", 2, "time", "cal_aper_flux"),
        *({"TESS_flags": quality.TESS["default"], "TGLC_flags": -1}, {}),
    ),
    "kepler": (
        *("kplr000000077-2009131105131_llc.fits.gz", 1, "TIME", "PDCSAP_FLUX"),
        *({"SAP_QUALITY": quality.KEPLER["default"]}, _BKJDREF),
    ),
    "tasoc": (
        *("hlsp_tasoc_tess_ffi_tic00000000077-s0002-cam1-ccd1-c1800_tess_v05_ens-lc.fits", 2, "TIME", "FLUX_CORR"),
        *({"PIXEL_QUALITY": quality.TESS["default"], "QUALITY": 3}, _BJDREF),
    ),
    "eleanor": (
        *("hlsp_gsfc-eleanor-lite_tess_ffi_s0002-0000000000000077_tess_v1.0_lc.fits", 2, "TIME", "CORR_FLUX"),
        *({"QUALITY": quality.TESS["default"]}, _BJDREF),
    ),
    "cdips": (
        *("hlsp_cdips_tess_ffi_gaiatwo0000000000000000000077-0002-cam1-ccd1_tess_v01_llc.fits", 2, "TMID_BJD", "TFA2"),
        *({"IRQ2": _TEXTS}, {}),
    ),
    "t16": (
        *("hlsp_t16_tess_ffi_s0002-cam1-ccd1-00000000000000000077_tess_v01_llc.fits", 2, "TMID_BJD", "TFA2"),
        *({"IRQ2": _TEXTS}, {}),
    ),
    "pathos": (
        *("hlsp_pathos_tess_lightcurve_tic-0000000077-s0002_tess_v1_llc.fits", 2, "TIME", "PSF_FLUX_COR"),
        *({"DQUALITY": quality.TESS["default"]}, _BJDREF),
    ),
    "tars": ("hlsp_tars_tess_ffi_s0002-0000000000000077_tess_v01_lc.fits", 2, "TIME", "FLUX", {}, _BJDREF),
    "diamante": (
        *("hlsp_diamante_tess_lightcurve_tic-0000000000000077_tess_v1_llc.fits", 2, "BTJD", "LC1_AP1"),
        *({"FLAG_AP1": -1}, _BJDREF),
    ),
    "k2sff": (*("hlsp_k2sff_k2_lightcurve_000000077-c02_kepler_v1_llc.fits", 2, "T", "FCOR", {"MOVING": 1}, _BKJDREF),),
    "everest": (
        *("hlsp_everest_k2_llc_000000077-c02_kepler_v2.0_lc.fits", 2, "TIME", "FLUX"),
        *({"QUALITY": quality.KEPLER["default"]}, _BKJDREF),
    ),
}
_IN_MAGNITUDES = ("cdips", "t16")
_GUESSED = ("tars", "diamante", "t16")


def _values():
    """Returns times, values that are valid as magnitudes and as flux, and flags, two of which are set."""
    rng = np.random.default_rng(5)
    return 1354.2 + np.arange(_SIZE) / 48, rng.normal(10, 0.01, _SIZE), np.isin(np.arange(_SIZE), [3, 17]).astype(int)


def _check(columns):
    """Returns a check that a light curve has the cadences and flux that an independent reader finds.

    Args:
      columns: function from a path to time, values, good, is_magnitude, is_guessed.
    """

    def check(path, light_curve):
        time, values, good, is_magnitude, is_guessed = columns(path)
        time = time_systems.of_light_curve(time).btjd
        usable = good & np.isfinite(time) & np.isfinite(values)
        declared = Columns(time, values, good, "", is_magnitude, is_guessed=is_guessed)
        with np.errstate(all="ignore"):
            expected_time, expected_flux, _ = flux_scale.relative(time[usable], declared, values[usable], clip=True)
        np.testing.assert_array_equal(light_curve.time, expected_time)
        np.testing.assert_array_equal(light_curve.flux, expected_flux)
        assert np.isfinite(light_curve.time).all() and np.isfinite(light_curve.flux).all()

    return check


def _hdf5(directory):
    path = os.path.join(directory, "77.h5")
    time, values, flags = _values()
    with h5py.File(path, "w") as file:
        file["LightCurve/BJD"] = time
        file["LightCurve/QFLAG"] = flags
        file[_MAGNITUDES] = values
        file[_MAGNITUDES.replace("002", "001")] = values + 1
        file[_PHOTOMETRY].attrs["bestap"] = 2
    with open(path, "rb") as file:
        content = file.read()

    def edited(rng):
        scratch = os.path.join(directory, "scratch.h5")
        with open(scratch, "wb") as file:
            file.write(content)
        with h5py.File(scratch, "a") as file:
            for _ in range(rng.integers(1, 3)):
                _edit_hdf5(rng, file)
        with open(scratch, "rb") as file:
            return file.read()

    edits = (lambda rng: mutated_bytes(rng, content), edited)
    return {"path": path, "content": content, "mutations": edits, **_reading(_hdf5_columns)}


def _reading(columns):
    return {"read": tess_io.read, "refusals": (LightCurveError,), "check": _check(columns)}


def _edit_hdf5(rng, file):
    name = ["LightCurve/BJD", "LightCurve/QFLAG", _MAGNITUDES][rng.integers(3)]
    if rng.integers(4) == 0:
        values = (b"2", "2", 2.0, 1e300, -1, 10**18, np.nan, [1, 2], [], np.array([[2]]), h5py.Empty("f"), True, 2 + 1j)
        values += (hostile_text(rng).replace("\0", "")[:1000], file["LightCurve"].ref, np.array([b"\xff\xfe"]))
        file.require_group(_PHOTOMETRY).attrs["bestap"] = values[rng.integers(len(values))]
        return
    with contextlib.suppress(KeyError):  # it may be gone already
        del file[name]
    huge = {"chunks": (1024,), "dtype": "f8"}
    makers = (
        lambda: None,
        lambda: file.create_dataset(name, (10**12,), **huge),
        lambda: file.create_dataset(name, (_SIZE * 10**7,), **huge),
        lambda: file.create_dataset(name, (_SIZE,), maxshape=(None,), chunks=(2**28,), dtype="f8"),
        lambda: file.create_dataset(name, (_SIZE,), maxshape=(None,), fillvalue=np.nan, **huge),
        lambda: file.create_dataset(name, (_SIZE, 1), dtype="f8"),
        lambda: file.create_dataset(name, (), dtype="f8"),
        lambda: file.create_dataset(name, (0,), dtype="f8"),
        lambda: file.create_dataset(name, dtype="f8", data=h5py.Empty("f8")),
        lambda: file.create_dataset(name, (_SIZE,), dtype="f8", external=[("/dev/zero", 0, 8 * _SIZE)]),
        lambda: file.create_group(name),
        lambda: file.create_dataset(name, data=hostile_floats(rng, _SIZE)),
        lambda: file.create_dataset(name, data=hostile_floats(rng, int(rng.integers(0, 2 * _SIZE)))),
        lambda: file.create_dataset(name, data=_values()[1] * 10.0 ** rng.integers(-300, 300), compression="gzip"),
        lambda: file.create_dataset(name, data=hostile_floats(rng, _SIZE).astype(["f2", "f4", ">f8"][rng.integers(3)])),
        lambda: file.create_dataset(name, data=rng.integers(-(2**63), 2**63 - 1, _SIZE)),
        lambda: file.create_dataset(name, data=rng.integers(0, 2**64, _SIZE, dtype=np.uint64)),
        lambda: file.create_dataset(name, data=rng.integers(0, 2, _SIZE) > 0),
        lambda: file.create_dataset(name, data=np.array([b"10.1"] * _SIZE)),
        lambda: file.create_dataset(name, data=["x" * 100] * _SIZE),
        lambda: file.create_dataset(name, data=np.zeros(_SIZE, [("a", "f8"), ("b", "i4")])),
        lambda: file.create_dataset(name, data=hostile_floats(rng, _SIZE) * 1j),
        lambda: file.create_dataset(name, (_SIZE,), dtype=h5py.vlen_dtype(np.float64)),
        lambda: file.create_dataset(name, (_SIZE,), dtype=h5py.ref_dtype),
        lambda: file.create_dataset(name, (_SIZE,), dtype=h5py.enum_dtype({"a": 1, "b": 2}, "i4")),
        lambda: file.create_dataset(name, (_SIZE,), dtype=np.dtype("V8")),
        lambda: file.__setitem__(name, h5py.SoftLink("/" + name)),
        lambda: file.__setitem__(name, h5py.SoftLink("/LightCurve")),
        lambda: file.__setitem__(name, h5py.SoftLink("/" + _MAGNITUDES.replace("002", "001"))),
        lambda: file.__setitem__(name, h5py.ExternalLink("/dev/zero", "x")),
        lambda: file.__setitem__(name, h5py.ExternalLink(file.filename.replace("scratch", "77"), name)),
    )
    makers[rng.integers(len(makers))]()


def _hdf5_columns(path):
    with h5py.File(path, "r") as file:
        best = np.ravel(file[_PHOTOMETRY].attrs["bestap"])[0]
        best = best.decode() if isinstance(best, bytes) else str(best)
        name = f"{_PHOTOMETRY}/Aperture_{int(float(best.replace('Aperture_', ''))):03d}/KSPMagnitude"
        time, values = (np.asarray(file[name]).astype(float) for name in ("LightCurve/BJD", name))
        if "QFLAG" in file["LightCurve"]:
            return time, values, np.asarray(file["LightCurve/QFLAG"]) == 0, True, False
    good = np.ones(len(time), dtype=bool)
    if np.any(time < 1353.5):  # the first files of sector 1; see qlp_hdf5
        from light_curve_util.products.qlp_hdf5 import _good_without_flags

        good = _good_without_flags(time)
    return time, values, good, True, False


def _fits(product, directory):
    name, sector, time_name, flux_name, masks, reference = _FITS[product]
    path = os.path.join(directory, name)
    time, values, flags = _values()
    values = values if product in _IN_MAGNITUDES else 100 * values
    columns = [fits.Column(time_name, "D", array=time), fits.Column(flux_name, "E", array=values)]
    for flag, mask in masks.items():
        is_text = mask is _TEXTS
        columns.append(
            fits.Column(flag, "1A" if is_text else "J", array=np.where(flags, "X", "G") if is_text else flags)
        )
    columns += [fits.Column("POS", "2E", array=np.zeros((_SIZE, 2)))]
    table = fits.BinTableHDU.from_columns(columns, fits.Header(reference), name="LIGHTCURVE")
    primary = fits.PrimaryHDU(header=fits.Header({"TICID": 77, "SECTOR": sector}))
    stream = io.BytesIO()
    fits.HDUList([primary, table]).writeto(stream)
    plain = stream.getvalue()
    packed = functools.partial(gzip.compress, mtime=0) if name.endswith(".gz") else bytes
    content = packed(plain)

    mutations = (
        lambda rng: mutated_bytes(rng, content),
        lambda rng: packed(mutated_bytes(rng, plain)),
        lambda rng: packed(_with_hostile_cards(rng, plain)),
        lambda rng: packed(_with_hostile_values(rng, plain)),
        lambda rng: gzip.compress(_with_hostile_cards(rng, plain), mtime=0),
    )
    columns = functools.partial(_fits_columns, product)
    return {"path": path, "content": content, "mutations": mutations, **_reading(columns)}


def _with_hostile_cards(rng, content):
    """Changes values of header cards. Numbers mostly stay numbers."""
    content = bytearray(content)
    cards = [at for at in range(0, len(content), 80) if content[at + 8 : at + 10] == b"= "]
    values = ("-1", "0", "1", "7", "9999999999", "1E300", "-32", "64", "T", "'1D'", "'999999999D'", "'1PD(9)'", "'X'")
    values += ("'A8'", "'LIGHTCURVE'", "'TIME'", "NaN", "2457000.5", "'\x00'", "")
    for at in rng.choice(cards, rng.integers(1, 3)):
        content[at + 10 : at + 80] = values[rng.integers(len(values))].rjust(20).ljust(70).encode()
    return bytes(content)


def _with_hostile_values(rng, content):
    with fits.open(io.BytesIO(content)) as file:
        data = file["LIGHTCURVE"].data
        columns = [column.name for column in file["LIGHTCURVE"].columns if column.format != "1A"]
        name = columns[rng.integers(len(columns) - 1)]
        with np.errstate(all="ignore"):
            data[name] = hostile_floats(rng, _SIZE) * 10.0 ** rng.integers(-30, 30)
        stream = io.BytesIO()
        file.writeto(stream, output_verify="ignore")
        return stream.getvalue()


def _fits_columns(product, path):
    _, _, time_name, flux_name, masks, _ = _FITS[product]
    with fits.open(path, memmap=False) as file:
        header, data = file[1].header, file[1].data
        reference = header.get("BJDREFI", BKJD_ZERO if product in ("kepler", "k2sff", "everest") else BTJD_ZERO)
        if product == "t16":  # its columns may have other names
            time_name = next(name for name in (time_name, "BJD", "BTJD", "TIME") if name in data.names)
        time = data[time_name].astype(float) + (reference - BTJD_ZERO + header.get("BJDREFF", 0))
        if product == "qlp_fits" and file[0].header.get("SECTOR", 0) >= 56:
            masks = {"QUALITY": quality.TESS["default"] | 1 << 30}
        good = np.ones(len(time), dtype=bool)
        if product == "t16":
            masks = {name: mask for name, mask in masks.items() if name in data.names}
        for name, mask in masks.items():
            good &= np.isin(data[name], ("G", "0")) if mask is _TEXTS else data[name].astype(int) & mask == 0
        flux_name = next(name for name in (flux_name, "DET_FLUX", "FLUX") if name in data.names)
        return time, data[flux_name].astype(float), good, product in _IN_MAGNITUDES, product in _GUESSED


def _csv(directory):
    path = os.path.join(directory, "tic77_s2.csv")
    rows = zip(*_values())
    text = "time,flux,quality\n" + "".join(f"{time:.17g},{100 * flux:.17g},{flag}\n" for time, flux, flag in rows)
    mutations = (
        lambda rng: mutated_bytes(rng, text.encode()),
        lambda rng: mutated_table(rng, text, ",").encode(),
    )
    return {"path": path, "content": text.encode(), "mutations": mutations, **_reading(_csv_columns)}


def _csv_columns(path):
    import pandas as pd

    table = pd.read_csv(
        path,
        skip_blank_lines=True,
        skipinitialspace=True,
        comment="#",
        float_precision="round_trip",
        encoding="utf-8-sig",
    )
    table = table.replace(r"^\s*$", np.nan, regex=True)
    table.columns = [name.strip().lower() for name in table.columns]
    time, flux = (table[name].to_numpy(float) for name in ("time", "flux"))
    good = table["quality"].to_numpy(float) == 0 if "quality" in table.columns else np.ones(len(table), dtype=bool)
    return time, flux, good, False, True


_MAKERS = {"qlp_hdf5": _hdf5, "csv_table": _csv, **{name: functools.partial(_fits, name) for name in _FITS}}
_NAMES = [product.__name__.rpartition(".")[2] for product in tess_io.PRODUCTS]
BUILDERS = {name: _MAKERS[name] for name in _NAMES}  # a product without a maker is an error: it needs one
