"""The part of a file that has been downloaded so far, and the version of the server's file that it belongs to."""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import BinaryIO

import requests

from astronet.base.files import INCOMPLETE


class PartialFile:
    """The part of a file that has been downloaded so far, with the server's version of the file (ETag or date)."""

    def __init__(self, out_path: str) -> None:
        self._out_path = out_path
        self.path = f"{out_path}{INCOMPLETE}part"
        self._version_path = f"{out_path}{INCOMPLETE}version"

    def offset_and_headers(self) -> tuple[int, dict[str, str]]:
        """Returns the offset to continue at (0 for the start), and the headers of a request for the rest."""
        with contextlib.suppress(FileNotFoundError):
            offset = os.path.getsize(self.path)
            with open(self._version_path, encoding="latin-1") as file:
                version = file.read()
            if offset and version:
                return offset, {"Range": f"bytes={offset}-", "If-Range": version}
        return 0, {}

    def is_continued_by(self, response: requests.Response, offset: int) -> bool:
        """Returns whether an answer with status 206 is the rest of this version of the file; True for others."""
        if response.status_code != 206:
            return True
        first = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        with open(self._version_path, encoding="latin-1") as file:
            same = _version(response) in ("", file.read())
        return same and first is not None and int(first.group(1)) == offset

    @contextlib.contextmanager
    def writing(self, response: requests.Response, offset: int) -> Iterator[BinaryIO]:
        """Yields the file, open for writing at an offset, unbuffered: nothing is lost if the process is killed."""
        with open(self.path, "r+b" if offset else "wb", buffering=0) as file:
            if offset:
                file.seek(offset)
            else:  # the version is written when the file is empty, so it never belongs to other bytes
                with open(self._version_path, "w", encoding="latin-1") as version_file:
                    version_file.write(_version(response))
            yield file

    def finish(self) -> None:
        self._forget_version()
        os.replace(self.path, self._out_path)

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.path)
        self._forget_version()

    def _forget_version(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._version_path)


def _version(response: requests.Response) -> str:
    """Returns the version of the server's file for If-Range: its strong ETag, else its date, else ""."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
