"""Injects planets into light curves and searches them: which planets are recovered, and what passes without a planet.

trial = Trial((star_curves.SimulatedStar(1, 1, 0), ...), "completeness", ("pretrained:triage",))
results = run(trial, num_worker_processes=2)
"""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from astronet.base import kept, messages, version, workers
from astronet.completeness import chain, planets, scrambled, star_curves
from astronet.completeness.star_curves import RealStar, SimulatedStar, StarChoice
from astronet.estimator import checkpoints, ensemble
from light_curve_util.errors import LightCurveError

CONTROLS = ("original", "inverted", "scrambled")


@dataclasses.dataclass(frozen=True)
class Trial:
    """Settings: the light curves, the planets to inject, and the networks that judge the events.

    Attributes:
      stars: the light curves.
      output_dir: directory of the results.
      model_dirs: the networks in order (triage, then vetting), as in ensemble.ModelChoice.model_dir.
      periods: shortest and longest period, days.
      radii: smallest and largest radius, Earth radii.
      num_each: number of planets for each light curve.
      detrend: how slow variation is removed before views are made.
      seed: seed of the random planets.
    """

    stars: tuple[StarChoice, ...]
    output_dir: str
    model_dirs: tuple[str, ...]
    periods: tuple[float, float] = (0.5, 13.0)
    radii: tuple[float, float] = (1.0, 16.0)
    num_each: int = 5
    detrend: str = "spline"
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Results:
    """Results of a trial.

    Attributes:
      injections: a dictionary for each planet: star, planet, whether the search found it, probability by each network,
        number of stages that it passed (0: not even the search).
      controls: a dictionary for each event of a light curve without injection: kind (one of CONTROLS), probabilities,
        number of stages passed.
      num_curves: number of light curves that could be read.
      num_solar: number of those for which the radius of the Sun is used, because that of the star is not known.
      skipped: (name, reason) of each light curve that could not be read.
      names: names of the stages: "search", then those of the networks.
    """

    injections: list[dict[str, Any]]
    controls: list[dict[str, Any]]
    num_curves: int
    num_solar: int
    skipped: list[tuple[str, str]]
    names: tuple[str, ...]


def run(trial: Trial, num_worker_processes: int = 1, cluster: Optional[str] = None) -> Results:
    """Runs a trial and returns its Results. After an interruption, a call with the same trial continues it.

    Raises:
      ScriptError: a model cannot be loaded, or the cluster cannot be used.
    """
    models = [_load(model_dir) for model_dir in trial.model_dirs]
    context = {
        "version": version.VERSION,
        "models": [checkpoints.sha256(model.checkpoints.values()) for model in models],
        "thresholds": [model.threshold() for model in models],
        **{name: getattr(trial, name) for name in ("periods", "radii", "num_each", "detrend", "seed")},
    }
    open_chain = workers.OncePerProcess(_open_chain, trial.model_dirs, trial.detrend)
    work = kept.Kept(_Work(open_chain, trial), _kept_in(trial), context, _files)
    tasks = [[number, _to_json(star)] for number, star in enumerate(trial.stars)]
    results = Results([], [], 0, 0, [], (chain.SEARCH, *map(_stage_name, trial.model_dirs)))
    num_curves = num_solar = 0
    answers = workers.map_in_order(work, tasks, num_worker_processes, cluster=cluster)
    for answer in messages.bar(answers, total=len(tasks), unit="light curve"):
        if "reason" in answer:
            results.skipped.append((answer["name"], answer["reason"]))
            continue
        num_curves += 1
        num_solar += answer["is_solar"]
        results.injections.extend(answer["injections"])
        results.controls.extend(answer["controls"])
    return dataclasses.replace(results, num_curves=num_curves, num_solar=num_solar)


def discard(trial: Trial) -> None:
    """Removes the intermediate results of run(). To be called when the results are written."""
    kept.discard(_kept_in(trial))


def _kept_in(trial):
    return kept.beside(os.path.join(os.path.abspath(trial.output_dir), "trial"))


def _load(model_dir):
    return ensemble.load(ensemble.ModelChoice(model_dir, average=ensemble.is_of_several(model_dir)))


