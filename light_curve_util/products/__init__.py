"""Readers of light curve files: a module for each product, in the terms of that product's own files.

A product is a module that has what `Product` lists. Its line in tess_io.PRODUCTS registers it.
"""

from typing import TYPE_CHECKING, Optional, Protocol

if TYPE_CHECKING:
    from light_curve_util.products.columns import Columns


class Reader(Protocol):
    """Function that reads one file of a product."""

    def __call__(
        self, path: str, flux_key: Optional[str] = None, aperture: Optional[int] = None, quality: str = "default"
    ) -> "Columns": ...


class Product(Protocol):
    """What the module of a product has.

    Some have two things more. IS_OF_TESS is False for a product of another mission than TESS. FORMAT, for FITS, is the
    fits_table.FitsFormat by which any_fits knows a file of the product under another name.
    """

    @property
    def NAMES(self) -> tuple[str, ...]:  # noqa: N802 (a constant of a module)
        """Regular expressions of the files' names, the preferred first.

        Group `tic` is the TIC ID in the name and group `sector` the sector; a name may have both, one or neither.
        """

    @property
    def EXACT_NAMES(self) -> tuple[str, ...]:  # noqa: N802
        """Templates of names that follow from TIC ID and sector alone: found without listing their directory."""

    @property
    def read(self) -> Reader:
        """Reads a file of the product."""
