"""Leaks from training into evaluation: TCEs with the views of a training TCE, or of a star that is trained on."""

import dataclasses
import hashlib

import numpy as np

from astronet.util import example_util, records
from light_curve_util.view_generator import VIEW_NAMES


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a training has seen: digests of the views of its TCEs, and TIC IDs of its stars."""

    views: frozenset
    stars: frozenset

    @classmethod
    def from_files(cls, files):
        """Reads it from a list of record files."""
        examples = list(_examples(files))
        return cls(frozenset(map(_digest, examples)), frozenset(map(_star, examples)))

    def find(self, examples):
        """Looks for TCEs that this training has seen.

        Args:
          examples: iterable of tf.train.Example.

        Returns:
          Two boolean arrays [num_examples]: all views identical to a training TCE's, star trained on.
        """
        seen = [(_digest(example) in self.views, _star(example) in self.stars) for example in examples]
        return np.array(seen, dtype=bool).reshape(-1, 2).T


def report(train_files, eval_files):
    """Says in a line or two how far the evaluation files test what was learned from the training files.

    Args:
      train_files, eval_files: lists of record files.
    """
    same_views, same_star = Trained.from_files(train_files).find(_examples(eval_files))
    leaked = same_views | same_star
    if not leaked.any():
        return f"no leak: none of {len(leaked)} TCEs to evaluate on shares its views or its star with training"
    return (
        f"LEAK: of {len(leaked)} TCEs to evaluate on, {same_views.sum()} have the very views of a training TCE and "
        f"{same_star.sum()} are of stars that are trained on, {leaked.sum()} in all: evaluation flatters.\n"
        "  Split by star (generate_input_records.py), or get figures without them: evaluate.py --report --train_files"
    )


def _examples(files):
    for path in files:
        yield from map(example_util.from_serialized, records.read(path))


def _star(example):
    return example_util.value(example, "tic_id")


def _digest(example):
    """Of the bytes of all views."""
    features = example.features.feature
    digest = hashlib.blake2b(digest_size=16)
    for name in VIEW_NAMES:
        if name in features:
            digest.update(name.encode() + example_util.series(example, name).tobytes())
    return digest.digest()
