"""How inserts, updates and deletes are written."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.names import quoted_alias, quoted_path
from lexigram.sql.query.shape import Clause, Shape
from lexigram.sql.query.writer import Writer
from sqlalchemy.dialects import mysql, postgresql, sqlite

__all__ = ["delete_statement", "insert_statement", "update_statement"]

_INSERTS: dict[SQLDialect, Any] = {
    SQLDialect.POSTGRESQL: postgresql.insert,
    SQLDialect.SQLITE: sqlite.insert,
    SQLDialect.MYSQL: mysql.insert,
}


def insert_statement(shape: Shape, writer: Writer) -> Any:
    """Write an insert.

    Args:
        shape: The query.
        writer: Writes its pieces.

    Raises:
        DataQueryError: Something is missing, or the dialect does not have it.
    """
    given = shape.of("values")
    if len(given) != 1:
        raise DataQueryError(
            "an insert takes its rows at once" if given else "an insert needs values", hint="Use insert([{...}, …])."
        )
    _, columns, rows = given[0]
    conflict = shape.last("on_conflict")
    assigned = () if conflict is None else (*conflict[1], *(name for name, _ in conflict[3]))
    target = _target(shape, tuple(dict.fromkeys((*columns, *assigned))), writer)
    statement = _INSERTS[writer.dialect](target)
    values = [{name: writer.value(slot) for name, slot in zip(columns, row, strict=True)} for row in rows]
    statement = statement.values(values if len(values) > 1 else values[0])
    if conflict is not None:
        statement = _upsert(statement, conflict, columns, writer)
    return _returning(shape, statement, writer)


def update_statement(shape: Shape, writer: Writer) -> Any:
    """Write an update; see :func:`insert_statement`."""
    assigned = {name: slot for _, clauses in shape.of("set") for name, slot in clauses}
    if not assigned:
        raise DataQueryError("an update needs at least one column", hint="Use update({...}).")
    where = _condition(shape, "update", writer)
    statement = sa.update(_target(shape, tuple(assigned), writer))
    statement = statement.values({name: writer.value(slot) for name, slot in assigned.items()})
    return _returning(shape, statement if where is None else statement.where(where), writer)


def delete_statement(shape: Shape, writer: Writer) -> Any:
    """Write a delete; see :func:`insert_statement`."""
    where = _condition(shape, "delete", writer)
    statement = sa.delete(_target(shape, (), writer))
    return _returning(shape, statement if where is None else statement.where(where), writer)


def _condition(shape: Shape, kind: str, writer: Writer) -> Any | None:
    where = writer.where(shape)
    if where is None and shape.last("all_rows") is None:
        raise DataQueryError(
            f"this {kind} has no condition and would reach every row", hint="Add where(...), or say all_rows()."
        )
    return where


def _target(shape: Shape, columns: tuple[str, ...], writer: Writer) -> Any:
    """The table that is written, with its columns."""
    table, alias = writer.table(shape.table)
    if alias is not None:
        raise DataQueryError(f"{shape.table!r} has an alias, which only queries have", hint="Name the table alone.")
    return sa.table(table.name, *(_named(name, writer) for name in columns), schema=table.schema)


def _named(name: str, writer: Writer) -> Any:
    return cast("Any", sa.column(quoted_alias(name, writer.dialect)))


def _upsert(statement: Any, conflict: Clause, columns: tuple[str, ...], writer: Writer) -> Any:
    """``ON CONFLICT … DO UPDATE``, or ``ON DUPLICATE KEY UPDATE`` on MySQL, which has no choice of the key."""
    _, keys, action, assigned = conflict
    for name in (*keys, *(name for name, _ in assigned)):
        quoted_path(name, writer.dialect)
    if writer.dialect is SQLDialect.MYSQL:
        if action == "nothing":
            # INSERT IGNORE would let wrong values pass as well.
            kept = (*keys, *columns)[0]
            return statement.on_duplicate_key_update({kept: writer.column(kept)})
        new = {name: statement.inserted[name] if slot is None else writer.value(slot) for name, slot in assigned}
        return statement.on_duplicate_key_update(new)
    key = [_named(name, writer) for name in keys]
    if action == "nothing":
        return statement.on_conflict_do_nothing(index_elements=key or None)
    new = {
        quoted_alias(name, writer.dialect): statement.excluded[name] if slot is None else writer.value(slot)
        for name, slot in assigned
    }
    return statement.on_conflict_do_update(index_elements=key, set_=new)


def _returning(shape: Shape, statement: Any, writer: Writer) -> Any:
    clause = shape.last("returning")
    if clause is None:
        return statement
    if writer.dialect is SQLDialect.MYSQL:
        # MariaDB has it for some statements; what runs there only would break on MySQL.
        raise DataQueryError(
            "MySQL has no RETURNING", hint="Read the row in the same transaction, or use execute_insert()'s key."
        )
    return statement.returning(*([writer.selected(name) for name in clause[1]] or [writer.literal("*")]))
