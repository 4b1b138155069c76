"""Light curves in FITS: a table in an extension named LIGHTCURVE."""

import dataclasses
import io
import re
import warnings

import numpy as np

from light_curve_util.errors import UnreadableLightCurveError
from light_curve_util.products.columns import BTJD_ZERO, Columns, content

_EXTENSION = "LIGHTCURVE"


@dataclasses.dataclass(frozen=True)
class FitsTable:
    """The table of one file, in memory.

    Attributes:
      path: file name.
      sector: SECTOR of the primary header, 0 where there is none.
      header: header of the table.
      data: the table's rows.
    """

    path: str
    sector: int
    header: object
    data: object

    def light_curve(self, flux_keys, masks, reference=BTJD_ZERO):
        """Columns of the light curve.

        Args:
          flux_keys: names of the flux column; the first of them that the table has is read.
          masks: dict of quality column to the mask of the bits that disqualify a cadence.
          reference: BJD at which the table's time is 0, where its header does not say.

        Returns:
          Columns.

        Raises:
          UnreadableLightCurveError: a column is absent, or holds no numbers.
        """
        # All products but TGLC have BJDREFF, the fraction of the day; it is 0 in all of them.
        zero = self.header.get("BJDREFI", reference) - BTJD_ZERO + self.header.get("BJDREFF", 0)
        time = self._column("TIME").astype(np.float64) + zero
        good = np.ones(len(time), dtype=bool)
        for name in filter(masks.get, masks):
            good &= self._column(name).astype(np.int64) & masks[name] == 0
        flux_key = next(filter(self._has, flux_keys), " or ".join(flux_keys))
        return Columns(time, self._column(flux_key).astype(np.float64), good, flux_key)

    def _has(self, name):
        return name.upper() in (there.upper() for there in self.data.names)

    def _column(self, name):
        if not self._has(name):
            raise UnreadableLightCurveError(
                f"no column {name} in extension {_EXTENSION}, which has {', '.join(self.data.names)}: "
                "give one of these as flux_key if it is the flux, or else fetch the file again"
            )
        column = self.data[name]
        if column.ndim != 1 or column.dtype.kind not in "iuf":
            raise UnreadableLightCurveError(f"column {name} has not one number a cadence: give another flux_key")
        return column


def read(path, light_curve):
    """Reads the table of a file.

    Args:
      path: name of a FITS file, plain or gzipped.
      light_curve: called with the FitsTable, gives what is returned.

    Raises:
      UnreadableLightCurveError: the file is damaged, or has no such table.
    """
    from astropy.io import fits  # takes 0.3 s to import, for nothing where all light curves are HDF5

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong with a header matters only if the table cannot be read
            # astropy takes the end of a damaged gzip file for the end of the table: this way nothing is passed over.
            unpacked = content(path)
            _check_counts(unpacked)
            with fits.open(io.BytesIO(unpacked)) as file:
                if _EXTENSION not in file:
                    there = ", ".join(hdu.name or "an unnamed one" for hdu in file)
                    raise UnreadableLightCurveError(
                        f"no extension {_EXTENSION}, only {there}: cut off, or no light curve; fetch the file again"
                    )
                hdu = file[_EXTENSION]
                return light_curve(FitsTable(path, file[0].header.get("SECTOR", 0), hdu.header, hdu.data))
    except UnreadableLightCurveError as error:
        raise UnreadableLightCurveError(f"{path}: {error}") from None
    except Exception as error:  # astropy fails on damaged files in too many ways to list
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UnreadableLightCurveError(
            f"{path}: not a whole FITS light curve ({reason}): fetch the file again"
        ) from error


def _check_counts(unpacked):
    """Refuses headers that announce more axes or columns than the standard (FITS 4.0, 4.4.1 and 7.3.1) allows.

    astropy would make room for each of a billion.
    """
    for keyword in (b"NAXIS   = ", b"TFIELDS = "):
        at = -1
        while (at := unpacked.find(keyword, at + 1)) >= 0:
            count = re.match(rb" *[+-]?(\d*)", unpacked[at + len(keyword) : at + 80])[1]
            if at % 80 == 0 and int(count or 0) > 999:
                raise ValueError(f"{keyword.decode()}{count.decode()} is more than 999")
