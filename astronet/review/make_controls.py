"""Makes controls for a report: TCEs with a known answer, mixed among those to label. controls.py describes the kinds.

A control gets a new light curve with a new TIC ID. It is made from that of a star of the report, and has the star
parameters, camera and event densities of that star. The reviewer must not see the list of controls, which
merge_labels.py reads.
"""

import collections
import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import Any, Optional

import numpy as np

from astronet.base.files import make_directory
from astronet.base.messages import LOG
from astronet.completeness import chain, planets
from astronet.data.catalog import transit_search
from astronet.data.catalog.transit_search import TransitSearchError
from astronet.data.records import columns as names
from astronet.data.records import preprocess, tf_example
from astronet.data.simulation import qlp_files
from astronet.review.controls import KINDS, Control, write
from light_curve_util import tess_io
from light_curve_util.errors import LightCurveError
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.tess_io import LightCurve

LIST = "controls.csv"
_LIGHT_CURVES = "tess"
_TRIES = 8  # number of stars that are tried for each control
_PERIODS, _RADII = (0.6, 10.0), (2.0, 14.0)  # days, Earth radii
_TIC_IDS = (10_000_000, 1_000_000_000)
_FROM_LIGHT_CURVE = (names.ROW_ID, names.TIC_ID, names.EPOCH, names.PERIOD, names.DURATION, names.DEPTH, names.SN)


@dataclasses.dataclass(frozen=True)
class ControlRequest:
    """Settings of the controls.

    Attributes:
      tess_data_dir: directory of the light curves of the report.
      output_dir: directory for the light curves of the controls and for their list.
      settings: how the records were made, with their views.
      number: number of controls, divided equally among the kinds.
      seed: seed of the random stars, planets and TIC IDs.
    """

    tess_data_dir: str
    output_dir: str
    settings: preprocess.Settings
    number: int
    seed: int = 0

    @property
    def light_curves(self) -> str:
        """Directory of the light curves of the controls."""
        return os.path.join(self.output_dir, _LIGHT_CURVES)

    @property
    def settings_of_controls(self) -> preprocess.Settings:
        """Returns how the light curves of the controls are read: each has only one flux."""
        return dataclasses.replace(self.settings, flux_key=None)


def make(request: ControlRequest, examples: Sequence[tf_example.Example]) -> list[tf_example.Example]:
    """Writes the light curves of controls and their list, and returns their records.

    Args:
      request: settings.
      examples: records of the TCEs of the report.
    """
    maker = _Maker(request, examples)
    made: list[tuple[Control, tf_example.Example]] = []
    wanted = [KINDS[number % len(KINDS)] for number in range(request.number)]
    for kind in wanted:
        first = next(filter(None, maker.tries(kind)), None)
        if first:
            made.append(first)
    make_directory(request.output_dir)
    write(os.path.join(request.output_dir, LIST), [control for control, _ in made])
    counts = collections.Counter(control.kind for control, _ in made)
    LOG.info(f"controls: {', '.join(f'{kind} {counts[kind]}' for kind in KINDS)}; {request.output_dir}/{LIST}")
    if len(made) < len(wanted):
        LOG.warning(f"warning: {len(wanted) - len(made)} controls are missing: no light curve was suitable for them")
    return [example for _, example in made]


