"""Splits TCEs into 80 percent for training, 10 for validation and 10 for testing."""

import hashlib
from typing import TYPE_CHECKING, Union

import numpy as np

from light_curve_util.array_types import ArrayLike

if TYPE_CHECKING:
    import pandas as pd

_BOUNDS = {"train": (0, 0.8), "val": (0.8, 0.9), "test": (0.9, 1)}


def by_tic(table: "pd.DataFrame", seed: int) -> "dict[str, pd.DataFrame]":
    """Splits a table of TCEs by star: all TCEs of a star are in the same split.

    The split of a star depends only on the seed and the TIC ID. It stays the same if the catalog grows.

    Args:
      table: DataFrame with a column tic_id.
      seed: integer.

    Returns:
      Dict of "train", "val" and "test" to DataFrames, with their rows shuffled by the seed.
    """
    return _split(table, [fraction(tic_id, seed) for tic_id in table.tic_id], seed)


def by_row(table: "pd.DataFrame", seed: int) -> "dict[str, pd.DataFrame]":
    """Splits a table of TCEs by row, as the published records were split. Arguments and result are those of by_tic.

    A star with several TCEs may be in several splits, so results on the test set are too good.
    """
    return _split(table, np.random.default_rng(seed).permutation(len(table)) / max(len(table), 1), seed)


def fold(tic_id: int, num_folds: int, seed: int) -> int:
    """Returns the cross-validation fold of a star, 1 to num_folds. It depends only on the seed and the TIC ID.

    >>> [fold(tic_id, num_folds=5, seed=0) for tic_id in (100, 101, 102)]
    [4, 2, 4]

    The hash differs from that of by_tic. Otherwise the training set of by_tic would leave some folds empty.
    """
    return 1 + int(num_folds * fraction(tic_id, f"folds {seed}"))


def fraction(tic_id: int, seed: Union[int, str]) -> float:
    """Returns a pseudorandom number in [0, 1) that depends only on the star and the seed."""
    digest = hashlib.sha256(f"{seed}:{tic_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _split(table: "pd.DataFrame", fractions: ArrayLike, seed: int) -> "dict[str, pd.DataFrame]":
    order = np.random.default_rng(seed).permutation(len(table))
    of_rows = np.asarray(fractions, float)[order]
    return {name: table.iloc[order[(low <= of_rows) & (of_rows < high)]] for name, (low, high) in _BOUNDS.items()}
