"""Logs that only grow: streams of events, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

__all__ = ["AppendLogProtocol", "AppendLogSnapshotStore"]

T = TypeVar("T")


@runtime_checkable
class AppendLogProtocol(Protocol[T]):
    """Streams of events, each with versions that count from 1."""

    async def append(self, stream_id: str, events: Sequence[T], expected_version: int | None = None) -> int:
        """Add events to the end of a stream, and return its new version.

        Raises:
            LexigramError: The stream's version is not *expected_version*: someone else was faster.
        """
        ...

    async def read(self, stream_id: str, from_version: int = 0, limit: int | None = None) -> list[T]:
        """The events of a stream after *from_version*, in order."""
        ...

    async def read_all(self, offset: int = 0, limit: int = 100) -> list[T]:
        """The events of all streams in the order they came, after the first *offset*."""
        ...

    async def get_stream_version(self, stream_id: str) -> int:
        """The version of a stream; 0 when there is none."""
        ...

    async def delete_stream(self, stream_id: str) -> bool:
        """Remove a stream; True when there was one."""
        ...

    async def count(self, stream_id: str | None = None) -> int:
        """How many events a stream has, or all streams together."""
        ...


@runtime_checkable
class AppendLogSnapshotStore(Protocol):
    """The state of aggregates at a version, so that not every event need be read again."""

    async def save_snapshot(self, aggregate_id: str, aggregate_type: str, version: int, state: dict[str, Any]) -> None:
        """Keep an aggregate's state, in the place of an older one."""
        ...

    async def get_snapshot(self, aggregate_id: str) -> dict[str, Any] | None:
        """What was kept last (``aggregate_type``, ``version``, ``state``), or None."""
        ...

    async def delete_snapshot(self, aggregate_id: str) -> bool:
        """Forget an aggregate's state; True when there was one."""
        ...
