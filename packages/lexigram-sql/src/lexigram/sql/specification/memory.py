"""Specifications on objects in memory, with the operators and the meaning of SQL's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, NoReturn, Self, TypeVar

from lexigram.contracts.domain.specification import SpecificationProtocol
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.describing import comparison
from lexigram.sql.query.evaluating import holds, look_up
from lexigram.sql.query.operators import Operator, parse_operator

__all__ = [
    "AndMemorySpecification",
    "MemorySpecification",
    "MemorySpecificationBuilder",
    "NotMemorySpecification",
    "OrMemorySpecification",
]

T = TypeVar("T")


class MemorySpecification(Generic[T]):
    """A condition on objects.

    Args:
        predicate: Tells whether an object meets it.
    """

    def __init__(self, predicate: Callable[[T], bool]) -> None:
        self._predicate = predicate

    def is_satisfied_by(self, candidate: T, /) -> bool:
        """True when *candidate* meets the condition."""
        return self._predicate(candidate)

    def filter(self, candidates: Iterable[T]) -> list[T]:
        """The objects that meet the condition, in their order."""
        return [candidate for candidate in candidates if self.is_satisfied_by(candidate)]

    def __and__(self, other: SpecificationProtocol[T]) -> MemorySpecification[T]:
        return AndMemorySpecification(self, other) if _is_one(other) else NotImplemented

    def __or__(self, other: SpecificationProtocol[T]) -> MemorySpecification[T]:
        return OrMemorySpecification(self, other) if _is_one(other) else NotImplemented

    def __invert__(self) -> MemorySpecification[T]:
        return NotMemorySpecification(self)

    def __bool__(self) -> NoReturn:
        raise TypeError("a specification is neither true nor false; combine them with &, | and ~")


def _is_one(other: Any) -> bool:
    return isinstance(other, SpecificationProtocol)


class AndMemorySpecification(MemorySpecification[T]):
    """Both conditions hold."""

    def __init__(self, left: SpecificationProtocol[T], right: SpecificationProtocol[T]) -> None:
        super().__init__(lambda candidate: left.is_satisfied_by(candidate) and right.is_satisfied_by(candidate))


class OrMemorySpecification(MemorySpecification[T]):
    """At least one of the conditions holds."""

    def __init__(self, left: SpecificationProtocol[T], right: SpecificationProtocol[T]) -> None:
        super().__init__(lambda candidate: left.is_satisfied_by(candidate) or right.is_satisfied_by(candidate))


class NotMemorySpecification(MemorySpecification[T]):
    """The condition does not hold."""

    def __init__(self, inner: SpecificationProtocol[T]) -> None:
        super().__init__(lambda candidate: not inner.is_satisfied_by(candidate))


class MemorySpecificationBuilder:
    """Builds a specification step by step; each step makes a new builder.

    ::

        grown = MemorySpecificationBuilder().where("age", ">=", 18).where_not_null("email").build()
        found = grown.filter(users)
    """

    __slots__ = ("_built",)

    def __init__(self) -> None:
        self._built: MemorySpecification[Any] = MemorySpecification(lambda _: True)

    def _new(self, built: MemorySpecification[Any]) -> Self:
        new = type(self)()
        new._built = built
        return new

    def where(self, field: str, operator: Operator | str, value: Any = None) -> Self:
        """Add a condition that must hold as well.

        Args:
            field: A key of a mapping, or an attribute; dots lead further in.
            operator: One of :class:`~lexigram.sql.query.operators.Operator`, in any spelling.
            value: The value.

        Raises:
            DataQueryError: There is no such operator, or the value does not fit it.
        """
        name, arity = parse_operator(operator)
        if arity in {"many", "two"} and isinstance(value, Iterable) and not isinstance(value, str | bytes):
            value = tuple(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of anything
        comparison(field, operator, value, True, 0)
        holds(name, None, value)
        added: MemorySpecification[Any] = MemorySpecification(lambda found: holds(name, look_up(found, field), value))
        return self.matching(added)

    def where_between(self, field: str, low: Any, high: Any) -> Self:
        """The field lies between two values, both included."""
        return self.where(field, Operator.BETWEEN, (low, high))

    def where_in(self, field: str, values: Iterable[Any]) -> Self:
        """The field equals one of the values."""
        return self.where(field, Operator.IN, values)

    def where_null(self, field: str) -> Self:
        """The field is None, or missing."""
        return self.where(field, Operator.IS_NULL)

    def where_not_null(self, field: str) -> Self:
        """The field is there, and not None."""
        return self.where(field, Operator.IS_NOT_NULL)

    def matching(self, *others: SpecificationProtocol[Any]) -> Self:
        """Add specifications and filter expressions that must hold as well."""
        built = self._built
        for other in others:
            if not _is_one(other):
                raise DataQueryError(f"{type(other).__name__} is no specification", hint="It needs is_satisfied_by().")
            built = built & other
        return self._new(built)

    def any_of(self, *others: SpecificationProtocol[Any]) -> Self:
        """Add specifications of which at least one must hold; none of them lets nothing through."""
        some: MemorySpecification[Any] = MemorySpecification(lambda _: False)
        for other in others:
            some = some | other
        return self.matching(some)

    def build(self) -> MemorySpecification[Any]:
        """The specification; without a condition, everything meets it."""
        return self._built
