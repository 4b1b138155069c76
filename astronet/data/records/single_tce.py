"""Makes the record columns of a single TCE, as generate_input_records.py would write them.

A network also reads the camera of a TCE and its event densities (event_density.py), which depend on the other TCEs of
the sector. The camera comes from the light curve, the densities from a table of the sector's TCEs.
"""

import math
import os
from collections.abc import Mapping
from typing import Any, Union

import numpy as np

from astronet.config import configuration
from astronet.data.catalog import focal_plane, tce_table
from astronet.data.records import event_density, record_features, tf_example
from astronet.data.records.columns import (
    CAMERA,
    DEPTH,
    DISPOSITION,
    DURATION,
    EPOCH,
    EVENT_DENSITIES,
    EVENT_MEASURES,
    LOGG,
    PERIOD,
    SECTOR,
    SN,
    STAR_MASS,
    STAR_RADIUS,
    TEFF,
    TIC_ID,
    TMAG,
)
from light_curve_util import identity
from light_curve_util.constants import LOGG_OF_SUN

_SAME_PERIOD = 1e-4  # relative difference: a user types fewer digits than a table has
_SAME_EVENT_DURATIONS = 0.5  # difference of the mid-times, in durations
_A_TABLE = "a table of a few hundred TCEs of its sector"
_TOO_FEW = "the table has too few TCEs of its sector, or no camera"
# The flags that give columns which a record lacks.
FLAGS = {DEPTH: "--transit_depth", SN: "--sn", SECTOR: "--sector", "catalog": "--catalog"}


def with_camera(columns: Mapping[str, Any], star: identity.Identity, header: Any) -> dict[str, Any]:
    """Returns the columns of a TCE with the camera that saw it, 0 if that is not known.

    Args:
      columns: Sectors (0 if unknown) and other columns.
      star: star, sector and camera of the light curve, as far as they are known.
      header: primary header or other mapping with the position of the star, RA_OBJ and DEC_OBJ; None: there is none.
    """
    sector = columns[SECTOR] or star.sector or 0
    return {**columns, SECTOR: sector, CAMERA: star.camera or _camera_by_position(header, sector)}


_STAR_IN_HEADER = {TMAG: "TESSMAG", STAR_RADIUS: "RADIUS", TEFF: "TEFF", LOGG: "LOGG"}


def with_star(columns: Mapping[str, Any], header: Any, config: Any) -> dict[str, Any]:
    """Returns the record columns with those parameters of the star in the light curve's header that a model reads.

    Args:
      columns: record columns; known values are kept.
      header: primary header of the FITS file, or None.
      config: Config of the model.
    """
    read = configuration.scalar_columns(config)
    of_header = {name: _positive((header or {}).get(key)) for name, key in _STAR_IN_HEADER.items()}
    if STAR_RADIUS in of_header and LOGG in of_header:
        of_header[STAR_MASS] = 10 ** (of_header[LOGG] - LOGG_OF_SUN) * of_header[STAR_RADIUS] ** 2
    missing = {
        name: value
        for name, value in of_header.items()
        if name in read and value == value and columns.get(name, math.nan) != columns.get(name, math.nan)
    }
    return {**columns, **missing}


def _positive(value):
    try:
        return float(value) if 0 < float(value) < math.inf else math.nan
    except (TypeError, ValueError):
        return math.nan


def _camera_by_position(header, sector):
    """Returns the camera that sees the position in a FITS header; 0 if there is no position or no camera sees it."""
    try:
        ra, dec = (float(header[key]) for key in ("RA_OBJ", "DEC_OBJ"))
        cameras, _ = focal_plane.open_detectors("auto").locate(np.array([ra]), np.array([dec]), sector)
        return int(cameras[0])
    except (TypeError, KeyError, ValueError, focal_plane.DetectorError):
        return 0


