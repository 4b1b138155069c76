"""How far labels agree: of one star's TCEs in different sectors, and with those of Tey et al. 2023 (AJ 165, 95).

TCEs are of the same events where star and period agree and an event of the one lies within a duration of one of the
other. Tey et al. (tces-v14-*.csv of Astronet-Triage-v2) searched several sectors at a time, and call E what eclipses
or transits, S a single such event, B a contact binary, J anything else, N what they could not agree on.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from astronet.data.catalog import tce_table

_PERIODS_AGREE = 0.003
_LEAST_HOURS = 1.2  # within which events agree however short they are


def same_events(tces, others, ratios=(1.0,)):
    """Pairs of the same events: the rows of both tables side by side, "_of" behind the names of the other's columns.

    Args:
      tces, others: DataFrames with tic_id, Epoc (BTJD), Period (days) and Duration (hours).
      ratios: of the periods that are taken for the same.
    """
    pairs = tces.merge(others.add_suffix("_of"), left_on="tic_id", right_on="tic_id_of")
    least = np.minimum(pairs.Period, pairs.Period_of)
    agree = np.any([np.abs(pairs.Period / pairs.Period_of / ratio - 1) < _PERIODS_AGREE for ratio in ratios], axis=0)
    phase = (pairs.Epoc - pairs.Epoc_of) / least
    apart = np.abs(phase - np.round(phase)) * least
    return pairs[agree & (apart < np.maximum(pairs.Duration, _LEAST_HOURS) / 24)]


def read_tey(paths):
    """The TCEs of Tey et al. 2023, with columns as above, and `consensus`."""
    tables = [pd.read_csv(path, low_memory=False) for path in paths]
    table = pd.concat(tables).dropna(subset=["TIC ID", "Epoc", "Per", "Dur"])
    labels = table["Consensus Label"].fillna("none")
    return pd.DataFrame(
        {
            "tic_id": table["TIC ID"].astype(int),
            "Epoc": table.Epoc,
            "Period": table.Per,
            "Duration": 24 * table.Dur,
            "consensus": labels,
        }
    )


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog", required=True, help="TCE table with the ephemerides")
    parser.add_argument("--predictions", nargs="+", required=True, help="out_of_fold.csv of cross_validate.py")
    parser.add_argument("--suspects", nargs="+", default=[], help="suspect_labels.csv of cross_validate.py")
    parser.add_argument("--others", nargs="+", default=[], help="tces-v14-*.csv of Astronet-Triage-v2")
    flags = parser.parse_args(argv)
    key = ["row_id", "tic_id"]
    ephemerides = tce_table.read(flags.catalog)[0][[*key, "Epoc", "Period", "Duration"]]
    tces = pd.concat(map(pd.read_csv, flags.predictions)).merge(ephemerides, on=key)

    pairs = same_events(tces, tces)
    pairs = pairs[(pairs.row_id < pairs.row_id_of) & (pairs.Sectors != pairs.Sectors_of)]
    positive = pairs[(pairs.label == 1) | (pairs.label_of == 1)]
    print(
        f"{len(tces)} TCEs, {len(pairs)} pairs of the same events in two sectors; of {len(positive)} with a "
        f"positive one, {(positive.label != positive.label_of).sum()} disagree"
    )
    if not flags.others:
        return 0
    pairs = same_events(tces, read_tey(flags.others), ratios=(0.5, 1.0, 2.0)).drop_duplicates(key)
    print("\nLabels here, and what Tey et al. say:")
    print(pd.crosstab(pairs.Disposition, pairs.consensus_of))
    if flags.suspects:
        suspects = pd.concat(map(pd.read_csv, flags.suspects))[key]
        found = pairs.merge(suspects, on=key)
        print(f"\nThe same, of {len(suspects)} labels that are likely wrong:")
        print(pd.crosstab(found.Disposition, found.consensus_of))
    return 0


if __name__ == "__main__":
    sys.exit(main())
