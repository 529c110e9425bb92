"""Transactions do the same on every database: they commit, roll back, nest, and belong to one task."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from lexigram.contracts.data.sql.database import IsolationLevel
from lexigram.sql.exceptions import (
    DatabaseError,
    DuplicateKeyError,
    TransactionError,
    TransactionRollbackError,
)
from lexigram.sql.providers import DatabaseService
from sql.place import Opener, Place


async def names(db: DatabaseService) -> list[str]:
    """The names in the table, in the order of their keys."""
    return [row["name"] for row in await db.fetch("SELECT name FROM item ORDER BY id")]


async def add(db: DatabaseService, name: str) -> None:
    """Insert a row."""
    await db.execute("INSERT INTO item (name) VALUES (?)", [name])


async def busy(db: DatabaseService) -> float:
    """How many connections are lent."""
    return (await db.get_pool_stats())["active_connections"]


async def test_a_clean_exit_commits_and_an_error_rolls_back(db: DatabaseService) -> None:
    """On every database, and the connection is whole afterwards."""
    async with db.transaction():
        await add(db, "kept")
    with suppress(LookupError):
        async with db.transaction():
            await add(db, "dropped")
            raise LookupError
    assert await names(db) == ["kept"]
    assert await busy(db) == 0


async def test_an_error_of_the_database_rolls_back_what_was_before_it(db: DatabaseService) -> None:
    """Also what succeeded."""
    await add(db, "taken")

    async def work() -> None:
        async with db.transaction():
            await add(db, "new")
            await add(db, "taken")

    with pytest.raises(DuplicateKeyError):
        await work()
    assert await names(db) == ["taken"]


async def test_an_error_that_is_caught_inside_does_not_pass_for_success(db: DatabaseService, place: Place) -> None:
    """PostgreSQL ends the transaction at the first error, so committing it fails; the others go on."""
    await add(db, "taken")
    commits = place.kind != "postgres"
    try:
        async with db.transaction():
            await add(db, "new")
            with suppress(DuplicateKeyError):
                await add(db, "taken")
    except TransactionRollbackError:
        assert not commits
    else:
        assert commits
    assert await names(db) == (["taken", "new"] if commits else ["taken"])


async def test_one_inside_another_is_a_savepoint(db: DatabaseService) -> None:
    """An error in it undoes it alone, at any depth; an error of the database as well."""
    async with db.transaction():
        await add(db, "a")
        with suppress(LookupError):
            async with db.transaction():
                await add(db, "b")
                async with db.transaction():
                    await add(db, "c")
                raise LookupError
        with suppress(DuplicateKeyError):
            async with db.transaction():
                await add(db, "d")
                await add(db, "a")
        async with db.transaction():
            await add(db, "e")
            with suppress(LookupError):
                async with db.transaction():
                    await add(db, "f")
                    raise LookupError
    assert await names(db) == ["a", "e"]


async def test_an_outer_error_undoes_the_inner_ones(db: DatabaseService) -> None:
    """A savepoint is not a commit."""
    with suppress(LookupError):
        async with db.transaction():
            async with db.transaction():
                await add(db, "a")
            raise LookupError
    assert await names(db) == []


@pytest.mark.parametrize("level", list(IsolationLevel), ids=lambda level: level.name)
async def test_the_isolation_level_reaches_the_server(db: DatabaseService, place: Place, level: IsolationLevel) -> None:
    """And holds for this transaction alone."""
    shown = {"postgres": "SHOW transaction_isolation", "sqlite": "PRAGMA read_uncommitted"}.get(place.kind)
    async with db.transaction(level) as connection:
        if place.kind == "postgres":
            # PostgreSQL treats READ UNCOMMITTED as READ COMMITTED and says what was asked ("Transaction Isolation").
            assert await db.fetch_value(shown or "") == level.value.lower()
        await add(db, "a")
        if place.kind == "mysql":
            query = (
                "SELECT trx_isolation_level AS level FROM information_schema.innodb_trx"
                " WHERE trx_mysql_thread_id = CONNECTION_ID()"
            )
            async with asyncio.timeout(5):
                # The server refreshes this table every tenth of a second ("INNODB_TRX").
                while (found := await connection.fetchrow(query)) is None:  # noqa: ASYNC110 - by a timer
                    await asyncio.sleep(0.15)
            assert found == {"level": level.value}
    if place.kind == "postgres":
        async with db.transaction():
            assert await db.fetch_value("SHOW transaction_isolation") == "read committed"
    assert await names(db) == ["a"]


async def test_levels_differ_in_what_they_see(db: DatabaseService, place: Place) -> None:
    """A repeatable read does not see what was committed meanwhile; a read committed does, where there is one."""
    await add(db, "a")

    async def count_around(level: IsolationLevel) -> tuple[int, int]:
        async with db.transaction(level, read_only=True):
            before = await db.fetch_value("SELECT count(*) FROM item")
            await asyncio.create_task(add(db, f"{level.name} {before}"))
            return before, await db.fetch_value("SELECT count(*) FROM item")

    before, after = await count_around(IsolationLevel.REPEATABLE_READ)
    assert before == after
    before, after = await count_around(IsolationLevel.READ_COMMITTED)
    assert after == before + (0 if place.kind == "sqlite" else 1), "SQLite is always serialisable"


async def test_a_read_only_transaction_does_not_write(db: DatabaseService) -> None:
    """The database refuses."""

    async def work() -> None:
        async with db.transaction(read_only=True):
            await db.fetch("SELECT 1")
            await add(db, "a")

    with pytest.raises(TransactionError):
        await work()
    assert await names(db) == []
    await add(db, "b")


async def test_a_cancelled_transaction_is_rolled_back(db: DatabaseService, place: Place) -> None:
    """Cancelled while it computes, and while a statement runs."""
    for query in (None, place.sleeping(20)):
        started = asyncio.Event()

        async def work(query: str | None = query, started: asyncio.Event = started) -> None:
            async with db.transaction():
                await add(db, "half")
                started.set()
                await (asyncio.Event().wait() if query is None else db.execute(query))

        task = asyncio.create_task(work())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await names(db) == []
        assert await busy(db) == 0


async def test_tasks_never_share_the_connection_of_a_transaction(db: DatabaseService) -> None:
    """Child tasks, gather and task groups take connections of their own, and do not see what is not committed."""
    async with db.transaction():
        await add(db, "mine")

        async def count() -> int:
            return int(await db.fetch_value("SELECT count(*) FROM item"))

        assert await asyncio.gather(*(count() for _ in range(4))) == [0] * 4
        async with asyncio.TaskGroup() as group:
            child = group.create_task(count())
        assert child.result() == 0
        assert await count() == 1

        async def nested() -> int:
            async with db.transaction(read_only=True):
                return await count()

        assert await asyncio.gather(nested(), nested()) == [0, 0]
    assert await names(db) == ["mine"]


async def test_a_connection_that_is_passed_on_is_the_same_one(db: DatabaseService) -> None:
    """By intent it may be shared."""
    async with db.transaction() as connection:
        await add(db, "mine")
        rows = await asyncio.create_task(connection.fetch("SELECT name FROM item"))
        assert rows == [{"name": "mine"}]


async def test_transactions_of_many_tasks_keep_apart(open_db: Opener, place: Place) -> None:
    """Two hundred tasks on five connections: every second fails, and the others' rows are all there."""
    db = await open_db(pool_size=5, max_overflow=0)
    await db.execute(f"CREATE TABLE item (id {place.key}, name VARCHAR(50) NOT NULL UNIQUE)")

    async def work(number: int) -> None:
        async with db.transaction():
            await add(db, f"{number:03}")
            assert await db.fetch_value("SELECT count(*) FROM item WHERE name = ?", [f"{number:03}"]) == 1
            await add(db, f"{number:03} again")
            if number % 2:
                raise LookupError
        assert await db.fetch_value("SELECT count(*) FROM item WHERE name LIKE ?", [f"{number:03}%"]) == 2

    results = await asyncio.gather(*(work(number) for number in range(200)), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), LookupError] * 100
    expected = sorted(name for number in range(0, 200, 2) for name in (f"{number:03}", f"{number:03} again"))
    assert sorted(await names(db)) == expected
    figures = await db.get_pool_stats()
    assert figures["active_connections"] == 0
    assert figures["opened"] <= 6