def _stage_name(model_dir):
    return os.path.basename(model_dir.rpartition(":")[2].rstrip("/"))


def _open_chain(model_dirs, detrend):
    return chain.Chain([_load(model_dir) for model_dir in model_dirs], detrend)


def _to_json(star):
    kind = "simulated" if isinstance(star, SimulatedStar) else "real"
    return {"kind": kind, **dataclasses.asdict(star)}


def _from_json(values):
    values = dict(values)
    return {"simulated": SimulatedStar, "real": RealStar}[values.pop("kind")](**values)


def _files(task):
    """Returns the files that a result depends on."""
    return [path] if (path := task[1].get("path")) else []


@dataclasses.dataclass(frozen=True)
class _Work:
    """Runs in worker processes: judges one light curve, with planets injected and without."""

    open_chain: Any
    trial: Trial

    def __call__(self, task):
        number, values = task
        choice = _from_json(values)
        name = values.get("path") or f"simulated star {choice.number}"
        try:
            star = star_curves.load(choice)
        except LightCurveError as error:
            return {"name": name, "reason": str(error)}
        random = np.random.default_rng([self.trial.seed, number])
        drawn = [planets.draw(random, self.trial.periods, self.trial.radii) for _ in range(self.trial.num_each)]
        judge = self.open_chain().run
        return {
            "is_solar": star.is_solar,
            "injections": [_injection(judge, star, name, planet) for planet in drawn],
            "controls": [
                {"name": name, "kind": kind, **_outcome(event)}
                for kind in CONTROLS
                for event in judge(star, scrambled.control(star.light_curve, kind, self.trial.seed, number))
            ],
        }


def _injection(judge, star, name, planet):
    original = star.light_curve
    cadence = chain.cadence_days(original)
    flux = original.flux * planets.transits(planet, star.disc, original.time, cadence)
    events = judge(star, dataclasses.replace(original, flux=flux / np.median(flux)))
    known = (planet.period, planets.t0(planet, original.time), planets.duration_days(planet, star.disc))
    event = chain.matching(events, *known)
    return {
        "name": name,
        "tic_id": star.identity.tic_id,
        "sector": star.identity.sector,
        "tmag": star.tmag,
        "star_radius": star.disc.radius,
        **dataclasses.asdict(planet),
        "t0_btjd": known[1],
        "duration_hours": 24 * known[2],
        "depth_ppm": 1e6 * planets.depth(planet, star.disc),
        "num_transits": _num_transits(planet, original.time, known),
        "is_alias": event is None and chain.alias(events, known[0], known[2]) is not None,
        "found_period": event.period if event else None,
        "found_sn": event.sn if event else None,
        **(_outcome(event) if event else {"probabilities": [], "num_stages": 0}),
    }


def _outcome(event):
    return {"probabilities": list(event.probabilities), "num_stages": 1 + event.num_passed, "period": event.period}


def _num_transits(planet, time, known):
    """Returns the number of transits with at least one cadence within half a duration of mid-transit."""
    cycles = np.round((time - known[1]) / planet.period)
    near = np.abs(time - known[1] - cycles * planet.period) < known[2] / 2
    return int(len(np.unique(cycles[near])))


def stars_of_directory(
    directory: str, flux_key: Optional[str], quality: str, star_catalog: str, most: Optional[int], seed: int
) -> tuple[StarChoice, ...]:
    """Returns the light curves of a directory; a random choice if there are more than `most`.

    Args:
      directory: directory of light curves, as for --tess_data_dir.
      flux_key, quality, star_catalog: as in star_curves.RealStar.
      most: largest number of light curves; None: all.
      seed: seed of the random choice.
    """
    from light_curve_util import tess_io

    stars: Sequence[tuple[int, int]] = tess_io.stars(directory)
    if most is not None and len(stars) > most:
        chosen = np.random.default_rng([seed, 7]).choice(len(stars), most, replace=False)
        stars = [stars[i] for i in sorted(chosen)]
    return tuple(
        RealStar(tess_io.find(directory, tic_id, sector), flux_key, quality, star_catalog) for sector, tic_id in stars
    )
