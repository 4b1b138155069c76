"""Several models one after the other: a TCE that the first one calls negative is not shown to the next.

triage, vetting = stages.load(ModelChoice("pretrained:triage,pretrained:vetting"))
for prediction in stages.judge((triage, vetting), predictions_of_the_first):
    prediction.later  # {"vetting": Prediction}; empty below the threshold of the triage
"""

import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Optional

from astronet.base.script import ScriptError
from astronet.estimator import engines, ensemble, scoring
from astronet.estimator.ensemble import Ensemble, ModelChoice
from astronet.estimator.scoring import Prediction
from astronet.stats.metrics import is_positive

_SEPARATOR = ","


@dataclasses.dataclass(frozen=True)
class Stage:
    """One of the models.

    Attributes:
      name: of its directory, such as "vetting"; it names columns of tables.
      model_dir: as ModelChoice has it.
      models: the ensemble, or the single model.
      threshold: probability from which the next stage judges a TCE.
    """

    name: str
    model_dir: str
    models: Ensemble
    threshold: float


def load(choice: ModelChoice, threshold: Optional[float] = None, calibrated: bool = True) -> tuple[Stage, ...]:
    """Loads the models of a choice whose model_dir names one, or several with commas between them.

    Args:
      choice: ModelChoice; its other fields hold for all of them, but `average`, which a directory of several models
        sets where there are several stages.
      threshold: of the first stage, as Ensemble.threshold() takes it; the others have their own.
      calibrated: as ensemble.load() takes it.

    Raises:
      ScriptError: as ensemble.load() does; or a stage is named twice.
    """
    named = directories(choice.model_dir)
    stages = []
    for number, model_dir in enumerate(named):
        of_stage = dataclasses.replace(choice, model_dir=model_dir)
        if len(named) > 1:
            of_stage = dataclasses.replace(of_stage, average=choice.average or ensemble.is_of_several(model_dir))
        models = ensemble.load(of_stage, calibrated)
        given = threshold if number == 0 else None
        stages.append(Stage(_name(model_dir), model_dir, models, models.threshold(given)))
    names = [stage.name for stage in stages]
    if len(set(names)) < len(names):
        raise ScriptError(f"--model_dir={choice.model_dir} names a model twice: name each stage once")
    return tuple(stages)


def directories(model_dir: str) -> list[str]:
    """Returns the directories of a model_dir: itself, or those between its commas if there is no file of its name.

    >>> directories("pretrained:triage,pretrained:vetting")
    ['pretrained:triage', 'pretrained:vetting']
    """
    if os.path.exists(model_dir) or _SEPARATOR not in model_dir:
        return [model_dir]
    parts = [part.strip() for part in model_dir.split(_SEPARATOR)]
    if not all(parts):
        raise ScriptError(f"--model_dir={model_dir}: a name is missing beside a comma")
    return parts


def _name(model_dir: str) -> str:
    return os.path.basename(model_dir.rpartition(":")[2].rstrip("/"))


def judge(
    stages: Sequence[Stage], predictions: Iterable[Prediction], batch_size: int = scoring.BATCH_SIZE
) -> Iterator[Prediction]:
    """Yields the predictions of the first stage, in order, with those of the others in `later`.

    Args:
      stages: as load() returns them.
      predictions: of the first of them.
      batch_size: how many TCEs are in memory at a time.

    Raises:
      ScriptError: a record lacks what a later stage reads; it names the TCE.
    """
    if len(stages) == 1:
        yield from predictions
        return
    iterator = iter(predictions)
    restored: list[dict[str, engines.Scorer]] = [{} for _ in stages]
    while batch := list(itertools.islice(iterator, batch_size)):
        reached = dict(enumerate(batch))
        for before, stage, networks in zip(stages, stages[1:], restored):
            passed = [n for n, last in reached.items() if is_positive(last.mean, before.threshold)]
            records = [batch[number].example.SerializeToString() for number in passed]
            judged = scoring.predict_records(stage.models, records, restored=networks) if records else ()
            reached = dict(zip(passed, judged))
            for number, prediction in reached.items():
                later = {**batch[number].later, stage.name: prediction}
                batch[number] = dataclasses.replace(batch[number], later=later)
        yield from batch
