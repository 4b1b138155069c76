"""Exports an ensemble: its configurations and weights, and nothing else."""

import dataclasses
import os

from astronet.base.files import directory_aside, make_directory
from astronet.base.script import ScriptError
from astronet.estimator import checkpoints, ensemble, weights_file
from astronet.estimator.ensemble import Ensemble

WRITTEN = ("config.json", weights_file.NAME)  # names of the files in the directory of a model


def export_ensemble(models: Ensemble, output_dir: str, is_averaged: bool, dtype: str) -> tuple[Ensemble, int]:
    """Writes an exported copy of models, which appears whole or not at all.

    Args:
      models: as ensemble.load(choice, calibrated=False) returns it.
      output_dir: directory of the copy, made where it is missing; it may not hold a model.
      is_averaged: whether each member gets a subdirectory; else the only member is written to output_dir itself.
      dtype: one of weights_file.DTYPES.

    Returns:
      The copy as an Ensemble; the size of its weights in bytes.

    Raises:
      ScriptError: output_dir holds a model, or a checkpoint cannot be exported.
    """
    if ensemble.holds_model(output_dir) or ensemble.members(output_dir):
        raise ScriptError(f"{output_dir} holds a model already: choose another --output_dir, or remove it first")
    make_directory(output_dir)
    size = 0
    paths = {name: os.path.join(name if is_averaged else "", weights_file.NAME) for name in models.checkpoints}
    with directory_aside(output_dir) as aside:
        for name, path in paths.items():
            directory = os.path.join(aside, os.path.dirname(path))
            size += checkpoints.export(models.specs[name], models.checkpoints[name], directory, dtype)
        for name in os.listdir(aside):
            os.rename(os.path.join(aside, name), os.path.join(output_dir, name))
    copies = {name: os.path.join(output_dir, path) for name, path in paths.items()}
    return dataclasses.replace(models, checkpoints=copies), size
