"""--help is answered without what takes long to import. (How long it takes: benchmarks/start_up.py.)"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
SCRIPTS = re.findall(r'^[\w-]+ = "([\w.]+):main"$', PYPROJECT.read_text(), re.MULTILINE)
SLOW = {"tensorflow", "pandas", "astropy", "scipy", "sklearn", "matplotlib", "pydl", "batman", "astroquery"}
SLOW |= {"dask", "distributed"}


def test_all_scripts_are_found():
    assert {"astronet.train", "astronet.batch_predict", "astronet.data.generate_input_records"} < set(SCRIPTS)


@pytest.mark.parametrize("script", [*SCRIPTS, "astronet.make_pretrained"])
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
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.startswith("usage: ")
    imported = told.splitlines()[-1].split()
    assert imported[0] == "imported:" and "argparse" in imported
    assert not SLOW & set(imported)
