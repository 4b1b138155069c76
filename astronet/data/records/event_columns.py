"""Record columns that are measured for each TCE because a configuration reads them: what vetters look at.

Each is NaN where the light curve or the catalog does not tell.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.config.schema import Config
from astronet.data.records.columns import (
    COMPANION_RADIUS,
    DEPTH,
    DEPTH_CHANGE,
    DURATION_RATIO,
    EVENT_MEASURES,
    INGRESS,
    ODD_EVEN_DIFFERENCE,
    ODD_EVEN_SIGNIFICANCE,
    SECONDARY_DEPTH,
    SECONDARY_PHASE,
    SECONDARY_SIGNIFICANCE,
    STAR_MASS,
    STAR_RADIUS,
    V_SHAPE,
)
from light_curve_util import apertures
from light_curve_util.constants import EARTH_RADII_IN_SUN
from light_curve_util.errors import LightCurveError
from light_curve_util.event_measures import measure_event
from light_curve_util.find_secondary import depth_change
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.tess_io import LightCurve

_MEASURE_OF = {  # field of EventMeasures that a column holds
    ODD_EVEN_DIFFERENCE: "odd_even_difference",
    ODD_EVEN_SIGNIFICANCE: "odd_even_significance",
    SECONDARY_DEPTH: "secondary_depth",
    SECONDARY_PHASE: "secondary_phase",
    SECONDARY_SIGNIFICANCE: "secondary_significance",
    V_SHAPE: "v_shape",
}
_MOST_INGRESS = 0.45  # beyond it nothing is left of the full transit
_PER_CUBE_ROOT_OF_DAYS = 0.07564  # duration of a central transit of a point (days), period 1 d, density of the Sun


def asked_for(config: Config) -> tuple[str, ...]:
    """Returns the names of the measured columns that a configuration reads."""
    return tuple(name for name in EVENT_MEASURES if name in configuration.scalar_columns(config))


def asked_for_by_all(configs: Sequence[Config]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Returns what records hold that several configurations read: lengths of views by name, and measured columns.

    Raises:
      ScriptError: two of them read a view in different lengths.
    """
    views: dict[str, int] = {}
    for config in configs:
        for name, length in configuration.view_lengths(config).items():
            if views.setdefault(name, length) != length:
                raise ScriptError(f"one model reads {views[name]} bins of {name}, another {length}: predict apart")
    measures = {name for config in configs for name in asked_for(config)}
    return views, tuple(name for name in EVENT_MEASURES if name in measures)


def measured(
    names: Iterable[str],
    light_curve: LightCurve,
    event: PeriodicEvent,
    columns: Mapping[str, Any],
    paths: Sequence[str],
    quality: str = "default",
) -> dict[str, float]:
    """Measures columns of one TCE.

    Args:
      names: columns of EVENT_MEASURES.
      light_curve: as it is folded.
      event: PeriodicEvent.
      columns: the other columns of the record: Qingress, depth, and the star's parameters are used if they are known.
      paths: files of the light curve, whose apertures are compared.
      quality: as tess_io.read() takes it.

    Returns:
      The values by name; NaN for what is not known.
    """
    names = tuple(names)
    values: dict[str, float] = {}
    if not set(names).isdisjoint(_MEASURE_OF):
        measures = measure_event(light_curve.time, light_curve.flux, event)
        values = {name: getattr(measures, field) for name, field in _MEASURE_OF.items()}
    if DEPTH_CHANGE in names:
        values[DEPTH_CHANGE] = _depth_change(paths, event, columns, quality)
    if COMPANION_RADIUS in names:
        values[COMPANION_RADIUS] = companion_radius(_known(columns, DEPTH), _known(columns, STAR_RADIUS))
    if DURATION_RATIO in names:
        values[DURATION_RATIO] = duration_ratio(event, _known(columns, STAR_MASS), _known(columns, STAR_RADIUS))
    return {name: float(values[name]) if math.isfinite(values[name]) else math.nan for name in names}


def companion_radius(depth_ppm: float, star_radius: float) -> float:
    """Returns the radius in Earth radii of what covers so much of a star; NaN if either is not known.

    Args:
      depth_ppm: depth of the event, ppm.
      star_radius: in solar radii.
    """
    return math.sqrt(depth_ppm * 1e-6) * star_radius * EARTH_RADII_IN_SUN if depth_ppm > 0 else math.nan


def duration_ratio(event: PeriodicEvent, star_mass: float, star_radius: float) -> float:
    """Returns the duration over the one of a central transit on a circular orbit about a star of this density.

    Source: Seager & Mallen-Ornelas 2003, ApJ 585, 1038, equation 19.

    Args:
      event: PeriodicEvent.
      star_mass, star_radius: in solar units.
    """
    if not (star_mass > 0 and star_radius > 0):
        return math.nan
    longest_days = _PER_CUBE_ROOT_OF_DAYS * event.period ** (1 / 3) * star_radius / star_mass ** (1 / 3)
    return event.duration_days / longest_days


def _known(columns: Mapping[str, Any], name: str) -> float:
    value = columns.get(name)
    return math.nan if value is None else float(value)


def _depth_change(paths: Sequence[str], event: PeriodicEvent, columns: Mapping[str, Any], quality: str) -> float:
    """Change of the depth from the small to the large aperture over its scatter; of several sectors together."""
    ingress = _known(columns, INGRESS)
    ingress = min(max(ingress, 0.0), _MOST_INGRESS) if math.isfinite(ingress) else 0.0
    try:
        pairs = [apertures.read_pair(path, quality) for path in paths]
        time, small, large = (np.concatenate(parts) for parts in zip(*pairs))
        return depth_change(time, small, large, event, ingress)
    except (LightCurveError, OSError, ValueError):
        return math.nan