class _Maker:
    """Draws stars of the report at random, and makes controls from their light curves."""

    def __init__(self, request: ControlRequest, examples: Sequence[tf_example.Example]) -> None:
        self._request, self._examples = request, examples
        self._random = np.random.default_rng([request.seed, 41])
        self._tic_ids = {int(tf_example.value(example, names.TIC_ID, 0)) for example in examples}
        taken = {int(tf_example.value(example, names.ROW_ID, 0)) for example in examples}
        # Among the row_ids of the others, so that a high number does not reveal a control.
        free = [row for row in range(max(taken) + 2 * request.number + 1) if row not in taken]
        self._row_ids = iter(self._random.permutation(free).tolist())

    def tries(self, kind: str) -> Iterator[Optional[tuple[Control, tf_example.Example]]]:
        """Tries one star after the other; yields a control of a kind, or None if the star is not suitable."""
        for place in self._random.permutation(len(self._examples))[:_TRIES]:
            try:
                yield self._make(kind, self._examples[int(place)])
            except (LightCurveError, TransitSearchError):
                yield None

    def _make(self, kind, example):
        request, host = self._request, _columns(example)
        if host.get(names.STITCHED_SECTORS):
            return None  # sectors that are folded together: their light curves are separate files
        read = _read(host, request)
        light_curve, event = self._changed(kind, read, host)
        if event is None:
            return None
        identity = {names.ROW_ID: next(self._row_ids), names.TIC_ID: self._new_tic_id()}
        columns = {**host, **event, **identity, names.DISPOSITION: host.get(names.DISPOSITION, "J")}
        ephemeris = PeriodicEvent(columns[names.EPOCH], columns[names.PERIOD], columns[names.DURATION])
        folded = preprocess.prepared(light_curve, ephemeris, request.settings_of_controls)
        views = preprocess.views_of(folded, ephemeris, request.settings.views)
        _write_light_curve(request.light_curves, columns, light_curve)
        of_row = host[names.ROW_ID] if kind == "repeat" else None
        control = Control(columns[names.ROW_ID], columns[names.TIC_ID], kind, of_row)
        return control, tf_example.to_example(columns, views)

    def _changed(self, kind, light_curve, host):
        """Returns the light curve of a control and its ephemeris as record columns; None if no event is found."""
        if kind == "repeat":
            return light_curve, {name: host[name] for name in _FROM_LIGHT_CURVE if name in host}
        if kind == "inverted":
            inverted = dataclasses.replace(light_curve, flux=2 - light_curve.flux)
            return inverted, _strongest(inverted, host.get(names.TMAG, np.nan))
        radius, mass = (value if (value := host.get(name, 0)) > 0 else 1.0 for name in _DISC)
        disc = planets.StarDisc(radius, mass)
        planet = planets.draw(self._random, _PERIODS, _RADII)
        flux = light_curve.flux * planets.transits(planet, disc, light_curve.time, chain.cadence_days(light_curve))
        injected = dataclasses.replace(light_curve, flux=flux / np.median(flux))
        event = _strongest(injected, host.get(names.TMAG, np.nan))
        is_planet = event is not None and abs(event[names.PERIOD] / planet.period - 1) < 0.01
        return injected, event if is_planet else None

    def _new_tic_id(self) -> int:
        while (tic_id := int(self._random.integers(*_TIC_IDS))) in self._tic_ids:
            pass
        self._tic_ids.add(tic_id)
        return tic_id


_DISC = (names.STAR_RADIUS, names.STAR_MASS)


def _columns(example) -> dict[str, Any]:
    """Returns the columns of a record, without its views."""
    held = example.features.feature
    return {name: tf_example.value(example, name) for name in held if len(tf_example.floats(held[name])) <= 1}


def _read(columns, request) -> LightCurve:
    path = tess_io.find(request.tess_data_dir, columns[names.TIC_ID], columns[names.SECTOR])
    return tess_io.read(path, request.settings.flux_key, quality=request.settings.quality)


def _strongest(light_curve, tmag) -> Optional[dict[str, Any]]:
    """Returns the strongest threshold crossing event of a light curve as record columns; None if there is none."""
    peaks = [peak for peak in transit_search.search(light_curve.time, light_curve.flux, tmag) if not peak.why_not_tce()]
    if not peaks:
        return None
    peak = peaks[0]
    return {
        names.EPOCH: float(peak.t0),
        names.PERIOD: float(peak.period),
        names.DURATION: peak.duration_hours / 24,
        names.DEPTH: float(peak.depth_ppm),
        names.SN: float(peak.pink_signal_to_noise),
    }


def _write_light_curve(directory, columns, light_curve):
    of_sector = os.path.join(directory, f"sector-{columns[names.SECTOR]}")
    make_directory(of_sector)
    tmag = columns.get(names.TMAG, 10.0)
    magnitude = (tmag if np.isfinite(tmag) else 10.0) - 2.5 * np.log10(np.maximum(light_curve.flux, 1e-6))
    path = os.path.join(of_sector, f"{columns[names.TIC_ID]}.h5")
    qlp_files.write(path, light_curve.time, np.zeros(len(magnitude), np.int32), [(magnitude, magnitude)], best=0)
