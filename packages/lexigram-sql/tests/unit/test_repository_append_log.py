"""Streams of events grow in order, whoever appends at the same time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lexigram.contracts.data.sql.append_log import AppendLogProtocol
from lexigram.sql.exceptions import OptimisticLockError
from lexigram.sql.providers import DatabaseService
from lexigram.sql.repositories import AppendLogRepository

Log = AppendLogRepository[dict[str, Any]]


@pytest.fixture
async def events(tmp_path: Path) -> AsyncIterator[Log]:
    async with DatabaseService(f"sqlite:///{tmp_path / 'events.db'}") as db:
        await db.execute(
            "CREATE TABLE events (position INTEGER PRIMARY KEY AUTOINCREMENT, stream_id TEXT NOT NULL,"
            " version INTEGER NOT NULL, data TEXT NOT NULL, UNIQUE (stream_id, version))"
        )
        yield AppendLogRepository(db, "events", json.dumps, json.loads)


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [{"n": number} for number in numbers]


async def test_events_are_read_in_the_order_they_came(events: Log) -> None:
    assert isinstance(events, AppendLogProtocol)
    assert await events.append("a", numbered(1, 2)) == 2
    assert await events.append("b", numbered(3)) == 1
    assert await events.append("a", numbered(4)) == 3
    assert await events.read("a") == numbered(1, 2, 4)
    assert await events.read("a", from_version=1, limit=1) == numbered(2)
    assert await events.read_all() == numbered(1, 2, 3, 4)
    assert await events.read_all(offset=1, limit=2) == numbered(2, 3)
    assert (await events.count(), await events.count("a"), await events.count("none")) == (4, 3, 0)


async def test_a_stream_at_another_version_takes_nothing(events: Log) -> None:
    assert await events.append("a", numbered(1), expected_version=0) == 1
    with pytest.raises(OptimisticLockError) as caught:
        await events.append("a", numbered(2), expected_version=0)
    assert (caught.value.entity_id, caught.value.expected_version) == ("a", 0)
    assert await events.append("a", [], expected_version=1) == 1
    assert await events.read("a") == numbered(1)


async def test_of_writers_with_the_same_version_one_succeeds(events: Log) -> None:
    results = await asyncio.gather(
        *(events.append("a", numbered(n, n), expected_version=0) for n in range(6)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["OptimisticLockError"] * 5 + ["int"]
    assert await events.get_stream_version("a") == await events.count("a") == 2


async def test_writers_without_a_version_follow_each_other(events: Log) -> None:
    await asyncio.gather(*(events.append("a", numbered(n)) for n in range(5)))
    assert await events.get_stream_version("a") == 5
    assert sorted(event["n"] for event in await events.read("a")) == [0, 1, 2, 3, 4]


async def test_a_stream_can_be_removed(events: Log) -> None:
    await events.append("a", numbered(1))
    assert await events.delete_stream("a")
    assert not await events.delete_stream("a")
    assert await events.get_stream_version("a") == 0
