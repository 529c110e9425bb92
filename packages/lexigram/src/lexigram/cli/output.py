"""Writing to the terminal, or to whatever stands in its place.

On a terminal there are colours and the width of the window. In a pipe there are no colours, and nothing is cut off or
wrapped, so that ``grep`` finds what is there.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lexigram.config.secrets import mask_text
from lexigram.contracts.exceptions.base import LexigramError

__all__ = [
    "console",
    "give_up_output",
    "is_output_error",
    "print_error",
    "print_json",
    "print_table",
    "rendered",
    "table",
]

# Not every platform has all of them.
_OUTPUT_ERRORS = {getattr(errno, name, None) for name in ("ENOSPC", "EPIPE", "EIO", "EFBIG", "EDQUOT", "EBADF")}

_ENDLESS = 100_000  # columns; wider than any line, since rich cuts at the width that it is told


def console(*, stderr: bool = False) -> Console:
    """Where to write.

    Args:
        stderr: Write to standard error.

    Returns:
        A console for the streams as they are now. Texts are not markup unless they are ``rich.text.Text``.
    """
    found = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if found.is_terminal:
        return found
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=_ENDLESS, color_system=None)


def table(*columns: str) -> Table:
    """An empty table whose cells are wrapped, never cut.

    Args:
        *columns: The headings.
    """
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def print_table(made: Table, out: Console | None = None) -> None:
    """Write a table; in a pipe without the spaces that would only fill up its lines.

    Args:
        made: The table.
        out: Where to; standard output if not given.
    """
    out = out or console()
    if out.is_terminal:
        out.print(made)
        return
    with out.capture() as captured:
        out.print(made)
    for line in captured.get().splitlines():
        out.print(line.rstrip(), soft_wrap=True)


def rendered(value: Any) -> str:
    """A value of a configuration as text: as JSON writes it, except that plain text has no quotes.

    Args:
        value: Plain data.
    """
    if isinstance(value, str) and value == value.strip() and value != "":
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def print_json(data: Any) -> None:
    """Write JSON to standard output, the same on a terminal and in a pipe.

    Args:
        data: Plain data; whatever JSON does not know is written as text.
    """
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")


def print_error(error: LexigramError) -> None:
    """Write an error to standard error as one block: what happened, what to do, where to read more.

    Args:
        error: The error. Passwords in URLs are masked once more.
    """
    block = Text()
    block.append(f"Error {error.code}: ", style="bold red").append(mask_text(error.message))
    if error.hint:
        block.append("\n  Fix: ", style="bold").append(mask_text(error.hint))
    block.append("\n  See: ", style="bold").append(error.docs_url)
    console(stderr=True).print(block, soft_wrap=True)


def is_output_error(error: OSError) -> bool:
    """Whether an error is that of writing to a stream: a full disk, a closed pipe. Errors of files name their file."""
    return error.filename is None and error.errno in _OUTPUT_ERRORS


def give_up_output(error: OSError) -> None:
    """Say that output could not be written, and write no more: what is left in buffers would fail again at the end.

    A reader who has gone away (``lexigram … | head``) needs not be told.

    Args:
        error: What writing raised.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        pass  # standard output is no file, or is closed: then there is nothing to be flushed into it
    finally:
        os.close(nowhere)
    if error.errno != errno.EPIPE:
        sys.stderr.write(f"Error: the output cannot be written: {error.strerror}\n")
