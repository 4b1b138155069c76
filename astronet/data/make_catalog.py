"""Joins TEV tables, star parameters and transit search results into one catalogue of TCEs."""

import collections
import dataclasses
import functools
import math
import os
import sys

import numpy as np
from tqdm import tqdm

import astronet
from astronet.base import arguments, locks
from astronet.base.kept import Kept, beside
from astronet.base.script import GOES_ON, Parser, ScriptError, run
from astronet.base.workers import OncePerProcess, add_cluster_flag, map_in_order
from astronet.data.catalog import catalog_rows, events, focal_plane, observed
from astronet.data.catalog import stars as star_catalog
from light_curve_util.products.quality import QUALITIES

_STARS_PER_TASK = 500
_FILES_PER_TASK = 200
_STAR_COLUMNS = dict(
    zip(
        ("ra", "dec", "tmag", "rad", "mass", "teff", "logg"),
        ("RA", "Dec", "Tmag", "star_rad", "star_mass", "teff", "logg"),
    )
)
_SEARCHES_PER_TASK = 4  # each takes a second, where a .blsanal file takes a fraction of a millisecond
_NO_SEARCHES = (
    "no transit searches, because there is no {}: events and SN stay as the tables have them, and what a table lacks "
    "stays empty"
)


def _add_stars(rows, catalog, num_workers, cluster):
    """Looks every star up once; where the catalogue lacks something, the table's own values serve."""
    tic_ids = sorted({row.tic_id for row in rows})
    tasks = [tic_ids[start : start + _STARS_PER_TASK] for start in range(0, len(tic_ids), _STARS_PER_TASK)]
    work = functools.partial(_look_up, open_catalog=OncePerProcess(star_catalog.open_catalog, catalog))
    stars, problems = {}, {}
    with tqdm(desc="stars", total=len(tic_ids), disable=None) as progress:
        for task, (found, problem) in zip(tasks, map_in_order(work, tasks, num_workers, cluster=cluster)):
            stars.update(found)
            problems.update((tic_id, problem) for tic_id in task if tic_id not in found)
            progress.update(len(task))
    for row in rows:
        if row.tic_id in stars:
            row.star = stars[row.tic_id]
        elif catalog != "none":
            row.warnings.append(f"{problems[row.tic_id]}: its star parameters stay empty")
        own = {
            field: row.numbers.get(column, math.nan)
            for field, column in _STAR_COLUMNS.items()
            if math.isnan(getattr(row.star, field))
        }
        row.star = dataclasses.replace(row.star, **own)


def _look_up(tic_ids, open_catalog):
    """Worker: dict of TIC ID to Star, and why the others are not in it."""
    catalog = open_catalog()
    try:
        return catalog.stars(tic_ids), f"not in {catalog.name}"
    except star_catalog.CatalogUnreachableError as error:
        return error.stars, str(error)


def _drop_faint(rows, max_tmag):
    for row in rows:
        if row.star.tmag > max_tmag:
            row.reason = f"Tmag {row.star.tmag:.3f} is fainter than {max_tmag} (--max_tmag)"


def _open_detectors(catalog):
    return focal_plane.open_detectors("pdo" if catalog == "pdo" else "auto")


def _add_detectors(rows, pointing):
    """Camera and CCD of each row, by the star's position and the sector's pointing."""
    of_sector = collections.defaultdict(list)
    for row in rows:
        if math.isfinite(row.star.ra + row.star.dec):
            of_sector[row.sector].append(row)
        else:
            row.warnings.append("neither catalogue nor table has coordinates: camera and ccd are not computed")
    for sector, there in sorted(of_sector.items()):
        ra, dec = np.array([(row.star.ra, row.star.dec) for row in there]).T
        try:
            for row, camera, ccd in zip(there, *pointing.locate(ra, dec, sector)):
                row.camera, row.ccd = int(camera), int(ccd)
        except focal_plane.DetectorError as error:
            for row in there:
                row.warnings.append(f"camera and ccd are not computed: {error}")


def _add_events(rows, searches, num_workers, out_path, cluster):
    """The event of each row; results are kept beside the catalogue until it is written."""
    size = _SEARCHES_PER_TASK if searches.tess_data_dir else _FILES_PER_TASK
    asked = [events.request(row) for row in rows]
    tasks = [asked[start : start + size] for start in range(0, len(asked), size)]
    context = {"version": astronet.__version__, **dataclasses.asdict(searches)}
    work = Kept(
        functools.partial(_find_events, searches=searches),
        beside(os.path.abspath(out_path)),
        context,
        functools.partial(_files, searches=searches),
    )
    num_kept = sum(len(task) for task in tasks if work.has(task))
    if num_kept:
        print(f"resuming: {num_kept} of {len(rows)} rows are in {work.directory} (remove it to begin anew)")
    answers = []
    with tqdm(desc="events", total=len(rows), disable=None) as progress:
        for results in map_in_order(work, tasks, num_workers, cluster=cluster):
            answers += results
            progress.update(len(results))
    for row, answer in zip(rows, answers):
        row.reason = answer.get("reason", "")
        row.event, row.event_source = answer.get("event", {}), answer.get("source", "")
        row.warnings += answer.get("warnings", [])
        if "camera" in answer and (answer["camera"], answer["ccd"]) != (row.camera, row.ccd):
            if row.camera:
                row.warnings.append(
                    f"lies on camera {row.camera} ccd {row.ccd}, its .blsanal file in cam{answer['camera']}/"
                    f"ccd{answer['ccd']}: the file's are taken"
                )
            row.camera, row.ccd = answer["camera"], answer["ccd"]
    return work


