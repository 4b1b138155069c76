"""tf.estimator, also where TensorFlow has lost it: import `Estimator`, `RunConfig` and the like from here.

TensorFlow 2.16 dropped tf.estimator. The package tensorflow-estimator 2.15 is Python alone and still runs if two names
that it imports from TensorFlow are there again: the decorator that exports its symbols (here it does nothing), and
`estimator_training`, which ran one training on several machines by a coordinator that we do not use.
"""

import importlib
import os
import sys
import types
from importlib.util import find_spec

from astronet.base.script import ScriptError
from astronet.ops.tensorflow import tf

_PACKAGE = "tensorflow_estimator"

# The class that tf.estimator has under the same name; it stayed in TensorFlow.
NanLossDuringTrainingError = importlib.import_module(
    "tensorflow.python.training.basic_session_run_hooks"
).NanLossDuringTrainingError


def _add_module(name: str, **attributes) -> None:
    """Makes a module of these attributes importable under a name."""
    module = types.ModuleType(name)
    vars(module).update(attributes)
    sys.modules[name] = module


def _export(*names, **versions):
    """Stands for the decorator that adds a symbol to the public names of tf.estimator."""
    return lambda symbol: symbol


def _import_package():
    """The namespace of what we use of tensorflow-estimator."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ScriptError(
            f"training with TensorFlow {tf.__version__} needs the package tensorflow-estimator: "
            "pip install tensorflow-estimator==2.15.0"
        )
    # Packages by their paths alone: their own __init__ would import every ready-made estimator.
    (root,) = spec.submodule_search_locations
    for name in ("", ".python", ".python.estimator"):
        _add_module(_PACKAGE + name, __path__=[os.path.join(root, *name.split(".")[1:])])
    _add_module(f"{_PACKAGE}.python.estimator.estimator_export", estimator_export=_export)
    _add_module(
        "tensorflow.python.distribute.estimator_training", should_run_distribute_coordinator=lambda config: False
    )
    from tensorflow_estimator.python.estimator import estimator, model_fn, run_config, training

    return types.SimpleNamespace(
        Estimator=estimator.EstimatorV2,
        EstimatorSpec=model_fn.EstimatorSpec,
        RunConfig=run_config.RunConfig,
        TrainSpec=training.TrainSpec,
        EvalSpec=training.EvalSpec,
        train_and_evaluate=training.train_and_evaluate,
    )


_estimator = tf.estimator if hasattr(tf, "estimator") else _import_package()
Estimator = _estimator.Estimator
EstimatorSpec = _estimator.EstimatorSpec
RunConfig = _estimator.RunConfig
TrainSpec = _estimator.TrainSpec
EvalSpec = _estimator.EvalSpec
train_and_evaluate = _estimator.train_and_evaluate
