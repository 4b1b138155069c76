"""The names of the things that models classify: TCEs, windows of light curves, or patches of images.

Scripts and plots that work for all kinds of models use these words in their texts.
"""

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Nouns:
    """Words for the records of a kind of model, with the words for TCEs as examples.

    Attributes:
      one, many: a record and several records, "TCE" and "TCEs".
      source, sources: the object that records with the same tic_id belong to, "star" and "stars".
      label: text before a tic_id, "TIC".
      made_by: script that makes such records.
    """

    one: str
    many: str
    source: str
    sources: str
    label: str
    made_by: str

    def count(self, number: int) -> str:
        """Returns a number of records as text.

        >>> TCES.count(1), TCES.count(5)
        ('1 TCE', '5 TCEs')
        """
        return f"{number} {self.one if number == 1 else self.many}"

    def count_sources(self, number: int) -> str:
        """Returns a number of sources as text, "1 star" or "5 stars"."""
        return f"{number} {self.source if number == 1 else self.sources}"


TCES = Nouns("TCE", "TCEs", "star", "stars", "TIC", "generate_input_records.py")
# Name of a series -> words for records with this series. All other records are TCEs.
_BY_SERIES = {
    "flare_window": Nouns("window", "windows", "star", "stars", "TIC", "generate_flare_records.py"),
    # The tic_id of a patch numbers the wedges of annuli.
    "residuals": Nouns("patch", "patches", "wedge", "wedges", "wedge", "generate_patch_records.py"),
}


def of(names: Iterable[str]) -> Nouns:
    """Returns the words for records, or for models, by the names of their features.

    >>> of(["flare_window"]).many, of(["global_view", "local_view"]).many
    ('windows', 'TCEs')
    """
    return next((_BY_SERIES[name] for name in names if name in _BY_SERIES), TCES)
