"""Finds leaks from training into evaluation: TCEs with the same views as a training TCE, or of the same star."""

import dataclasses
import hashlib
from collections.abc import Iterable

import numpy as np

from astronet.config import nouns
from astronet.data.records import tf_example, tfrecord
from light_curve_util.array_types import Bools

Identity = tuple[bytes, int]  # digest of the views of a TCE, TIC ID of its star


@dataclasses.dataclass(frozen=True)
class Trained:
    """The training set of a model: digests of the views of its TCEs, and TIC IDs of its stars."""

    views: frozenset
    stars: frozenset

    @classmethod
    def from_files(cls, files: Iterable[str]) -> "Trained":
        """Reads the training set from a list of record files."""
        examples = (tf_example.from_serialized(record) for path in files for record in tfrecord.read(path))
        return cls.from_identities(map(identity, examples))

    @classmethod
    def from_identities(cls, identities: Iterable[Identity]) -> "Trained":
        """Makes the training set from the identity() of each TCE."""
        digests, stars = zip(*identities)
        return cls(frozenset(digests), frozenset(stars))

    def find(self, examples: Iterable[tf_example.Example]) -> Bools:
        """Finds TCEs that leak from this training set.

        Args:
          examples: iterable of tf.train.Example.

        Returns:
          Two boolean arrays [num_examples]: whether all views equal those of a training TCE, and whether the star is in
          the training set.
        """
        return self.find_identities(map(identity, examples))

    def find_identities(self, identities: Iterable[Identity]) -> Bools:
        """Does the same as find(), from the identity() of each TCE."""
        seen = [(digest in self.views, star in self.stars) for digest, star in identities]
        return np.array(seen, dtype=bool).reshape(-1, 2).T


def report(
    train_identities: Iterable[Identity], eval_identities: Iterable[Identity], words: nouns.Nouns = nouns.TCES
) -> str:
    """Returns a message of one or two lines about the leaks between a training and an evaluation set.

    Args:
      train_identities: identity() of each training TCE.
      eval_identities: identity() of each TCE to evaluate on.
      words: nouns.Nouns, the names of the things that the model classifies.
    """
    same_views, same_star = Trained.from_identities(train_identities).find_identities(eval_identities)
    leaked = same_views | same_star
    if not leaked.any():
        counted = f"{len(leaked)} {words.many}"
        return f"no leak: none of {counted} to evaluate on shares its views or its {words.source} with training"
    return (
        f"LEAK: of {len(leaked)} {words.many} to evaluate on, {same_views.sum()} have the very views of a training "
        f"{words.one} and {same_star.sum()} are of {words.sources} that are trained on, {leaked.sum()} in all: "
        "evaluation flatters.\n"
        f"  Split by {words.source} ({words.made_by}), or get figures without them: "
        "evaluate.py --output_dir --train_files"
    )


def identity(example: tf_example.Example) -> Identity:
    """Returns the values by which leaks are found: a digest of the bytes of all views, and the TIC ID of the star."""
    features = example.features.feature
    digest = hashlib.blake2b(digest_size=16)
    for name in tf_example.SERIES_NAMES:
        if name in features:
            digest.update(name.encode() + tf_example.series(example, name).tobytes())
    return digest.digest(), tf_example.value(example, "tic_id")
