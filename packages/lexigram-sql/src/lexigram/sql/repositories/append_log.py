"""``AppendLogRepository``: streams of events in a table that only grows.

The table has these columns, and a unique key on the stream and the version, which is what makes appending safe::

    CREATE TABLE events (
        position BIGSERIAL PRIMARY KEY,     -- INTEGER PRIMARY KEY AUTOINCREMENT; BIGINT AUTO_INCREMENT PRIMARY KEY
        stream_id VARCHAR(200) NOT NULL,
        version INTEGER NOT NULL,
        data TEXT NOT NULL,                 -- what the serializer returns; JSON works as well
        UNIQUE (stream_id, version)
    )
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

from lexigram.sql.exceptions import DuplicateKeyError, OptimisticLockError
from lexigram.sql.query.builder import AsyncQueryBuilder
from lexigram.sql.repositories.draft import RepositoryDatabase

__all__ = ["AppendLogRepository", "DatabaseProviderAppendLog"]

T = TypeVar("T")

_ATTEMPTS: Final = 10


class DatabaseProviderAppendLog(Generic[T]):
    """Streams of events. Implements ``AppendLogProtocol``.

    Args:
        provider: The database.
        table_name: The table.
        serializer: Makes the value of the column ``data`` of an event.
        deserializer: Makes an event of that value.
    """

    def __init__(
        self,
        provider: RepositoryDatabase,
        table_name: str,
        serializer: Callable[[T], Any],
        deserializer: Callable[[Any], T],
    ) -> None:
        self._db = provider
        self._table = table_name
        self._serialize = serializer
        self._deserialize = deserializer

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self._table!r}>"

    def _query(self) -> AsyncQueryBuilder:
        return AsyncQueryBuilder(self._table)

    async def append(self, stream_id: str, events: Sequence[T], expected_version: int | None = None) -> int:
        """Add events to the end of a stream, all or none.

        Args:
            stream_id: The stream.
            events: The events, in order.
            expected_version: The version that the stream must have, 0 for a new one; any when None.

        Returns:
            The stream's new version.

        Raises:
            OptimisticLockError: The stream is at another version: someone was faster.
        """
        data = [self._serialize(event) for event in events]
        for attempt in range(_ATTEMPTS):
            version = await self.get_stream_version(stream_id)
            if expected_version is not None and version != expected_version:
                raise OptimisticLockError("stream", stream_id, expected_version)
            rows = [
                {"stream_id": stream_id, "version": version + number, "data": one}
                for number, one in enumerate(data, start=1)
            ]
            try:
                async with self._db.transaction():
                    await self._query().execute_many(self._db, rows)
            except DuplicateKeyError as error:
                if expected_version is not None or attempt == _ATTEMPTS - 1:
                    raise OptimisticLockError("stream", stream_id, expected_version) from error
                continue
            return version + len(rows)
        raise AssertionError("the last attempt returns or raises")

    async def read(self, stream_id: str, from_version: int = 0, limit: int | None = None) -> list[T]:
        """The events of a stream after *from_version*, in order."""
        query = self._query().select("data").where("stream_id", "=", stream_id).where("version", ">", from_version)
        query = query.order_by("version", nulls="database")
        return await self._events(query if limit is None else query.limit(limit))

    async def read_all(self, offset: int = 0, limit: int = 100) -> list[T]:
        """The events of all streams in the order of their positions, after the first *offset*.

        On PostgreSQL and MySQL positions are given before transactions commit, so that an event may still appear
        between two that have been read.
        """
        return await self._events(
            self._query().select("data").order_by("position", nulls="database").limit(limit).offset(offset)
        )

    async def _events(self, query: AsyncQueryBuilder) -> list[T]:
        return [self._deserialize(row["data"]) for row in await query.fetch(self._db)]

    async def get_stream_version(self, stream_id: str) -> int:
        """The version of a stream; 0 when there is none."""
        query = self._query().select_max("version", "version").where("stream_id", "=", stream_id)
        return int(await query.fetch_value(self._db) or 0)

    async def delete_stream(self, stream_id: str) -> bool:
        """Remove a stream; True when there was one."""
        return await self._query().delete().where("stream_id", "=", stream_id).execute(self._db) > 0

    async def count(self, stream_id: str | None = None) -> int:
        """How many events a stream has, or all streams together."""
        query = self._query()
        return await (query if stream_id is None else query.where("stream_id", "=", stream_id)).count(self._db)


AppendLogRepository = DatabaseProviderAppendLog
"""Another documented name."""
