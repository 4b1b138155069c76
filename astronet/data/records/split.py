"""Which TCEs train, which validate and which test: 80, 10 and 10 percent."""

import hashlib

import numpy as np

_BOUNDS = {"train": (0, 0.8), "val": (0.8, 0.9), "test": (0.9, 1)}


def by_tic(table, seed):
    """Splits so that all TCEs of a star are on one side.

    The side is a hash of the seed and the TIC ID alone: a catalog that grows moves no star.

    Args:
      table: DataFrame with a column tic_id.
      seed: integer; another one draws other stars.

    Returns:
      Dict of "train", "val" and "test" to DataFrames, their rows shuffled by the seed.
    """
    return _split(table, [fraction(tic_id, seed) for tic_id in table.tic_id], seed)


def by_row(table, seed):
    """Splits row by row, as the published records were: a star may be on several sides, so tests are optimistic.

    Args and returns as by_tic.
    """
    return _split(table, np.random.default_rng(seed).permutation(len(table)) / max(len(table), 1), seed)


def fold(tic_id, num_folds, seed):
    """Returns the fold of a star, 1 to num_folds; as by_tic, a hash of the seed and the TIC ID alone.

    The hash is another one than by_tic's: records that by_tic kept would fill some folds and leave others empty.
    """
    return 1 + int(num_folds * fraction(tic_id, f"folds {seed}"))


def fraction(tic_id, seed):
    """Returns a number in [0, 1) that looks random and is the same for this star in every process and release."""
    digest = hashlib.sha256(f"{seed}:{tic_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _split(table, fractions, seed):
    order = np.random.default_rng(seed).permutation(len(table))
    fractions = np.asarray(fractions)[order]
    return {name: table.iloc[order[(low <= fractions) & (fractions < high)]] for name, (low, high) in _BOUNDS.items()}
