"""Every fault that a database reports has its own error, found by the server's code, with the names that it tells.

Rows of the table: what is done, the error, the names that must be filled in, and the server's own code, for SQLite,
PostgreSQL and MySQL; a row without a code is a fault that this database does not have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from lexigram.contracts.exceptions import infra
from lexigram.sql import exceptions as errors
from lexigram.sql.providers import DatabaseService
from sql.place import Opener, Place

Names = Mapping[str, str | None]


@dataclass(frozen=True)
class Fault:
    """A statement that fails.

    Attributes:
        name: What goes wrong.
        sql: The statement; one for each database, or one for all.
        error: The error that it must be.
        codes: The server's code, for each database; None where it does not fail.
        names: What must be filled in, for each database, or for all.
        params: Its values.
    """

    name: str
    sql: str
    error: type[errors.DatabaseError]
    codes: tuple[Any, Any, Any]
    names: tuple[Names, Names, Names] = field(default=({}, {}, {}))
    params: tuple[Any, ...] = ()


def everywhere(**names: str) -> tuple[Names, Names, Names]:
    """The same names for every database."""
    return names, names, names


TABLE = [
    Fault(
        "unique",
        "INSERT INTO item (id, name) VALUES (2, 'taken')",
        errors.DuplicateKeyError,
        ("SQLITE_CONSTRAINT_UNIQUE", "23505", 1062),
        (
            {"table": "item", "column": "name"},
            {"table": "item", "column": "name", "constraint": "item_name_unique"},
            {"constraint": "item_name_unique"},
        ),
    ),
    Fault(
        "primary key",
        "INSERT INTO item (id, name) VALUES (1, 'free')",
        errors.DuplicateKeyError,
        ("SQLITE_CONSTRAINT_PRIMARYKEY", "23505", 1062),
        ({"table": "item", "column": "id"}, {"table": "item", "column": "id"}, {"constraint": "PRIMARY"}),
    ),
    Fault(
        "foreign key, no parent",
        "INSERT INTO item (id, name, maker) VALUES (2, 'x', 99)",
        errors.ForeignKeyError,
        ("SQLITE_CONSTRAINT_FOREIGNKEY", "23503", 1452),
        (
            {},
            {"table": "item", "column": "maker", "constraint": "item_maker"},
            {"table": "item", "column": "maker", "constraint": "item_maker"},
        ),
    ),
    Fault(
        "foreign key, children",
        "DELETE FROM maker WHERE id = 1",
        errors.ForeignKeyError,
        ("SQLITE_CONSTRAINT_FOREIGNKEY", "23503", 1451),
        ({}, {"constraint": "item_maker"}, {"constraint": "item_maker"}),
    ),
    Fault(
        "not null",
        "INSERT INTO item (id, name) VALUES (2, NULL)",
        errors.NotNullViolationError,
        ("SQLITE_CONSTRAINT_NOTNULL", "23502", 1048),
        ({"table": "item", "column": "name"}, {"table": "item", "column": "name"}, {"column": "name"}),
    ),
    Fault(
        "no default",
        "INSERT INTO item (id) VALUES (2)",
        errors.NotNullViolationError,
        ("SQLITE_CONSTRAINT_NOTNULL", "23502", 1364),
        everywhere(column="name"),
    ),
    Fault(
        "check",
        "INSERT INTO item (id, name, amount) VALUES (2, 'x', -1)",
        errors.CheckConstraintError,
        ("SQLITE_CONSTRAINT_CHECK", "23514", (4025, 3819)),
        everywhere(constraint="item_amount_positive"),
    ),
    Fault(
        "syntax",
        "SELEC 1",
        errors.QuerySyntaxError,
        ("SQLITE_ERROR", "42601", 1064),
        everywhere(sql="SELEC 1"),
    ),
    Fault(
        "no such function",
        "SELECT absent_function(1)",
        errors.QuerySyntaxError,
        ("SQLITE_ERROR", "42883", (1305, 1630)),
    ),
    Fault(
        "no such table",
        "SELECT * FROM absent",
        errors.TableNotFoundError,
        ("SQLITE_ERROR", "42P01", 1146),
        everywhere(table="absent"),
    ),
    Fault(
        "no such column",
        "SELECT absent FROM item",
        errors.ColumnNotFoundError,
        ("SQLITE_ERROR", "42703", 1054),
        everywhere(column="absent"),
    ),
    Fault(
        "no such column to insert to",
        "INSERT INTO item (absent) VALUES (1)",
        errors.ColumnNotFoundError,
        ("SQLITE_ERROR", "42703", 1054),
        everywhere(column="absent"),
    ),
    Fault(
        "table exists",
        "CREATE TABLE item (id INTEGER)",
        errors.SchemaError,
        ("SQLITE_ERROR", "42P07", 1050),
    ),
    Fault(
        "column exists",
        "ALTER TABLE item ADD COLUMN name INTEGER",
        errors.SchemaError,
        ("SQLITE_ERROR", "42701", 1060),
    ),
    Fault(
        "number too large",
        "INSERT INTO item (id, name, amount) VALUES (2, 'x', ?)",
        errors.ParameterBindingError,
        (None, "", 1264),
        params=(2**40,),
    ),
    Fault(
        "not a number",
        "INSERT INTO item (id, name, amount) VALUES (2, 'x', ?)",
        errors.ParameterBindingError,
        (None, "", 1366),
        params=("many",),
    ),
    Fault(
        "text too long",
        "INSERT INTO item (id, name) VALUES (2, ?)",
        errors.ParameterBindingError,
        (None, "22001", 1406),
        params=("x" * 100,),
    ),
    Fault(
        "number beyond 64 bits",
        "SELECT ?",
        errors.ParameterBindingError,
        ("", "", None),
        params=(2**70,),
    ),
    Fault(
        "an object",
        "INSERT INTO item (id, name) VALUES (2, ?)",
        errors.ParameterBindingError,
        ("", "", ""),
        params=(object(),),
    ),
    Fault(
        "division by zero",
        "SELECT 1 / 0 FROM item WHERE id = ?",
        errors.ParameterBindingError,
        (None, "22012", None),
        params=(1,),
    ),
    Fault(
        "write in a read-only transaction",
        "PRAGMA query_only = ON | SET TRANSACTION READ ONLY | SET SESSION TRANSACTION READ ONLY",
        errors.TransactionError,
        ("SQLITE_READONLY", "25006", 1792),
    ),
]


@pytest.mark.parametrize("fault", TABLE, ids=lambda fault: fault.name)
async def test_each_fault_is_its_own_error_with_the_names_it_concerns(
    open_db: Opener, place: Place, fault: Fault
) -> None:
    """The class follows from the code, and the driver's error is the cause."""
    db = await open_db()
    await prepare(db)
    index = ("sqlite", "postgres", "mysql").index(place.kind)
    code = fault.codes[index]
    if code is None:
        await db.execute(fault.sql, fault.params)
        return
    with pytest.raises(errors.DatabaseError) as caught:
        await provoke(db, place, fault)
    error: Any = caught.value
    assert type(error) is fault.error
    if code != "":
        assert error.native_code in (code if isinstance(code, tuple) else (code,))
        assert error.__cause__ is not None
    assert {name: getattr(error, name) for name in fault.names[index]} == fault.names[index]
    if code != "":
        assert error.backend == place.kind
    if isinstance(error, errors.IntegrityError):
        assert isinstance(error, infra.IntegrityError)
        assert not error.retryable
    assert await db.fetch_value("SELECT count(*) FROM item") == 1, "the connection is whole, and nothing was written"


