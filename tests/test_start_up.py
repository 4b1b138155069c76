"""Help and predictions come without what takes long to import. (How long it takes: benchmarks/start_up.py.)"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import astronet

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
SCRIPTS = re.findall(r'^[\w-]+ = "([\w.]+):main"$', PYPROJECT.read_text(), re.MULTILINE)
SLOW = {"tensorflow", "pandas", "astropy", "scipy", "sklearn", "matplotlib", "pydl", "batman", "astroquery"}
SLOW |= {"dask", "distributed"}


def test_all_scripts_are_found():
    assert {"astronet.train", "astronet.batch_predict", "astronet.data.generate_input_records"} < set(SCRIPTS)


@pytest.mark.parametrize("script", [*SCRIPTS, "tools.make_pretrained"])
def test_help_imports_nothing_slow(script):
    code = f"""
import sys
from {script} import main
try:
    main(["--help"])
except SystemExit as stopped:
    assert stopped.code == 0
print("imported:", *{{name.partition(".")[0] for name in sys.modules}})
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert done.startswith("usage: ")
    imported = done.splitlines()[-1].split()
    assert imported[0] == "imported:" and "argparse" in imported
    assert not SLOW & set(imported)


# What predicting needs of these: a process in which they are absent, as in the small installation.
ABSENT = (
    "tensorflow",
    "tf_keras",
    "sklearn",
    "matplotlib",
    "pydl",
    "batman",
    "astroquery",
    "requests",
    "tess_stars2px",
)


def run_without(absent, module, *arguments, cwd):
    """Runs main() of a module in a process without some packages; returns the names of the packages that it imports."""
    code = f"""
import sys
sys.modules.update(dict.fromkeys({absent!r}))
from {module} import main
assert main({[str(argument) for argument in arguments]!r}) == 0
print("imported:", *{{name.partition(".")[0] for name, module in sys.modules.items() if module}})
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.fixture(scope="module")
def light_curve(tmp_path_factory):
    """A light curve in HDF5, in its directory of sector 14, of a star with transits."""
    path = tmp_path_factory.mktemp("survey") / "sector-14" / "1001.h5"
    path.parent.mkdir()
    time = np.arange(1683.4, 1710, 30 / 1440)
    magnitude = 10 + 0.01 * ((time - 1683.4) % 3.1 < 0.15) + np.random.default_rng(0).normal(0, 5e-4, len(time))
    with h5py.File(path, "w") as file:
        file["LightCurve/BJD"], file["LightCurve/QFLAG"] = time, np.zeros(len(time), int)
        file["LightCurve/AperturePhotometry/Aperture_000/KSPMagnitude"] = magnitude
        file["LightCurve/AperturePhotometry"].attrs["bestap"] = 0
    return path


def test_one_tce_is_predicted_without_what_takes_long_to_import(light_curve, tmp_path):
    tce = ["--tic=1001", "--sector=14", "--period=3.1", "--t0=1683.475", "--duration_hours=3.6", "--transit_depth=9000"]
    flags = ["--model_dir=pretrained:triage", f"--light_curve={light_curve}", *tce]
    imported = run_without(ABSENT, "astronet.predict", *flags, cwd=tmp_path)
    assert "h5py" in imported
    assert not imported & {"pandas", "scipy", "astropy"}


def test_records_are_made_predicted_and_judged_without_tensorflow(light_curve, tmp_path):
    columns = "row_id,tic_id,toi_id,Disposition,Epoc,Period,Duration,Transit_Depth,Sectors,camera,SN"
    (tmp_path / "tces.csv").write_text(
        f"{columns}\n1,1001,0.01,PC,1683.475,3.1,3.6,9000,14,1,30\n2,1001,0.02,J,1684.9,4.7,3.6,900,14,1,9\n"
    )
    table = ["--input_tce_csv_file=tces.csv", f"--tess_data_dir={light_curve.parents[1]}", "--config_name=triage"]
    flags = [*table, "--output_dir=records", "--make_test_set", "--num_train_shards=1", "--num_worker_processes=0"]
    assert "pandas" in run_without(ABSENT, "astronet.data.generate_input_records", *flags, cwd=tmp_path)
    flags = ["--model_dir=pretrained:triage", "--tfrecord_dir=records", "--suffix=yyy"]
    imported = run_without(
        (*ABSENT, "pandas", "scipy", "astropy", "h5py"), "astronet.batch_predict", *flags, cwd=tmp_path
    )
    assert "numpy" in imported
    assert re.fullmatch(r"(1001 [01]\.\d{3}\n){2}", (tmp_path / "prediction_yyy.txt").read_text())
    copy = tmp_path / "copy"
    shutil.copytree(Path(astronet.__file__).parent / "pretrained/triage", copy)
    flags = [f"--model_dir={copy}", "--average", "--eval_files=records/test*"]
    run_without((*ABSENT, "pandas", "scipy", "astropy", "h5py"), "astronet.evaluate", *flags, cwd=tmp_path)
    run_without((*ABSENT, "astropy", "h5py"), "astronet.calibrate", *flags, cwd=tmp_path)
    assert json.loads((copy / "calibration.json").read_text())["temperature"] > 0


def test_flares_are_found_without_tensorflow(light_curve, tmp_path):
    flags = [light_curve, "--model_dir=pretrained:flares", "--output_dir=found", "--cadence_seconds=1800"]
    run_without(ABSENT, "astronet.flares.find_flares", *flags, cwd=tmp_path)
    assert (tmp_path / "found/searched.csv").read_text().count("1001") == 2


def test_a_script_that_needs_a_package_that_is_absent_says_so_in_a_line(light_curve, tmp_path):
    tce = ["--tic=1001", "--sector=14", "--period=3.1", "--t0=1683.475", "--duration_hours=3.6"]
    flags = ["--model_dir=pretrained:triage", f"--light_curve={light_curve}", *tce, "--output_image_file=tce.png"]
    code = f"import sys; sys.modules['matplotlib'] = None; from astronet.predict import main; sys.exit(main({flags!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    messages = "error: this needs the Python package matplotlib, which is not installed: install it, or all that"
    assert done.stderr.splitlines()[-1].startswith(messages) and "Traceback" not in done.stderr


def test_import_of_the_package_brings_nothing_but_python():
    code = "import sys, astronet; print(*{name.partition('.')[0] for name in sys.modules})"
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not (SLOW | {"numpy", "google", "h5py"}) & set(imported.split())