def _files(asked, searches):
    """Worker: the files of all requests."""
    return [path for request in asked for path in events.files(request, searches)]


def _find_events(asked, searches):
    """Worker: the answer to each request."""
    return [events.find_or_reason(request, searches) for request in asked]


def make_catalog(
    input_paths,
    out_path,
    catalog,
    searches,
    max_tmag=12.0,
    num_workers=1,
    cluster=None,
    choose_sectors=None,
    stitch=False,
):
    """Writes the catalogue and, beside it, lists of the rows that are not in it and of what to know about the others.

    A run that was killed is resumed by the next one with the same arguments.

    Args:
      input_paths: TEV tables, or others that dialects.py knows.
      out_path: CSV to write; `dropped_path` and `warnings_path` tell where the lists go.
      catalog: what star_catalog.resolve returns.
      searches: events.Searches.
      max_tmag: fainter stars are dropped.
      num_workers: processes; the output does not depend on it.
      cluster: as --cluster has it: where else to work.
      choose_sectors: which sectors of a row with none or several to take, as tce_table.Request has it.
      stitch: whether the light curves of all sectors of a row are joined, and those of a star's rows without a period.

    Returns:
      (number of TCEs, number of dropped rows, number of warnings).

    Raises:
      ScriptError: a table cannot be read, the cluster cannot be used, or another run writes the same catalogue.
    """
    with locks.exclusive_file(out_path):
        rows, notes = catalog_rows.read(input_paths, choose_sectors, stitch)
        for note in notes:
            print(note, file=sys.stderr)
        if stitch:
            catalog_rows.join_stars(rows)
        return _make_catalog(rows, out_path, catalog, searches, max_tmag, num_workers, cluster)


def _make_catalog(rows, out_path, catalog, searches, max_tmag, num_workers, cluster):
    catalog, searches = _without_working_directory(catalog, searches)
    left = functools.partial(filter, lambda row: not row.reason)
    at_mast = catalog.startswith("mast")  # which is asked by one process at a time
    _add_stars(list(left(rows)), catalog, 1 if at_mast else num_workers, None if at_mast else cluster)
    _drop_faint(left(rows), max_tmag)
    _add_detectors(left(rows), _open_detectors(catalog))
    kept = _add_events(list(left(rows)), searches, num_workers, out_path, cluster)
    events.check(list(left(rows)))
    catalog_rows.write_catalog(out_path, rows)
    dropped = [row for row in rows if row.reason]
    catalog_rows.write_list(dropped_path(out_path), dropped, "reason", lambda row: [row.reason])
    num_warnings = catalog_rows.write_list(warnings_path(out_path), left(rows), "warning", lambda row: row.warnings)
    kept.discard()
    return len(rows) - len(dropped), len(dropped), num_warnings


def _without_working_directory(catalog, searches):
    """The same with absolute paths: workers of a cluster have a working directory of their own."""
    kind, colon, path = catalog.partition(":")
    directories = {
        name: directory and os.path.abspath(directory)
        for name, directory in (("qlp_data_dir", searches.qlp_data_dir), ("tess_data_dir", searches.tess_data_dir))
    }
    return kind + colon + (path and os.path.abspath(path)), dataclasses.replace(searches, **directories)


def dropped_path(out_path):
    """Where the rows that did not become TCEs are listed."""
    return os.path.splitext(out_path)[0] + "_dropped.csv"


def warnings_path(out_path):
    """Where what is to be known of the rows that are TCEs is listed."""
    return os.path.splitext(out_path)[0] + "_warnings.csv"


def _find_qlp_data(flags):
    """The directory of the .blsanal files: --qlp_data_dir, or base_dir's own qlp-data where there is no such."""
    beside_tables = os.path.join(flags.base_dir, "qlp-data")
    return (
        beside_tables if os.path.isdir(beside_tables) and not os.path.isdir(flags.qlp_data_dir) else flags.qlp_data_dir
    )


