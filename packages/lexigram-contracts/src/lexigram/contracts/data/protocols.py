"""Filter expressions and page requests, and what translates them.

The expressions are defined in ``lexigram.contracts.data.types``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from lexigram.contracts.data.types import (
    AndExpr,
    CursorPaginationSpec,
    FieldContains,
    FieldEq,
    FieldGt,
    FieldGte,
    FieldIn,
    FieldLt,
    FieldLte,
    FieldNeq,
    FilterExpression,
    LogicalOperator,
    NotExpr,
    OrExpr,
    PaginationSpec,
    ProjectionSpec,
    SortSpecification,
    is_filter_expression,
)

__all__ = [
    "AndExpr",
    "CursorCodecProtocol",
    "CursorPaginationSpec",
    "FieldContains",
    "FieldEq",
    "FieldGt",
    "FieldGte",
    "FieldIn",
    "FieldLt",
    "FieldLte",
    "FieldNeq",
    "FilterCompilerProtocol",
    "FilterExpression",
    "LogicalOperator",
    "NotExpr",
    "OrExpr",
    "PaginationSpec",
    "PaginatorProtocol",
    "ProjectionSpec",
    "QueryFilterProtocol",
    "SortSpecification",
    "is_filter_expression",
]

T_co = TypeVar("T_co", covariant=True)


@runtime_checkable
class QueryFilterProtocol(Protocol):
    """What narrows a query down: any object that can say so as a filter expression."""

    def to_expression(self) -> FilterExpression | None:
        """The condition, or None when everything is wanted."""
        ...


@runtime_checkable
class FilterCompilerProtocol(Protocol[T_co]):
    """Turns a filter expression into what a store, or Python, evaluates."""

    def compile(self, expression: FilterExpression, /) -> T_co:
        """The expression in the target's form.

        Raises:
            DataValidationError: The target has no form for it.
        """
        ...


@runtime_checkable
class CursorCodecProtocol(Protocol):
    """Writes the place where a page ended as opaque text, and reads it back."""

    def encode(self, position: Mapping[str, Any], /) -> str:
        """The position as text that is safe in a URL."""
        ...

    def decode(self, cursor: str, /) -> dict[str, Any]:
        """The position in the text.

        Raises:
            LexigramError: The text is no cursor, or was altered.
        """
        ...


@runtime_checkable
class PaginatorProtocol(Protocol[T_co]):
    """Cuts a sequence of items into pages of one kind."""

    def paginate(self, items: Sequence[Any], /, *args: Any, **kwargs: Any) -> T_co:
        """The page asked for."""
        ...
