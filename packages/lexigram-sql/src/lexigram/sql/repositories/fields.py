"""Typed filters: conditions written as Python comparisons.

::

    from lexigram.sql.repositories import F

    adults = (F("age") >= 18) & ~F("name").like("test%")
    rows = await AsyncQueryBuilder("users").where(adults).order_by(F("name").desc()).fetch(db)

They mean what the operators of :class:`~lexigram.sql.query.operators.Operator` mean in SQL: a comparison with NULL does
not hold, ``!=`` included. ``~`` chooses exactly the rows that its condition leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, cast

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.data.types import SortSpecification
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.compile import condition_sql
from lexigram.sql.query.describing import Described, comparison
from lexigram.sql.query.evaluating import holds, look_up
from lexigram.sql.query.names import as_name
from lexigram.sql.query.operators import Operator, parse_operator
from lexigram.sql.query.parameterized import ParameterizedQuery
from lexigram.sql.query.shape import Clause

__all__ = ["F", "Filter", "field"]

Kind = Literal["field", "and", "or", "not"]

_KINDS = frozenset({"field", "and", "or", "not"})


@dataclass(frozen=True, init=False)
class Filter:
    """A condition, or several combined.

    ``Filter("status", "==", "active")`` and ``Filter("deleted_at", "is null")`` are short for
    ``Filter("field", "status", "==", "active")`` and so on.

    Attributes:
        kind: ``field`` for a comparison; ``and``, ``or`` and ``not`` for what combines others.
        field_name: The column of a comparison.
        operator: How it is compared: the canonical name.
        value: With what.
        children: What is combined.

    Raises:
        DataQueryError: There is no such operator, or the value does not fit it.
    """

    kind: Kind
    field_name: str | None
    operator: str | None
    value: Any
    children: tuple[Filter, ...]

    def __init__(
        self,
        kind: Kind | str,
        field_name: Any = None,
        operator: Operator | str | Any = None,
        value: Any = ...,
        children: Iterable[Filter] = (),
    ) -> None:
        inner = tuple(children)
        if value is ... and not inner and field_name is not None:
            # Three words: the column, the operator, the value.
            kind, field_name, operator, value = "field", kind, field_name, operator
        if kind not in _KINDS:
            raise DataQueryError(f"there is no filter of kind {kind!r}", hint="Use field, and, or, not.")
        if kind == "field":
            name, arity = parse_operator(operator)
            if arity == "many" and not isinstance(value, str | bytes) and isinstance(value, Iterable):
                value = tuple(cast("Any", value))
            operator, field_name = name, as_name(field_name)
            value = None if value is ... else value
            _comparison(field_name, name, value, 0)
        elif not inner or (kind == "not" and len(inner) != 1) or field_name is not None:
            raise DataQueryError(f"a filter of kind {kind} combines others", hint="Use &, | and ~.")
        else:
            value = None
        for attribute, given in (
            ("kind", kind),
            ("field_name", field_name),
            ("operator", operator),
            ("value", value),
            ("children", inner),
        ):
            object.__setattr__(self, attribute, given)

    def __and__(self, other: Filter) -> Filter:
        return self._joined("and", other)

    def __or__(self, other: Filter) -> Filter:
        return self._joined("or", other)

    def __invert__(self) -> Filter:
        return self.children[0] if self.kind == "not" else Filter("not", children=(self,))

    def _joined(self, kind: Kind, other: object) -> Filter:
        if not isinstance(other, Filter):
            raise TypeError(f"a filter combines with filters, not with {type(other).__name__}")
        mine = self.children if self.kind == kind else (self,)
        theirs = other.children if other.kind == kind else (other,)
        return Filter(kind, children=(*mine, *theirs))

    def __bool__(self) -> NoReturn:
        raise TypeError("a filter is neither true nor false; combine them with &, | and ~, not and, or, not")

    def describe(self, first: int) -> Described:
        """The condition as a clause of a query, its values beginning at position *first*, and the values."""
        if self.kind == "field":
            return _comparison(self.field_name or "", self.operator or "", self.value, first)
        parts: list[Clause] = []
        values: list[Any] = []
        for child in self.children:
            clause, bound = child.describe(first + len(values))
            parts.append(clause)
            values += bound
        return (("except", parts[0]) if self.kind == "not" else (self.kind, tuple(parts))), tuple(values)

    def to_sql(self, dialect: SQLDialect | str = SQLDialect.POSTGRESQL) -> ParameterizedQuery:
        """The filter as the condition of a WHERE clause, with its parameters.

        Args:
            dialect: The SQL to write.
        """
        spoken = SQLDialect(dialect)
        return ParameterizedQuery(*condition_sql(*self.describe(0), spoken), spoken)

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when an object in memory meets the condition: a mapping by its keys, others by their attributes."""
        match self.kind:
            case "and":
                return all(child.is_satisfied_by(candidate) for child in self.children)
            case "or":
                return any(child.is_satisfied_by(candidate) for child in self.children)
            case "not":
                return not self.children[0].is_satisfied_by(candidate)
            case "field":
                return holds(self.operator or "", look_up(candidate, self.field_name or ""), self.value)


