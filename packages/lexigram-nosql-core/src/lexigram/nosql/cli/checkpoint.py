"""Where an import is, kept beside its file so that it can go on after it was stopped.

A checkpoint is written when the import begins and after every batch, by replacing the file as a whole. A batch may have
been stored without its checkpoint having been written; that batch is looked at again by the import that goes on, and
``doubtful`` says how far it can reach. ``key`` is what ids are made of for lines without one: the same line gets the
same id in every resumption.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from lexigram.nosql.cli.lines import replace_file
from lexigram.nosql.cli.reports import ImportCounts
from lexigram.nosql.exceptions import NoSQLError
from pydantic import ConfigDict, NonNegativeInt, TypeAdapter, ValidationError

__all__ = ["Checkpoint", "checkpoint_path", "fingerprint"]

_HEAD = 65_536


def checkpoint_path(file: Path) -> Path:
    """Where the checkpoint of an import of *file* is."""
    return file.with_name(f"{file.name}.checkpoint.json")


def fingerprint(file: Path) -> str:
    """What tells one input from another: its size and how it begins.

    Raises:
        OSError: The file cannot be read.
    """
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    return f"{file.stat().st_size}:{hashlib.sha256(head).hexdigest()}"


@dataclass(slots=True)
class Checkpoint:
    """Where an import is.

    Attributes:
        input: Fingerprint of the file.
        collection: The collection it goes to.
        store: Name and backend of the store it goes to.
        key: What ids of lines without one are made of.
        offset: Where the next line begins, in bytes of the text.
        line: Number of the last line that is done.
        doubtful: Number of the last line that may be stored although it is not done.
        rejects_size: Size of the file with the bad lines, in bytes.
        counts: Which way the lines went.
        format: Which form of the file this is.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    input: str
    collection: str
    store: str
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    offset: NonNegativeInt = 0
    line: NonNegativeInt = 0
    doubtful: NonNegativeInt = 0
    rejects_size: NonNegativeInt = 0
    counts: ImportCounts = field(default_factory=ImportCounts)
    format: Literal[1] = 1

    def save(self, path: Path) -> None:
        """Write it.

        Raises:
            OSError: The file cannot be written.
        """
        replace_file(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Read one.

        Returns:
            The checkpoint; None when there is none.

        Raises:
            NoSQLError: The file is no checkpoint.
        """
        try:
            return _ADAPTER.validate_json(path.read_bytes(), strict=True)
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise _unreadable(path, f"{error.error_count()} of its entries are not those of a checkpoint") from error
        except OSError as error:
            raise _unreadable(path, error.strerror or "it cannot be read") from error


_ADAPTER = TypeAdapter(Checkpoint)


def _unreadable(path: Path, reason: str) -> NoSQLError:
    return NoSQLError(f"{path} cannot be used: {reason}", hint="Pass --restart to import the file from its beginning.")
