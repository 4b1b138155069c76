"""Records whose views are noise, for benchmarks: what a network makes of them does not matter, what it costs does."""

import os

import numpy as np

from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord

_TCES_PER_FILE = 10000
_COLUMNS = {"toi_id": ".01", "Sectors": 1, "Period": 2.0, "Duration": 0.1, "Transit_Depth": 1000.0, "SN": 20.0}


def write(directory, num_tces, config, prefix="test", seed=0):
    """Writes num_tces records with the views of a configuration as directory/PREFIX-00000-of-N and so on."""
    random = np.random.default_rng(seed)
    num_files = -(-num_tces // _TCES_PER_FILE)
    for number in range(num_files):
        tces = range(number * _TCES_PER_FILE, min(num_tces, (number + 1) * _TCES_PER_FILE))
        examples = (_example(row_id, config, random) for row_id in tces)
        tfrecord.write_shard(os.path.join(directory, f"{prefix}-{number:05d}-of-{num_files:05d}"), examples)


def _example(row_id, config, random):
    views = {name: random.normal(0, 1, length) for name, length in configuration.view_lengths(config).items()}
    columns = {**_COLUMNS, "row_id": row_id, "tic_id": row_id, "Disposition": "PC" if row_id % 7 == 0 else "J"}
    return tf_example.to_example(columns, views).SerializeToString()