def _comparison(column: str, operator: str, value: Any, first: int) -> Described:
    return comparison(column, operator, value, True, first)


class F:
    """A column, to be compared.

    Args:
        name: Its name.
    """

    __slots__ = ("name",)

    def __init__(self, name: Any) -> None:
        self.name = as_name(name)

    def __repr__(self) -> str:
        return f"F({self.name!r})"

    def __hash__(self) -> int:
        return hash((F, self.name))

    def _is(self, operator: Operator, value: Any = None) -> Filter:
        return Filter("field", self.name, operator, value)

    # Comparing makes a filter, so that two columns are never equal or different.
    def __eq__(self, value: object) -> Filter:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._is(Operator.EQ, value)

    def __ne__(self, value: object) -> Filter:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._is(Operator.NE, value)

    def __lt__(self, value: Any) -> Filter:
        return self._is(Operator.LT, value)

    def __le__(self, value: Any) -> Filter:
        return self._is(Operator.LE, value)

    def __gt__(self, value: Any) -> Filter:
        return self._is(Operator.GT, value)

    def __ge__(self, value: Any) -> Filter:
        return self._is(Operator.GE, value)

    def in_(self, values: Iterable[Any]) -> Filter:
        """The column equals one of the values; None among them finds NULL."""
        return self._is(Operator.IN, values)

    def not_in(self, values: Iterable[Any]) -> Filter:
        """The column equals none of the values."""
        return self._is(Operator.NOT_IN, values)

    def like(self, pattern: str) -> Filter:
        """The column matches a pattern of ``%`` and ``_``; case counts."""
        return self._is(Operator.LIKE, pattern)

    def ilike(self, pattern: str) -> Filter:
        """The column matches a pattern; case does not count."""
        return self._is(Operator.ILIKE, pattern)

    def contains(self, text: str) -> Filter:
        """The column holds a piece of text; case counts."""
        return self._is(Operator.CONTAINS, text)

    def starts_with(self, text: str) -> Filter:
        """The column begins with a text; case counts."""
        return self._is(Operator.STARTS_WITH, text)

    def ends_with(self, text: str) -> Filter:
        """The column ends with a text; case counts."""
        return self._is(Operator.ENDS_WITH, text)

    def is_null(self) -> Filter:
        """The column is NULL."""
        return self._is(Operator.IS_NULL)

    def is_not_null(self) -> Filter:
        """The column is not NULL."""
        return self._is(Operator.IS_NOT_NULL)

    def between(self, low: Any, high: Any) -> Filter:
        """The column lies between two values, both included."""
        return self._is(Operator.BETWEEN, (low, high))

    def asc(self) -> SortSpecification:
        """Order by the column, least values first."""
        return SortSpecification(self.name)

    def desc(self) -> SortSpecification:
        """Order by the column, greatest values first."""
        return SortSpecification(self.name, "desc")


def field(name: Any) -> F:
    """A column, to be compared; the same as :class:`F`."""
    return F(name)
