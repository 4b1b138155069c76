"""Times the probability of a flare at each cadence of one sector of 2-minute data, by ten networks.

Beside it, the same one window at a time, timed on the first windows and scaled. The weights are random: they do not
change how long it takes.
"""

import os
import sys
import tempfile
import time

import numpy as np

from astronet import models
from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.config import configuration
from astronet.estimator import ensemble, weights_file
from astronet.flares import detection, windows
from light_curve_util import tess_io
from light_curve_util.constants import SECONDS_PER_DAY

_CADENCE_DAYS = 120 / SECONDS_PER_DAY


def write_members(directory, config_name, number):
    """Writes untrained members as exported models; returns the ensemble.Ensemble of them."""
    from astronet.ops.tensorflow import keras

    config = configuration.get("AstroCNNModel", config_name)
    specs, paths = {}, {}
    for seed in range(1, number + 1):
        keras.utils.set_random_seed(seed)
        model = models.build("AstroCNNModel", config)
        member = os.path.join(directory, str(seed))
        specs[str(seed)] = configuration.ModelSpec("AstroCNNModel", config_name, config, 0, seed)
        configuration.save(member, specs[str(seed)])
        paths[str(seed)] = os.path.join(member, weights_file.NAME)
        weights = {weight.name.split(":")[0]: weight.numpy() for weight in model.weights}
        weights_file.write(paths[str(seed)], weights, 0, "float32")
    return ensemble.Ensemble(specs, paths)


def _time(work, repeats):
    """Least wall time of some repeats, and the processor time that goes with it [s]."""
    return min(_once(work) for _ in range(repeats))


def _once(work):
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def _benchmark(flags):
    random = np.random.default_rng(0)
    times = 1325 + _CADENCE_DAYS * np.arange(flags.num_cadences)
    light_curve = tess_io.LightCurve(times, random.normal(1, 1e-3, flags.num_cadences), "simulated")
    with tempfile.TemporaryDirectory() as directory:
        scorer = detection.Scorer(write_members(directory, flags.config_name, flags.num_models))
    ((_, views),) = windows.strided(light_curve.time, light_curve.flux)
    scorer.windows(views[:2])  # traces

    def one_by_one():
        for view in views[: flags.num_single]:
            scorer.windows(view[np.newaxis])

    wall, processor = _time(lambda: scorer.cadences(light_curve), flags.repeats)
    single_wall, single_processor = _time(one_by_one, 1)
    scale = len(views) / flags.num_single
    print(f"{flags.num_cadences} cadences, {flags.num_models} models of configuration {flags.config_name}")
    print(f"in batches        {wall:8.2f} s  ({processor:.2f} s of processor)")
    print(
        f"window by window  {single_wall * scale:8.2f} s  ({single_processor * scale:.2f} s), from {flags.num_single}"
    )
    print(f"ratio             {single_wall * scale / wall:8.1f}    ({single_processor * scale / processor:.1f})")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_cadences", type=positive_integer, default=19000, help="length of the light curve")
    parser.add_argument("--num_models", type=positive_integer, default=10, help="members of the ensemble")
    parser.add_argument("--config_name", default="stella", help="stella or flares")
    parser.add_argument("--num_single", type=positive_integer, default=200, help="windows to predict one by one")
    parser.add_argument(
        "--repeats", type=positive_integer, default=3, help="of the batched prediction; the least counts"
    )
    return run(_benchmark, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
