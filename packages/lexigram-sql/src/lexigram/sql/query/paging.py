"""Pages of a query: by number, and by cursor.

A page by number counts the rows and skips those before it. A page by cursor continues behind the last row of the page
before (keyset pagination): it costs the same however far in it is, and no row is left out or comes twice because others
were added or removed. Its order must tell any two rows apart, so it ends with a unique column, such as the key.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from lexigram.contracts.data.sql.database import Row
from lexigram.contracts.domain.pagination import CursorPage, Page
from lexigram.sql.exceptions import CursorError, PaginationError
from lexigram.sql.query.builder import AsyncQueryBuilder
from lexigram.sql.query.cursors import CursorCodec
from lexigram.sql.query.executor import Executor
from lexigram.sql.query.keyset import Behind
from lexigram.sql.query.ordering import Nulls, many_orderings
from lexigram.sql.query.shape import Clause

__all__ = ["CursorPaginator", "OffsetPaginator"]

T = TypeVar("T")

MAX_PAGE_SIZE: Final = 1000
_TURNED: Final[dict[Nulls | None, Nulls | None]] = {
    "first": "last",
    "last": "first",
    "database": "database",
    None: None,
}


def _checked(name: str, value: Any, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise PaginationError(f"{name} is {value!r}", hint="Give a whole number, 1 or more.")
    if most is not None and value > most:
        raise PaginationError(f"{name} is {value}, and may be {most} at most", hint="Ask for smaller pages.")
    return value


class OffsetPaginator:
    """Pages by number.

    Args:
        max_size: The most a page may hold.
    """

    def __init__(self, *, max_size: int = MAX_PAGE_SIZE) -> None:
        self._max_size = _checked("max_size", max_size)

    def paginate(self, items: Sequence[T], /, page: int = 1, size: int = 20) -> Page[T]:
        """Cut a page out of a sequence.

        Args:
            items: All items.
            page: Its number, from 1; one behind the last is empty.
            size: The most it holds.

        Raises:
            PaginationError: A number is out of bounds.
        """
        start = (_checked("page", page) - 1) * _checked("size", size, self._max_size)
        return Page(list(items[start : start + size]), len(items), page, size)

    async def fetch(self, db: Executor, query: AsyncQueryBuilder, page: int = 1, size: int = 20) -> Page[Row]:
        """Fetch a page of a query and count its rows, in two statements.

        Args:
            db: Where to run it; inside a transaction, for a count that fits the page.
            query: The query; its order should tell any two rows apart.
            page: Its number, from 1.
            size: The most it holds.

        Raises:
            PaginationError: A number is out of bounds.
        """
        start = (_checked("page", page) - 1) * _checked("size", size, self._max_size)
        total = await query.count(db)
        rows = await query.limit(size).offset(start).fetch(db) if start < total else []
        return Page(rows, total, page, size)


class CursorPaginator:
    """Pages by cursor.

    Args:
        order_by: What orders the rows, ending with a unique column: names, ``("name", "DESC")`` or
            ``F("name").desc()``. The query must return these columns under their own names.
            ``("id", "ASC", "database")`` says that a column is never NULL, and lets every database use an index.
        codec: Writes cursors; give one with a secret where users must not make their own.
        max_size: The most a page may hold.
    """

    def __init__(self, order_by: Any, *, codec: CursorCodec | None = None, max_size: int = MAX_PAGE_SIZE) -> None:
        self._order = many_orderings(order_by)
        if not self._order:
            raise PaginationError("pages by cursor need an order", hint="Name at least the key.")
        self._codec = codec or CursorCodec()
        self._max_size = _checked("max_size", max_size)
        # A cursor of another order would lead anywhere.
        self._mark = zlib.crc32(repr([clause[1:] for clause in self._order]).encode())

    async def fetch(
        self, db: Executor, query: AsyncQueryBuilder, cursor: str | None = None, size: int = 20, *, count: bool = False
    ) -> CursorPage[Row]:
        """Fetch the page behind, or before, a cursor.

        Args:
            db: Where to run it.
            query: The query, without an order, limit or offset of its own.
            cursor: ``next_cursor`` or ``prev_cursor`` of another page; None for the first page.
            size: The most it holds.
            count: Count all rows as well.

        Raises:
            CursorError: The cursor is none, was altered, or belongs to another order.
            PaginationError: The size is out of bounds, or the query has an order of its own.
        """
        _checked("size", size, self._max_size)
        if query.is_cut:
            raise PaginationError(
                "the order and the limit of pages by cursor are the paginator's", hint="Leave them out of the query."
            )
        total = await query.count(db) if count else None
        backward, position = (False, None) if cursor is None else self._position(cursor)
        order = self._order
        if not query.is_plain:
            # A condition on the rows of a union or of groups stands around them.
            query = AsyncQueryBuilder("lexigram_paged").with_cte("lexigram_paged", query)
            order = tuple((clause[0], _result(clause), *clause[2:]) for clause in order)
        if position is not None:
            query = query.where(Behind(order, position, backward))
        for _, column, descending, nulls in order:
            # Backward, NULL stands at the other end as well.
            query = query.order_by(column, desc=descending is not backward, nulls=_TURNED[nulls] if backward else nulls)
        rows = await query.limit(size + 1).fetch(db)
        more = len(rows) > size
        rows = rows[:size]
        if backward:
            rows.reverse()
        # Coming back from a page, there is one behind; coming from one, there is one before.
        following, before = (cursor is not None, more) if backward else (more, cursor is not None)
        return CursorPage(
            rows,
            self._cursor(rows[-1], "next") if rows and following else None,
            self._cursor(rows[0], "prev") if rows and before else None,
            has_more=bool(rows) and following,
            has_previous=bool(rows) and before,
            total_count=total,
        )

    def _cursor(self, row: Row, way: str) -> str:
        values: dict[str, Any] = {}
        for index, clause in enumerate(self._order):
            name = _result(clause)
            if name not in row:
                raise PaginationError(f"the query does not return {name!r}", hint="Select what orders the pages.")
            values[str(index)] = row[name]
        return self._codec.encode({"@": self._mark, "to": way, **values})

    def _position(self, cursor: str) -> tuple[bool, tuple[Any, ...]]:
        found = self._codec.decode(cursor)
        names = [str(index) for index in range(len(self._order))]
        if found.get("@") != self._mark or set(found) != {"@", "to", *names}:
            raise CursorError("this cursor belongs to another order", hint="Begin again without a cursor.")
        return found["to"] == "prev", tuple(found[name] for name in names)


def _result(clause: Clause) -> str:
    """The name under which the query returns a column."""
    return str(clause[1]).rpartition(".")[2]
