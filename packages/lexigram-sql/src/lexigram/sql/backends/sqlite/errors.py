"""SQLite's result codes, and the errors that they mean ("Result and Error Codes").

The extended code decides. For SQLITE_ERROR alone, which stands for syntax errors, missing tables and missing columns
alike, the text has to; and names of constraints, tables and columns are nowhere but in the text.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from lexigram.sql import exceptions as errors

__all__ = ["classify"]

_CONNECTION = {"SQLITE_CANTOPEN", "SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_IOERR", "SQLITE_AUTH", "SQLITE_PERM"}
_BASES: dict[str, type[errors.DatabaseError]] = {
    "SQLITE_CONSTRAINT_UNIQUE": errors.DuplicateKeyError,
    "SQLITE_CONSTRAINT_PRIMARYKEY": errors.DuplicateKeyError,
    "SQLITE_CONSTRAINT_ROWID": errors.DuplicateKeyError,
    "SQLITE_CONSTRAINT_FOREIGNKEY": errors.ForeignKeyError,
    "SQLITE_CONSTRAINT_NOTNULL": errors.NotNullViolationError,
    "SQLITE_CONSTRAINT_CHECK": errors.CheckConstraintError,
    "SQLITE_CONSTRAINT_DATATYPE": errors.CheckConstraintError,
    "SQLITE_CONSTRAINT_TRIGGER": errors.CheckConstraintError,
    "SQLITE_CONSTRAINT": errors.IntegrityError,
    "SQLITE_BUSY_SNAPSHOT": errors.SerializationError,
    "SQLITE_BUSY": errors.LockError,
    "SQLITE_LOCKED": errors.LockError,
    "SQLITE_PROTOCOL": errors.LockError,
    "SQLITE_INTERRUPT": errors.DatabaseTimeoutError,
    "SQLITE_READONLY": errors.TransactionError,
    "SQLITE_FULL": errors.DriverError,
    "SQLITE_NOMEM": errors.DriverError,
    "SQLITE_MISUSE": errors.DriverError,
    "SQLITE_TOOBIG": errors.ParameterBindingError,
    "SQLITE_RANGE": errors.ParameterBindingError,
    "SQLITE_MISMATCH": errors.ParameterBindingError,
    "SQLITE_SCHEMA": errors.SchemaError,
}
_MISSING_TABLE = re.compile(r"no such table: (?:\w+\.)?(?P<name>\S+)")
_MISSING_COLUMN = re.compile(r"no such column: (?P<name>\S+)|has no column named (?P<other>\S+)")


def classify(error: BaseException, sql: str | None) -> errors.DatabaseError | None:
    """Translate an error of ``sqlite3``.

    Args:
        error: What was raised.
        sql: The statement, if it was one.

    Returns:
        The error to raise, or None when it is not SQLite's.
    """
    if not isinstance(error, sqlite3.Error):
        return None
    code: str | None = getattr(error, "sqlite_errorname", None)
    text = str(error)
    facts: dict[str, Any] = {"backend": "sqlite", "native_code": code}
    if code is None:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
            return errors.ParameterBindingError(f"SQLite: {text}", sql=sql, **facts)
        return errors.DriverError(f"SQLite: {text}", driver="aiosqlite", **facts)
    if code == "SQLITE_ERROR":
        return _plain(text, sql, facts)
    cls = _class_of(code)
    if issubclass(cls, errors.IntegrityError):
        return cls(f"SQLite: {text}", sql=sql, **_names(cls, text), **facts)
    if issubclass(cls, errors.QueryError):
        facts["sql"] = sql
    return cls(f"SQLite: {text}", **facts)


def _class_of(code: str) -> type[errors.DatabaseError]:
    """The class of the extended code, else of what it extends."""
    parts = code.split("_")
    for length in range(len(parts), 1, -1):
        name = "_".join(parts[:length])
        if name in _BASES:
            return _BASES[name]
        if name in _CONNECTION:
            return errors.DatabaseConnectionError
    return errors.DriverError


def _plain(text: str, sql: str | None, facts: dict[str, Any]) -> errors.DatabaseError:
    """What SQLITE_ERROR means."""
    if (found := _MISSING_TABLE.search(text)) is not None:
        return errors.TableNotFoundError(f"SQLite: {text}", table=found["name"], **facts)
    if (found := _MISSING_COLUMN.search(text)) is not None:
        table, _, column = (found["name"] or found["other"]).rpartition(".")
        return errors.ColumnNotFoundError(f"SQLite: {text}", column=column, table=table or None, **facts)
    if "already exists" in text or text.startswith("duplicate column name"):
        return errors.SchemaError(f"SQLite: {text}", **facts)
    if "transaction" in text:
        return errors.TransactionError(f"SQLite: {text}", **facts)
    return errors.QuerySyntaxError(f"SQLite: {text}", sql=sql, **facts)


def _names(cls: type[Any], text: str) -> dict[str, str | None]:
    """Constraint, table and column, as far as the text has them."""
    named = text.partition("failed: ")[2]
    if not named:
        return {}
    if cls is errors.CheckConstraintError:
        return {"constraint": named}
    if named.startswith("index "):
        return {"constraint": named.removeprefix("index ").strip("'")}
    first, *others = named.split(", ")
    table, _, column = first.rpartition(".")
    if cls is errors.NotNullViolationError:
        return {"table": table or None, "column": column}
    return {"table": table or None, "column": None if others else column, "constraint": named}
