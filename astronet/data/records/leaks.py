"""Leaks from training into evaluation: TCEs with the views of a training TCE, or of a star that is trained on."""

import dataclasses
import hashlib

import numpy as np

from astronet.config import nouns
from astronet.data.records import tf_example, tfrecord


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a training has seen: digests of the views of its TCEs, and TIC IDs of its stars."""

    views: frozenset
    stars: frozenset

    @classmethod
    def from_files(cls, files):
        """Reads it from a list of record files."""
        examples = (tf_example.from_serialized(record) for path in files for record in tfrecord.read(path))
        return cls.from_identities(map(identity, examples))

    @classmethod
    def from_identities(cls, identities):
        """Takes it from the identity() of each TCE."""
        digests, stars = zip(*identities)
        return cls(frozenset(digests), frozenset(stars))

    def find(self, examples):
        """Looks for TCEs that this training has seen.

        Args:
          examples: iterable of tf.train.Example.

        Returns:
          Two boolean arrays [num_examples]: all views identical to a training TCE's, star trained on.
        """
        return self.find_identities(map(identity, examples))

    def find_identities(self, identities):
        """Looks, like find(), for TCEs of which only the identity() is at hand."""
        seen = [(digest in self.views, star in self.stars) for digest, star in identities]
        return np.array(seen, dtype=bool).reshape(-1, 2).T


def report(train_identities, eval_identities, words=nouns.TCES):
    """Says in a line or two how far an evaluation tests what training has learned.

    Args:
      train_identities, eval_identities: lists of the identity() of each TCE.
      words: nouns.Nouns of what the model classifies.
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
        "evaluate.py --report --train_files"
    )


def identity(example):
    """Returns what tells whether two examples leak: a digest of the bytes of all views, and the TIC ID of the star."""
    features = example.features.feature
    digest = hashlib.blake2b(digest_size=16)
    for name in tf_example.SERIES_NAMES:
        if name in features:
            digest.update(name.encode() + tf_example.series(example, name).tobytes())
    return digest.digest(), tf_example.value(example, "tic_id")
