"""Runs the same commands in two checkouts and compares every file that they write, byte by byte.

Use it for changes that must not change any output. The commands simulate a survey, make its catalog from its light
curves, make records, predict them with the shipped ensemble (and with another model, --model_dir), and search for
flares. In each checkout, the C++ core must be built in place.

    python tools/compare_checkouts.py ../before . --num_stars=60
"""

import argparse
import filecmp
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_FLARING_STARS = [f"flares/tess2018206045859-s0001-{tic_id:016d}-0120-s_lc.fits" for tic_id in (1001, 1002, 1003)]
# In the spellings of flags that older checkouts know, too.
COMMANDS = (
    ("data/simulate_survey.py", "--output_dir=survey", "--num_stars={num_stars}", "--seed=1"),
    ("data/make_empty_catalog.py", "--tess_data_dir=survey/tess", "--save_dir=found"),
    ("data/make_catalog.py", "--input", "sector-1-all.csv", "--base_dir=found", "--out_name=found.csv", "--bls=compute")
    + ("--tess_data_dir=survey/tess", "--catalog=local:survey/tic.sqlite"),
    ("data/generate_input_records.py", "--input_tce_csv_file=survey/tces.csv", "--tess_data_dir=survey/tess")
    + ("--output_dir=records", "--config_name=triage", "--num_train_shards=2"),
    (
        "batch_predict.py",
        "--model_dir=pretrained:triage",
        "--tfrecord_dir=records",
        "--pattern=*-of-*",
        "--suffix=numpy",
    )
    + ("--engine=numpy",),
    ("batch_predict.py", "--model_dir=pretrained:triage", "--tfrecord_dir=records", "--pattern=*-of-*", "--suffix=tf")
    + ("--engine=tensorflow",),
    ("flares/simulate_flares.py", "--output_dir=flares", "--num_stars=3", "--seed=1"),
    ("flares/find_flares.py", *_FLARING_STARS, "--model_dir=pretrained:flares", "--output_dir=flares_found"),
)
# With --model_dir, a directory with a checkpoint, or with a model of its own configuration.
OF_MODEL = (
    ("data/generate_input_records.py", "--input_tce_csv_file=survey/tces.csv", "--tess_data_dir=survey/tess")
    + ("--output_dir=records_of_model", "--config_name={config_name}", "--num_train_shards=2"),
    ("batch_predict.py", "--model_dir={model_dir}", "--model=AstroCNNModel", "--config_name={config_name}")
    + ("--tfrecord_dir=records_of_model", "--pattern=*-of-*", "--suffix=of_model"),
)
# These files contain times or machine names.
IGNORED = (".lock",)


def run_all(checkout: Path, directory: Path, commands: tuple, **values: object) -> None:
    """Runs commands with the scripts of a checkout, in a directory; `values` replace the names in braces.

    Raises:
      CalledProcessError: a command failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    for script, *flags in commands:
        command = [
            sys.executable,
            checkout / "astronet" / script,
            *(flag.format(**values) for flag in flags),
        ]
        subprocess.run(command, cwd=directory, env=environment, check=True, stdout=subprocess.DEVNULL)


def files_of(directory: Path) -> set:
    """Returns the relative paths of all files below a directory, except those that differ in every run."""
    paths = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    return {path for path in paths if not path.name.endswith(IGNORED)}


def is_same(first: Path, second: Path) -> bool:
    """Whether two files hold the same; of shards.json, but for the stamps of light curves, which hold their times."""
    if first.name != "shards.json":
        return filecmp.cmp(first, second, shallow=False)
    entries = [json.loads(path.read_text()) for path in (first, second)]
    for of_shards in entries:
        for entry in of_shards.values():
            del entry["light_curves"]
    return entries[0] == entries[1]


def differences(first: Path, second: Path) -> list:
    """Returns a line for each file that exists in only one of two directories, or differs between them."""
    paths = files_of(first) | files_of(second)
    lines = []
    for path in sorted(paths):
        missing = [
            name for name, directory in (("first", first), ("second", second)) if not (directory / path).exists()
        ]
        if missing:
            lines.append(f"{path}: not in the {missing[0]}")
        elif not is_same(first / path, second / path):
            lines.append(f"{path}: differs")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="checkout before the change")
    parser.add_argument("second", type=Path, help="checkout with the change")
    parser.add_argument("--num_stars", type=int, default=60, help="stars of the simulated survey")
    parser.add_argument("--model_dir", type=Path, help="directory of another model, whose predictions are compared")
    parser.add_argument("--config_name", default="yu2019", help="configuration of that model")
    flags = parser.parse_args()
    commands, values = COMMANDS, {"num_stars": flags.num_stars}
    if flags.model_dir:
        commands += OF_MODEL
        values.update(model_dir=flags.model_dir.resolve(), config_name=flags.config_name)
    with tempfile.TemporaryDirectory() as base:
        directories = [Path(base) / name for name in ("first", "second")]
        for checkout, directory in zip((flags.first, flags.second), directories):
            directory.mkdir()
            run_all(checkout.resolve(), directory, commands, **values)
        lines = differences(*directories)
        print("\n".join(lines))
        print(f"{len(files_of(directories[0]) | files_of(directories[1]))} files, {len(lines)} differences")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
