"""Lines of bytes in and out: plain or gzipped files, standard input and output.

Everything here blocks, so the event loop calls it in a thread. Reading holds one line at a time; a line longer than any
document could be is read past, not held. Writing goes to a file beside the target that takes its place when all is
there, so a reader never sees half an export.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import shutil
import sys
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self, cast

from lexigram.nosql.exceptions import NoSQLError

__all__ = ["STANDARD", "Line", "LineReader", "LineWriter", "replace_file"]

STANDARD = Path("-")
"""Stands for standard input or output."""

LONGEST_LINE = 64 * 1024 * 1024
"""Longest line that is read, in bytes: four times MongoDB's largest document, for the overhead of the text."""

_KEPT_OF_LONG_LINES = 1000


class Line(NamedTuple):
    """One line.

    Attributes:
        number: Its number, from 1.
        data: Its bytes without the newline; the beginning only when it is too long.
        whole: False when it is too long.
    """

    number: int
    data: bytes
    whole: bool


class LineReader:
    """Reads lines and knows where it is.

    Args:
        path: The file, gzipped when its name ends in ``.gz``; ``-`` for standard input.
        longest: Longest line that is held, in bytes.

    Attributes:
        offset: Where the next line begins, in bytes of the text.
        number: Number of the last line read.
        regular: True for a file that can be read again; False for standard input and other pipes.

    Raises:
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path, longest: int = LONGEST_LINE) -> None:
        self.offset = 0
        self.number = 0
        self._longest = longest
        self._path = path
        self.regular = path != STANDARD and path.is_file()
        self._raw: BinaryIO | None = None if path == STANDARD else path.open("rb")
        if self._raw is None:
            self._stream: BinaryIO = sys.stdin.buffer
        elif path.suffix == ".gz":
            self._stream = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw, mode="rb"))
        else:
            self._stream = self._raw

    @property
    def size(self) -> int | None:
        """Size of the file on disk, in bytes; None where that is unknown."""
        return os.fstat(self._raw.fileno()).st_size if self._raw is not None and self.regular else None

    @property
    def position(self) -> int:
        """How much of the file has been read, in bytes on disk."""
        return self._raw.tell() if self._raw is not None and self.regular else self.offset

    def go_to(self, offset: int, number: int) -> None:
        """Go on from a place where an earlier reader was.

        Args:
            offset: That reader's ``offset``.
            number: That reader's ``number``.
        """
        with self._telling():
            self._stream.seek(offset)
        self.offset, self.number = offset, number

    def read(self) -> Line | None:
        """The next line, or None at the end.

        Raises:
            NoSQLError: The file is damaged.
        """
        with self._telling():
            data = self._stream.readline(self._longest + 1)
            if not data:
                return None
            length = len(data)
            whole = length <= self._longest
            if not whole:
                rest, data = data, data[:_KEPT_OF_LONG_LINES]
                while rest and not rest.endswith(b"\n"):
                    rest = self._stream.readline(io.DEFAULT_BUFFER_SIZE)
                    length += len(rest)
        self.offset += length
        self.number += 1
        return Line(self.number, data.removesuffix(b"\n"), whole)

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._raw is not None:
            self._stream.close()
            self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _telling(self) -> Generator[None]:
        """Say what a damaged file is."""
        try:
            yield
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise NoSQLError(
                f"{self._path} is damaged after line {self.number:,}: {error}",
                hint="The lines before are read. Get a whole copy of the file.",
            ) from error


class LineWriter:
    """Writes lines to a file that appears when all of them are there.

    Args:
        path: The file, gzipped when its name ends in ``.gz``; ``-`` for standard output. What is no regular file, such
            as a pipe, is written directly.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._target: Path | None = None
        self._temporary: Path | None = None
        self._raw: BinaryIO | None = None
        if path == STANDARD:
            self._stream: BinaryIO = sys.stdout.buffer
            return
        if path.exists() and not path.is_file():
            self._raw = path.open("wb")
        else:
            # The link stays a link: what it points to is replaced.
            self._target = path.resolve()
            self._temporary = self._target.with_name(f".{self._target.name}.{os.getpid()}.part")
            self._raw = self._temporary.open("wb")
            if path.exists():
                shutil.copymode(path, self._temporary)
        self._stream = self._raw
        if path.suffix == ".gz":
            # Without name and time, equal exports are equal files.
            self._stream = cast("BinaryIO", gzip.GzipFile(filename="", fileobj=self._raw, mode="wb", mtime=0))

    def write(self, lines: Sequence[str]) -> None:
        """Write lines.

        Args:
            lines: The lines, without newlines.
        """
        self._stream.write("".join([f"{line}\n" for line in lines]).encode("utf-8"))
        if self._raw is None:
            self._stream.flush()

    def commit(self) -> None:
        """Put the file in its place."""
        if self._raw is None:
            return
        if self._stream is not self._raw:
            self._stream.close()
        self._raw.flush()
        if self._temporary is not None and self._target is not None:
            os.fsync(self._raw.fileno())
            self._raw.close()
            self._temporary.replace(self._target)
        self._raw.close()

    def discard(self) -> None:
        """Leave what was there before; does nothing after :meth:`commit`."""
        if self._raw is not None and not self._raw.closed:
            with contextlib.suppress(OSError):
                self._stream.close()
            self._raw.close()
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)


def replace_file(path: Path, text: str) -> None:
    """Write a small file so that it is there as a whole or as it was before.

    Args:
        path: The file.
        text: What it will hold.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
