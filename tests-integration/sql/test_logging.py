"""Hooks and query loggers hear of what happens, on every database."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from lexigram.hooks import HookRegistry
from lexigram.sql.exceptions import DatabaseError, DuplicateKeyError
from lexigram.sql.hooks import SQLConnectionReadyHook, SQLTransactionBegunHook, SQLTransactionEndedHook
from lexigram.sql.logs import ConsoleQueryLogger, FileQueryLogger, MemoryQueryLogger
from sql.place import Opener, Place


async def test_hooks_hear_of_connections_and_transactions(open_db: Opener, place: Place) -> None:
    """In order, with how they ended; savepoints are not told."""
    told: list[Any] = []
    hooks = HookRegistry()

    async def note(payload: Any) -> None:
        told.append(payload)

    for name in ("connection.acquired", "transaction.begin", "transaction.end"):
        hooks.register_action(name, note)
    db = await open_db(hooks=hooks)
    async with db.transaction(), db.transaction():
        await db.fetch("SELECT 1")
    with suppress(LookupError):
        async with db.transaction():
            raise LookupError
    assert told == [
        SQLConnectionReadyHook(backend=place.kind),
        SQLTransactionBegunHook(),
        SQLTransactionEndedHook(committed=True),
        SQLTransactionBegunHook(),
        SQLTransactionEndedHook(committed=False),
    ]


async def test_hooks_hear_of_sessions_and_of_transactions_by_hand(open_db: Opener) -> None:
    """They are transactions like others."""
    told: list[Any] = []
    hooks = HookRegistry()

    async def note(payload: Any) -> None:
        told.append(payload)

    hooks.register_action("transaction.begin", note)
    hooks.register_action("transaction.end", note)
    db = await open_db(hooks=hooks)
    async with db.session() as session:
        await session.fetch("SELECT 1")
        await session.rollback()
        await session.fetch("SELECT 1")
    await db.begin_transaction()
    await db.begin_transaction()
    await db.commit_transaction()
    await db.rollback_transaction()
    ends = [one.committed for one in told if isinstance(one, SQLTransactionEndedHook)]
    assert ends == [False, True, False]
    assert [type(one) for one in told] == [SQLTransactionBegunHook, SQLTransactionEndedHook] * 3


class Failing:
    """Hooks of someone else's, which raise what their handlers raise."""

    name = ""

    async def call_action(self, name: str, *, payload: Any) -> None:
        """Fail where it is time to."""
        if name == self.name:
            raise LookupError(name, payload)


async def test_a_hook_that_fails_leaves_no_transaction_behind(open_db: Opener, place: Place) -> None:
    """Neither when one begins nor when it ends; the connection is there for the next."""
    hooks = Failing()
    db = await open_db(hooks=hooks, pool_size=1, max_overflow=0, pool_timeout=5)
    await db.execute(f"CREATE TABLE item (id {place.key}, name VARCHAR(20))")

    async def add() -> None:
        async with db.transaction():
            await db.execute("INSERT INTO item (name) VALUES ('a')")

    for name, kept in (("transaction.begin", 0), ("transaction.end", 1)):
        hooks.name = name
        with pytest.raises(LookupError):
            await add()
        hooks.name = ""
        assert (await db.get_pool_stats())["active_connections"] == 0
        async with db.transaction():
            assert await db.fetch_value("SELECT count(*) FROM item") == kept


async def test_a_logger_hears_of_every_statement(open_db: Opener, place: Place) -> None:
    """With its time, its transaction, and why it failed; secrets are masked."""
    logger = MemoryQueryLogger()
    db = await open_db(query_logger=logger)
    await db.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, password VARCHAR(50))")
    logger.clear_logs()
    await db.execute("INSERT INTO account (id, password) VALUES (?, ?)", [1, "hunter2"])
    with pytest.raises(DuplicateKeyError):
        await db.execute("INSERT INTO account (id, password) VALUES (?, ?)", [1, "hunter2"])
    async with db.transaction():
        await db.fetch("SELECT * FROM account WHERE password = ?", ["hunter2"])
        await db.fetch("SELECT id FROM account")
    assert [row["id"] async for row in db.stream("SELECT id FROM account")] == [1]
    await db.execute_many("UPDATE account SET password = ? WHERE id = ?", [["hunter3", 1]])
    entries = logger.get_entries()
    assert [entry.success for entry in entries] == [True, False, True, True, True, True]
    assert entries[0].params == [1, "***"]
    assert entries[2].params == ["***"]
    assert "hunter" not in repr(entries)
    assert entries[1].error_message
    assert all(entry.execution_time > 0 for entry in entries)
    assert entries[0].transaction_id is None
    assert entries[2].transaction_id == entries[3].transaction_id is not None
    assert logger.get_failed_queries() == [entries[1]]
    assert len(logger.get_entries_by_sql("insert into")) == 2


