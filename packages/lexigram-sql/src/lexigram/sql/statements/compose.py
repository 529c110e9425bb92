"""Writes the statements of ``execute_insert``, ``execute_update`` and ``execute_delete``.

Names are checked and quoted, values are always parameters. A condition may be raw SQL in any of the placeholders; what
is put before it follows its style, so that the caller's numbers and names keep their meaning.
"""

# ruff: noqa: S608 - every name is checked and quoted, every value is a parameter

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lexigram.contracts.data.identifiers import Column, QualifiedTable, Table
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.statements.tokens import Kind, tokenize

__all__ = ["delete", "insert", "quoted_column", "quoted_table", "update"]

Composed = tuple[str, Sequence[Any] | Mapping[str, Any]]


@lru_cache(maxsize=4096)
def quoted_table(name: str, dialect: SQLDialect) -> str:
    """A table's name, checked and quoted; ``schema.table`` is understood.

    Raises:
        InvalidIdentifierError: It is no name.
    """
    schema, dot, table = name.rpartition(".")
    return QualifiedTable(schema, table, dialect=dialect).quoted if dot else Table(name, dialect).quoted


@lru_cache(maxsize=8192)
def quoted_column(name: str, dialect: SQLDialect) -> str:
    """A column's name, checked and quoted.

    Raises:
        InvalidIdentifierError: It is no name.
    """
    return Column(name, dialect).quoted


def insert(table: str, data: Mapping[str, Any], returning: Sequence[str], dialect: SQLDialect) -> Composed:
    """``INSERT INTO table (…) VALUES (…)``.

    Args:
        table: The table.
        data: Values by column; empty for a row of defaults.
        returning: Columns that the statement returns.
        dialect: Whose quotation marks hold.
    """
    return _insert_text(table, tuple(data), tuple(returning), dialect), list(data.values())


@lru_cache(maxsize=1024)
def _insert_text(table: str, columns: tuple[str, ...], returning: tuple[str, ...], dialect: SQLDialect) -> str:
    name = quoted_table(table, dialect)
    tail = f" RETURNING {', '.join(quoted_column(column, dialect) for column in returning)}" if returning else ""
    if not columns:
        return f"INSERT INTO {name} {'() VALUES ()' if dialect is SQLDialect.MYSQL else 'DEFAULT VALUES'}{tail}"
    names = ", ".join(quoted_column(column, dialect) for column in columns)
    marks = ", ".join("?" for _ in columns)
    return f"INSERT INTO {name} ({names}) VALUES ({marks}){tail}"


def update(
    table: str,
    data: Mapping[str, Any],
    where: str | Mapping[str, Any],
    params: Sequence[Any] | Mapping[str, Any] | None,
    dialect: SQLDialect,
) -> Composed:
    """``UPDATE table SET … WHERE …``.

    Raises:
        DataQueryError: There is nothing to set, or no condition.
    """
    if not data:
        raise DataQueryError("an update needs at least one column", hint="Give the columns to set.")
    condition, values = _condition(where, params, dialect)
    kind = _style(condition, dialect)
    given = list(data.values())
    columns = [quoted_column(column, dialect) for column in data]
    head = f"UPDATE {quoted_table(table, dialect)} SET "
    if kind is Kind.NAMED:
        names = [f"lexigram_set_{index}" for index in range(len(columns))]
        text = ", ".join(f"{column} = :{name}" for column, name in zip(columns, names, strict=True))
        own = dict(zip(names, given, strict=True))
        return f"{head}{text} WHERE {condition}", {**values, **own} if isinstance(values, Mapping) else own
    later = list(values) if not isinstance(values, Mapping) else values
    if isinstance(later, Mapping):
        raise DataQueryError("values by name need :name placeholders in the condition", hint="Write :name in it.")
    if kind is Kind.NUMBERED:
        text = ", ".join(f"{column} = ${index + 1}" for index, column in enumerate(columns))
        return f"{head}{text} WHERE {_shifted(condition, len(columns), dialect)}", [*given, *later]
    mark = kind.value if kind is not None else "?"
    return f"{head}{', '.join(f'{column} = {mark}' for column in columns)} WHERE {condition}", [*given, *later]


def delete(
    table: str,
    where: str | Mapping[str, Any],
    params: Sequence[Any] | Mapping[str, Any] | None,
    dialect: SQLDialect,
) -> Composed:
    """``DELETE FROM table WHERE …``.

    Raises:
        DataQueryError: There is no condition.
    """
    condition, values = _condition(where, params, dialect)
    return f"DELETE FROM {quoted_table(table, dialect)} WHERE {condition}", values


def _condition(
    where: str | Mapping[str, Any], params: Sequence[Any] | Mapping[str, Any] | None, dialect: SQLDialect
) -> Composed:
    """A condition as text, and its values."""
    if not where or (isinstance(where, str) and not where.strip()):
        raise DataQueryError(
            "a statement that changes or removes rows needs a condition", hint="Write 1 = 1 to mean every row."
        )
    if isinstance(where, str):
        return f"({where})", () if params is None else params
    if params:
        raise DataQueryError("a condition by columns has its values in it", hint="Leave where_params out.")
    parts: list[str] = []
    values: list[Any] = []
    for name, value in where.items():
        column = quoted_column(name, dialect)
        if isinstance(value, list | tuple | set | frozenset | dict):
            raise DataQueryError(
                f"the condition on {name!r} has several values; a column here equals one",
                hint="Use AsyncQueryBuilder, or write the condition as SQL.",
            )
        if value is None:
            parts.append(f"{column} IS NULL")
        else:
            parts.append(f"{column} = ?")
            values.append(value)
    return " AND ".join(parts), values


@lru_cache(maxsize=1024)
def _style(condition: str, dialect: SQLDialect) -> Kind | None:
    """The placeholders of a condition."""
    kinds = {token.kind for token in tokenize(condition, dialect) if token.text not in {"??", "%%"}}
    order = (Kind.NUMBERED, Kind.NAMED, Kind.QUESTION, Kind.FORMAT)
    return next((kind for kind in order if kind in kinds), None)


@lru_cache(maxsize=1024)
def _shifted(condition: str, by: int, dialect: SQLDialect) -> str:
    """The same condition with higher numbers in its placeholders."""
    return "".join(
        f"${int(token.text[1:]) + by}" if token.kind is Kind.NUMBERED else token.text
        for token in tokenize(condition, dialect)
    )
