"""Parses tables with astropy or pyarrow (ECSV, FITS, VOTable, IPAC, CDS, Parquet) into columns of text."""

import io
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from astronet.base.script import ScriptError

_ROWS_AT_A_TIME = 10_000
_LARGEST_SINGLE = 2**24  # single precision holds every whole number up to this


class ParsedTable(NamedTuple):
    """A table that has been parsed.

    Attributes:
      names: names of the columns.
      parts: iterator over parts of the rows. A part is a list of columns, each a list of texts; "" for a missing value.
      units: dict of column name to unit, for columns with a unit.
      single_precision: names of the columns that the file stores in single or lower precision.
      unread: messages about parts of the file that are not read.
    """

    names: list[str]
    parts: Iterator[list[list[str]]]
    units: dict[str, str]
    single_precision: set[str]
    unread: list[str]


def parse(path: str, data: bytes, kind: str) -> ParsedTable:
    """Parses the content of a file.

    Args:
      path: path of the file, for messages.
      data: content of the file.
      kind: "parquet", or astropy's name of the format.

    Raises:
      ScriptError: the content is damaged, a column of IDs has lost digits, or pyarrow is needed and missing.
    """
    return _parquet(path, data) if kind == "parquet" else _astropy(path, data, kind)


def _astropy(path: str, data: bytes, kind: str) -> ParsedTable:
    from astropy.table import Table as AstropyTable

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", ".*truncated")
            content = data.decode("utf-8-sig") if kind.startswith("ascii.") else io.BytesIO(data)
            table = AstropyTable.read(content, format=kind)
            names = [name for name in table.colnames if getattr(table[name], "ndim", 1) == 1]
            several = [name for name in table.colnames if name not in names]
            unread = [f"column {name} is not read, because it has several values in a row" for name in several]
            if kind == "fits":
                unread += _other_extensions(data)
            columns = {name: _astropy_column(table[name]) for name in names}
    except Exception as error:  # astropy's readers raise whatever their parts do
        reason = str(error).strip().split("\n")[0][:200]
        raise ScriptError(
            f"{path} is a damaged {kind.rpartition('.')[2].upper()} table, or has none ({reason}): copy it again"
        ) from error
    units = {name: unit for name, (_, unit) in columns.items() if unit}
    single_precision = set()
    for name, (values, _) in columns.items():
        if values.dtype.kind == "f" and values.dtype.itemsize < 8:
            single_precision.add(name)
            _refuse_lost_digits(path, name, values.compressed())
    starts = range(0, len(table), _ROWS_AT_A_TIME)
    parts = ([_texts(v[i : i + _ROWS_AT_A_TIME]) for v, _ in columns.values()] for i in starts)
    return ParsedTable(names, parts, units, single_precision, unread)


def _astropy_column(column: Any) -> tuple[Any, str]:
    """Returns the values as a masked array, and the unit or time system as text."""
    import numpy as np
    from astropy.time import Time

    if isinstance(column, Time):
        return np.ma.asarray(column.jd), f"JD {column.scale}"
    unit = getattr(column, "unit", None)
    return np.ma.asarray(getattr(column, "value", column)), "" if unit is None else str(unit)


def _texts(values: Any) -> list[str]:
    """Returns the values of a masked array as texts; numbers with all their digits."""
    import numpy as np

    absent = np.ma.getmaskarray(values)
    # str() of a NumPy number has as many digits as its precision, and no more.
    plain = np.ma.getdata(values) if values.dtype.kind == "f" and values.dtype.itemsize < 8 else values.tolist(None)
    return ["" if mask else _text(value) for mask, value in zip(absent, plain)]


def _other_extensions(data: bytes) -> list[str]:
    """Returns messages about further tables of a FITS file. Only its first table is read."""
    from astropy.io import fits

    with fits.open(io.BytesIO(data)) as hdus:
        places = [i for i, hdu in enumerate(hdus) if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU))]
        return [f"the table in extension {i} is not read, only that in {places[0]}: save it alone" for i in places[1:]]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip()


def _refuse_lost_digits(path: str, name: str, values: Iterable[float]) -> None:
    """Refuses IDs in single precision, because they may have been rounded to other IDs."""
    is_id = re.search(r"(^|[^a-z])(tic|kic|kepid|ticid|tid|id)", name.lower())
    if is_id and any(abs(value) > _LARGEST_SINGLE for value in values):
        raise ScriptError(
            f"{path}: column {name} is stored in single precision, which cannot hold all digits of an ID: store it as "
            "whole numbers"
        )


def _parquet(path: str, data: bytes) -> ParsedTable:
    try:
        import pyarrow.parquet
    except ImportError:
        raise ScriptError(
            f"{path} is a Parquet table, for which pyarrow is needed: pip install pyarrow, or save the table as CSV"
        ) from None
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data))
        names = list(file.schema_arrow.names)
        single = {field.name for field in file.schema_arrow if _is_single(field.type)}
    except (pyarrow.ArrowException, OSError) as error:
        raise ScriptError(f"{path} is a damaged Parquet table ({error}): copy it again") from error

    def parts() -> Iterator[list[list[str]]]:
        for batch in file.iter_batches(_ROWS_AT_A_TIME):
            columns = [column.to_pylist() for column in batch.columns]
            for field, values in zip(batch.schema, columns):
                if _is_single(field.type):
                    _refuse_lost_digits(path, field.name, (value for value in values if value is not None))
            yield [list(map(_text, values)) for values in columns]

    return ParsedTable(names, parts(), {}, single, [])


def _is_single(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_float32(kind) or pyarrow.types.is_float16(kind))
