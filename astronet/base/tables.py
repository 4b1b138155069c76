"""Reads tables with a header: text tables, and the formats of astropy (ECSV, FITS, VOTable, IPAC, Parquet).

A table is read as columns of text cells, whatever its format. The caller knows what a cell means. A file is opened once
and hashed while it is read. So a pipe such as <(cat tces.csv) can be read, and the hash is of the bytes that were read.

>>> import os, tempfile
>>> path = os.path.join(tempfile.mkdtemp(), "tces.csv")
>>> with open(path, "w") as file:
...     _ = file.write("tic_id,Sectors\\n402026209,2\\n")
>>> with open_table(path) as table:
...     for cells in table.rows():
...         print(dict(zip(table.columns, cells)))
{'tic_id': '402026209', 'Sectors': '2'}
"""

import contextlib
import csv
import io
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Optional, Union

from astronet.base import byte_streams, parsed_tables
from astronet.base.script import ScriptError

# First bytes -> astropy's name of the format.
_ASTROPY_STARTS = {b"SIMPLE  =": "fits", b"PAR1": "parquet"}
_FOREIGN_STARTS = {
    b"\x89HDF": "an HDF5 file",
    b"PK\x03\x04": "a spreadsheet or a zip archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of an old kind",
    b"SQLite format 3\x00": "an SQLite database",
    b"%PDF": "a PDF document",
}
_DELIMITERS = ",\t;|"
_IPAC_TYPES = r"\|\s*-?(char|c|date|int|i|long|l|double|d|float|f|real|r)\s*\|"
_SAMPLE_BYTES = 1 << 16
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # characters that text rarely has; a fifth of random ones
_LEAST_CONTROLS, _MOST_CONTROLS = 2, 0.01  # with more than this number and this fraction, the content is not text
_MOST_BYTES = 2 << 30  # longest file that astropy reads

Path = Union[str, "os.PathLike[str]"]


