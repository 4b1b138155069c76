"""What event densities cost: processor time and memory for made-up TCEs of three sectors, and the import they need."""

import resource
import subprocess
import sys
import time

import numpy as np

from astronet.base.arguments import positive_integer
from astronet.base.script import Parser, run
from astronet.data.records import event_density


def _measure(flags):
    random = np.random.default_rng(flags.seed)
    number = flags.num_tces
    tces = event_density.Ephemerides(
        tic_id=random.integers(1, 1 + max(1, number * 4 // 5), number),
        sector=random.integers(1, 4, number),
        camera=random.integers(1, 5, number),
        epoch=1325 + random.uniform(0, 80, number),
        period=np.exp(random.uniform(np.log(0.1), np.log(30), number)),
    )
    imports = [_import_seconds(modules) for modules in ("pandas", "pandas, tess_stars2px")]
    import tess_stars2px  # noqa: F401 (not to be timed below)

    before, start = _peak_megabytes(), time.process_time()
    event_density.among(tces)
    seconds, grown = time.process_time() - start, _peak_megabytes() - before
    print(f"{number} TCEs: {seconds:.1f} CPU s, {1e6 * seconds / number:.0f} us a TCE, {grown:.0f} MB more at the peak")
    print(f"import of tess-point beside pandas: {imports[1] - imports[0]:.2f} CPU s")


def _import_seconds(modules):
    """CPU seconds of a process that imports them; the second of two, which finds them in the cache."""
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", f"import {modules}"], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_tces", type=positive_integer, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="of the TCEs")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
