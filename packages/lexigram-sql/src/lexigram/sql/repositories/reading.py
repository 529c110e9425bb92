"""The methods of repositories that read."""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast

from lexigram.contracts.data.types import SortSpecification
from lexigram.sql.exceptions import DataQueryError, PaginationError
from lexigram.sql.query.describing import Describes
from lexigram.sql.repositories.core import RepositoryCore
from lexigram.sql.repositories.draft import Draft
from lexigram.sql.repositories.filters import search_condition
from lexigram.suggestions import did_you_mean

__all__ = ["ReadingRepository", "Sort"]

T = TypeVar("T")
K = TypeVar("K")

Sort = str | SortSpecification | Sequence[str | SortSpecification] | None
"""One field to order by, or several; ``F("name").desc()`` is understood."""


class ReadingRepository(RepositoryCore[T, K]):
    """Reads. Wherever there are ``**filters``, they are ``field=value`` and ``field__op=value``."""

    async def find_by_id(self, key: K, *, include_deleted: bool = False) -> T | None:
        """The object with this key, or None.

        Args:
            key: The key.
            include_deleted: Find it as well when it is marked as deleted.
        """
        return await self._read_by_key(key, include_deleted)

    async def get(self, key: K) -> T | None:
        """The object with this key, or None."""
        return await self._read_by_key(key, False)

    async def find_many(
        self,
        *exprs: Any,
        limit: int | None = None,
        offset: int = 0,
        sort_by: Sort = None,
        sort_order: str = "asc",
        allowed_sort_fields: Iterable[str] | None = None,
        columns: Sequence[str] | None = None,
        include_deleted: bool = False,
        search: str | None = None,
        search_fields: Sequence[str] = (),
        **filters: Any,
    ) -> list[T]:
        """The objects that meet all conditions.

        Args:
            *exprs: Typed filters, filter expressions, specifications, mappings, or lists of them.
            limit: The most to return; all when None.
            offset: How many to leave out at the start.
            sort_by: What to order by.
            sort_order: ``asc`` or ``desc``, for fields without a direction of their own.
            allowed_sort_fields: The only fields to order by, where the choice is a caller's.
            columns: Read these columns only; the objects' other fields need defaults.
            include_deleted: Find those as well that are marked as deleted.
            search: Text that one of *search_fields* contains, whatever its case.
            search_fields: Where to look for it.
            **filters: ``field=value`` (None for NULL) and ``field__op=value``, with ``eq``, ``ne``, ``gt``, ``gte``,
                ``lt``, ``lte``, ``in``, ``nin``, ``like``, ``ilike``, ``contains``, ``icontains``, ``startswith``,
                ``endswith``, ``between`` and ``isnull``.

        Raises:
            DataQueryError: A field or an operator does not exist, or a value does not fit it.
        """
        draft = self._selecting("find_many", columns, include_deleted)
        self._filtered(draft, exprs, filters, self._search(search, search_fields))
        self._sorted(draft, sort_by, sort_order, allowed_sort_fields)
        return await self._entities(draft.limit(_count("limit", limit), _count("offset", offset) or 0))

    async def find(
        self,
        filters: Any = None,
        *,
        limit: int | None = None,
        offset: int = 0,
        sort_by: Sort = None,
        sort_order: str = "asc",
        order_by: Sort = None,
        columns: Sequence[str] | None = None,
        include_deleted: bool = False,
    ) -> builtins.list[T]:
        """The objects that meet *filters*: a mapping, a typed filter, an expression, or a list of them.

        *order_by* is another name of *sort_by*; for the rest see :meth:`find_many`.
        """
        if sort_by is not None and order_by is not None:
            raise DataQueryError("an order is given twice", hint="Give sort_by or order_by.")
        return await self.find_many(
            filters,
            limit=limit,
            offset=offset,
            sort_by=order_by if sort_by is None else sort_by,
            sort_order=sort_order,
            columns=columns,
            include_deleted=include_deleted,
        )

    async def find_one(self, *exprs: Any, sort_by: Sort = None, sort_order: str = "asc", **filters: Any) -> T | None:
        """The first object that meets the conditions, or None; see :meth:`find_many`."""
        found = await self.find_many(*exprs, limit=1, sort_by=sort_by, sort_order=sort_order, **filters)
        return found[0] if found else None

    async def list(self, skip: int = 0, limit: int = 100, **filters: Any) -> builtins.list[T]:
        """Objects in the order of their keys, at most *limit* after the first *skip*."""
        return await self.find_many(limit=limit, offset=skip, sort_by=self.key_field, **filters)

    async def find_by_spec(self, spec: Any) -> builtins.list[T]:
        """The objects that satisfy a specification."""
        return await self.find_many(spec)

    async def count_by_spec(self, spec: Any) -> int:
        """How many objects satisfy a specification."""
        return await self.count(spec)

    async def count(
        self,
        *exprs: Any,
        include_deleted: bool = False,
        search: str | None = None,
        search_fields: Sequence[str] = (),
        **filters: Any,
    ) -> int:
        """How many objects meet the conditions; see :meth:`find_many`."""
        draft = self._draft("count", include_deleted=include_deleted).add(("aggregate", "count", "*", "count"))
        self._filtered(draft, exprs, filters, self._search(search, search_fields))
        return int((await draft.fetch(self.provider)).rows[0][0])

    async def exists(self, *exprs: Any, include_deleted: bool = False, **filters: Any) -> bool:
        """True when an object meets the conditions; see :meth:`find_many`."""
        draft = self._draft("exists", include_deleted=include_deleted).columns([self._key])
        self._filtered(draft, exprs, filters)
        return bool((await draft.limit(1).fetch(self.provider)).rows)

    async def aggregate(
        self,
        *exprs: Any,
        sum: str | Sequence[str] = (),
        avg: str | Sequence[str] = (),
        min: str | Sequence[str] = (),
        max: str | Sequence[str] = (),
        count: bool | str | Sequence[str] = (),
        group_by: str | Sequence[str] = (),
        include_deleted: bool = False,
        **filters: Any,
    ) -> Any:
        """Sum up the objects that meet the conditions.

        Args:
            *exprs: Conditions; see :meth:`find_many`.
            sum: Fields to sum; the results are called ``sum_price`` and so on.
            avg: Fields to take the mean of.
            min: Fields to take the least value of.
            max: Fields to take the greatest value of.
            count: True for how many there are (``count``); fields for how many are not NULL.
            group_by: Fields whose different values make a group each.
            include_deleted: Count those as well that are marked as deleted.
            **filters: Conditions; see :meth:`find_many`.

        Returns:
            A mapping of results; with *group_by* a list of them, one for each group, ordered by the group.

        Raises:
            DataQueryError: Nothing is asked for, or a field does not exist.
        """
        draft = self._draft("aggregate", include_deleted=include_deleted)
        groups = [self._column(name) for name in _names(group_by)]
        draft.columns(groups)
        asked = 0
        if count is True:
            draft.add(("aggregate", "count", "*", "count"))
            asked = 1
        counted = () if isinstance(count, bool) else count
        for function, fields in (("sum", sum), ("avg", avg), ("min", min), ("max", max), ("count", counted)):
            for name in _names(fields):
                draft.add(("aggregate", function, self._column(name), f"{function}_{name}"))
                asked += 1
        if not asked:
            raise DataQueryError("nothing to sum up", hint="Give count=True, sum='price', ….")
        self._filtered(draft, exprs, filters)
        for name in groups:
            draft.add(("group_by", name)).order(name, False)
        columns, rows = await draft.fetch(self.provider)
        results = [dict(zip(columns, row, strict=True)) for row in rows]
        return results if groups else results[0]

    async def paginate(
        self,
        page: int = 1,
        per_page: int | None = None,
        *exprs: Any,
        sort_by: Sort = None,
        sort_order: str = "asc",
        **filters: Any,
    ) -> dict[str, Any]:
        """A page by its number.

        Args:
            page: Its number, from 1.
            per_page: The most it holds; ``data.default_page_size`` of the configuration when None.
            *exprs: Conditions; see :meth:`find_many`.
            sort_by: What to order by; the key comes last, so that pages do not overlap.
            sort_order: ``asc`` or ``desc``.
            **filters: Conditions; see :meth:`find_many`.

        Returns:
            ``data``, ``total``, ``page``, ``per_page`` and ``total_pages``.

        Raises:
            PaginationError: There is no such page, or it is longer than ``data.max_page_size``.
        """
        per_page = self._page_size(per_page)
        if page < 1:
            raise PaginationError(f"page {page} does not exist", hint="Pages are counted from 1.")
        total = await self.count(*exprs, **{n: v for n, v in filters.items() if n not in _ORDERING})
        order = [*_sorts(sort_by, sort_order), SortSpecification(self.key_field)]
        data = await self.find_many(*exprs, limit=per_page, offset=(page - 1) * per_page, sort_by=order, **filters)
        return {
            "data": data,
            "total": total,
            "page": page,
            "per_page": per_page,
            "total_pages": -(-total // per_page),
        }

    async def stream(
        self,
        *exprs: Any,
        batch_size: int = 100,
        sort_by: Sort = None,
        sort_order: str = "asc",
        include_deleted: bool = False,
        **filters: Any,
    ) -> AsyncGenerator[T]:
        """The objects that meet the conditions, as they come from a cursor at the server.

        Args:
            *exprs: Conditions; see :meth:`find_many`.
            batch_size: How many are fetched at a time.
            sort_by: What to order by.
            sort_order: ``asc`` or ``desc``.
            include_deleted: Find those as well that are marked as deleted.
            **filters: Conditions; see :meth:`find_many`.
        """
        draft = self._selecting("stream", None, include_deleted)
        self._sorted(self._filtered(draft, exprs, filters), sort_by, sort_order)
        async with aclosing(self._streamed(draft, batch_size)) as entities:
            async for entity in entities:
                yield entity

    def _selecting(self, operation: str, columns: Sequence[str] | None, include_deleted: bool) -> Draft:
        draft = self._draft(operation, include_deleted=include_deleted)
        if columns is None:
            return draft.columns(self._columns())
        return draft.columns(dict.fromkeys([self._key, *(self._column(name) for name in columns)]))

    def _search(self, text: str | None, fields: Sequence[str]) -> builtins.list[Describes]:
        return [] if not text else [search_condition(text, fields, self._column)]

    def _sorted(self, draft: Draft, sort_by: Sort, sort_order: str, allowed: Iterable[str] | None = None) -> Draft:
        permitted = None if allowed is None else builtins.list(allowed)
        for one in _sorts(sort_by, sort_order):
            if permitted is not None and one.field not in permitted:
                raise DataQueryError(
                    f"{one.field!r} is no field to order by{did_you_mean(one.field, permitted)}",
                    hint=f"Order by one of: {', '.join(permitted)}.",
                )
            draft.order(self._column(one.field), one.direction == "desc")
        return draft


_ORDERING = frozenset({"allowed_sort_fields", "columns"})


def _sorts(sort_by: Sort, sort_order: str) -> list[SortSpecification]:
    direction = sort_order.lower()
    if direction not in ("asc", "desc"):
        raise DataQueryError(f"there is no order {sort_order!r}", hint="Use 'asc' or 'desc'.")
    if sort_by is None:
        return []
    given = [sort_by] if isinstance(sort_by, str | SortSpecification) else builtins.list(sort_by)
    return [SortSpecification(one, cast("Any", direction)) if isinstance(one, str) else one for one in given]


def _names(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else given


def _count(name: str, count: Any) -> Any:
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        raise DataQueryError(f"{name} is a number of rows, 0 or more, not {count!r}", hint="Give a whole number.")
    return count
