"""Makes a TEV table, with most columns empty, of stars that are given as lists of TIC IDs."""

import collections
import os
import re
import sys

from astronet.data import tev
from astronet.util.files import make_directory
from astronet.util.script import Parser, ScriptError, run

_FILE_NAME = re.compile(r"sector-(\d+)(?:-.*)?\.txt$", re.IGNORECASE)


def sector_of(path):
    """The sector in a file's name, `sector-X.txt` or `sector-X-anything.txt`.

    Raises:
      ScriptError: the name is not of this form.
    """
    match = _FILE_NAME.match(os.path.basename(path))
    if not match:
        raise ScriptError(f"{path}: no sector in the file's name; call it sector-X-anything.txt")
    return int(match.group(1))


def read_tic_ids(path):
    """TIC IDs of a text file, one a line, and messages about the lines that hold none."""
    tic_ids, problems = [], []
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: not a readable text file ({error}); give one TIC ID a line") from error
    for number, line in enumerate(lines, start=1):
        if line.strip().isdecimal():
            tic_ids.append(int(line))
        elif line.strip():
            problems.append(f"{path} line {number}: '{line.strip()}' is not a TIC ID; left out")
    return tic_ids, problems


def _run(flags):
    tic_ids_of_sector = collections.defaultdict(list)
    for name in flags.input:
        path = os.path.join(flags.base_dir, name)
        tic_ids, problems = read_tic_ids(path)
        tic_ids_of_sector[sector_of(path)] += tic_ids
        print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    save_dir = flags.save_dir or flags.base_dir
    make_directory(save_dir)
    for sector, tic_ids in sorted(tic_ids_of_sector.items()):
        unique = list(dict.fromkeys(tic_ids))
        rows = [
            {"src": "qlp", "tic_id": tic_id, "toi_id": ".01", "Disposition": "J", "Sectors": sector}
            for tic_id in unique
        ]
        path = os.path.join(save_dir, f"sector-{sector}-all.csv")
        tev.write(path, rows)
        repeated = f" ({len(tic_ids) - len(unique)} repeated TIC IDs left out)" if len(unique) < len(tic_ids) else ""
        print(f"{len(unique)} stars in {path}{repeated}")
    return 0


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--base_dir", default=".", help="directory of the lists")
    parser.add_argument("--input", nargs="+", required=True, help="lists in base_dir, named sector-X-anything.txt")
    parser.add_argument("--save_dir", help="directory of sector-X-all.csv (default: base_dir)")
    return run(_run, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