async def test_slow_and_failed_statements_are_always_kept(open_db: Opener, place: Place) -> None:
    """Whatever the sample rate, which leaves out the others."""
    logger = MemoryQueryLogger(slow_query_threshold=0.1, sample_rate=0)
    db = await open_db(query_logger=logger)
    await db.fetch("SELECT 1")
    assert logger.get_entries() == []
    await db.fetch(place.sleeping(0.3))
    with pytest.raises(DatabaseError):
        await db.execute("SELEC 1")
    slow, failed = logger.get_entries()
    assert (slow.success, logger.is_slow(slow), failed.success) == (True, True, False)
    assert slow in logger.get_slow_queries()


async def test_a_cancelled_statement_is_logged_as_one_that_failed(open_db: Opener, place: Place) -> None:
    """It ran, and did not end."""
    logger = MemoryQueryLogger()
    db = await open_db(query_logger=logger)
    task = asyncio.create_task(db.fetch(place.sleeping(20)))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (entry,) = logger.get_entries_by_sql(place["count(*) FROM c | pg_sleep | SLEEP"])
    assert (entry.success, entry.error_message) == (False, "CancelledError")


async def test_the_console_tells_levels_apart(open_db: Opener, place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Failures as errors, slow ones as warnings, the rest as it was asked."""
    db = await open_db(query_logger=ConsoleQueryLogger(slow_query_threshold=0.2, log_level=logging.INFO))
    with caplog.at_level(logging.INFO, logger="lexigram.sql.queries"):
        await db.fetch("SELECT 1")
        await db.fetch(place.sleeping(0.5))
        with pytest.raises(DatabaseError):
            await db.execute("SELEC 1")
    levels = [record.levelname for record in caplog.records if record.name == "lexigram.sql.queries"]
    assert levels == ["INFO", "WARNING", "ERROR"]


async def test_the_file_has_a_line_of_json_for_each(open_db: Opener, tmp_path: Path) -> None:
    """Values that JSON has no form for are shown."""
    logger = FileQueryLogger(tmp_path / "queries.log")
    db = await open_db(query_logger=logger)
    await db.execute("CREATE TABLE item (id INTEGER, data VARCHAR(50), token VARCHAR(50))")
    await db.execute_insert("item", {"id": 1, "data": "ü", "token": "hunter2"})
    await asyncio.to_thread(logger.close)
    lines = [json.loads(line) for line in (tmp_path / "queries.log").read_text(encoding="utf-8").splitlines()]
    inserts = [line for line in lines if line["sql"].startswith("INSERT")]
    assert [line["params"] for line in inserts] == [[1, "ü", "***"]]
    assert inserts[0]["success"] is True


async def test_echo_and_its_settings_reach_the_log(
    open_db: Opener, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """Threshold, sample rate and masked columns are those of the configuration."""
    operations = {"echo": True, "slow_query_threshold": 0.2, "log_sample_rate": 0, "mask_columns": ["colour"]}
    db = await open_db(operations=operations)
    with caplog.at_level(logging.INFO, logger="lexigram.sql.queries"):
        await db.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, colour VARCHAR(20), token VARCHAR(20))")
        await db.fetch("SELECT 1")
        assert caplog.messages == [] or "CREATE" in caplog.messages[0]
        await db.fetch(place.sleeping(0.5))
    assert "slow" in caplog.messages[-1]
    logger = MemoryQueryLogger()
    db.add_query_logger(logger)
    await db.execute_insert("item", {"id": 1, "colour": "secret red", "token": "plain"})
    assert logger.get_entries_by_sql("insert")[0].params == [1, "***", "plain"]
