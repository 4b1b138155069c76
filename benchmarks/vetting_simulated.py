"""What each input of vetting tells: simulated planets against binaries of several kinds, with and without it.

A small gradient-boosted forest is trained on planets and one kind of binary, and its AUC is measured by
cross-validation: with summaries of the global and of the local view, with one
new input besides, with all, and with all but one.
"""

import argparse
import dataclasses
import sys

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from astronet.data.records.event_columns import companion_radius, duration_ratio
from astronet.data.simulation.photometry import cadences
from astronet.data.simulation.signals import scaled_semi_major_axis, transit_flux
from light_curve_util import view_summary
from light_curve_util.errors import LightCurveError
from light_curve_util.event_measures import measure_event
from light_curve_util.find_secondary import depth_change
from light_curve_util.periodic_event import PeriodicEvent
from light_curve_util.view_generator import ViewGenerator

KINDS = ("equal binary", "unequal binary", "eccentric binary", "blend")
_LIMB = [0.35, 0.22]
_VIEWS = {  # name -> bins, and half-width of the event in a summary
    "global_view": (201, 0.1),
    "local_view": (61, 0.3),
    "secondary_view": (61, 0.15),
    "half_global_view": (201, 0.1),
    "twice_global_view": (402, 0.1),
    "global_scatter_view": (201, 0.1),
    "local_scatter_view": (61, 0.3),
}
_INPUTS = {
    "period, duration, depth": ("ephemeris",),
    "secondary_view": ("secondary_view",),
    "odd_view, even_view": ("odd_even_views",),
    "half_global_view": ("half_global_view",),
    "twice_global_view": ("twice_global_view",),
    "scatter views": ("global_scatter_view", "local_scatter_view"),
    "odd-even difference, significance": ("odd_even",),
    "secondary depth, phase, significance": ("secondary",),
    "V-shape": ("v_shape",),
    "depth change": ("depth_change",),
    "duration ratio": ("duration_ratio",),
    "companion radius": ("companion_radius",),
}
_BASE = ("global_view", "local_view")


@dataclasses.dataclass(frozen=True)
class _Source:
    """A dip as the search finds it.

    Attributes:
      flux: function from time (BTJD) to relative flux of what dips, undiluted.
      period, t0: as found, days.
      duration: days.
      light: share of the light that is the source's, in a small and in a large aperture.
      mass, radius: of the star that is taken for the source, solar units.
    """

    flux: object
    period: float
    t0: float
    duration: float
    light: tuple
    mass: float
    radius: float


def _draw(kind, random):
    radius = random.uniform(0.6, 1.6)
    mass = radius ** random.uniform(0.9, 1.1)
    period = float(np.clip(random.lognormal(np.log(3), 0.6), 0.8, 9))
    axis = max(3.0, scaled_semi_major_axis(period, mass / radius**3))
    t0 = 1325 + random.uniform(0, period)
    wanted = np.exp(random.uniform(np.log(0.0015), np.log(0.02)))  # depth as the survey sees it
    if kind == "planet":
        ratio = np.sqrt(wanted)
        impact = random.uniform(0, 0.85)
        duration = period / np.pi / axis * np.sqrt((1 + ratio) ** 2 - impact**2)
        return _Source(
            lambda t: transit_flux(t, t0, period, ratio, axis, impact, _LIMB),
            period,
            t0,
            duration,
            (1, 1),
            mass,
            radius,
        )
    return _draw_binary(kind, random, wanted, t0, mass, radius)


