"""The two engines beside each other, one thread each: rates, one TCE, and the largest difference of their probabilities.

Both engines score the same features in turn, pretrained:triage TCEs and pretrained:flares windows. Rates are of CPU time, the
best of some rounds, so that other work on the machine matters little. Where OPENBLAS_CORETYPE is set, NumPy is measured
twice: as it is, and by a process in which the variable is not set.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[_name] = "1"

import child
import numpy as np

from astronet import ensemble
from astronet.data import record_features
from astronet.flares import light_curves, windows
from astronet.util import configuration, engines, records
from astronet.util.script import Parser, positive_integer, run

_NAMES = ("pretrained:triage", "pretrained:flares")


def _load(name):
    given = dict.fromkeys(("model", "config_name", "config_json"))
    return ensemble.load(argparse.Namespace(model_dir=name, average=True, checkpoint="last", **given))


def _features(name, config, flags):
    """What each ensemble reads, of real data where files are given: dictionary of arrays."""
    random = np.random.default_rng(0)
    number = flags.num_examples
    if name == "pretrained:triage" and flags.records:
        serialized = [record for path in records.expand(flags.records) for record in records.read(path)][:number]
        (features,) = record_features.batches([serialized], config)
        return {key: features[key] for key in configuration.input_lengths(config)}
    if name == "pretrained:flares" and flags.light_curve:
        reading = argparse.Namespace(flux_key=None, quality="default", cadence_seconds=120)
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


def _compare(name, chosen, flags):
    models = _load(name)
    features = _features(name, models.spec.config, flags)
    number = len(next(iter(features.values())))
    one = {key: values[:1] for key, values in features.items()}
    score = {engine: engines.scorer(engine, models.spec, list(models.checkpoints.values())) for engine in chosen}
    found = {engine: score[engine](features) for engine in chosen}
    rounds = [{engine: _cpu_seconds(score[engine], features) for engine in chosen} for _ in range(flags.rounds)]
    for engine in chosen:
        alone = min(_cpu_seconds(score[engine], one) for _ in range(10))
        rate = number / min(each[engine] for each in rounds)
        print(f"{name}  {engine:10s}  {rate:7.0f} a CPU second, one {1e3 * alone:.1f} ms", flush=True)
    if len(chosen) == 2:
        ratios = [each["tensorflow"] / each["numpy"] for each in rounds]
        difference = np.abs(found["numpy"] - found["tensorflow"]).max()
        print(
            f"{name}  NumPy has {statistics.median(ratios):.2f} of TensorFlow's rate ({min(ratios):.2f} to "
            f"{max(ratios):.2f}), largest difference {difference:.1e}, {number} examples",
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
    coretype = os.environ.get("OPENBLAS_CORETYPE")
    print(f"{os.cpu_count()} cores, one thread; OPENBLAS_CORETYPE is {coretype or 'not set'}")
    chosen = ["numpy"] if flags.numpy_alone else ["tensorflow", "numpy"]
    for name in _NAMES:
        _compare(name, chosen, flags)
    if coretype and not flags.numpy_alone:
        unset = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
        subprocess.run([sys.executable, *sys.argv], env=unset, check=True)
    elif not flags.numpy_alone:
        _start_up(flags)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--records", help="record files for pretrained:triage; without, noise")
    parser.add_argument("--light_curve", help="2-minute light curve for pretrained:flares; without, noise")
    parser.add_argument("--tce_light_curve", help="light curve for predict.py; without, its start-up is not measured")
    parser.add_argument("--num_examples", type=positive_integer, default=1024, help="TCEs, and windows, at most")
    parser.add_argument("--rounds", type=positive_integer, default=5, help="how often to measure each")
    parser.add_argument("--numpy_alone", action="store_true", help="without TensorFlow")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
