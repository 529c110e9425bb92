"""What a pipeline may use: memory, stages, nesting, and the event loop's time.

MongoDB lets a blocking stage hold 100 megabytes and spill the rest to disk where ``allowDiskUse`` permits it. Nothing
is spilled here: ``allowDiskUse`` is not offered, a stage that would hold more than the limit fails, and the limit is
the backend's ``memory_limit_bytes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lexigram.nosql.exceptions import MemoryLimitError
from lexigram.nosql.values.size import bson_size, value_size

__all__ = [
    "CHUNK",
    "DEFAULT_MEMORY_LIMIT",
    "MAX_DENSIFIED",
    "MAX_STAGES",
    "MAX_SUBPIPELINES",
    "YIELD_EVERY",
    "Meter",
]

DEFAULT_MEMORY_LIMIT: Final = 104_857_600
"""Bytes that a blocking stage may hold where nobody says otherwise."""

MAX_STAGES: Final = 1000
"""Stages of one pipeline, as in MongoDB."""

MAX_SUBPIPELINES: Final = 20
"""Pipelines within pipelines, as in MongoDB."""

MAX_DENSIFIED: Final = 500_000
"""Documents that one ``$densify`` may add, as in MongoDB."""

CHUNK: Final = 1000
"""Documents that a blocking stage hands on at a time."""

YIELD_EVERY: Final = 4096
"""Documents after which a running pipeline lets other tasks run."""

_SAMPLE: Final = 16  # one document in so many is measured, so that the limit costs next to nothing,
_MEASURED: Final = 16  # and about so many of a long batch


class Meter:
    """Counts approximately what a stage holds, in bytes of BSON.

    Args:
        stage: Name of the stage, for the error.
        limit: The most it may hold; 0 for no limit.
    """

    __slots__ = ("held", "limit", "stage")

    def __init__(self, stage: str, limit: int) -> None:
        self.stage = stage
        self.limit = limit
        self.held = 0

    def documents(self, documents: Sequence[dict[str, Any]]) -> None:
        """Count documents that are held from now on.

        Raises:
            MemoryLimitError: It is too much.
        """
        if documents and self.limit:
            sample = documents[:: max(_SAMPLE, len(documents) // _MEASURED)]
            self.add(sum(map(bson_size, sample)) * len(documents) // len(sample))

    def values(self, values: Sequence[Any]) -> None:
        """Count values that are held from now on.

        Raises:
            MemoryLimitError: It is too much.
        """
        if values and self.limit:
            sample = values[:: max(_SAMPLE, len(values) // _MEASURED)]
            self.add((sum(map(value_size, sample)) + 8 * len(sample)) * len(values) // len(sample))

    def add(self, size: int) -> None:
        """Count bytes.

        Raises:
            MemoryLimitError: It is too much.
        """
        self.held += size
        if self.limit and self.held > self.limit:
            self.refuse()

    def refuse(self) -> None:
        """Fail.

        Raises:
            MemoryLimitError: Always.
        """
        raise MemoryLimitError(
            f"{self.stage} holds more than {self.limit} bytes",
            hint="Filter or project earlier, add a $limit, or raise memory_limit_bytes; allowDiskUse is not offered.",
        )
