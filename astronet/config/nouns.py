"""What a kind of model calls the things that it classifies: TCEs, windows of light curves, or patches of images.

Scripts and plots that serve all kinds of models take their words from here.
"""

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Nouns:
    """Words for records, and for what records of one `tic_id` have in common.

    Attributes:
      one, many: a record and several, "TCE" and "TCEs".
      source, sources: what has a tic_id, and several, "star" and "stars".
      label: what stands before the number in column tic_id, "TIC".
      made_by: script that makes such records.
    """

    one: str
    many: str
    source: str
    sources: str
    label: str
    made_by: str

    def count(self, number: int) -> str:
        """Returns a number of records in words, "1 window" or "5 windows"."""
        return f"{number} {self.one if number == 1 else self.many}"

    def count_sources(self, number: int) -> str:
        """Returns a number of sources in words, "1 star" or "5 stars"."""
        return f"{number} {self.source if number == 1 else self.sources}"


TCES = Nouns("TCE", "TCEs", "star", "stars", "TIC", "generate_input_records.py")
# Series of a record -> words; records of other series are TCEs.
_BY_SERIES = {
    "flare_window": Nouns("window", "windows", "star", "stars", "TIC", "generate_flare_records.py"),
    # The tic_id of a patch numbers the wedges of annuli.
    "residuals": Nouns("patch", "patches", "wedge", "wedges", "wedge", "generate_patch_records.py"),
}


def of(names: Iterable[str]) -> Nouns:
    """Returns the words for records that hold, or models that read, features of these names."""
    return next((_BY_SERIES[name] for name in names if name in _BY_SERIES), TCES)
