"""Readers of light curve files: a module for each product, in the terms of that product's own files.

A product is a module with
  NAMES: regular expressions of its files' names, the preferred first. Group `tic` is the TIC ID in the name and group
    `sector` the sector; a name may have both, one or neither of them.
  EXACT_NAMES: names that follow from TIC ID and sector alone, as templates: such files are found without listing their
    directory.
  read(path, flux_key, aperture, quality) -> Columns.
  IS_OF_TESS: False for another mission than TESS; else it may be left out.
  FORMAT: for FITS, the fits_table.FitsFormat by which any_fits knows a file of the product under another name.
Its line in tess_io.PRODUCTS registers it.
"""
