"""Readers of light curve files, with a module for each product.

The module of a product has the attributes of `Product`. tess_io.PRODUCTS lists the modules.
"""

from typing import TYPE_CHECKING, Optional, Protocol

if TYPE_CHECKING:
    from light_curve_util.products.columns import Columns


class Reader(Protocol):
    """A function that reads one file of a product."""

    def __call__(
        self, path: str, flux_key: Optional[str] = None, aperture: Optional[int] = None, quality: str = "default"
    ) -> "Columns": ...


class Product(Protocol):
    """The attributes of the module of a product.

    Two more are optional. IS_OF_TESS is False for a product of another mission than TESS. FORMAT is the
    fits_table.FitsFormat of a FITS product; any_fits uses it to recognize files with other names.
    """

    @property
    def NAMES(self) -> tuple[str, ...]:  # noqa: N802 (a constant of a module)
        """Regular expressions for the names of files, in the order of preference.

        Their optional groups are `tic` for the TIC ID, and `sector` for the sector.
        """

    @property
    def EXACT_NAMES(self) -> tuple[str, ...]:  # noqa: N802
        """Templates of names depending only on TIC ID and sector. Such files are found without listing a directory."""

    @property
    def read(self) -> Reader:
        """Reads a file of the product."""
