"""How a query that reads is written."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import sqlalchemy as sa
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.conditions import condition_of
from lexigram.sql.query.dialects import check_full_join
from lexigram.sql.query.names import quoted_alias
from lexigram.sql.query.ordering import written_order
from lexigram.sql.query.shape import Clause, Shape
from lexigram.sql.query.writer import Writer

__all__ = ["select_statement"]

_NAMED = frozenset({"aggregate", "window"})
_SELECTED = frozenset({"column", "aggregate", "window", "select_raw"})


def select_statement(shape: Shape, writer: Writer) -> Any:
    """Write a query.

    Args:
        shape: The query.
        writer: Writes its pieces.

    Raises:
        DataQueryError: Something is missing, or the dialect does not have it.
    """
    names = [clause[-1] for clause in shape.clauses if clause[0] in _NAMED]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataQueryError(f"two results are called {twice!r}", hint="Give one of them an alias.")
    columns = [_selected(clause, writer) for clause in shape.clauses if clause[0] in _SELECTED]
    statement = sa.select(*(columns or [writer.literal("*")])).select_from(_from(shape, writer))
    where = writer.where(shape)
    if where is not None:
        statement = statement.where(where)
    for _, expression in shape.of("group_by"):
        statement = statement.group_by(writer.expression(expression))
    for _, condition in shape.of("having"):
        statement = statement.having(condition_of(condition, writer))
    if shape.last("distinct") is not None:
        statement = statement.distinct()
    combined = _combined(shape, statement, writer)
    for clause in shape.of("cte"):
        combined = combined.add_cte(_cte(clause, writer))
    return _locked(shape, _ordered(shape, combined, writer))


def _selected(clause: Clause, writer: Writer) -> Any:
    match clause[0]:
        case "column":
            return writer.selected(clause[1])
        case "aggregate":
            return writer.labelled(_aggregate(clause, writer), clause[-1])
        case "window":
            return _window(clause, writer)
        case _:
            return writer.raw(clause[1])


def _aggregate(clause: Clause, writer: Writer) -> Any:
    _, function, name, _ = clause
    return getattr(sa.func, function)(writer.argument(function, name))


def _window(clause: Clause, writer: Writer) -> Any:
    _, function, arguments, partition_by, order_by, alias = clause
    call = getattr(sa.func, function)(
        *(
            writer.argument(function, argument) if isinstance(argument, str) else writer.value(argument)
            for argument in arguments
        )
    )
    ordered = [
        part
        for _, name, desc, nulls in order_by
        for part in written_order(writer.column(name), desc, nulls, writer.dialect)
    ]
    over = call.over(partition_by=[writer.column(name) for name in partition_by] or None, order_by=ordered or None)
    return writer.labelled(over, alias)


def _from(shape: Shape, writer: Writer) -> Any:
    whole = writer.source(shape.table)
    for _, table, condition, kind in shape.of("join"):
        other = writer.source(table)
        on = condition_of(condition, writer) if condition is not None else sa.true()
        match kind:
            case "RIGHT":
                # SQLite before 3.39 has no RIGHT join, and each is a LEFT one the other way round.
                whole = sa.join(other, whole, on, isouter=True)
            case "FULL":
                check_full_join(writer.dialect)
                whole = sa.join(whole, other, on, full=True)
            case _:
                whole = sa.join(whole, other, on, isouter=kind == "LEFT")
    return whole


def _cte(clause: Clause, writer: Writer) -> Any:
    _, name, columns, inner, recursive = clause
    made = writer.subquery(inner) if isinstance(inner, Shape) else writer.raw(inner)
    names: list[Any] = [sa.column(quoted_alias(column, writer.dialect)) for column in columns]
    if isinstance(inner, Shape) and names:
        raise DataQueryError(
            "columns= names the results of raw SQL; a builder names its own", hint="Use select('a AS b')."
        )
    if not isinstance(inner, Shape):
        made = made.columns(*names)
    return made.cte(quoted_alias(name, writer.dialect), recursive=recursive)


_COMBINE: dict[str, Any] = {
    "union": sa.union,
    "union_all": sa.union_all,
    "intersect": sa.intersect,
    "except": sa.except_,
}


def _combined(shape: Shape, statement: Any, writer: Writer) -> Any:
    """Unions and their relatives, from left to right.

    SQLite takes no parentheses around the parts, and INTERSECT binds more closely than UNION on the others only; a
    subquery says the same everywhere.
    """
    first = True
    for kind, clauses in groupby(shape.of("combine"), key=lambda clause: clause[1]):
        if not first:
            statement = _wrapped(statement)
        first = False
        others = [_part(other, writer) for _, _, other in clauses]
        statement = _COMBINE[kind](statement, *others)
    return statement


def _part(shape: Shape, writer: Writer) -> Any:
    """A query that is combined with another."""
    if shape.last("lock") is not None:
        raise _unlockable()
    made = writer.subquery(shape)
    nested = any(clause[0] in {"combine", "order_by", "limit", "offset"} for clause in shape.clauses)
    return _wrapped(made) if nested else made


def _wrapped(statement: Any) -> Any:
    # A generated name, since a fixed one could stand beside itself.
    return sa.select(Writer.literal("*")).select_from(statement.subquery())


def _ordered(shape: Shape, statement: Any, writer: Writer) -> Any:
    aggregates = {} if shape.last("combine") else {clause[-1]: clause for clause in shape.of("aggregate")}
    for _, expression, desc, nulls in shape.of("order_by"):
        written = writer.expression(expression)
        if desc is None:
            statement = statement.order_by(written)
            continue
        named = aggregates.get(expression)
        meaning = None if named is None else _aggregate(named, writer)
        statement = statement.order_by(*written_order(written, desc, nulls, writer.dialect, meaning))
    limit, offset = shape.last("limit"), shape.last("offset")
    if limit is not None:
        statement = statement.limit(writer.value(limit[1]))
    if offset is not None:
        statement = statement.offset(writer.value(offset[1]))
    return statement


def _locked(shape: Shape, statement: Any) -> Any:
    lock = shape.last("lock")
    if lock is None:
        return statement
    if any(shape.last(name) for name in ("combine", "group_by", "distinct", "having", "aggregate", "window")):
        raise _unlockable()
    _, share, skip_locked, no_wait = lock
    return statement.with_for_update(read=share, skip_locked=skip_locked, nowait=no_wait)


def _unlockable() -> DataQueryError:
    return DataQueryError(
        "rows of unions, groups, aggregates, windows and DISTINCT cannot be locked: they are no rows of a table",
        hint="Lock the rows in a query of their own.",
    )