async def test_by_hand(db: DatabaseService) -> None:
    """Begin, commit and roll back, nested and in the wrong order."""
    await db.begin_transaction()
    await add(db, "a")
    await db.begin_transaction()
    await add(db, "b")
    await db.rollback_transaction()
    await db.commit_transaction()
    await db.begin_transaction()
    await add(db, "c")
    await db.rollback_transaction()
    assert await names(db) == ["a"]
    with pytest.raises(TransactionError, match="begun no transaction"):
        await db.commit_transaction()
    assert await busy(db) == 0


async def test_a_session_spans_one_transaction_after_another(db: DatabaseService) -> None:
    """It begins with the first statement, and ends with the block: committed, or rolled back."""
    async with db.session() as session:
        await session.execute("INSERT INTO item (name) VALUES (?)", "a")
        assert session.in_transaction
        assert await names(db) == [], "others do not see it yet"
        await session.commit()
        assert await names(db) == ["a"]
        await session.execute("INSERT INTO item (name) VALUES ($1)", "b")
        await session.rollback()
        await session.execute("INSERT INTO item (name) VALUES (%s)", ["c"])
    assert await names(db) == ["a", "c"]
    with suppress(LookupError):
        async with db.session() as session:
            await session.execute("INSERT INTO item (name) VALUES (?)", "d")
            raise LookupError
    assert await names(db) == ["a", "c"]
    with pytest.raises(TransactionError, match="closed"):
        await session.fetch("SELECT 1")
    assert await busy(db) == 0


async def test_a_session_whose_statement_fails_gives_its_connection_back(db: DatabaseService) -> None:
    """With what it did undone."""
    await add(db, "taken")

    async def work() -> None:
        async with db.session() as session:
            await session.execute("INSERT INTO item (name) VALUES (?)", "new")
            await session.execute("INSERT INTO item (name) VALUES (?)", "taken")

    with pytest.raises(DuplicateKeyError):
        await work()
    assert await names(db) == ["taken"]
    assert await busy(db) == 0


async def test_statements_that_end_a_transaction_are_not_for_users(db: DatabaseService) -> None:
    """A COMMIT as a statement inside a transaction does not break what follows."""
    with suppress(DatabaseError):
        async with db.transaction():
            await add(db, "a")
            await db.execute("COMMIT")
            await db.execute("SELECT 1")
    with suppress(DatabaseError):
        await db.execute("BEGIN")
    await add(db, "b")
    assert "b" in await names(db)
    async with db.transaction():
        await add(db, "c")
    assert {"b", "c"} <= set(await names(db))
