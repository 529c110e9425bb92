"""``AsyncQueryBuilder``: a query described step by step, immutable, compiled once for each shape.

::

    query = (
        AsyncQueryBuilder("users")
        .select("id", "name")
        .where("status", Operator.EQ, "active")
        .order_by("created_at", "DESC")
        .limit(20)
    )
    sql, params = query.build()              # in the dialect's own placeholders
    rows = await query.fetch(db)             # in the database's dialect, whatever it is

Each method returns a new builder, so that a query can be the beginning of several. Names are checked and quoted, values
are parameters; SQL that is put in as it is says so by ``RawSQL`` or a method that ends in ``raw``.

The module is long because the documented methods are one class; each is a few lines.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Literal, Self, cast

from lexigram.contracts.data.sql.database import Row
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Statement
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.compile import compile_shape
from lexigram.sql.query.conflicts import Conflict
from lexigram.sql.query.declared import Declared, as_rows, declared_types
from lexigram.sql.query.describing import comparison, join_condition
from lexigram.sql.query.descriptor import Query
from lexigram.sql.query.dialects import check_parameters
from lexigram.sql.query.executor import Executor
from lexigram.sql.query.joins import JoinType, parse_join_type, parse_on
from lexigram.sql.query.names import as_name, as_names
from lexigram.sql.query.operators import Operator
from lexigram.sql.query.ordering import Nulls, many_orderings, ordering
from lexigram.sql.query.parameterized import ParameterizedQuery
from lexigram.sql.query.raw import RawSQL
from lexigram.sql.query.shape import Clause, Shape, Slot, shifted

__all__ = ["AsyncQueryBuilder"]

_WINDOW_FUNCTIONS = frozenset(
    {
        "row_number",
        "rank",
        "dense_rank",
        "percent_rank",
        "cume_dist",
        "ntile",
        "lag",
        "lead",
        "first_value",
        "last_value",
        "nth_value",
        "sum",
        "avg",
        "min",
        "max",
        "count",
    }
)


class AsyncQueryBuilder:
    """A query.

    Args:
        table: The table; ``schema.table`` and ``table alias`` (as ``"users u"``) are understood.
        dialect: What :meth:`build` writes; :meth:`fetch` and its relatives follow the database.
    """

    __slots__ = ("_dialect", "_shape", "_types", "_values")

    def __init__(self, table: Any = None, dialect: SQLDialect | str = SQLDialect.POSTGRESQL) -> None:
        self._shape = Shape(None if table is None else as_name(table))
        self._values: tuple[Any, ...] = ()
        self._types: Declared = ()
        self._dialect = SQLDialect(dialect)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._shape.kind} on {self._shape.table!r}, {len(self._values)} values>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AsyncQueryBuilder):
            return NotImplemented
        mine = (self._shape, self._values, self._types, self._dialect)
        return mine == (other._shape, other._values, other._types, other._dialect)

    def __hash__(self) -> int:
        return hash((self._shape, self._dialect))

    # How builders are made of builders

    def _new(self, shape: Shape, *values: Any) -> Self:
        new = object.__new__(type(self))
        new._shape = shape
        new._values = (*self._values, *values)
        new._types = self._types
        new._dialect = self._dialect
        return new

    def _with(self, *clauses: Clause, values: Sequence[Any] = ()) -> Self:
        return self._new(self._shape.plus(*clauses), *values)

    def _slots(self, count: int, after: int = 0) -> tuple[Slot, ...]:
        first = len(self._values) + after
        return tuple(Slot(first + index) for index in range(count))

    def _kind(self, kind: Any) -> Shape:
        return Shape(self._shape.table, kind, self._shape.clauses)

    def _raw(self, sql: Any, params: Sequence[Any], after: int = 0) -> tuple[Clause, tuple[Any, ...]]:
        if isinstance(sql, RawSQL):
            if params:
                raise DataQueryError("RawSQL has its values with it", hint="Give them to RawSQL.")
            sql, params = sql.sql, sql.params
        if not isinstance(sql, str):
            raise DataQueryError(f"raw SQL is text, not {type(sql).__name__}", hint="Give a string or RawSQL.")
        return ("raw", sql, self._slots(len(params), after)), tuple(params)

    # What to read

    def from_table(self, table: Any) -> Self:
        """Name the table."""
        return self._new(Shape(as_name(table), self._shape.kind, self._shape.clauses))

    def select(self, *columns: Any) -> Self:
        """Choose columns; all of them without any. ``name AS other``, ``table.column``, ``table.*`` and RawSQL work."""
        clauses: list[Clause] = []
        values: list[Any] = []
        for column in columns:
            if isinstance(column, RawSQL):
                clause, given = self._raw(column, (), len(values))
                clauses.append(("select_raw", clause))
                values += given
            else:
                clauses.append(("column", as_name(column)))
        return self._with(*clauses, values=values)

    def types(self, entity: type[Any] | None = None, /, **columns: Any) -> Self:
        """Declare what the columns of the result are, for databases that do not keep their types.

        ``types(id=UUID, data=dict)``, ``types(User)`` for the fields of a class, or both. It changes rows on their way
        out only; values on their way in know what they are.

        Args:
            entity: A dataclass, pydantic model, TypedDict or declarative model whose fields are columns.
            **columns: Types by the column's name in the result.
        """
        known = dict(self._types) | dict(declared_types(entity, columns))
        new = self._new(self._shape)
        new._types = tuple(known.items())
        return new

    def select_raw(self, sql: str | RawSQL, *params: Any) -> Self:
        """Choose an expression, as it is written."""
        clause, values = self._raw(sql, params)
        return self._with(("select_raw", clause), values=values)

    def _aggregate(self, function: str, column: Any, alias: str | None) -> Self:
        return self._with(("aggregate", function, as_name(column), alias or function))

    def select_count(self, column: Any = "*", alias: str | None = None) -> Self:
        """Choose how many rows there are, or how many where *column* is not NULL.

        Args:
            column: The column, or ``*``.
            alias: Name of the result; ``count`` when None, and so with the other functions.
        """
        return self._aggregate("count", column, alias)

    def select_sum(self, column: Any, alias: str | None = None) -> Self:
        """Choose the sum of a column."""
        return self._aggregate("sum", column, alias)

    def select_avg(self, column: Any, alias: str | None = None) -> Self:
        """Choose the mean of a column."""
        return self._aggregate("avg", column, alias)

    def select_min(self, column: Any, alias: str | None = None) -> Self:
        """Choose the least value of a column."""
        return self._aggregate("min", column, alias)

    def select_max(self, column: Any, alias: str | None = None) -> Self:
        """Choose the greatest value of a column."""
        return self._aggregate("max", column, alias)

    def select_window(
        self,
        function: str,
        *columns: Any,
        partition_by: Any = (),
        order_by: Any = (),
        alias: str | None = None,
    ) -> Self:
        """Choose a window function.

        Args:
            function: Its name, such as ``row_number``.
            *columns: What it is given: columns, ``*``, and numbers, as in ``ntile(4)``.
            partition_by: Column or columns that divide the rows.
            order_by: What orders them: a column, ``("name", "DESC")``, or a list of both.
            alias: Name of the result; the function's when None.

        Raises:
            DataQueryError: There is no such function.
        """
        name = function.strip().lower().removesuffix("()")
        if name not in _WINDOW_FUNCTIONS:
            raise DataQueryError(
                f"there is no window function {function!r}",
                hint=f"Known are: {', '.join(sorted(_WINDOW_FUNCTIONS))}; select_raw() takes any.",
            )
        arguments: list[Any] = []
        values: list[Any] = []
        for column in columns:
            if isinstance(column, int):
                arguments.append(self._slots(1, len(values))[0])
                values.append(column)
            else:
                arguments.append(as_name(column))
        ordered = many_orderings(order_by)
        clause = ("window", name, tuple(arguments), as_names(partition_by), ordered, alias or name)
        return self._with(clause, values=values)

    def distinct(self) -> Self:
        """Leave out rows that are the same as another."""
        return self._with(("distinct",))

    def apply(self, query: Query) -> Self:
        """Add what a :class:`~lexigram.sql.query.descriptor.Query` describes: its filter, order and page.

        Raises:
            DataQueryError: It asks for a page by cursor, which is the work of CursorPaginator.
        """
        if query.cursor_pagination is not None:
            raise DataQueryError(
                "a page by cursor is more than a query", hint="Use CursorPaginator(query.sort).fetch(db, …)."
            )
        made = self if query.filter is None else self.where(query.filter)
        for sort in query.sort:
            made = made.order_by(sort)
        page = query.pagination
        return made if page is None else made.limit(page.size).offset(page.offset)

    @property
    def is_plain(self) -> bool:
        """True when each row that it returns is one of its tables' rows: no groups, unions, DISTINCT or raw columns."""
        return self._shape.kind == "select" and not any(
            self._shape.last(name)
            for name in ("combine", "group_by", "having", "distinct", "aggregate", "window", "select_raw")
        )

    @property
    def is_cut(self) -> bool:
        """True when it has an order, a limit, an offset or a lock of its own."""
        return any(self._shape.last(name) for name in ("order_by", "limit", "offset", "lock"))

    # Conditions

    def _condition(self, joined: str, column: Any, op: Any, value: Any, given: bool) -> Self:
        clause, values = comparison(column, op, value, given, len(self._values))
        return self._with(("where", joined, clause), values=values)

    def where(self, column: Any, op: Operator | str | Any = Operator.EQ, value: Any = ...) -> Self:
        """Add a condition that must hold as well.

        ``where("age", ">=", 18)``, ``where("deleted_at", Operator.IS_NULL)``, ``where("a", Operator.IN, [1, 2])``,
        ``where("a", Operator.EQ, None)`` (IS NULL), ``where(F("age") > 18)`` or any filter expression, and
        ``where({"a": 1, "b": 2})``. Of two arguments the second is a value that the column equals, unless it is a
        member of :class:`Operator`: ``where("status", given)`` is an equality whatever text was given.

        Raises:
            DataQueryError: There is no such operator, or the value does not fit it.
        """
        return self._condition("and", column, op, value, value is not ...)

    def or_where(self, column: Any, op: Operator | str | Any = Operator.EQ, value: Any = ...) -> Self:
        """Add a condition that may hold instead of all before it.

        Conditions are joined from left to right: ``where(a).where(b).or_where(c).where(d)`` is
        ``((a AND b) OR c) AND d``. For other groups, combine filter expressions with ``&`` and ``|``.
        """
        return self._condition("or", column, op, value, value is not ...)

    def where_if(self, condition: Any, column: Any, op: Operator | str | Any = Operator.EQ, value: Any = ...) -> Self:
        """Add a condition, if *condition* is true."""
        return self.where(column, op, value) if condition else self

    def where_between(self, column: Any, low: Any, high: Any) -> Self:
        """The column lies between two values, both included."""
        return self.where(column, Operator.BETWEEN, (low, high))

    def where_not_between(self, column: Any, low: Any, high: Any) -> Self:
        """The column lies outside two values."""
        return self.where(column, Operator.NOT_BETWEEN, (low, high))

    def where_in(self, column: Any, values: Iterable[Any]) -> Self:
        """The column equals one of the values; none of them matches nothing. None among them finds NULL.

        On MySQL text is compared as the column's collation says, which usually overlooks case.
        """
        return self.where(column, Operator.IN, values)

    def where_not_in(self, column: Any, values: Iterable[Any]) -> Self:
        """The column equals none of the values; none of them lets every row through."""
        return self.where(column, Operator.NOT_IN, values)

    def where_null(self, column: Any) -> Self:
        """The column is NULL."""
        return self.where(column, Operator.IS_NULL)

    def where_not_null(self, column: Any) -> Self:
        """The column is not NULL."""
        return self.where(column, Operator.IS_NOT_NULL)

    def where_raw(self, sql: str | RawSQL, *params: Any) -> Self:
        """Add a condition, as it is written."""
        clause, values = self._raw(sql, params)
        return self._with(("where", "and", clause), values=values)

    def _inside(self, query: AsyncQueryBuilder) -> Shape:
        """The shape of a query inside this one, its values behind ours."""
        if not isinstance(query, AsyncQueryBuilder):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise DataQueryError(
                f"a query inside another is an AsyncQueryBuilder, not {type(query).__name__}", hint="Pass a builder."
            )
        return cast("Shape", shifted(query._shape, len(self._values)))

    def _in_query(self, column: Any, query: AsyncQueryBuilder, negated: bool) -> Self:
        clause = ("in_query", as_name(column), self._inside(query), negated)
        return self._with(("where", "and", clause), values=query._values)

    def where_in_subquery(self, column: Any, query: AsyncQueryBuilder) -> Self:
        """The column equals one of what another query returns."""
        return self._in_query(column, query, False)

    def where_not_in_subquery(self, column: Any, query: AsyncQueryBuilder) -> Self:
        """The column equals none of what another query returns."""
        return self._in_query(column, query, True)

    def where_exists(self, query: AsyncQueryBuilder) -> Self:
        """Another query returns a row. ``where_column("orders.user_id", "=", "users.id")`` ties it to this one."""
        return self._with(("where", "and", ("exists", self._inside(query), False)), values=query._values)

    def where_not_exists(self, query: AsyncQueryBuilder) -> Self:
        """Another query returns no row."""
        return self._with(("where", "and", ("exists", self._inside(query), True)), values=query._values)

    def where_column(self, left: Any, op: Operator | str, right: Any) -> Self:
        """Compare two columns."""
        return self._with(("where", "and", join_condition(as_name(left), op, as_name(right))))

    # Joins, groups, order

    def join(self, table: Any, on: Any = None, join_type: JoinType | str = JoinType.INNER, *params: Any) -> Self:
        """Join a table.

        Args:
            table: The table; ``"orders o"`` gives it an alias.
            on: ``"orders.user_id = users.id"`` (comparisons of columns, joined by AND), or RawSQL.
            join_type: How; ``LEFT``, ``RIGHT``, ``FULL``, ``CROSS`` or ``INNER``.
            *params: Values for RawSQL's placeholders.

        Raises:
            DataQueryError: The condition is missing, or is more than comparisons of columns.
        """
        kind = parse_join_type(join_type)
        values: tuple[Any, ...] = ()
        clause: Clause | None
        if isinstance(on, RawSQL):
            clause, values = self._raw(on, params)
        elif on is None:
            if kind is not JoinType.CROSS:
                raise DataQueryError("a join needs a condition", hint='Give on="orders.user_id = users.id".')
            clause = None
        else:
            clause = parse_on(on)
        return self._with(("join", as_name(table), clause, kind.value), values=values)

    def left_join(self, table: Any, on: Any) -> Self:
        """Join a table, keeping rows without a partner."""
        return self.join(table, on, JoinType.LEFT)

    def group_by(self, *columns: Any) -> Self:
        """Make one row of those that are the same in these columns."""
        return self._with(*(("group_by", as_name(column)) for column in columns))

    def having(self, column: Any, op: Operator | str = Operator.EQ, value: Any = ...) -> Self:
        """Add a condition on groups; *column* is a grouped one, an alias of :meth:`select_sum` and so on, or RawSQL."""
        if isinstance(column, RawSQL):
            return self.having_raw(column)
        name = as_name(column)
        aggregate = next((c for c in self._shape.of("aggregate") if c[3] == name), None)
        target: Any = name if aggregate is None else ("call", aggregate[1], aggregate[2])
        clause, values = comparison(target, op, value, value is not ..., len(self._values))
        return self._with(("having", clause), values=values)

    def having_raw(self, sql: str | RawSQL, *params: Any) -> Self:
        """Add a condition on groups, as it is written."""
        clause, values = self._raw(sql, params)
        return self._with(("having", clause), values=values)

    def order_by(
        self,
        column: Any,
        direction: Any = None,
        *,
        desc: bool | None = None,
        ascending: bool | None = None,
        nulls: Nulls | None = None,
    ) -> Self:
        """Order the rows; the first column counts most. After a union, the whole of it.

        ``order_by("name")``, ``order_by("name", "DESC")``, ``order_by("name", True)`` (descending),
        ``order_by("name", desc=True)``, ``order_by("name", ascending=False)`` and ``order_by(F("name").desc())``.

        NULL counts as the greatest value on every database: last in ascending order, first in descending order.

        Args:
            column: The column, or an alias of what is selected.
            direction: ``ASC`` or ``DESC``; True for descending.
            desc: True for descending.
            ascending: False for descending.
            nulls: ``first`` or ``last``; ``database`` leaves NULL where the database has it, which lets MySQL use an
                index on a column that is never NULL.
        """
        return self._with(ordering(column, direction, desc=desc, ascending=ascending, nulls=nulls))

    def order_by_raw(self, sql: str | RawSQL, *params: Any) -> Self:
        """Order the rows by an expression, as it is written."""
        clause, values = self._raw(sql, params)
        return self._with(("order_by", clause, None, None), values=values)

    def limit(self, count: int) -> Self:
        """Return at most *count* rows; after a union, of the whole of it. The latest call counts."""
        return self._with(("limit", self._slots(1)[0]), values=(_count("limit", count),))

    def offset(self, count: int) -> Self:
        """Leave *count* rows out at the start."""
        return self._with(("offset", self._slots(1)[0]), values=(_count("offset", count),))

    # Writing

    def insert(self, data: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Self:
        """Insert a row, or several with the same columns.

        Raises:
            DataQueryError: There is no row, or the rows differ in their columns.
        """
        rows: list[Mapping[str, Any]] = [data] if isinstance(data, Mapping) else list(data)
        if not rows or not rows[0]:
            raise DataQueryError("an insert needs at least one row with one column", hint="Give the values by column.")
        columns = tuple(as_name(name) for name in rows[0])
        values: list[Any] = []
        slots: list[Clause] = []
        for row in rows:
            if row.keys() != rows[0].keys():
                raise _differing()
            clauses, given = self._assigned([(name, row[name]) for name in rows[0]], len(values))
            slots.append(tuple(slot for _, slot in clauses))
            values += given
        shape = self._kind("insert").plus(("values", columns, tuple(slots)))
        return self._new(shape, *values)

    def update(self, data: Mapping[str, Any]) -> Self:
        """Set columns; RawSQL computes them, as in ``{"n": RawSQL("n + ?", 1)}``."""
        clauses, values = self._assigned(list(data.items()), 0)
        return self._new(self._kind("update").plus(("set", clauses)), *values)

    def _assigned(self, items: list[tuple[Any, Any]], after: int) -> tuple[tuple[tuple[str, Any], ...], list[Any]]:
        """Columns with where their values stand."""
        clauses: list[tuple[str, Any]] = []
        values: list[Any] = []
        for name, value in items:
            if isinstance(value, RawSQL):
                clause, given = self._raw(value, (), after + len(values))
                clauses.append((as_name(name), clause))
                values += given
            else:
                clauses.append((as_name(name), self._slots(1, after + len(values))[0]))
                values.append(value)
        return tuple(clauses), values

    def delete(self) -> Self:
        """Remove the rows that meet the conditions."""
        return self._new(self._kind("delete"))

    def all_rows(self) -> Self:
        """Let an update or delete without a condition reach every row."""
        return self._with(("all_rows",))

    def returning(self, *columns: Any) -> Self:
        """Return columns of the rows that were written; all without any.

        PostgreSQL and SQLite have it. It is refused for MySQL, and for MariaDB with it: MariaDB has no ``UPDATE …
        RETURNING``, and what runs there only would break on MySQL.
        """
        return self._with(("returning", tuple(as_name(column) for column in columns)))

    def on_conflict(self, *columns: Any) -> Conflict[Self]:
        """Say what happens when a row with the same key exists; ``.do_nothing()`` or ``.do_update(...)`` follows.

        MySQL knows no choice of the key: any of the table's counts there, and a row that is changed counts as two.
        """
        keys = tuple(name for column in columns for name in as_names(column))

        return Conflict[Self](keys, partial(self._on_conflict, keys))

    def _on_conflict(
        self, keys: tuple[str, ...], action: Literal["nothing", "update"], names: list[str], given: Mapping[str, Any]
    ) -> Self:
        assigned, values = self._assigned(list(given.items()), 0)
        clauses = (*((name, None) for name in names), *assigned)
        return self._with(("on_conflict", keys, action, clauses), values=values)

    def _lock(self, share: bool, skip_locked: bool, no_wait: bool) -> Self:
        if skip_locked and no_wait:
            raise DataQueryError("locked rows are skipped or refused, not both", hint="Give one of the two.")
        return self._with(("lock", share, skip_locked, no_wait))

    def for_update(self, *, skip_locked: bool = False, no_wait: bool = False) -> Self:
        """Lock the rows until the transaction ends. SQLite locks the whole file already, and leaves this out.

        Args:
            skip_locked: Leave out rows that another transaction has locked.
            no_wait: Fail at once when there is one.
        """
        return self._lock(False, skip_locked, no_wait)

    def for_share(self, *, skip_locked: bool = False, no_wait: bool = False) -> Self:
        """Lock the rows against changes until the transaction ends; see :meth:`for_update`.

        It is ``LOCK IN SHARE MODE`` on MySQL and MariaDB, beside which MySQL takes neither of the two options.
        """
        return self._lock(True, skip_locked, no_wait)

    # Queries of queries

    def _cte(self, name: str, query: Any, columns: Sequence[str], params: Sequence[Any], recursive: bool) -> Self:
        if isinstance(query, AsyncQueryBuilder):
            inner: Any = self._inside(query)
            values: tuple[Any, ...] = query._values
        else:
            inner, values = self._raw(query, params)
        return self._with(("cte", name, tuple(columns), inner, recursive), values=values)

    def with_cte(self, name: str, query: Any, *params: Any, columns: Sequence[str] = ()) -> Self:
        """Put a named query before this one (``WITH name AS (…)``); a builder, or SQL with its values."""
        return self._cte(name, query, columns, params, False)

    def with_recursive_cte(self, name: str, query: Any, *params: Any, columns: Sequence[str] = ()) -> Self:
        """Put a named query before this one that may read itself (``WITH RECURSIVE``)."""
        return self._cte(name, query, columns, params, True)

    def _combine(self, kind: str, other: AsyncQueryBuilder) -> Self:
        return self._with(("combine", kind, self._inside(other)), values=other._values)

    def union(self, other: AsyncQueryBuilder) -> Self:
        """The rows of both queries, each once."""
        return self._combine("union", other)

    def union_all(self, other: AsyncQueryBuilder) -> Self:
        """The rows of both queries."""
        return self._combine("union_all", other)

    def intersect(self, other: AsyncQueryBuilder) -> Self:
        """The rows that both queries have, each once. MySQL has it since 8.0.31."""
        return self._combine("intersect", other)

    def except_(self, other: AsyncQueryBuilder) -> Self:
        """The rows that only this query has, each once. MySQL has it since 8.0.31."""
        return self._combine("except", other)

    # Results

    def build(self, dialect: SQLDialect | str | None = None) -> ParameterizedQuery:
        """The query as SQL and parameters.

        Args:
            dialect: The SQL to write; the builder's when None.

        Returns:
            A pair: the SQL in the dialect's own placeholders, and the values in their order.
        """
        spoken = self._dialect if dialect is None else SQLDialect(dialect)
        statement, values = self._compiled(spoken)
        return ParameterizedQuery(statement.sql, values, spoken)

    def _compiled(self, dialect: SQLDialect) -> tuple[Statement, tuple[Any, ...]]:
        check_parameters(len(self._values), dialect)
        compiled = compile_shape(self._shape, dialect)
        return compiled.statement, compiled.bind(self._values)

    async def fetch(self, db: Executor) -> list[Row]:
        """Run the query and return its rows."""
        statement, values = self._compiled(db.dialect)
        columns, rows = await db.run_compiled(statement, values)
        return as_rows(columns, rows, self._types)

    async def fetch_one(self, db: Executor) -> Row | None:
        """Run the query and return its first row, or None; no more than one is asked for."""
        limit = self._shape.last("limit")
        asked = None if limit is None else self._values[limit[1].position]
        limited = self if self._shape.kind != "select" or (asked is not None and asked <= 1) else self.limit(1)
        rows = await limited.fetch(db)
        return rows[0] if rows else None

    async def fetch_value(self, db: Executor) -> Any:
        """Run the query and return the first value of its first row, or None."""
        row = await self.fetch_one(db)
        return None if not row else next(iter(row.values()))

    async def stream(self, db: Executor, batch_size: int = 100) -> AsyncGenerator[Row]:
        """Run the query with a cursor at the server, and yield its rows as they come."""
        statement, values = self._compiled(db.dialect)
        batches = db.stream_compiled(statement, values, batch_size)
        try:
            async for columns, rows in batches:
                for row in as_rows(columns, rows, self._types):
                    yield row
        finally:
            await batches.aclose()

    async def execute(self, db: Executor) -> int:
        """Run the query.

        Returns:
            How many rows it touched; for those that return rows, how many.
        """
        statement, values = self._compiled(db.dialect)
        if statement.returns_rows:
            return len((await db.run_compiled(statement, values)).rows)
        return (await db.execute_compiled(statement, values)).rows

    execute_one = fetch_one
    execute_scalar = fetch_value

    async def execute_many(self, db: Executor, rows: Iterable[Mapping[str, Any]]) -> int:
        """Run this insert for each of many rows, all or none, however many there are.

        ``AsyncQueryBuilder("users").execute_many(db, rows)``; :meth:`on_conflict` may come before it.

        Args:
            db: Where to run it.
            rows: Values by column, the same columns in each.

        Returns:
            How many rows it touched.

        Raises:
            DataQueryError: The rows differ in their columns, hold RawSQL, or this is no plain insert.
        """
        given = list(rows)
        if not given:
            return 0
        template = self.insert(given[0])
        if template._shape.last("returning") is not None or len(template._values) != len(self._values) + len(given[0]):
            raise DataQueryError(
                "execute_many() inserts plain values and returns none", hint="Leave RawSQL and returning() out."
            )
        compiled = compile_shape(template._shape, db.dialect)
        own = self._values
        columns = list(given[0])
        keys = given[0].keys()
        if any(row.keys() != keys for row in given):
            raise _differing()
        bound: list[tuple[Any, ...]]
        if compiled.takes_as_given and not own and len(columns) > 1:
            bound = list(map(itemgetter(*columns), given))
        else:
            bound = [compiled.bind((*own, *(row[name] for name in columns))) for row in given]
        return await db.execute_many_compiled(compiled.statement, bound)

    async def count(self, db: Executor) -> int:
        """How many rows the query would return, its limit and offset left out."""
        shape = self._shape
        if shape.kind != "select":
            raise DataQueryError(f"an {shape.kind} has no rows to count", hint="Use execute(), which counts them.")
        kept = tuple(c for c in shape.clauses if c[0] not in {"limit", "offset", "order_by", "lock"})
        if not self.is_plain:
            whole = self._new(Shape(shape.table, "select", kept))
            counted = AsyncQueryBuilder("lexigram_counted").with_cte("lexigram_counted", whole).select_count()
        else:
            # Two tables may have columns of the same name, which MySQL does not take in a subquery.
            rest = tuple(c for c in kept if c[0] != "column")
            counted = self._new(Shape(shape.table, "select", rest)).select_count()
        return int(await counted.fetch_value(db))


def _differing() -> DataQueryError:
    return DataQueryError("the rows of an insert differ in their columns", hint="Give each row all of them.")


def _count(name: str, count: Any) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise DataQueryError(f"{name} is a number of rows, 0 or more, not {count!r}", hint="Give a whole number.")
    return count
