"""Makes TEV tables, with most columns empty, of the stars in lists of TIC IDs, or of all that have light curves."""

import collections
import contextlib
import os
import re
import sys

from tqdm import tqdm

from astronet.base import arguments
from astronet.base.files import make_directory, write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.base.workers import map_in_order
from astronet.data.catalog import tev
from light_curve_util.numerals import numbered

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
    """Reads TIC IDs from a text file, one a line.

    Returns:
      List of TIC IDs, without repetitions; list of (line number, text, reason) of the lines that add none.

    Raises:
      ScriptError: the file is not text.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: not a readable text file ({error}); give one TIC ID a line") from error
    tic_ids, dropped = {}, []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text.isdecimal():
            dropped += [(number, text, "not a TIC ID")] if text else []
        elif int(text) in tic_ids:
            dropped.append((number, text, f"the same as line {tic_ids[int(text)]}"))
        else:
            tic_ids[int(text)] = number
    return list(tic_ids), dropped


def _read_lists(paths, num_workers):
    """Dict of sector to TIC IDs, in order; dict of sector to (file, line, text, reason) of what is left out."""
    tic_ids_of, dropped_of = collections.defaultdict(dict), collections.defaultdict(list)
    with tqdm(total=len(paths), unit="file", disable=None) as progress:
        for path, (tic_ids, dropped) in zip(paths, map_in_order(read_tic_ids, paths, num_workers)):
            sector, name = sector_of(path), os.path.basename(path)
            dropped_of[sector] += [(name, *problem) for problem in dropped]
            of_sector = tic_ids_of[sector]
            for tic_id in tic_ids:
                earlier = of_sector.setdefault(tic_id, name)
                if earlier != name:
                    dropped_of[sector].append((name, "", tic_id, f"is in {earlier} too"))
            progress.update()
    return tic_ids_of, dropped_of


def _write_dropped(path, dropped):
    """The list of what was left out; none, not even an earlier one, where nothing was."""
    if not dropped:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        return
    write_csv(path, ("file", "line", "text", "reason"), dropped, lineterminator="\n")


def _observed(tess_data_dir):
    """Dict of sector to the TIC IDs whose light curves are in a directory."""
    from light_curve_util import tess_io

    tic_ids_of = collections.defaultdict(list)
    for sector, tic_id in tess_io.stars(tess_data_dir):
        tic_ids_of[sector].append(tic_id)
    if not tic_ids_of:
        raise ScriptError(f"no light curve that tells its star and sector in {tess_data_dir}: see docs/light_curves.md")
    return tic_ids_of


def _run(flags):
    if flags.tess_data_dir:
        tic_ids_of, dropped_of = _observed(flags.tess_data_dir), collections.defaultdict(list)
    else:
        paths = [os.path.join(flags.base_dir, name) for name in flags.input]
        for path in paths:
            sector_of(path)  # a name without a sector is told before anything is read
        tic_ids_of, dropped_of = _read_lists(paths, flags.num_worker_processes)
    save_dir = flags.save_dir or flags.base_dir
    make_directory(save_dir)
    for sector, tic_ids in sorted(tic_ids_of.items()):
        rows = [
            {"src": "qlp", "tic_id": tic_id, "toi_id": ".01", "Disposition": "J", "Sectors": sector}
            for tic_id in tic_ids
        ]
        table = os.path.join(save_dir, f"sector-{sector}-all.csv")
        tev.write(table, rows)
        dropped_path = os.path.join(save_dir, f"sector-{sector}-all_dropped.csv")
        _write_dropped(dropped_path, dropped_of[sector])
        left_out = len(dropped_of[sector])
        told = f", {numbered(left_out, 'line')} left out: {dropped_path}" if left_out else ""
        print(f"{numbered(len(rows), 'star')} in {table}{told}")
    return 0


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--base_dir", default=".", help="directory of the lists")
    stars = parser.add_mutually_exclusive_group(required=True)
    stars.add_argument("--input", nargs="+", help="lists in base_dir, named sector-X-anything.txt, one TIC ID a line")
    stars.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        help="in place of lists: every star with a light curve in this directory",
    )
    parser.add_argument(
        "--save_dir", type=arguments.output_directory, help="directory of sector-X-all.csv (default: base_dir)"
    )
    parser.add_argument(
        "--num_worker_processes", type=arguments.num_processes, default=1, help="processes that read lists"
    )
    return run(_run, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
