"""Gives records the columns that the catalog has of their TCEs: the star's parameters above all.

The published records have none of the star, and those of the vetting set hold Tmag and Transit_Depth scaled in a way
that cannot be undone.
"""

import os
from collections.abc import Iterable
from typing import Union

import numpy as np

from astronet.base.script import ScriptError
from astronet.data.catalog import tce_table
from astronet.data.records import tf_example
from astronet.data.records.columns import (
    DEPTH,
    INGRESS,
    LOGG,
    ROW_ID,
    SN,
    STAR_MASS,
    STAR_RADIUS,
    TEFF,
    TIC_ID,
    TMAG,
)

JOINED = (TMAG, DEPTH, SN, INGRESS, STAR_RADIUS, STAR_MASS, TEFF, LOGG)


def join(serialized: Iterable[bytes], catalog: Union[str, os.PathLike]) -> list[bytes]:
    """Returns records with the columns JOINED as a catalog has them; what the catalog lacks, the record lacks then.

    Args:
      serialized: records, as tf.train.Examples.
      catalog: TCE table with columns row_id and tic_id, by which records find their row.

    Raises:
      ScriptError: the catalog cannot be read, lacks all of JOINED, or has no row of a record, which is named.
    """
    table = tce_table.load(catalog, tce_table.Request(needed=(ROW_ID, TIC_ID))).table
    names = [name for name in JOINED if name in table and table[name].notna().any()]
    if not names:
        raise ScriptError(f"{catalog} has none of the columns {', '.join(JOINED)}: give a catalog of make_catalog.py")
    rows = table.drop_duplicates([ROW_ID, TIC_ID]).set_index([ROW_ID, TIC_ID])[names]
    values = dict(zip(rows.index, rows.to_numpy(np.float64)))
    return [_joined(record, values, names, catalog) for record in serialized]


def _joined(serialized, values, names, catalog):
    example = tf_example.from_serialized(serialized)
    identity = tf_example.value(example, ROW_ID), tf_example.value(example, TIC_ID)
    if identity not in values:
        raise ScriptError(f"{catalog} has no row {identity[0]} of TIC {identity[1]}: give the catalog of these records")
    features = example.features.feature
    for name, value in zip(names, values[identity]):
        if name in features:
            del features[name]
        if np.isfinite(value):
            features[name].float_list.value.append(value)
    return example.SerializeToString(deterministic=True)
