"""A data directory with a mixture of public products, through the scripts."""

import json

import numpy as np
import pytest
from astropy.io import fits

from astronet import plot_tces
from astronet.data import generate_input_records
from astronet.data.records import tf_example, tfrecord

STARS = (1, 2, 3, 4)
DIP = 0.01


@pytest.fixture
def survey(tmp_path):
    """A catalogue of a TCE of each of STARS, and their light curves: CSV, SPOC, TGLC, and SPOC cut off."""
    time = 1325.3 + np.arange(960) / 48
    phase = np.mod(time - 1325.6 + 0.85, 1.7) - 0.85
    flux = 1 - DIP * (np.abs(phase) < 0.075) + np.random.default_rng(3).normal(0, 3e-4, len(time))
    sector = tmp_path / "tess" / "sector-1"
    sector.mkdir(parents=True)
    np.savetxt(sector / "1.csv", np.column_stack([time + 2457000, flux]), "%.9f", ",", header="bjd,flux", comments="")

    # Every tenth cadence has stray light, too bright by half the depth.
    stray = np.arange(len(time)) % 10 == 0
    spoc = {"TIME": time, "PDCSAP_FLUX": 900 * (flux + DIP / 2 * stray), "SAP_FLUX": 0 * time, "QUALITY": 2048 * stray}
    _write(sector / "tess2018206045859-s0001-0000000000000002-0120-s_lc.fits", spoc, TICID=2, SECTOR=1)
    tglc = {"time": time, "cal_aper_flux": flux, "TESS_flags": 0 * stray, "TGLC_flags": 0 * stray}
    name = "hlsp_tglc_tess_ffi_gaiaid-5707485527450614656-s0001-cam2-ccd4_tess_v2_llc.fits"
    _write(tmp_path / "tess" / name, tglc, TICID="3", SECTOR=1)
    cut_off = sector / "tess2018206045859-s0001-0000000000000004-0120-s_lc.fits"
    cut_off.write_bytes((sector / cut_off.name.replace("4-0", "2-0")).read_bytes()[:9000])

    rows = [f"{i},{i},?.01,PC,1325.6,1.7,3.6,{1e6 * DIP},1,20" for i in STARS]
    columns = "row_id,tic_id,toi_id,Disposition,Epoc,Period,Duration,Transit_Depth,Sectors,SN"
    (tmp_path / "tces.csv").write_text("\n".join([columns, *rows, ""]))
    return [f"--input_tce_csv_file={tmp_path}/tces.csv", f"--tess_data_dir={tmp_path}/tess"]


def _write(path, columns, **header):
    columns = [fits.Column(name, "J" if a.dtype.kind == "i" else "D", array=a) for name, a in columns.items()]
    table = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
    fits.HDUList([fits.PrimaryHDU(header=fits.Header(header)), table]).writeto(path)


def make_records(survey, out, *flags):
    assert generate_input_records.main([*survey, f"--output_dir={out}", "--make_test_set", *flags]) == 0
    serialized = [s for path in tfrecord.expand(f"{out}/test-*") for s in tfrecord.read(path)]
    found = map(tf_example.from_serialized, serialized)
    views = {tf_example.value(e, "tic_id"): np.array(tf_example.series(e, "global_view")) for e in found}
    return views, (out / "skipped.csv").read_text(), json.loads((out / "records.json").read_text())["settings"]


def test_records_of_a_mixture(survey, tmp_path):
    views, skipped, settings = make_records(survey, tmp_path / "out")
    assert sorted(views) == [1, 2, 3]
    assert skipped.count("\n") == 2 and "\n4,4,1,unreadable: " in skipped and "fetch the file again" in skipped
    assert settings["flux_key"] is None and settings["quality"] == "default"
    np.testing.assert_allclose(views[1], views[3], rtol=0, atol=1e-6)  # the CSV has nine digits


def test_relative_flux_about_0_makes_the_same_records_and_is_said_in_a_list(survey, tmp_path):
    sector = tmp_path / "tess" / "sector-1"
    time, flux = np.loadtxt(sector / "1.csv", delimiter=",", skiprows=1, unpack=True)
    np.savetxt(sector / "5.csv", np.column_stack([time, flux - 1]), "%.9f", ";", header="JD;rel_flux", comments="")
    in_ppm = [
        fits.Column("TIME", "D", array=time - 2457000),
        fits.Column("FLUX_CORR", "D", "ppm", array=1e6 * (flux - 1)),
    ]
    in_ppm += [fits.Column(name, "J", array=np.zeros(len(time))) for name in ("FLUX_RAW", "QUALITY", "PIXEL_QUALITY")]
    table = fits.BinTableHDU.from_columns(in_ppm, name="LIGHTCURVE")
    name = "hlsp_tasoc_tess_ffi_tic00000000006-s0001-cam4-ccd4-c1800_tess_v05_cbv-lc.fits"
    fits.HDUList([fits.PrimaryHDU(header=fits.Header({"TICID": 6, "SECTOR": 1})), table]).writeto(sector / name)
    with open(tmp_path / "tces.csv", "a") as file:
        file.writelines(f"{i},{i},?.01,PC,1325.6,1.7,3.6,{1e6 * DIP},1,20\n" for i in (5, 6))
    views, _, _ = make_records(survey, tmp_path / "out")
    assert sorted(views) == [1, 2, 3, 5, 6]
    for star in (5, 6):
        np.testing.assert_allclose(views[star], views[1], rtol=0, atol=1e-6)
    messages = (tmp_path / "out" / "warnings.csv").read_text()
    assert (
        '5,5,1,"values about 0 are taken for relative flux, a fraction: 1 is added"' in messages
        and "\n6,6," not in messages
    )


def test_quality_and_flux_key_reach_the_reader(survey, tmp_path):
    """Without stray light the SPOC light curve is the same as the others, but for the cadences that are missing."""
    views, _, settings = make_records(survey, tmp_path / "hard", "--quality=hard")
    default, _, _ = make_records(survey, tmp_path / "default")
    assert settings["quality"] == "hard"
    out_of_transit = np.abs(np.arange(201) - 100) > 20
    assert views[2][out_of_transit].std() < default[2][out_of_transit].std()
    views, skipped, settings = make_records(survey, tmp_path / "key", "--flux_key=PDCSAP_FLUX")
    assert sorted(views) == [2] and settings["flux_key"] == "PDCSAP_FLUX"
    assert "no column PDCSAP_FLUX in extension LIGHTCURVE, which has time, cal_aper_flux" in skipped


def test_plots_of_a_mixture(survey, tmp_path, capsys):
    assert (
        plot_tces.main([*survey, f"--output_dir={tmp_path}/plots", "--config_name=local_global", "--quality=hard"]) == 0
    )
    assert len(list((tmp_path / "plots").glob("*.png"))) == 3
    assert "row_id 4 (TIC 4) left out: unreadable" in capsys.readouterr().err