async def prepare(db: DatabaseService) -> None:
    """Make the tables."""
    await db.execute("CREATE TABLE maker (id INTEGER PRIMARY KEY)")
    await db.execute(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL, amount INTEGER, maker INTEGER,"
        " CONSTRAINT item_name_unique UNIQUE (name), CONSTRAINT item_amount_positive CHECK (amount >= 0),"
        " CONSTRAINT item_maker FOREIGN KEY (maker) REFERENCES maker (id))"
    )
    await db.execute("INSERT INTO maker VALUES (1)")
    await db.execute("INSERT INTO item (id, name, maker) VALUES (1, 'taken', 1)")


async def provoke(db: DatabaseService, place: Place, fault: Fault) -> None:
    """Do what fails."""
    if fault.error is not errors.TransactionError:
        await db.execute(fault.sql, fault.params)
        return
    async with db.scoped_context() as connection:
        if place.kind == "postgres":
            await connection.execute("BEGIN")
        await connection.execute(place[fault.sql])
        await connection.execute("INSERT INTO item (id, name) VALUES (2, 'x')")


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
async def test_two_that_wait_for_each_other_are_told_apart(open_db: Opener) -> None:
    """One of them is ended with a retryable error, the other commits."""
    db = await open_db()
    await prepare(db)
    await db.execute("INSERT INTO maker VALUES (2)")
    meet = asyncio.Barrier(2)

    async def work(first: int, second: int) -> None:
        async with db.transaction():
            await db.execute("UPDATE maker SET id = id WHERE id = ?", [first])
            await db.fetch("SELECT id FROM maker WHERE id = ? FOR UPDATE", [first])
            await meet.wait()
            await db.fetch("SELECT id FROM maker WHERE id = ? FOR UPDATE", [second])

    results = await asyncio.gather(work(1, 2), work(2, 1), return_exceptions=True)
    failed = [result for result in results if result is not None]
    assert [type(result) for result in failed] == [errors.DeadlockError]
    (failure,) = failed
    assert isinstance(failure, errors.DeadlockError)
    assert failure.retryable
    assert failure.native_code in {"40P01", 1213}


