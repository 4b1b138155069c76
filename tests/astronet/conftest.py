"""Tiny record files: dips of positive TCEs are box-shaped and central, those of negative ones lie anywhere."""

import numpy as np
import pytest

from astronet.util import example_util, records

DISPOSITIONS = ("PC", "J", "EB", "V", "IS", "O")


@pytest.fixture(scope="session")
def write_tces():
    """Function (path, num_tces=24, local_length=61, seed=0, dispositions=DISPOSITIONS) -> path of a new record file."""

    def write(path, num_tces=24, local_length=61, seed=0, dispositions=DISPOSITIONS):
        random = np.random.default_rng(seed)
        records.write_shard(path, [_tce(i, local_length, random, dispositions) for i in range(num_tces)])
        return str(path)

    return write


def _tce(row_id, local_length, random, dispositions):
    disposition = dispositions[row_id % len(dispositions)]
    columns = {
        "row_id": row_id,
        "tic_id": 1000 + row_id,
        "Disposition": disposition,
        "Period": 1.0 + row_id,
        "Duration": 0.125,
    }
    is_positive = disposition in ("PC", "EB")
    views = {
        name: _view(length, 0.5 if is_positive else random.uniform(0.1, 0.4), random)
        for name, length in {"global_view": 201, "local_view": local_length}.items()
    }
    return example_util.to_example(columns, views).SerializeToString()


def _view(length, phase, random):
    view = random.normal(0, 0.05, length)
    view[int(phase * length) - 2 : int(phase * length) + 3] -= 1
    return view
