"""Ensembles that come with the package: --model_dir=pretrained:NAME."""

from pathlib import Path

import astronet
from astronet.base.script import ScriptError
from astronet.estimator import weights_file

DIRECTORY = Path(astronet.__file__).parent / "pretrained"
_PREFIX = "pretrained:"


def is_name(model_dir: object) -> bool:
    """Returns whether a --model_dir names an ensemble of the package instead of a directory."""
    return str(model_dir).startswith(_PREFIX)


def resolve(model_dir: str) -> str:
    """Returns the directory that a --model_dir names.

    Raises:
      ScriptError: the package has no ensemble of that name; the message lists the names.
    """
    if not is_name(model_dir):
        return model_dir
    if model_dir not in names():
        known = ", ".join(names()) or f"none in {DIRECTORY}: install the package again"
        raise ScriptError(f"unknown pretrained model {model_dir}; there are: {known}")
    return str(DIRECTORY / str(model_dir)[len(_PREFIX) :])


def names() -> list[str]:
    """Returns the names of the ensembles of the package, such as "pretrained:triage"."""
    return sorted({_PREFIX + path.parents[1].name for path in DIRECTORY.glob(f"*/*/{weights_file.NAME}")})