def _searches(flags):
    """events.Searches as the flags have it; says where events come from."""
    qlp_data_dir = _find_qlp_data(flags)
    there = os.path.isdir(qlp_data_dir)
    if flags.bls == "files":
        print(f"transit searches from {qlp_data_dir}" if there else _NO_SEARCHES.format(qlp_data_dir))
        return events.Searches(qlp_data_dir)
    if not flags.tess_data_dir:
        raise ScriptError("--bls=compute searches light curves: give their directory, --tess_data_dir")
    if not os.path.isdir(flags.tess_data_dir):
        raise ScriptError(f"no directory {flags.tess_data_dir}: --tess_data_dir is that of the light curves to search")
    first = f"transit searches from {qlp_data_dir}; else " if there else ""
    print(f"{first}searching the light curves in {flags.tess_data_dir}")
    return events.Searches(qlp_data_dir, flags.tess_data_dir, flags.flux_key, flags.quality)


def _refuse_overwriting(flags, paths, out_path, catalog):
    """Refuses outputs that are a table or the star catalog, which --catalog=auto may have found by itself."""
    _, _, star_path = catalog.partition(":")
    arguments.refuse_overwriting_inputs(
        {"--out_name": [out_path, dropped_path(out_path), warnings_path(out_path)]},
        {"--input": paths, f"--catalog={flags.catalog}": star_path or None},
    )


def _open_stars(flag, catalog):
    """Opens the star catalog once: what is wrong with it is told here, not by each worker."""
    try:
        star_catalog.open_catalog(catalog)
    except ScriptError as error:
        if flag != "auto":
            raise
        raise ScriptError(
            f"{error}. It was taken for the star catalog because of its name (--catalog=auto): rename it, or choose "
            "another by --catalog"
        ) from error


def _counted(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _run(flags):
    paths = [os.path.join(flags.base_dir, name) for name in flags.input]
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise ScriptError(f"no file {', '.join(missing)}: --input names files in --base_dir")
    out_path = os.path.join(flags.base_dir, flags.out_name)
    catalog = star_catalog.resolve(flags.catalog, flags.base_dir, paths)
    _refuse_overwriting(flags, paths, out_path, catalog)
    _open_stars(flags.catalog, catalog)
    if catalog == "none":
        print(
            "no star catalogue: RA, Dec and Tmag come from the tables, other star parameters stay empty "
            "(--catalog=mast fetches them)"
        )
    else:
        print(f"star parameters from {catalog}")
    print(f"cameras and CCDs by {_open_detectors(catalog).name}")
    searches = _searches(flags)
    num_kept, num_dropped, num_warnings = make_catalog(
        paths,
        out_path,
        catalog,
        searches,
        flags.max_tmag,
        flags.num_worker_processes,
        flags.cluster,
        observed.ObservedSectors(flags.tess_data_dir) if flags.tess_data_dir else None,
        flags.stitch,
    )
    print(f"{_counted(num_kept, 'TCE')} in {out_path}")
    if num_dropped:  # a row with several sectors counts once for each
        print(f"{_counted(num_dropped, 'TCE')} dropped, with reasons in {dropped_path(out_path)}")
    if num_warnings:
        print(f"{_counted(num_warnings, 'warning')} about TCEs of {out_path} in {warnings_path(out_path)}")
    return 0 if num_kept else 1


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--input", nargs="+", required=True, help="tables, in base_dir: TEV's, or others that docs/data.md lists"
    )
    parser.add_argument("--base_dir", default=".", help="directory of the tables and of the output")
    parser.add_argument("--out_name", default="tces.csv", help="name of the catalogue")
    parser.add_argument(
        "--num_worker_processes", type=arguments.num_processes, default=1, help="1 works in this process"
    )
    add_cluster_flag(parser)
    parser.add_argument("--max_tmag", type=arguments.finite_number, default=12.0, help="drop stars fainter than this")
    parser.add_argument(
        "--qlp_data_dir",
        default="/pdo/qlp-data",
        help="directory of the .blsanal files; where absent, qlp-data in base_dir",
    )
    parser.add_argument(
        "--bls",
        choices=("files", "compute"),
        default="files",
        help="compute: where a star has no .blsanal file, its light curve is searched for transits",
    )
    parser.add_argument(
        "--tess_data_dir",
        type=arguments.input_directory,
        help="directory of the light curves for --bls=compute; it also tells the sectors of rows with none or several",
    )
    parser.add_argument(
        "--stitch",
        action="store_true",
        help="join the light curves of all sectors of a row, or of a star whose rows have no period, and search that",
    )
    parser.add_argument("--flux_key", help="column of the light curves to search (default: each product's own)")
    parser.add_argument("--quality", choices=QUALITIES, default="default", help="flagged cadences not to search")
    parser.add_argument(
        "--catalog",
        default="auto",
        help="star catalogue: pdo, mast, local:PATH (a TIC extract as SQLite, CSV or FITS), or auto: pdo where it is "
        "installed, else tic.sqlite, tic.csv or tic.fits in base_dir, else none",
    )
    return run(_run, parser.parse_args(argv), GOES_ON)


if __name__ == "__main__":
    from astronet.data.make_catalog import main  # noqa: F811 (workers of a cluster have another __main__, and can import that)

    sys.exit(main())
