"""What the compiler needs to know of each dialect: SQLAlchemy's writer for it, and what it does not take.

Most values in one statement: PostgreSQL counts parameters in 16 bits ("Frontend/Backend Protocol", Bind); SQLite's
``SQLITE_MAX_VARIABLE_NUMBER`` is 32,766 by default ("Implementation Limits For SQLite", 9). Values for MySQL are
written into the text by the driver, so only ``max_allowed_packet`` bounds them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, cast

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine.default import DefaultDialect

__all__ = ["check_full_join", "check_parameters", "replace_writer", "writer_of"]


def _writers() -> dict[SQLDialect, DefaultDialect]:
    # SQLAlchemy's constructors of two of them have no types.
    made: dict[SQLDialect, tuple[Any, str]] = {
        SQLDialect.POSTGRESQL: (postgresql.dialect, "numeric_dollar"),
        SQLDialect.SQLITE: (sqlite.dialect, "qmark"),
        SQLDialect.MYSQL: (mysql.dialect, "format"),
    }
    return {name: cast("DefaultDialect", dialect(paramstyle=style)) for name, (dialect, style) in made.items()}


_WRITERS = _writers()
_PARAMETERS = {SQLDialect.POSTGRESQL: 65_535, SQLDialect.SQLITE: 32_766}


def writer_of(dialect: SQLDialect) -> DefaultDialect:
    """SQLAlchemy's writer of a dialect, with the placeholders of our driver for it."""
    return _WRITERS[dialect]


def replace_writer(dialect: SQLDialect, writer: DefaultDialect) -> Callable[[], None]:
    """Let another of SQLAlchemy's dialects write the SQL of a dialect, such as that of a related database.

    Args:
        dialect: The dialect whose place it takes.
        writer: The other one; its ``paramstyle`` must be that of the dialect.

    Returns:
        A function that puts the one before back.

    Raises:
        DataQueryError: Its placeholders are not the dialect's.
    """
    before = _WRITERS[dialect]
    if writer.paramstyle != before.paramstyle:
        raise DataQueryError(
            f"{dialect} has {before.paramstyle} placeholders, not {writer.paramstyle}",
            hint=f"Make it with paramstyle={before.paramstyle!r}.",
        )
    _WRITERS[dialect] = writer

    def undo() -> None:
        _WRITERS[dialect] = before

    return undo


def check_parameters(count: int, dialect: SQLDialect) -> None:
    """Refuse a statement with more values than the database takes.

    Raises:
        DataQueryError: There are too many.
    """
    most = _PARAMETERS.get(dialect)
    if most is not None and count > most:
        raise DataQueryError(
            f"this query has {count:,} values, and {dialect} takes {most:,} in one statement",
            hint="Insert rows with execute_many(); put the values of a long IN into a table, or ask in parts.",
        )


def check_full_join(dialect: SQLDialect) -> None:
    """Refuse FULL joins where there are none: on MySQL, and on SQLite before 3.39.

    Raises:
        DataQueryError: The dialect has none.
    """
    old = dialect is SQLDialect.SQLITE and sqlite3.sqlite_version_info < (3, 39)
    if old or dialect is SQLDialect.MYSQL:
        name = f"SQLite {sqlite3.sqlite_version}" if old else "MySQL"
        raise DataQueryError(f"{name} has no FULL join", hint="Write a union of a LEFT and a RIGHT join.")
