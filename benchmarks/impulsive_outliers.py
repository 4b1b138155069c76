"""How many of the impulsive outliers that SPOC flags (quality bit 10) injection_recovery.py's rule reproduces.

For each light curve: the cadences that SPOC flags, those that the rule flags, and those that both do. Light curves of
stars whose own variation is flagged (dips, fast pulsation) are none that the rule is for: leave them out.
"""

import os
import sys

import numpy as np

from astronet.base.script import Parser, run
from astronet.flares import injection
from light_curve_util.products import quality, spoc


def _compare(flags):
    totals = np.zeros(3, int)
    print(f"{'light curve':60s}  by SPOC  by rule  by both")
    for path in flags.light_curves:
        kept, without = (spoc.read(path, quality=name) for name in ("flares", "default"))
        usable = kept.good & np.isfinite(kept.time) & np.isfinite(kept.values)
        flux = kept.values[usable] / np.median(kept.values[usable])
        by_spoc, by_rule = ~without.good[usable], injection.impulsive_outliers(flux)
        counts = np.array([by_spoc.sum(), by_rule.sum(), (by_spoc & by_rule).sum()])
        totals += counts
        print(f"{os.path.basename(path):60s}" + "".join(f"{count:9d}" for count in counts))
    print(f"{'all':60s}" + "".join(f"{count:9d}" for count in totals))
    if totals[:2].all():
        told = f"{totals[2] / totals[0]:.0%} of SPOC's flags are the rule's, {totals[2] / totals[1]:.0%} of the rule's"
        print(f"{told} are SPOC's (bit {int(np.log2(quality.IMPULSIVE_OUTLIER)) + 1})")


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("light_curves", nargs="+", metavar="LIGHT_CURVE", help="SPOC files of 2 min")
    return run(_compare, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
