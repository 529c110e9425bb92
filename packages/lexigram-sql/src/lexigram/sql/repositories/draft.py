"""A statement while a repository puts it together: clauses and, beside them, values.

Repositories build shapes directly, without a builder for each step; compiled shapes come from the same cache.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, Self

from lexigram.sql.driver import Executed, Records
from lexigram.sql.query.compile import compile_shape
from lexigram.sql.query.describing import Described, Describes
from lexigram.sql.query.executor import Executor
from lexigram.sql.query.ordering import ordering
from lexigram.sql.query.raw import RawSQL
from lexigram.sql.query.shape import Clause, Kind, Shape, Slot

__all__ = ["Draft", "RepositoryDatabase"]


class RepositoryDatabase(Executor, Protocol):
    """What repositories need of a database; ``DatabaseService`` is such."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A transaction that every operation of the same task joins; inside another one, a savepoint."""
        ...


def _starts(width: int, rows: Sequence[Any]) -> range:
    """Where each row's values begin among those of all rows."""
    return range(0, width * len(rows), width)


class Draft:
    """A statement that is not finished.

    Args:
        table: The table.
        kind: What the statement does.
    """

    __slots__ = ("_clauses", "_table", "kind", "values")

    def __init__(self, table: str, kind: Kind = "select") -> None:
        self._table = table
        self.kind: Kind = kind
        self._clauses: list[Clause] = []
        self.values: list[Any] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.kind} on {self._table!r}: {self._clauses!r}, {self.values!r}>"

    def add(self, *clauses: Clause) -> Self:
        """Add clauses that hold no values."""
        self._clauses += clauses
        return self

    def slot(self, value: Any) -> Slot:
        """The place of a value."""
        self.values.append(value)
        return Slot(len(self.values) - 1)

    def columns(self, names: Any) -> Self:
        """Choose columns to return."""
        return self.add(*(("column", name) for name in names))

    def where(self, condition: Describes) -> Self:
        """Add a condition that must hold as well."""
        clause, values = condition.describe(len(self.values))
        self.values += values
        return self.add(("where", "and", clause))

    def equals(self, column: str, value: Any) -> Self:
        """A column must equal a value that is not None."""
        return self.add(("where", "and", ("compare", column, "=", (self.slot(value),))))

    def order(self, column: str, descending: bool) -> Self:
        """Order the rows."""
        return self.add(ordering(column, desc=descending))

    def limit(self, count: int | None, offset: int = 0) -> Self:
        """Return a part of the rows."""
        if count is not None:
            self.add(("limit", self.slot(count)))
        if offset:
            self.add(("offset", self.slot(offset)))
        return self

    def insert(self, rows: list[Mapping[str, Any]]) -> Self:
        """The rows to insert; all have the columns of the first."""
        names = tuple(rows[0])
        return self.insert_rows(names, [tuple([row[name] for name in names]) for row in rows])

    def insert_rows(self, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> Self:
        """The rows to insert; each has a value for every one of the columns *names*."""
        first = len(self.values)
        places = [tuple([Slot(first + start + at) for at in range(len(names))]) for start in _starts(len(names), rows)]
        for row in rows:
            self.values += row
        return self.add(("values", names, tuple(places)))

    def set(self, values: Mapping[str, Any]) -> Self:
        """The columns to set; RawSQL computes them."""
        clauses: list[tuple[str, Any]] = []
        for name, value in values.items():
            if isinstance(value, RawSQL):
                described: Described = value.describe(len(self.values))
                self.values += described[1]
                clauses.append((name, described[0]))
            else:
                clauses.append((name, self.slot(value)))
        return self.add(("set", tuple(clauses)))

    def returning(self, *names: str) -> Self:
        """Return columns of what was written."""
        return self.add(("returning", names))

    def _shape(self) -> Shape:
        return Shape(self._table, self.kind, tuple(self._clauses))

    async def fetch(self, db: Executor) -> Records:
        """Run the statement and return its rows."""
        compiled = compile_shape(self._shape(), db.dialect)
        return await db.run_compiled(compiled.statement, compiled.bind(tuple(self.values)))

    async def execute(self, db: Executor) -> Executed:
        """Run the statement and return what it did."""
        compiled = compile_shape(self._shape(), db.dialect)
        return await db.execute_compiled(compiled.statement, compiled.bind(tuple(self.values)))

    def stream(self, db: Executor, batch_size: int) -> AsyncGenerator[Records]:
        """Run the statement with a cursor at the server."""
        compiled = compile_shape(self._shape(), db.dialect)
        return db.stream_compiled(compiled.statement, compiled.bind(tuple(self.values)), batch_size)
