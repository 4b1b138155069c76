"""Catalogues of flares: that of Guenther et al. 2020, or any CSV file with the columns of flares.csv."""

import numpy as np

from astronet.util.script import ScriptError

# Our columns -> what they are called in files, the preferred first.
_SPELLINGS = {
    "tic_id": ("tic_id", "TESS", "TIC", "tic"),
    "sector": ("sector", "Sectors", "campaign"),
    "peak_time": ("peak_time", "tpeak"),
    "duration": ("duration", "FWHM"),
    "is_flare": ("is_flare",),
    "source": ("source",),
}
_BTJD_ZERO = 2457000  # BJD at which BTJD is 0
_LEAST_BJD = 2_400_000  # times above are BJD
_REQUIRED = ("tic_id", "sector", "peak_time")


def read(path):
    """Reads a catalogue.

    Args:
      path: machine-readable table (CDS) as the journal has it, or CSV.

    Returns:
      DataFrame with tic_id, sector, peak_time (BTJD), duration (days, full width at half maximum; NaN where not known),
      is_flare (false: a candidate that was looked at and is none) and source (text, "" where not told), sorted.

    Raises:
      ScriptError: it cannot be read, or lacks a column.
    """
    import pandas as pd

    table = _table(path)
    found = {ours: next((name for name in names if name in table), None) for ours, names in _SPELLINGS.items()}
    for name in _REQUIRED:
        if found[name] is None:
            raise ScriptError(f"{path} has no column {' or '.join(_SPELLINGS[name])}: name it so")
    columns = {
        "tic_id": table[found["tic_id"]].astype("int64"),
        "sector": table[found["sector"]].astype("int64"),
        "peak_time": table[found["peak_time"]].astype(float),
        "duration": table[found["duration"]].astype(float) if found["duration"] else np.nan,
        "is_flare": table[found["is_flare"]].astype(int) > 0 if found["is_flare"] else True,
        "source": table[found["source"]].fillna("").astype(str) if found["source"] else "",
    }
    flares = pd.DataFrame(columns)
    is_bjd = flares.peak_time > _LEAST_BJD
    flares["peak_time"] = flares.peak_time.where(~is_bjd, flares.peak_time - _BTJD_ZERO)
    return flares.sort_values(["tic_id", "sector", "peak_time"], ignore_index=True)


def _table(path):
    import pandas as pd

    with open(path, encoding="utf-8-sig") as file:
        is_cds = any("Byte-by-byte" in line for _, line in zip(range(50), file))
    try:
        if not is_cds:
            return pd.read_csv(path, encoding="utf-8-sig")
        from astropy.io import ascii

        return ascii.read(path, format="cds").to_pandas()
    except (ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise ScriptError(
            f"{path} is neither a CSV file nor a machine-readable table ({reason}): fetch it again"
        ) from error
