"""Query scopes: conditions and orders with a name, for builders and repositories alike.

::

    rows = await ActiveScope().apply(AsyncQueryBuilder("users")).fetch(db)
    users = await repository.find_many(ActiveScope(), TenantScope("acme"))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, Protocol, runtime_checkable

from lexigram.sql.exceptions import TenantScopingError
from lexigram.sql.query.builder import AsyncQueryBuilder
from lexigram.sql.repositories.fields import F, Filter
from lexigram.sql.repositories.rls import is_empty

__all__ = ["ActiveScope", "OrderingScope", "QueryScope", "SoftDeleteScope", "TenantScope", "apply_scopes"]


@runtime_checkable
class QueryScope(Protocol):
    """What narrows or orders a query."""

    def apply(self, query: AsyncQueryBuilder, /) -> AsyncQueryBuilder:
        """The query with what this scope adds."""
        ...


class _Condition(ABC):
    """A scope that is a condition, so that the methods of repositories take it as they take filters."""

    __slots__ = ()

    @abstractmethod
    def to_filter(self) -> Filter:
        """The condition as repositories take it."""

    def describe(self, first: int) -> Any:
        """The condition, its values beginning at position *first*, and the values."""
        return self.to_filter().describe(first)

    def apply(self, query: AsyncQueryBuilder, /) -> AsyncQueryBuilder:
        """The query with this condition as well."""
        return query.where(self.to_filter())


@dataclass(frozen=True, slots=True)
class ActiveScope(_Condition):
    """Rows that are active.

    Attributes:
        column: The column that says so.
        value: What it says then.
    """

    column: str = "is_active"
    value: Any = True

    def to_filter(self) -> Filter:
        """The condition as a typed filter."""
        found: Filter = F(self.column) == self.value
        return found


@dataclass(frozen=True, slots=True)
class TenantScope(_Condition):
    """Rows of one tenant.

    For a table that is never to be read without one, give the repository a policy instead.

    Attributes:
        tenant_id: The tenant.
        column: The column that says whose a row is.

    Raises:
        TenantScopingError: The tenant is nobody.
    """

    tenant_id: Any
    column: str = "tenant_id"

    def __post_init__(self) -> None:
        if is_empty(self.tenant_id):
            raise TenantScopingError("", "scope", "a scope needs a tenant", hint="Give the tenant's id.")

    def to_filter(self) -> Filter:
        """The condition as a typed filter."""
        found: Filter = F(self.column) == self.tenant_id
        return found


@dataclass(frozen=True, slots=True)
class SoftDeleteScope(_Condition):
    """Rows that are not marked as deleted, or with *deleted* those that are.

    Attributes:
        deleted: Which of them.
        column: The column with the mark.
    """

    deleted: bool = False
    column: str = "deleted_at"

    def to_filter(self) -> Filter:
        """The condition as a typed filter."""
        column = F(self.column)
        return column.is_not_null() if self.deleted else column.is_null()


@dataclass(frozen=True, slots=True)
class OrderingScope:
    """Rows in an order.

    Attributes:
        column: What to order by.
        direction: ``asc`` or ``desc``.
    """

    column: str = "created_at"
    direction: Literal["asc", "desc"] = "asc"

    def apply(self, query: AsyncQueryBuilder, /) -> AsyncQueryBuilder:
        """The query, ordered by this column after those it has already."""
        return query.order_by(self.column, desc=self.direction == "desc")


def apply_scopes(query: AsyncQueryBuilder, *scopes: QueryScope) -> AsyncQueryBuilder:
    """The query with all scopes, in their order."""
    return reduce(lambda made, scope: scope.apply(made), scopes, query)