@pytest.mark.parametrize("kind", ["postgres"])
async def test_a_transaction_that_came_too_late_is_told_to_run_again(open_db: Opener) -> None:
    """Serialisation failures are retryable; SQLite and InnoDB let such transactions wait instead."""
    db = await open_db()
    await prepare(db)

    async def overtake() -> None:
        async with db.transaction("SERIALIZABLE"):
            await db.execute("UPDATE item SET amount = 5 WHERE id = 1")

    async def work() -> None:
        async with db.transaction("REPEATABLE READ"):
            await db.fetch("SELECT amount FROM item")
            await asyncio.create_task(overtake())
            await db.execute("UPDATE item SET amount = 6 WHERE id = 1")

    with pytest.raises(errors.SerializationError) as caught:
        await work()
    assert (caught.value.native_code, caught.value.retryable) == ("40001", True)


@pytest.mark.parametrize("kind", ["postgres"])
async def test_statements_after_a_failure_in_a_transaction(open_db: Opener) -> None:
    """PostgreSQL takes no more of them, and says so."""
    db = await open_db()
    await prepare(db)

    async def work() -> None:
        async with db.transaction():
            with pytest.raises(errors.DuplicateKeyError):
                await db.execute("INSERT INTO item (id, name) VALUES (1, 'x')")
            await db.execute("SELECT 1")

    with pytest.raises(errors.TransactionRollbackError) as caught:
        await work()
    assert caught.value.native_code == "25P02"


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_a_busy_file_is_a_lock_error(open_db: Opener) -> None:
    """Another process that has locked the file is waited for, and then told."""
    db = await open_db(sqlite={"busy_timeout": 0.05})
    other = await open_db()
    await prepare(db)
    async with other.transaction():
        await other.execute("UPDATE item SET amount = 1")
        with pytest.raises(errors.LockError) as caught:
            await asyncio.create_task(db.execute("UPDATE item SET amount = 2"))
    assert (caught.value.native_code, caught.value.retryable) == ("SQLITE_BUSY", True)
    await db.execute("UPDATE item SET amount = 2")


async def test_an_error_holds_no_secret(open_db: Opener) -> None:
    """Values in secret columns are masked in the error's parameters."""
    db = await open_db()
    await db.execute(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, password VARCHAR(7) UNIQUE, card_pin INTEGER, secret_day DATE)"
    )
    await db.execute("INSERT INTO account (id, password) VALUES (1, 'hunter2')")
    for sql, params in [
        ("INSERT INTO account (id, password) VALUES (?, ?)", [5, "hunter2"]),
        ("INSERT INTO account (id, password) VALUES (?, ?)", [1, "hunter2"]),
        ("INSERT INTO account (id, password) VALUES (?, ?)", [6, "hunter2 and more"]),
        ("INSERT INTO account (id, card_pin) VALUES (?, ?)", [7, "hunter2"]),
        ("INSERT INTO account (id, secret_day) VALUES (?, ?)", [8, "hunter2"]),
        ("INSERT INTO account (id, card_pin) VALUES (7, CAST(CAST(? AS CHAR(7)) AS DECIMAL))", ["hunter2"]),
        ("INSERT INTO account (id, password) VALUES (?, ?) nonsense", [9, "hunter2"]),
        ("INSERT INTO account (password, id) VALUES (? nonsense, ?)", ["hunter2", 9]),
        ("SELECT absent FROM account WHERE password = ?", ["hunter2"]),
    ]:
        try:
            await db.execute(sql, params)
        except errors.DatabaseError as error:
            # The cause is the driver's own error, in the driver's words.
            told = {name: value for name, value in error.to_dict().items() if name != "cause"}
            shown = repr(error) + str(error) + repr(getattr(error, "params", None)) + repr(told)
            assert "hunter2" not in shown, sql