def _draw_binary(kind, random, wanted, t0, mass, radius):
    is_halved = kind in ("equal binary", "unequal binary")  # found at half its period
    found = float(np.clip(random.lognormal(np.log(3), 0.6), 0.8, 9))
    period = 2 * found if is_halved else found
    ratio = {
        "equal binary": 1.0,
        "unequal binary": random.uniform(0.75, 1),
        "eccentric binary": random.uniform(0.3, 0.9),
    }
    ratio = ratio.get(kind, random.uniform(0.2, 0.8))
    brightness = {"equal binary": random.uniform(0.97, 1), "unequal binary": random.uniform(0.4, 0.9)}
    brightness = brightness.get(
        kind, random.uniform(0.05, 0.6) if kind == "eccentric binary" else random.uniform(0, 0.1)
    )
    axis = max(3.5, scaled_semi_major_axis(period, 0.7 * mass / radius**3))
    ecc = random.uniform(0.1, 0.4) if kind == "eccentric binary" else 0.0
    omega = random.uniform(0, 360)
    impact = random.uniform(0, 0.9)
    t_secondary = t0 + period * (0.5 + 2 / np.pi * ecc * np.cos(np.radians(omega)))
    light = brightness * ratio**2

    def flux(time):
        first = transit_flux(time, t0, period, min(ratio, 0.99), axis, impact, _LIMB, ecc, omega)
        second = transit_flux(time, t_secondary, period, min(ratio, 0.99), axis, impact, None, ecc, omega + 180)
        return (first - brightness * (1 - second) + light) / (1 + light)

    middle = flux(t0 + np.linspace(-0.1, 0.1, 41))
    share = min(1.0, wanted / max(1 - middle.min(), 1e-6))
    grows = random.uniform(1.2, 2.5) if kind == "blend" else 1.0
    duration = period / np.pi / axis * np.sqrt(max((1 + ratio) ** 2 - impact**2, 0.1))
    return _Source(flux, found, t0, min(duration, found / 3), (share, min(1.0, grows * share)), mass, radius)


def _features(source, random, time):
    """Features of a light curve of one sector, arrays by name; None where a view cannot be made."""
    dip = source.flux(time) - 1
    noise = -source.light[0] * dip.min() * np.exp(random.uniform(np.log(0.3), np.log(1.5)))  # faint, as most TCEs are
    small, large = (1 + light * dip + random.normal(0, noise, len(time)) for light in source.light)
    # The search does not find the ephemeris exactly.
    event = PeriodicEvent(
        source.t0 + random.normal(0, 0.05 * source.duration), source.period, source.duration * random.uniform(0.8, 1.2)
    )
    generator, found = ViewGenerator(time, small, event), {}
    try:
        for name, (bins, half_width) in _VIEWS.items():
            view = generator.view(name, bins)[np.newaxis].astype(np.float32)
            found[name] = view_summary.summarize(view, view_summary.geometry(bins, half_width))[0]
        odd, even = (generator.view(name, 61) for name in ("odd_view", "even_view"))
    except LightCurveError:
        return None
    found["odd_even_views"] = np.abs(odd - even)[20:41].reshape(7, 3).mean(axis=1)
    measures = measure_event(time, small, event)
    if not measures.depth > 0:
        return None
    found["ephemeris"] = np.log([event.period, event.duration_days, measures.depth])
    found["odd_even"] = [abs(measures.odd_even_difference), measures.odd_even_significance]
    found["secondary"] = [measures.secondary_depth, measures.secondary_phase, measures.secondary_significance]
    found["v_shape"] = [measures.v_shape]
    found["depth_change"] = [depth_change(time, small, large, event, 0.2)]
    found["duration_ratio"] = [duration_ratio(event, source.mass, source.radius)]
    found["companion_radius"] = [companion_radius(1e6 * measures.depth, source.radius)]
    return {name: np.asarray(value, np.float64) for name, value in found.items()}


def _population(kind, number, random):
    time, found = cadences(1).time, []
    while len(found) < number:
        features = _features(_draw(kind, random), random, time)
        if features is not None:
            found.append(features)
    return found


def _auc(planets, others, names, seed):
    rows = [np.concatenate([features[name] for name in names]) for features in (*planets, *others)]
    labels = np.repeat([1, 0], [len(planets), len(others)])
    forest = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, min_samples_leaf=10, random_state=seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    scores = cross_val_predict(forest, np.array(rows), labels, cv=folds, method="predict_proba")
    return roc_auc_score(labels, scores[:, 1])


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_each", type=int, default=300, help="planets, and binaries of each kind")
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args(argv)
    random = np.random.default_rng(flags.seed)
    planets = _population("planet", flags.num_each, random)
    others = {kind: _population(kind, flags.num_each, random) for kind in KINDS}
    new = [name for names in _INPUTS.values() for name in names]
    sets = {"global and local view": _BASE, "all": (*_BASE, *new)}
    sets.update({f"and {title}": (*_BASE, *names) for title, names in _INPUTS.items()})
    sets.update(
        {f"all but {title}": (*_BASE, *(name for name in new if name not in names)) for title, names in _INPUTS.items()}
    )
    print("| inputs | " + " | ".join(KINDS) + " |\n|---" * 1 + "|---" * len(KINDS) + "|")
    for title, names in sets.items():
        values = [_auc(planets, others[kind], names, flags.seed) for kind in KINDS]
        print(f"| {title} | " + " | ".join(f"{value:.3f}" for value in values) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
