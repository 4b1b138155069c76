"""Makes the printing of scripts safe: against control characters in files, and against closed pipes and full disks.

Control characters in the header of a file or in a table could change the colors, the title or the text of a terminal.
They are printed as escapes (\\x1b). So are characters that the terminal's encoding lacks. If an output stream fails (a
closed pipe, a full disk), the script goes on with its work.
"""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Optional

# C0 and C1 controls except tab and newline, characters that change the direction of text, and surrogates.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_ENDS = re.compile(r"[\t\n]")


def _escape(match: re.Match[str]) -> str:
    character: str = match.group()
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def printable(text: object) -> str:
    r"""Returns one line of text that is safe to print: control characters and line breaks become escapes.

    >>> print(printable("WASP-4\x1b[2J\nTIC 1"))
    WASP-4\x1b[2J\nTIC 1
    """
    return _LINE_ENDS.sub(_escape, _UNSAFE.sub(_escape, str(text)))


class SafeStream:
    """A text stream that never raises an error, and that prints control characters as escapes.

    Args:
      stream: the stream to print to, such as sys.stdout; None (a closed stream) prints nothing.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: Optional[Exception] = None  # the first error; after it, nothing is printed

    def write(self, text: str) -> int:
        if self._stream is not None and self.error is None:
            with self._noted():
                self._stream.write(self._shown(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._stream is not None and self.error is None:
            with self._noted():
                self._stream.flush()

    def isatty(self) -> bool:
        return self._stream is not None and bool(self._stream.isatty())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _shown(self, text: str) -> str:
        # Progress bars begin and end with a carriage return. Elsewhere, it would hide the text before it.
        body = text.strip("\r")
        shown = text.replace(body, _UNSAFE.sub(_escape, body)) if body else text
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        return shown if shown.isascii() else shown.encode(encoding, "backslashreplace").decode(encoding)

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        """Keeps an error of the block. Later output, such as Python's at exit, then goes to /dev/null."""
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            self.error = error
            with contextlib.suppress(OSError, ValueError, AttributeError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


@contextlib.contextmanager
def safe_streams() -> Iterator[SafeStream]:
    """Replaces sys.stdout and sys.stderr by SafeStreams in the block. Yields the SafeStream of stdout."""
    before = sys.stdout, sys.stderr
    inside = [stream if isinstance(stream, SafeStream) else SafeStream(stream) for stream in before]
    sys.stdout, sys.stderr = inside
    try:
        yield inside[0]
    finally:
        for stream in inside:
            stream.flush()
        sys.stdout, sys.stderr = before


def has_lost_text(stream: SafeStream) -> bool:
    """Returns whether text is lost that somebody wanted. After a closed pipe, nobody wants the text."""
    return stream.error is not None and getattr(stream.error, "errno", None) != errno.EPIPE
