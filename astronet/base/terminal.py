"""What scripts print: safe whatever a stranger's file says, and whatever becomes of the terminal, pipe or disk.

Control characters of a file's header or table could change the colors, the title or the text of a terminal: they are
printed as escapes (\\x1b). Characters that the terminal's encoding lacks are printed as escapes, too. And a stream that
takes no more text (a closed pipe, a full disk) does not stop the work whose results it was to show.
"""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Optional

# C0 and C1 controls but for tab and newline, what turns the direction of text round, and halves of characters.
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
    """A text stream whose writing cannot fail, and that shows control characters as escapes.

    Args:
      stream: such as sys.stdout; None (a closed one) takes everything and shows nothing.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: Optional[Exception] = None  # the first, after which nothing is shown

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
        # Progress bars begin and end with a carriage return; elsewhere it would hide the line before it.
        body = text.strip("\r")
        shown = text.replace(body, _UNSAFE.sub(_escape, body)) if body else text
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        return shown if shown.isascii() else shown.encode(encoding, "backslashreplace").decode(encoding)

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        """Keeps an error of the block, and has what Python writes at its end go nowhere: that would fail again."""
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
    """Has sys.stdout and sys.stderr be SafeStreams in the block; yields that of stdout."""
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
    """Returns whether what a stream was to show is lost although somebody waits for it: a closed pipe wants no more."""
    return stream.error is not None and getattr(stream.error, "errno", None) != errno.EPIPE
