"""``Query``: what is wanted, described without a table, and its builders.

::

    wanted = QueryBuilder().filter(FieldEq("status", "active")).order_by("name").page(page=2, size=20).build()
    rows = await AsyncQueryBuilder("users").apply(wanted).fetch(db)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal, Self

from lexigram.contracts.data.types import (
    AndExpr,
    CursorPaginationSpec,
    FieldContains,
    FilterExpression,
    OrExpr,
    PaginationSpec,
    SortSpecification,
    is_filter_expression,
)
from lexigram.contracts.exceptions.infra import DataValidationError
from lexigram.sql.exceptions import DataQueryError, PaginationError

__all__ = ["Query", "QueryBuilder", "SearchQueryBuilder"]


@dataclass(frozen=True, slots=True)
class Query:
    """What is wanted of a table, whichever it is.

    Attributes:
        filter: Which rows; all when None.
        sort: Their order; the first counts most.
        pagination: A page by number.
        cursor_pagination: A page by cursor; not together with *pagination*.
    """

    filter: FilterExpression | None = None
    sort: tuple[SortSpecification, ...] = ()
    pagination: PaginationSpec | None = None
    cursor_pagination: CursorPaginationSpec | None = None

    def __post_init__(self) -> None:
        if self.pagination is not None and self.cursor_pagination is not None:
            raise PaginationError("a query has a page by number or by cursor, not both", hint="Give one of the two.")


class QueryBuilder:
    """Describes a :class:`Query` step by step; each step makes a new builder."""

    __slots__ = ("_query",)

    def __init__(self, query: Query | None = None) -> None:
        self._query = query or Query()

    def _with(self, **changes: Any) -> Self:
        return type(self)(replace(self._query, **changes))

    def filter(self, expression: FilterExpression) -> Self:
        """Add a condition that must hold as well.

        Raises:
            DataQueryError: It is no filter expression.
        """
        if not is_filter_expression(expression):
            raise DataQueryError(
                f"{type(expression).__name__} is no filter expression",
                hint="Use FieldEq, FieldGt, …, joined by &, | and ~.",
            )
        known = self._query.filter
        return self._with(filter=expression if known is None else AndExpr(known, expression))

    def order_by(self, name: str, *, direction: Literal["asc", "desc"] = "asc") -> Self:
        """Order by a column, after those that were named before.

        Raises:
            DataQueryError: There is no such direction.
        """
        if direction not in ("asc", "desc"):
            raise DataQueryError(f"there is no order {direction!r}", hint="Use 'asc' or 'desc'.")
        return self._with(sort=(*self._query.sort, SortSpecification(name, direction)))

    def page(self, *, page: int = 1, size: int = 20) -> Self:
        """Ask for a page by number, instead of any other page.

        Args:
            page: Its number, from 1.
            size: The most it holds.

        Raises:
            PaginationError: One of them is less than 1.
        """
        try:
            return self._with(pagination=PaginationSpec(page, size), cursor_pagination=None)
        except DataValidationError as error:
            raise PaginationError(error.message, hint="Pages are counted from 1, and hold 1 and more.") from error

    def cursor(self, *, cursor: str | None = None, size: int = 20) -> Self:
        """Ask for a page by cursor, instead of any other page.

        Args:
            cursor: Where the page before ended; None for the first.
            size: The most it holds.

        Raises:
            PaginationError: The size is less than 1.
        """
        try:
            return self._with(cursor_pagination=CursorPaginationSpec(cursor, size), pagination=None)
        except DataValidationError as error:
            raise PaginationError(error.message, hint="A page holds 1 and more.") from error

    def build(self) -> Query:
        """The query that was described."""
        return self._query


class SearchQueryBuilder(QueryBuilder):
    """Describes a query of what a user looks for."""

    __slots__ = ()

    def filter_expr(self, expression: FilterExpression) -> Self:
        """Add a condition that must hold as well; the same as :meth:`filter`."""
        return self.filter(expression)

    def search(self, text: str, *fields: str) -> Self:
        """Look for each word of a text in any of the fields; case counts.

        Args:
            text: Words; without any, nothing is added.
            *fields: Where to look.

        Raises:
            DataQueryError: No field is named.
        """
        if not fields:
            raise DataQueryError("a search needs the fields to look in", hint="Write search(text, 'name', 'title').")
        found = self
        for word in text.split():
            parts: list[FilterExpression] = [FieldContains(field, word) for field in fields]
            found = found.filter(reduce(OrExpr, parts))
        return found