def with_neighbors(columns: Mapping[str, Any], catalog: Union[str, "os.PathLike[str]"]) -> dict[str, Any]:
    """Returns the record columns of a TCE, with event densities measured from a table of TCEs.

    Args:
      columns: tic_id, Sectors, camera, Epoc (BTJD), Period (days), Duration (days) and others; NaN if unknown.
      catalog: path of a table of TCEs, as generate_input_records.py reads it. The TCE may be in the table.

    Returns:
      Dictionary of `columns` and EVENT_DENSITIES. If the TCE is in the table, its row fills columns that are not known.

    Raises:
      ScriptError: the table cannot be read.
    """
    import pandas as pd

    table, _ = tce_table.drop_repeated(tce_table.load(catalog).table)
    table = tce_table.to_record_columns(table).reset_index(drop=True)
    known = {name: value for name, value in columns.items() if value == value and (name, value) != (CAMERA, 0)}
    row = _find(table, columns)
    if row is None:
        row, of_table = len(table), {}
        table = pd.concat([table, pd.DataFrame([{**columns, DISPOSITION: ""}])], ignore_index=True)
        table = table.fillna({CAMERA: 0})
    else:
        of_table = {name: values[0] for name, values in table.iloc[row : row + 1].to_dict("list").items()}
        # The record of a table's row has the camera of the table, even if the light curve has another.
        columns = {name: value for name, value in columns.items() if name != "camera"}
        known.pop("camera", None)
    densities = {name: values[row] for name, values in event_density.of_table(table).items()}
    return {**columns, **of_table, **known, **densities}


def _find(table, columns):
    """Returns the number of the table's row with the same star, sector and event; None if there is none."""
    period, duration = columns[PERIOD], columns[DURATION]
    distance = np.abs((table.Epoc - columns[EPOCH] + period / 2) % period - period / 2).to_numpy()
    is_same = (table.tic_id == columns[TIC_ID]) & (table.Sectors == columns[SECTOR])
    is_same &= (np.abs(table.Period / period - 1) < _SAME_PERIOD) & (distance < _SAME_EVENT_DURATIONS * duration)
    rows = np.flatnonzero(is_same)
    return int(rows[np.argmin(distance[rows])]) if len(rows) else None


def doubts(record: bytes, config: Any, has_catalog: bool, names: Mapping[str, str] = FLAGS) -> list[str]:
    """Returns messages about scalars of a model that a record lacks, or has only approximately, and how to give them.

    Args:
      record: serialized tf.train.Example.
      config: Config of the model, which may contain the times of the events of each sector's TCEs.
      has_catalog: whether the densities of the TCE were measured from a table.
      names: names of the arguments for depth, S/N and catalog in the caller's interface.
    """
    remedy_of = {name: names[name] for name in (DEPTH, SN)}
    catalog = f"{names['catalog']} ({_A_TABLE})"
    features = record_features.parse([record], config)
    lacking = [name for name in configuration.scalar_columns(config) if np.isnan(features[name]).any()]
    flags = [remedy_of[name] for name in lacking if name in remedy_of]
    densities = [name for name in lacking if name in EVENT_DENSITIES]
    messages = []
    if lacking:
        example = tf_example.from_serialized(record)
        sector = [names[SECTOR]] if densities and not tf_example.value(example, SECTOR, 0) else []
        remedies = [*flags, *sector, *([catalog] if densities and not has_catalog else [])]
        of_a_row = [name for name in lacking if name not in (*remedy_of, *densities, *EVENT_MEASURES)]
        if of_a_row and not densities and not has_catalog:
            remedies.append(f"{names['catalog']} (a table of make_catalog.py that has this TCE)")
        unknown = _TOO_FEW if densities else "no table or light curve here contains them"
        remedy = f"give {' and '.join(remedies)}" if remedies else unknown
        are = "is" if len(lacking) == 1 else "are"
        messages.append(
            f"the model reads {', '.join(lacking)}, which {are} not known: {remedy}; without, one probability in ten "
            "changes by 0.1 or more"
        )
    if record_features.reads_event_densities(config) and not densities and not has_catalog:
        messages.append(
            "the model compares the times of the TCE's events with those of the TCEs that it was trained on; for the "
            f"exact probability of its record, give {catalog}"
        )
    return messages
