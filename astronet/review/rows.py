"""Makes the columns of the report's index, which the table, the filters and the plots of all TCEs show."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any, Callable

from astronet.review import checks, packing
from astronet.review.checks import Twin
from astronet.review.panel import Panel
from astronet.review.tce import ReviewTce

_NUMBERS: dict[str, Callable[[ReviewTce], float]] = {
    "epoch": lambda tce: tce.epoch_btjd,
    "period": lambda tce: tce.period_days,
    "depth": lambda tce: tce.depth_ppm,
    "duration": lambda tce: 24 * tce.duration_days,
    "sn": lambda tce: tce.sn,
    "tmag": lambda tce: tce.tmag,
    "rp": lambda tce: tce.companion_radius_earth,
    "rstar": lambda tce: tce.star_radius,
    "teff": lambda tce: tce.teff,
    "density": lambda tce: tce.event_density,
    "camera_density": lambda tce: tce.camera_event_density,
}
_DIGITS = {"epoch": 10, "period": 8}
_TEXTS: dict[str, Callable[[ReviewTce], Any]] = {
    "row_id": lambda tce: str(tce.row_id),  # as text: some IDs are larger than JavaScript's whole numbers
    "tic": lambda tce: str(tce.tic_id),
    "toi": lambda tce: tce.toi_id,
    "sector": lambda tce: tce.stitched_sectors.replace(",", ";") or str(tce.sector),
    "camera": lambda tce: tce.camera,
    "rstar_mass": lambda tce: packing.rounded(tce.star_mass, 4),
}


def columns(tces: Sequence[ReviewTce], panels: Sequence[Panel], twins: Sequence[tuple[Twin, ...]]) -> dict[str, Any]:
    """Returns the columns of the index of some TCEs, for JSON: lists [num_tces].

    Probabilities and dispositions are not among them (see opinion_columns()).
    """
    index: dict[str, Any] = {name: [of(tce) for tce in tces] for name, of in _TEXTS.items()}
    for name, number in _NUMBERS.items():
        index[name] = [packing.rounded(number(tce), _DIGITS.get(name, 5)) for tce in tces]
    index["seen"] = [panel.num_seen for panel in panels]
    index["predicted"] = [panel.num_predicted for panel in panels]
    index["flags"] = [_bits(panel, checks.FLAG) for panel in panels]
    index["untestable"] = [_bits(panel, checks.UNTESTABLE) for panel in panels]
    index["problem"] = [panel.problem for panel in panels]
    index["twins"] = [[str(twin.row_id) for twin in of_tce] for of_tce in twins]
    return index


def opinion_columns(tces: Sequence[ReviewTce]) -> dict[str, Any]:
    """Returns the columns that a report for blind labeling leaves out, for JSON: lists [num_tces]."""
    opinions = [tce.opinion for tce in tces]
    return {
        "p": [packing.rounded(opinion.probability if opinion else math.nan) for opinion in opinions],
        "vetting": [packing.rounded(opinion.later if opinion else math.nan) for opinion in opinions],
        "sd": [packing.rounded(opinion.spread if opinion else math.nan, 4) for opinion in opinions],
        "unlike": [opinion.unlike_training if opinion else "" for opinion in opinions],
        "disposition": [tce.disposition for tce in tces],
        "known": [tce.known for tce in tces],
    }


def report_id(tces: Sequence[ReviewTce]) -> str:
    """Returns the ID of a list of TCEs, which does not depend on the models or on the order."""
    lines = sorted(
        f"{tce.row_id} {tce.tic_id} {tce.sector} {tce.stitched_sectors} {tce.epoch_btjd!r} {tce.period_days!r} "
        f"{tce.duration_days!r}\n"
        for tce in tces
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def _bits(panel: Panel, state: str) -> int:
    """Returns an integer whose bit i is set if check i of checks.CHECKS has this state.

    Without a light curve, all checks are untestable.
    """
    if not panel.checks:
        return (1 << len(checks.CHECKS)) - 1 if state == checks.UNTESTABLE else 0
    return sum(1 << place for place, check in enumerate(panel.checks) if check.state == state)
