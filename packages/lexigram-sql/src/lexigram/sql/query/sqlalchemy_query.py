"""``SqlQueryBuilder``: a ``select()`` of SQLAlchemy, run on our connections.

::

    query = SqlQueryBuilder(sa.select(users.c.id).where(users.c.name == "Ann"))
    rows = await query.fetch(db)

SQLAlchemy writes the SQL; values go to the database as they are, and come back as our drivers convert them. So types
of SQLAlchemy that convert in Python (``Enum``, ``PickleType``, a ``TypeDecorator``) do not, and what LIKE and ORDER BY
mean is the database's affair.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Self, cast

import sqlalchemy as sa
from lexigram.contracts.data.sql.database import Row
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Statement
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.dialects import check_parameters, writer_of
from lexigram.sql.query.executor import Executor
from lexigram.sql.query.parameterized import ParameterizedQuery
from lexigram.sql.statements.classify import classify
from lexigram.sql.statements.tokens import tokenize
from sqlalchemy.exc import CompileError
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["SqlQueryBuilder"]


class SqlQueryBuilder:
    """A query of SQLAlchemy's; each method makes a new one.

    Args:
        statement: A ``select()``, or a union of them.
        dialect: What :meth:`build` writes; :meth:`fetch` and its relatives follow the database.

    Raises:
        DataQueryError: It is something else.
    """

    __slots__ = ("_compiled", "_dialect", "statement")

    def __init__(
        self, statement: sa.Select[Any] | sa.CompoundSelect[Any], dialect: SQLDialect | str = SQLDialect.POSTGRESQL
    ) -> None:
        # Callers are not all typed.
        if not isinstance(statement, sa.Select | sa.CompoundSelect):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DataQueryError(f"{type(statement).__name__} is no select()", hint="Use sqlalchemy.select().")
        self.statement = statement
        self._dialect = SQLDialect(dialect)
        self._compiled: dict[SQLDialect, tuple[Statement, tuple[Any, ...]]] = {}

    def _with(self, statement: Any) -> Self:
        return type(self)(statement, self._dialect)

    def where(self, *conditions: sa.ColumnElement[bool]) -> Self:
        """Add conditions that must hold as well."""
        if not isinstance(self.statement, sa.Select):
            raise DataQueryError("a union has no condition of its own", hint="Give each select() its own.")
        return self._with(cast("Any", self.statement).where(*conditions))

    def order_by(self, *columns: Any) -> Self:
        """Order the rows, after the columns that were named before."""
        return self._with(self.statement.order_by(*columns))

    def limit(self, count: int) -> Self:
        """Return at most *count* rows."""
        return self._with(self.statement.limit(count))

    def offset(self, count: int) -> Self:
        """Leave *count* rows out at the start."""
        return self._with(self.statement.offset(count))

    def build(self, dialect: SQLDialect | str | None = None) -> ParameterizedQuery:
        """The query as SQL and parameters, in the dialect's own placeholders.

        Args:
            dialect: The SQL to write; the builder's when None.

        Raises:
            DataQueryError: The dialect has no form for it.
        """
        spoken = self._dialect if dialect is None else SQLDialect(dialect)
        statement, values = self._in(spoken)
        return ParameterizedQuery(statement.sql, values, spoken)

    def _in(self, dialect: SQLDialect) -> tuple[Statement, tuple[Any, ...]]:
        found = self._compiled.get(dialect)
        if found is None:
            try:
                compiled = self.statement.compile(
                    dialect=writer_of(dialect), compile_kwargs={"render_postcompile": True}
                )
            except CompileError as error:
                raise DataQueryError(f"{dialect} has no form for this query: {error}") from error
            assert isinstance(compiled, SQLCompiler)  # noqa: S101 - statements are written by this compiler
            names: list[str] = list(compiled.positiontup or ())
            check_parameters(len(names), dialect)
            text = str(compiled)
            if dialect is SQLDialect.MYSQL and not names:
                text = text.replace("%%", "%")  # without values the driver formats nothing
            params = compiled.params
            statement = Statement(text, len(names), *classify(list(tokenize(text, dialect))))
            found = self._compiled[dialect] = statement, tuple(params[name] for name in names)
        return found

    async def fetch(self, db: Executor) -> list[Row]:
        """Run the query and return its rows."""
        columns, rows = await db.run_compiled(*self._in(db.dialect))
        return [dict(zip(columns, row, strict=True)) for row in rows]

    async def fetch_one(self, db: Executor) -> Row | None:
        """Run the query and return its first row, or None."""
        rows = await self.fetch(db)
        return rows[0] if rows else None

    async def fetch_value(self, db: Executor) -> Any:
        """Run the query and return the first value of its first row, or None."""
        row = await self.fetch_one(db)
        return None if not row else next(iter(row.values()))

    async def stream(self, db: Executor, batch_size: int = 100) -> AsyncGenerator[Row]:
        """Run the query with a cursor at the server, and yield its rows as they come."""
        batches = db.stream_compiled(*self._in(db.dialect), batch_size)
        try:
            async for columns, rows in batches:
                for row in rows:
                    yield dict(zip(columns, row, strict=True))
        finally:
            await batches.aclose()

    async def count(self, db: Executor) -> int:
        """How many rows the query would return, its limit and offset left out."""
        whole = self.statement.order_by(None).limit(None).offset(None).subquery()
        counted: sa.Select[Any] = sa.select(sa.func.count()).select_from(whole)
        return int(await self._with(counted).fetch_value(db))
