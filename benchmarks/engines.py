"""Both engines beside each other, one thread each: rates, one TCE, and the largest difference of their probabilities.

They score the same features in turn: TCEs by pretrained:triage, windows by pretrained:flares. Rates are of CPU time,
the best of some rounds, so that other work on the machine matters little. Where OPENBLAS_CORETYPE is set, all is
measured by a process with it and by one without.
"""

import os
import statistics
import subprocess
import sys
import time

import child
import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.data.records import record_features, tfrecord
from astronet.estimator import engines, ensemble
from astronet.flares import light_curves, windows

_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
_HERE = "ASTRONET_BENCHMARK_HERE"  # set in the processes that measure
_CORETYPE = "OPENBLAS_CORETYPE"
_NAMES = ("pretrained:triage", "pretrained:flares")


def _load(name):
    return ensemble.load(ensemble.ModelChoice(name, average=True))


def _features(name, config, flags):
    """What each ensemble reads, of real data where files are given: dictionary of arrays."""
    random = np.random.default_rng(0)
    number = flags.num_examples
    if name == "pretrained:triage" and flags.records:
        serialized = [record for path in tfrecord.expand(flags.records) for record in tfrecord.read(path)][:number]
        (features,) = record_features.batches([serialized], config)
        return {key: features[key] for key in configuration.input_lengths(config)}
    if name == "pretrained:flares" and flags.light_curve:
        reading = light_curves.LightCurveReading(quality="default")
        light_curve = light_curves.read(flags.light_curve, reading)
        parts = [part for _, part in windows.strided(light_curve.time, light_curve.flux, padded=True)]
        return {windows.NAME: np.concatenate(parts)[:number]}
    level = 1 if name == "pretrained:flares" else 0
    return {
        key: random.normal(level, 1e-3 if level else 1, [number, length]).astype(np.float32)
        for key, length in configuration.input_lengths(config).items()
    }


def _cpu_seconds(score, features):
    start = time.process_time()
    score(features)
    return time.process_time() - start


def _compare(name, flags):
    models = _load(name)
    features = _features(name, models.spec.config, flags)
    number = len(next(iter(features.values())))
    one = {key: values[:1] for key, values in features.items()}
    both = ("tensorflow", "numpy")
    score = {engine: engines.scorer(engine, models.spec, list(models.checkpoints.values())) for engine in both}
    expected, found = (score[engine](features) for engine in both)
    rounds = [{engine: _cpu_seconds(score[engine], features) for engine in both} for _ in range(flags.rounds)]
    for engine in both:
        alone = min(_cpu_seconds(score[engine], one) for _ in range(10))
        rate = number / min(each[engine] for each in rounds)
        print(f"{name}  {engine:10s}  {rate:6.0f} in a CPU second, one in {1e3 * alone:.1f} ms", flush=True)
    ratios = [each["tensorflow"] / each["numpy"] for each in rounds]
    print(
        f"{name}  NumPy has {statistics.median(ratios):.2f} of TensorFlow's rate ({min(ratios):.2f} to "
        f"{max(ratios):.2f}); largest difference {np.abs(found - expected).max():.1e} of {number} examples",
        flush=True,
    )


def _start_up(flags):
    """Whole processes: one TCE from its light curve, and the import of TensorFlow for comparison."""
    if not flags.tce_light_curve:
        return
    tce = ["--tic=1", "--period=3.1", "--t0=1355.2", "--duration_hours=3", "--transit_depth=1000", "--sn=20"]
    predict = [
        "-m",
        "astronet.predict",
        "--model_dir=pretrained:triage",
        f"--light_curve={flags.tce_light_curve}",
        *tce,
    ]
    processes = {
        "import astronet": ("-c", "import astronet"),
        "predict.py, NumPy": (*predict, "--engine=numpy"),
        "predict.py, TensorFlow": (*predict, "--engine=tensorflow"),
        "import tensorflow": ("-c", "import tensorflow"),
    }
    for name, arguments in processes.items():
        costs = [child.run(*arguments) for _ in range(flags.rounds)]
        print(f"{name:24s} {min(c.cpu for c in costs):5.2f} s of CPU, {min(c.wall for c in costs):5.2f} s", flush=True)


def _measure(flags):
    if _HERE in os.environ:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        for name in _NAMES:
            _compare(name, flags)
        return
    environment = {**os.environ, **_ONE_THREAD, _HERE: "1"}
    unset = {key: value for key, value in environment.items() if key != _CORETYPE}
    for variables in (environment, unset) if _CORETYPE in os.environ else (unset,):
        print(f"{_CORETYPE}={variables.get(_CORETYPE, '')}", flush=True)
        subprocess.run([sys.executable, *sys.argv], env=variables, check=True)
    _start_up(flags)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--records", help="record files for pretrained:triage; without, noise")
    parser.add_argument("--light_curve", help="2-minute light curve for pretrained:flares; without, noise")
    parser.add_argument("--tce_light_curve", help="light curve for predict.py; without, its start-up is not measured")
    parser.add_argument("--num_examples", type=positive_integer, default=1024, help="TCEs, and windows, at most")
    parser.add_argument("--rounds", type=positive_integer, default=5, help="how often to measure each")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
