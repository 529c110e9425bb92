"""Pages by cursor: the rows behind the last one seen, whatever was inserted or removed before it."""

from __future__ import annotations

from typing import Any, TypeVar

from lexigram.contracts.domain.pagination import CursorPage
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.describing import Describes
from lexigram.sql.repositories.cursors import decode_cursor, encode_cursor
from lexigram.sql.repositories.filters import AllOf, AnyOf, Condition
from lexigram.sql.repositories.reading import ReadingRepository

__all__ = ["PagingRepository"]

T = TypeVar("T")
K = TypeVar("K")


class PagingRepository(ReadingRepository[T, K]):
    """Reads page by page."""

    cursor_key: bytes = b""
    """Set it to a secret of the application, and no one can make cursors but the application."""

    async def paginate_cursor(
        self,
        *exprs: Any,
        cursor: str | None = None,
        limit: int | None = None,
        sort_by: str | None = None,
        sort_order: str = "asc",
        include_total: bool = False,
        **filters: Any,
    ) -> CursorPage[T]:
        """A page by cursor. Rows with the same value are in the order of their keys; NULL is the greatest value.

        Args:
            *exprs: Conditions; see :meth:`find_many`. They are the same for every page.
            cursor: ``next_cursor`` or ``prev_cursor`` of another page; None for the first page.
            limit: The most it holds; ``data.default_cursor_size`` of the configuration when None.
            sort_by: What to order by; the key when None.
            sort_order: ``asc`` or ``desc``.
            include_total: Count the objects of all pages.
            **filters: Conditions; see :meth:`find_many`.

        Raises:
            CursorError: The cursor is none, or belongs to another order or other conditions.
            PaginationError: *limit* is no number of rows, or more than ``data.max_page_size``.
        """
        limit = self._page_size(limit, cursor=True)
        direction = sort_order.lower()
        if direction not in ("asc", "desc"):
            raise DataQueryError(f"there is no order {sort_order!r}", hint="Use 'asc' or 'desc'.")
        column = self._column(self.key_field if sort_by is None else sort_by)
        order = [column] if column == self._key else [column, self._key]
        draft = self._filtered(self._draft("paginate_cursor").columns(self._columns()), exprs, filters)
        query = f"{self.table_name}|{'|'.join(order)}|{direction}|{draft!r}"
        values, backwards = (None, False) if cursor is None else decode_cursor(cursor, query, self.cursor_key)
        descending = (direction == "desc") is not backwards
        if values is not None:
            draft.where(_behind(order, values, descending))
        for name in order:
            draft.order(name, descending)
        rows = await self._entities(draft.limit(limit + 1))
        more = len(rows) > limit
        items = rows[:limit]
        if backwards:
            items.reverse()

        def place(entity: T, before: bool) -> str:
            row = self._entity_to_dict(entity)
            return encode_cursor([row[name] for name in order], before, query, self.cursor_key)

        has_next = more if not backwards else bool(items)
        has_previous = more if backwards else cursor is not None and bool(items)
        return CursorPage(
            items,
            place(items[-1], False) if has_next and items else None,
            place(items[0], True) if has_previous and items else None,
            has_next,
            has_previous,
            await self.count(*exprs, **filters) if include_total else None,
        )


def _behind(order: list[str], values: list[Any], descending: bool) -> Describes:
    """The rows that come after the one with these values."""
    compare = "<" if descending else ">"
    if len(order) == 1:
        return Condition(order[0], compare, values[0])
    (column, key), (value, last) = order, values
    tied = AllOf((Condition(column, "=", value), Condition(key, compare, last)))  # = None is IS NULL
    if value is None:
        return AnyOf((tied, Condition(column, "!=", None))) if descending else tied
    beyond: list[Describes] = [tied, Condition(column, compare, value)]
    if not descending:
        beyond.append(Condition(column, "=", None))
    return AnyOf(tuple(beyond))
