"""One TCE as a tf.train.Example: its columns and views, in and out."""

import dataclasses

import numpy as np

from light_curve_util.view_generator import VIEW_NAMES

SERIES_NAMES = (*VIEW_NAMES, "flare_window")  # all time series that a record may hold


def to_example(columns, views):
    """Builds the record of one TCE.

    Args:
      columns: dict of column name to str (stored as bytes), int or float.
      views: dict of view name to float array [length], stored as float32.

    Returns:
      A tf.train.Example.
    """
    import tensorflow as tf

    features = {name: _feature(value) for name, value in columns.items()}
    features.update({name: _floats(view) for name, view in views.items()})
    return tf.train.Example(features=tf.train.Features(feature=features))


def _feature(value):
    import tensorflow as tf

    if isinstance(value, str):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
    if isinstance(value, (int, np.integer)):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    return _floats([value])


def _floats(values):
    import tensorflow as tf

    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def from_serialized(serialized):
    """The tf.train.Example in the bytes of one record."""
    import tensorflow as tf

    return tf.train.Example.FromString(serialized)


def value(example, name, default=None):
    """The scalar feature `name` as int, float or str, or `default` where the record has none."""
    feature = example.features.feature
    values = _values(feature[name]) if name in feature else ()
    if not values:
        return default
    return values[0].decode() if isinstance(values[0], bytes) else values[0]


def series(example, name):
    """The view `name` as a float32 array [length].

    Raises:
      KeyError: where the record does not hold it.
    """
    feature = example.features.feature
    if name not in feature:
        raise KeyError(f"the record holds no {name}; it holds {', '.join(sorted(feature))}")
    return np.array(feature[name].float_list.value, dtype=np.float32)


def _values(feature):
    kind = feature.WhichOneof("kind")
    return getattr(feature, kind).value if kind else ()


@dataclasses.dataclass(frozen=True)
class TceIdentity:
    """What tells a TCE from all others: for people TIC, sector, toi_id and period; for joins (row_id, tic_id)."""

    row_id: int
    tic_id: int
    toi_id: str
    sector: int
    period: float  # days
    disposition: str

    @classmethod
    def from_example(cls, example):
        """Reads it from a record, published ones included, where toi_id is bytes in some and a float in most."""
        toi_id = value(example, "toi_id", "")
        return cls(
            row_id=int(value(example, "row_id", -1)),
            tic_id=int(value(example, "tic_id")),
            toi_id=toi_id if isinstance(toi_id, str) else f"{toi_id:.2f}",
            sector=int(value(example, "Sectors", 0)),
            period=float(value(example, "Period", float("nan"))),
            disposition=value(example, "Disposition", ""),
        )