class Table:
    """An open table.

    Attributes:
      path: path of the file, for messages.
      columns: names in the header, stripped. A name may be empty, or occur twice.
      units: dict of column name to unit, for columns with a unit.
      preamble: comment lines before the header, without their '#'.
      delimiter: character between cells; " " for any white space; "" if the file is not text.
      single_precision: names of the columns that the file stores in single or lower precision.
      unread: messages about parts of the file that are not read.
      sha256: SHA-256 of the whole file, as hexadecimal text; None until rows() has reached the end.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = os.fspath(path)
        self.columns: list[str] = []
        self.units: dict[str, str] = {}
        self.preamble: list[str] = []
        self.delimiter = ""
        self.single_precision: set[str] = set()
        self.unread: list[str] = []
        self.sha256: Optional[str] = None
        self._file = file
        self._hashed: Optional[byte_streams.Hashing] = None
        self._begun: Optional[Iterator[list[str]]] = None  # iterator over the rows after the header

    def rows(self) -> Iterator[list[str]]:
        """Yields the rows that are not empty, as lists of stripped cells. Each call starts from the first row.

        A row of a text table may have fewer or more cells than there are columns. An empty cell is "".

        Raises:
          ScriptError: the rest of the file is damaged, or the file has changed since it was last read.
        """
        if self._begun is None:
            self.read_header()
        rows, self._begun = self._begun, None
        with self._errors_told():
            yield from rows or ()
        self._end()

    def read_header(self) -> None:
        """Reads the header, and sets all attributes except sha256."""
        with self._errors_told():
            self._begun = self._begin()
            self.columns = next(self._begun)

    def _begin(self) -> Iterator[list[str]]:
        """Returns an iterator over the header and the rows."""
        sample = self._unpacked().read(_SAMPLE_BYTES)
        kind = self._astropy_kind(sample)
        stream = self._unpacked()
        return self._astropy_rows(stream, kind) if kind else self._text_rows(stream, sample)

    def _unpacked(self) -> BinaryIO:
        """Returns the unpacked content from its beginning. The file's bytes are hashed while they are read."""
        self._file.seek(0)
        self._hashed = byte_streams.Hashing(self._file)
        return byte_streams.unpack(self._hashed)

    def _end(self) -> None:
        hashed = self._hashed
        if hashed is None:  # nothing has been read
            return
        while hashed.read(1 << 20):
            pass
        sha256 = hashed.digest.hexdigest()
        if self.sha256 not in (None, sha256):
            raise ScriptError(f"{self.path} was changed while it was read: run the same command again")
        self.sha256 = sha256

    @contextlib.contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            if "field limit" in str(error):
                raise ScriptError(
                    f"{self.path} has a cell of more than {csv.field_size_limit()} characters: is a quotation mark not "
                    "closed?"
                ) from error
            raise ScriptError(f"{self.path} is no CSV file ({error}): mend or export it again") from error
        except byte_streams.DAMAGE as error:
            raise ScriptError(f"{self.path} is cut off or damaged ({error}): copy it again") from error

    def _astropy_kind(self, sample: bytes) -> Optional[str]:
        """Returns the name of astropy's format; None for a text table.

        Raises:
          ScriptError: the file is clearly not a table.
        """
        for start, kind in _ASTROPY_STARTS.items():
            if sample.startswith(start):
                return kind
        advice = "give a CSV file, or an ECSV, FITS, VOTable or Parquet table"
        for start, foreign_kind in _FOREIGN_STARTS.items():
            if sample.startswith(start):
                raise ScriptError(f"{self.path} is {foreign_kind}, no table that is read here: {advice}")
        text = byte_streams.decoded(sample).lstrip("\ufeff \t\r\n")
        if re.match(r'\{\s*"|\[\s*[\[{]', text):
            raise ScriptError(f"{self.path} is JSON, no table: {advice}")
        if re.match(r"\\(begin|documentclass)\b", text):
            raise ScriptError(f"{self.path} is a LaTeX file, no table that is read here: {advice}")
        if re.match(r"<(\?xml|VOTABLE)", text, re.IGNORECASE) and re.search(r"<VOTABLE", text, re.IGNORECASE):
            return "votable"
        num_controls = len(_CONTROLS.findall(text))
        is_binary = num_controls >= _LEAST_CONTROLS and num_controls > _MOST_CONTROLS * len(text)
        if "\0" in text.partition("\n")[0] or is_binary:
            raise ScriptError(f"{self.path} holds bytes that are no text: {advice}")
        if text.startswith("<"):
            raise ScriptError(f"{self.path} is a web page or XML, no table: download it again, or {advice}")
        if text.startswith("# %ECSV"):
            return "ascii.ecsv"
        if re.search(r"^Byte-by-byte Description of file", text, re.MULTILINE | re.IGNORECASE):
            return "ascii.cds"  # the machine-readable table of a journal
        if re.match(r"(\\[^\n]*\n)*\|[^\n]*\|\s*\n" + _IPAC_TYPES, text):
            return "ascii.ipac"
        return None

    def _text_rows(self, stream: BinaryIO, sample: bytes) -> Iterator[list[str]]:
        limited = io.BufferedReader(byte_streams.ShortLines(self.path, stream), _SAMPLE_BYTES)
        text = io.TextIOWrapper(limited, encoding=byte_streams.encoding(sample), errors="replace", newline=None)
        self.preamble, self.delimiter, lines = _split_preamble(text)
        split = (line.split() for line in lines)
        rows = _filled(split if self.delimiter == " " else csv.reader(lines, strict=True, delimiter=self.delimiter))
        header = next(rows, [])
        framed = self.delimiter == "|" and len(header) > 2 and not header[0] and not header[-1]
        if framed:  # a pipe before the first cell and after the last one
            header, rows = header[1:-1], (cells[1:-1] for cells in rows)
        rows = self._without_unit_lines(header, rows)
        yield header
        yield from rows

    def _without_unit_lines(self, header: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
        """Removes the lines of units and dashes that VizieR puts below its header."""
        first = list(itertools.islice(rows, 2))
        dashed = next((i for i, cells in enumerate(first) if all(re.fullmatch("-+", cell) for cell in cells)), None)
        if dashed is not None:
            if dashed == 1:
                self.units = {name: unit for name, unit in zip(header, first[0]) if unit}
            first = first[dashed + 1 :]
        return itertools.chain(first, rows)

    def _astropy_rows(self, stream: BinaryIO, kind: str) -> Iterator[list[str]]:
        data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ScriptError(f"{self.path} is a {kind} table of more than 2 GiB: give it as CSV, read in parts")
        parsed = parsed_tables.parse(self.path, data, kind)
        self.units, self.single_precision, self.unread = parsed.units, parsed.single_precision, parsed.unread
        yield parsed.names
        for columns in parsed.parts:
            yield from map(list, zip(*columns))


@contextlib.contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Opens a table. Its format is recognized by its content, not by its name.

    Text tables may be separated by commas, tabs, semicolons, pipes or white space. They may have comment lines (#)
    before the header, and the header may begin with #. They may be in UTF-8 or UTF-16, with or without a byte order
    mark, and lines may end in LF, CR LF or CR. Any format may be packed (gzip, bzip2, xz).

    Args:
      path: path of a file, or of a pipe, which is read once.

    Yields:
      Table.

    Raises:
      ScriptError: the file is not a table.
      OSError: the file cannot be read.
    """
    with byte_streams.seekable(path) as file:
        table = Table(path, file)
        table.read_header()
        yield table


def _split_preamble(text: Iterator[str]) -> tuple[list[str], str, Iterator[str]]:
    """Returns the comment lines before the header, the delimiter, and an iterator over the lines from the header on.

    The last comment line is used as the header if the next line has the same number of cells, and numbers among them.
    """
    preamble, delimiter, header = [], "", ""
    for line in text:
        if line.startswith("#"):
            preamble.append(line[1:].strip())
        elif announced := re.fullmatch(r"sep=(.)\s*", line):  # spreadsheets write their delimiter like this
            delimiter = announced[1]
        elif line.strip(_DELIMITERS + ' "\n'):
            header = line
            break
    second = next(text, "")
    delimiter = delimiter or _delimiter_of_comment(preamble, header) or _delimiter(header, second)
    lines = itertools.chain([header, second], text)
    if preamble:
        above, below = (_cells(line, delimiter) for line in (preamble[-1], header))
        if len(above) == len(below) and any(map(_is_number, below)) and not any(map(_is_number, above)):
            lines = itertools.chain([preamble.pop() + "\n"], lines)
    return preamble, delimiter, lines


def _cells(line: str, delimiter: str) -> list[str]:
    return line.split() if delimiter == " " else next(csv.reader([line], delimiter=delimiter), [])


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", cell) is not None


def _delimiter_of_comment(preamble: list[str], below: str) -> str:
    """Returns " " if the last comment line is a header of words separated by blanks; else ""."""
    words, cells = preamble[-1].split() if preamble else [], below.split()
    is_header = len(words) == len(cells) > 1 and not any(map(_is_number, words)) and any(map(_is_number, cells))
    return " " if is_header and not any(delimiter in preamble[-1] for delimiter in _DELIMITERS) else ""


def _delimiter(first: str, second: str) -> str:
    """Returns the delimiter of a table with these first lines; " " if columns are separated only by white space."""
    bare = re.sub(r'"[^"]*"', "", first)
    best = max(_DELIMITERS, key=bare.count)
    if bare.count(best):
        return best
    is_spaced = '"' not in first and len(bare.split()) > 1 and len(bare.split()) == len(second.split())
    return " " if is_spaced else ","


def _filled(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """Yields the stripped cells of the rows that are not empty and not comments."""
    for row in rows:
        cells = [cell.strip() for cell in row]
        if any(cells) and cells[0][:1] != "#":
            yield cells
