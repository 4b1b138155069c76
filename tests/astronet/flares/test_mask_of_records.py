"""Records whose light curves lose their flares before they are folded: generate_input_records.py --mask_flares."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from astronet.data import generate_input_records
from astronet.estimator import checkpoints
from astronet.flares import mask


@pytest.fixture
def generate(simulated, tmp_path):
    table = "row_id,tic_id,toi_id,Disposition,Epoc,Period,Duration,Transit_Depth,Sectors\n"
    rows = [f"{row},{tic_id},.01,PC,1326.0,0.7,1.9,1000,1\n" for row, tic_id in enumerate((1001, 1002, 1003))]
    (tmp_path / "tces.csv").write_text(table + "".join(rows))
    (tmp_path / "tess" / "sector-1").mkdir(parents=True)
    for path in simulated.glob("*100[123]*.fits"):
        shutil.copy(path, tmp_path / "tess" / "sector-1")

    def generate(mask_dir, *flags):
        files = [f"--input_tce_csv_file={tmp_path}/tces.csv", f"--tess_data_dir={tmp_path}/tess"]
        given = [*files, f"--output_dir={tmp_path}/out", "--make_test_set", "--num_train_shards=1", *flags]
        return [*given, f"--mask_flares={mask_dir}"]

    return generate


def made(tmp_path):
    return (tmp_path / "out" / "test-00000-of-00001").stat().st_ino


def test_records_know_the_flare_networks_by_their_content(generate, model_dir, tmp_path, capfd):
    shutil.copytree(model_dir, tmp_path / "networks")
    arguments = generate(tmp_path / "networks", "--num_worker_processes=0")
    assert generate_input_records.main(arguments) == 0
    first = made(tmp_path)
    settings = json.loads((tmp_path / "out" / "records.json").read_text())["settings"]
    assert settings["mask_sha256"] == mask.of_directory(str(model_dir)).sha256
    shutil.move(tmp_path / "networks", tmp_path / "moved")
    assert generate_input_records.main(generate(tmp_path / "moved", "--num_worker_processes=0")) == 0
    assert made(tmp_path) == first
    mask.load.cache_clear()
    for suffix in ("index", "data-00000-of-00001"):  # other networks under the same name
        source = f"{checkpoints.find(model_dir / '2')}.{suffix}"
        shutil.copy(source, f"{checkpoints.find(tmp_path / 'moved' / '1')}.{suffix}")
    assert generate_input_records.main(generate(tmp_path / "moved", "--num_worker_processes=0")) == 0
    assert made(tmp_path) != first


@pytest.mark.parametrize("workers", [0, 2])
def test_a_mistyped_directory_of_flare_networks_stops_before_any_work(generate, tmp_path, capfd, workers):
    assert generate_input_records.main(generate(tmp_path / "nowhere", f"--num_worker_processes={workers}")) == 1
    printed = capfd.readouterr().err.strip().splitlines()
    assert len(printed) == 1 and printed[0].startswith(f"error: --mask_flares={tmp_path}/nowhere: ")
    assert not (tmp_path / "out").exists()


def test_cadences_too_long_for_flares_are_a_reason_of_their_own(generate, model_dir, tmp_path, capfd):
    (path,) = (tmp_path / "tess" / "sector-1").glob("*1002-*.fits")
    with fits.open(path) as file:
        file["LIGHTCURVE"].data["TIME"][:] = 1325 + 600 / 86400 * np.arange(len(file["LIGHTCURVE"].data))
        file["LIGHTCURVE"].data = file["LIGHTCURVE"].data[:1500]
        file.writeto(path, overwrite=True)
    assert generate_input_records.main(generate(model_dir, "--num_worker_processes=0")) == 0
    with open(tmp_path / "out" / "skipped.csv", newline="") as file:
        (skipped,) = csv.DictReader(file)
    assert skipped["tic_id"] == "1002" and skipped["reason"].startswith("cadence: ")
    assert "--cadence_seconds" not in skipped["reason"] and "leave --mask_flares away" in skipped["reason"]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda path: None, "there is no such directory"),
        (lambda path: path.write_text(""), "it is a file: give a directory"),
        (lambda path: path.mkdir(), "it has no models in subdirectories: give the directory of an ensemble"),
    ],
)
def test_what_is_no_directory_of_flare_networks_says_what_it_is(generate, tmp_path, capfd, make, message):
    make(tmp_path / "given")
    assert generate_input_records.main(generate(tmp_path / "given", "--num_worker_processes=0")) == 1
    error = capfd.readouterr().err
    assert message in error and "--average" not in error


def test_a_run_with_flare_networks_ends_without_a_traceback(generate, model_dir, tmp_path):
    script = [sys.executable, generate_input_records.__file__, *generate(model_dir, "--num_worker_processes=1")]
    done = subprocess.run(script, capture_output=True, text=True)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "3 rows = 3 records + 0 skipped" in done.stdout
