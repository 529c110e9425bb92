"""Turns the shape of a query into SQL, with SQLAlchemy Core as the writer; each shape once for each dialect."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Statement
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.conditions import condition_of
from lexigram.sql.query.names import quoted_path
from lexigram.sql.query.raw import text_with_binds
from lexigram.sql.query.shape import Clause, Shape, Slot
from lexigram.sql.statements.classify import classify
from lexigram.sql.statements.tokens import tokenize
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import CompileError
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["CompiledShape", "compile_shape"]


class CompiledShape(NamedTuple):
    """A shape as SQL.

    Attributes:
        statement: The statement.
        order: The position of each parameter's value among the query's values, and the constants behind them.
        constants: Values that the dialect adds of itself.
    """

    statement: Statement
    order: tuple[int, ...]
    constants: tuple[Any, ...]


def _dialects() -> dict[SQLDialect, DefaultDialect]:
    return {
        SQLDialect.POSTGRESQL: postgresql.dialect(paramstyle="numeric_dollar"),
        SQLDialect.SQLITE: sqlite.dialect(paramstyle="qmark"),
        SQLDialect.MYSQL: mysql.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]
    }


_DIALECTS = _dialects()


@lru_cache(maxsize=4096)
def compile_shape(shape: Shape, dialect: SQLDialect) -> CompiledShape:
    """Write a shape as SQL.

    Args:
        shape: The query without its values.
        dialect: The SQL to write.

    Raises:
        DataQueryError: Something is missing, or this dialect does not have it.
        InvalidIdentifierError: A name is no name.
    """
    writer = _Writer(dialect)
    statement = writer.statement(shape)
    try:
        compiled = statement.compile(dialect=_DIALECTS[dialect])
    except CompileError as error:
        raise DataQueryError(f"{dialect} has no form for this query: {error}") from error
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - statements are written by this compiler
    names: list[str] = list(compiled.positiontup or ())
    text = str(compiled)
    nature = classify(list(tokenize(text, dialect)))
    constants = tuple(compiled.params[name] for name in names if not _OURS.fullmatch(name))
    added = itertools.count(1)
    # A constant is counted from the end, since the number of values is not known here.
    order = tuple(int(name[1:]) if _OURS.fullmatch(name) else -next(added) for name in names)
    return CompiledShape(Statement(text, len(names), *nature), order, constants[::-1])


class _Plain(sa.types.UserDefinedType[Any]):
    """The type of a parameter that is sent as it is, and is never cast."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        """Nothing: no column is made of it."""
        del kw
        return ""

    def coerce_compared_value(self, op: Any, value: Any) -> sa.types.TypeEngine[Any]:
        """Itself, whatever it is compared with."""
        del op, value
        return self


_PLAIN = _Plain()
_OURS = re.compile(r"p\d+")


class _Writer:
    """Builds SQLAlchemy's statement of a shape.

    Args:
        dialect: The SQL to write.
    """

    def __init__(self, dialect: SQLDialect) -> None:
        self._dialect = dialect

    def statement(self, shape: Shape) -> Any:
        """The statement of a shape of any kind."""
        build: Callable[[Shape], Any] = {
            "select": self._select,
            "insert": self._insert,
            "update": self._update,
            "delete": self._delete,
        }[shape.kind]
        return build(shape)

    # Pieces

    def _table(self, shape: Shape) -> Any:
        if shape.table is None:
            raise DataQueryError("the query names no table", hint="Use AsyncQueryBuilder('table') or from_table().")
        words = shape.table.split()
        alias = words[-1] if len(words) > 1 else None
        if len(words) > 2 and not (len(words) == 3 and words[1].upper() == "AS"):
            raise DataQueryError(f"{shape.table!r} is no table", hint="Write 'table' or 'table alias'.")
        name = words[0] if words else ""
        schema, _, table = name.rpartition(".")
        quoted_path(name, self._dialect)
        found = sa.table(sa.sql.quoted_name(table, True), schema=sa.sql.quoted_name(schema, True) if schema else None)
        return found if alias is None else found.alias(sa.sql.quoted_name(quoted_alias(alias, self._dialect), True))

    def _column(self, name: str) -> Any:
        return sa.literal_column(quoted_path(name, self._dialect))

    def _value(self, slot: Any) -> Any:
        """A value's parameter, or the SQL that stands for it."""
        if isinstance(slot, Slot):
            return sa.bindparam(f"p{slot.position}", type_=_PLAIN)
        return self._raw(slot)

    def _raw(self, clause: Clause) -> Any:
        """``("raw", sql, slots)``."""
        _, sql, slots = clause
        names = tuple(f"p{slot.position}" for slot in slots)
        written = sa.text(text_with_binds(sql, names, self._dialect))
        return written.bindparams(*(sa.bindparam(name, type_=_PLAIN) for name in names))

    def _expression(self, clause: Any) -> Any:
        """A column's name, or ``("raw", …)``."""
        return self._column(clause) if isinstance(clause, str) else self._raw(clause)

    def _where(self, shape: Shape) -> Any | None:
        """All conditions, joined in the order in which they were added."""
        whole: Any = None
        for _, joined, condition in shape.of("where"):
            part = condition_of(condition, self)
            joins = sa.and_ if joined == "and" else sa.or_
            whole = part if whole is None else joins(whole, part)
        return whole

    # Statements

    def _select(self, shape: Shape) -> Any:
        columns = [self._selected(clause) for clause in shape.clauses if clause[0] in _SELECTED]
        statement = sa.select(*(columns or [sa.literal_column("*")]))
        statement = statement.select_from(self._from(shape))
        where = self._where(shape)
        if where is not None:
            statement = statement.where(where)
        for _, expression in shape.of("group_by"):
            statement = statement.group_by(self._expression(expression))
        for _, condition in shape.of("having"):
            statement = statement.having(condition_of(condition, self))
        if shape.last("distinct") is not None:
            statement = statement.distinct()
        for _, name, columns_, inner, recursive in shape.of("cte"):
            statement = statement.add_cte(self._cte(name, columns_, inner, recursive))
        combined = self._combined(shape, statement)
        combined = self._ordered(shape, combined)
        lock = shape.last("lock")
        if lock is not None:
            _, share, skip_locked, no_wait = lock
            combined = combined.with_for_update(read=share, skip_locked=skip_locked, nowait=no_wait)
        return combined

    def _selected(self, clause: Clause) -> Any:
        match clause[0]:
            case "column":
                return sa.literal_column(quoted_path(clause[1], self._dialect, star=True))
            case "aggregate":
                _, function, name, alias = clause
                inner = sa.literal_column("*") if name == "*" else self._column(name)
                call = getattr(sa.func, function)(inner)
                return call.label(sa.sql.quoted_name(quoted_alias(alias, self._dialect), True)) if alias else call
            case "window":
                return self._window(clause)
            case _:
                return self._raw(clause[1])

    def _window(self, clause: Clause) -> Any:
        _, function, arguments, partition_by, order_by, alias = clause
        call = getattr(sa.func, function)(*(self._column(name) for name in arguments))
        over = call.over(
            partition_by=[self._column(name) for name in partition_by] or None,
            order_by=[self._direction(self._column(name), desc) for name, desc in order_by] or None,
        )
        return over.label(sa.sql.quoted_name(quoted_alias(alias, self._dialect), True)) if alias else over

    def _from(self, shape: Shape) -> Any:
        whole = self._table(shape)
        for _, table, condition, kind in shape.of("join"):
            other = self._table(Shape(table))
            on = condition_of(condition, self) if condition is not None else sa.true()
            match kind:
                case "RIGHT":
                    whole = sa.join(other, whole, on, isouter=True)
                case "FULL":
                    whole = sa.join(whole, other, on, full=True)
                case _:
                    whole = sa.join(whole, other, on, isouter=kind == "LEFT")
        return whole

    def _cte(self, name: str, columns: tuple[str, ...], inner: Any, recursive: bool) -> Any:
        statement = self.statement(inner) if isinstance(inner, Shape) else self._raw(inner)
        if columns or not isinstance(inner, Shape):
            statement = statement.columns(*(sa.column(column) for column in columns))
        return statement.cte(sa.sql.quoted_name(quoted_alias(name, self._dialect), True), recursive=recursive)

    def _combined(self, shape: Shape, statement: Any) -> Any:
        """Unions and their relatives, from left to right."""
        for _, kind, other in shape.of("combine"):
            combine = {
                "union": sa.union,
                "union_all": sa.union_all,
                "intersect": sa.intersect,
                "except": sa.except_,
            }[kind]
            statement = combine(statement, self.statement(other))
        return statement

    def _ordered(self, shape: Shape, statement: Any) -> Any:
        for _, expression, desc in shape.of("order_by"):
            ordered = self._expression(expression)
            statement = statement.order_by(ordered if desc is None else self._direction(ordered, desc))
        limit, offset = shape.last("limit"), shape.last("offset")
        if limit is not None:
            statement = statement.limit(sa.bindparam(f"p{limit[1].position}", type_=_PLAIN))
        if offset is not None:
            statement = statement.offset(sa.bindparam(f"p{offset[1].position}", type_=_PLAIN))
        return statement

    @staticmethod
    def _direction(column: Any, desc: bool) -> Any:
        return sa.desc(column) if desc else sa.asc(column)

    def _target(self, shape: Shape, columns: tuple[str, ...]) -> Any:
        """The table that is written, with its columns."""
        table = self._table(shape)
        for name in columns:
            quoted_path(name, self._dialect)
        return sa.table(
            table.name,
            *(sa.column(sa.sql.quoted_name(name, True)) for name in columns),
            schema=table.schema,
        )

    def _insert(self, shape: Shape) -> Any:
        clause = shape.last("values")
        if clause is None:
            raise DataQueryError("an insert needs values", hint="Use insert({...}).")
        _, columns, rows = clause
        kinds: dict[SQLDialect, Any] = {
            SQLDialect.POSTGRESQL: postgresql.insert,
            SQLDialect.SQLITE: sqlite.insert,
            SQLDialect.MYSQL: mysql.insert,
        }
        statement = kinds[self._dialect](self._target(shape, columns))
        given = [{name: self._value(slot) for name, slot in zip(columns, row, strict=True)} for row in rows]
        statement = statement.values(given if len(given) > 1 else given[0])
        conflict = shape.last("on_conflict")
        if conflict is not None:
            statement = self._upsert(statement, conflict, columns)
        return self._returning(shape, statement)

    def _upsert(self, statement: Any, conflict: Clause, columns: tuple[str, ...]) -> Any:
        """``ON CONFLICT … DO UPDATE``, or ``ON DUPLICATE KEY UPDATE`` on MySQL, which has no choice of the key."""
        _, keys, action, assigned = conflict
        for name in (*keys, *(name for name, _ in assigned)):
            quoted_path(name, self._dialect)
        if self._dialect is SQLDialect.MYSQL:
            if action == "nothing":
                return statement.prefix_with("IGNORE")
            new = {name: statement.inserted[name] if slot is None else self._value(slot) for name, slot in assigned}
            return statement.on_duplicate_key_update(new)
        if action == "nothing":
            return statement.on_conflict_do_nothing(index_elements=list(keys) or None)
        new = {name: statement.excluded[name] if slot is None else self._value(slot) for name, slot in assigned}
        return statement.on_conflict_do_update(index_elements=list(keys), set_=new)

    def _update(self, shape: Shape) -> Any:
        clause = shape.last("set")
        if clause is None or not clause[1]:
            raise DataQueryError("an update needs at least one column", hint="Use update({...}).")
        where = self._where(shape)
        if where is None and shape.last("all_rows") is None:
            raise _without_condition("update")
        statement = sa.update(self._target(shape, tuple(name for name, _ in clause[1]))).values(
            {name: self._value(slot) for name, slot in clause[1]}
        )
        return self._returning(shape, statement if where is None else statement.where(where))

    def _delete(self, shape: Shape) -> Any:
        where = self._where(shape)
        if where is None and shape.last("all_rows") is None:
            raise _without_condition("delete")
        statement = sa.delete(self._table(shape))
        return self._returning(shape, statement if where is None else statement.where(where))

    def _returning(self, shape: Shape, statement: Any) -> Any:
        clause = shape.last("returning")
        if clause is None:
            return statement
        if self._dialect is SQLDialect.MYSQL:
            raise DataQueryError(
                "MySQL has no RETURNING", hint="Read the row in the same transaction, or use execute_insert()'s key."
            )
        names: list[Any] = [sa.literal_column(quoted_path(name, self._dialect, star=True)) for name in clause[1]]
        return statement.returning(*(names or [sa.literal_column("*")]))

    # What conditions ask for

    column = _column
    value = _value
    raw = _raw

    def subquery(self, shape: Shape) -> Any:
        """A query inside this one."""
        return self.statement(shape)

    @property
    def dialect(self) -> SQLDialect:
        """The SQL that is written."""
        return self._dialect


_SELECTED = frozenset({"column", "aggregate", "window", "select_raw"})


def quoted_alias(name: str, dialect: SQLDialect) -> str:
    """A name for a result, checked; SQLAlchemy quotes it."""
    quoted_path(name, dialect)
    return name


def _without_condition(kind: str) -> DataQueryError:
    return DataQueryError(
        f"this {kind} has no condition and would reach every row", hint="Add where(...), or say all_rows()."
    )
