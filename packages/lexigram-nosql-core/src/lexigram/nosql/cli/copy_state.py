"""Where a copy is, kept in a file so that it can go on after it was stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from lexigram.nosql.cli.lines import replace_file
from lexigram.nosql.exceptions import NoSQLError
from pydantic import ConfigDict, NonNegativeInt, TypeAdapter, ValidationError

__all__ = ["CopyState", "state_path"]


def state_path(source: str, target: str) -> Path:
    """Where the state of a copy is: in the current folder, by the names of the stores."""
    return Path(f"copy-{source}-{target}.checkpoint.json")


@dataclass(slots=True)
class CopyState:
    """Where a copy is.

    Attributes:
        source: Name and backend of the store it comes from.
        target: Name and backend of the store it goes to.
        collections: What is copied, in this order.
        done: Collections that are copied and, where that is asked for, compared; or that the target cannot have.
        begun: The collection that is being copied; empty before the first.
        read: Documents of it that have been read, in the last run.
        counts: Documents that each collection held when the copy began.
        format: Which form of the file this is.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    source: str
    target: str
    collections: list[str]
    done: list[str] = field(default_factory=list[str])
    begun: str = ""
    read: NonNegativeInt = 0
    counts: dict[str, NonNegativeInt] = field(default_factory=dict[str, NonNegativeInt])
    format: Literal[1] = 1

    def save(self, path: Path) -> None:
        """Write it.

        Raises:
            OSError: The file cannot be written.
        """
        replace_file(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> CopyState | None:
        """Read one.

        Returns:
            The state; None when there is none.

        Raises:
            NoSQLError: The file is none.
        """
        try:
            return _ADAPTER.validate_json(path.read_bytes(), strict=True)
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise _unreadable(path, f"{error.error_count()} of its entries are not those of a copy") from error
        except OSError as error:
            raise _unreadable(path, error.strerror or "it cannot be read") from error


_ADAPTER = TypeAdapter(CopyState)


def _unreadable(path: Path, reason: str) -> NoSQLError:
    return NoSQLError(f"{path} cannot be used: {reason}", hint="Pass --restart to copy from the beginning.")
