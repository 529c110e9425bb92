"""Filter expressions, and how results are ordered, paged and cut.

Expressions are plain frozen dataclasses that say *what* is wanted and nothing of how a database is asked; a store
translates them. They combine with ``&``, ``|`` and ``~`` (``and``, ``or`` and ``not`` are refused), and they are
specifications: ``is_satisfied_by`` tells whether an object in memory is wanted. In memory, a field is looked up as a
key of a mapping, else as an attribute, step by step along a dotted path. A path that leads nowhere gives None; None
equals only None, and has no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NoReturn, TypeAlias, cast

from lexigram.contracts.exceptions.infra import DataValidationError
from typing_extensions import TypeIs

__all__ = [
    "AndExpr",
    "CursorPaginationSpec",
    "FieldContains",
    "FieldEq",
    "FieldGt",
    "FieldGte",
    "FieldIn",
    "FieldLt",
    "FieldLte",
    "FieldNeq",
    "FilterExpression",
    "LogicalOperator",
    "NotExpr",
    "OrExpr",
    "PaginationSpec",
    "ProjectionSpec",
    "SortSpecification",
    "is_filter_expression",
]


class _Combines:
    """What all expressions share."""

    __slots__ = ()

    def __and__(self, other: FilterExpression) -> AndExpr:
        if not is_filter_expression(other):
            return NotImplemented
        return AndExpr(cast("FilterExpression", self), other)

    def __or__(self, other: FilterExpression) -> OrExpr:
        if not is_filter_expression(other):
            return NotImplemented
        return OrExpr(cast("FilterExpression", self), other)

    def __invert__(self) -> NotExpr:
        return NotExpr(cast("FilterExpression", self))

    def __bool__(self) -> NoReturn:
        # `a and b` would be b alone, silently; Python lets no library change what these words mean.
        raise TypeError("a filter expression is neither true nor false; combine them with &, | and ~, not and, or, not")


class _Nests(_Combines):
    """What expressions around others share: comparing, hashing and showing them without recursion.

    Programs build long chains of them in loops, and what a dataclass would do here ends at Python's recursion limit.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Nests):
            return NotImplemented
        pending: list[tuple[object, object]] = [(self, other)]
        while pending:
            mine, theirs = pending.pop()
            if mine is theirs:
                continue
            if not isinstance(mine, _Nests):
                if mine != theirs:
                    return False
            elif type(mine) is type(theirs):
                pending += zip(_parts(mine), _parts(theirs), strict=True)
            else:
                return False
        return True

    def __hash__(self) -> int:
        # Kinds and leaves in the order of reading, which determine the expression.
        return hash(tuple([type(node) if isinstance(node, _Nests) else hash(node) for node in _walked(self)]))

    def __repr__(self) -> str:
        written: list[str] = []
        pending: list[object] = [self]
        while pending:
            node = pending.pop()
            if isinstance(node, str):
                written.append(node)
            elif isinstance(node, NotExpr):
                pending += [")", node.expr, "NotExpr(expr="]
            elif isinstance(node, AndExpr | OrExpr):
                pending += [")", node.right, ", right=", node.left, f"{type(node).__name__}(left="]
            else:
                written.append(repr(node))
        return "".join(written)


def _parts(node: object) -> tuple[FilterExpression, ...]:
    """The expressions directly inside another; the class of *node* is known to nest."""
    if isinstance(node, NotExpr):
        return (node.expr,)
    both = cast("AndExpr | OrExpr", node)
    return (both.left, both.right)


def _walked(root: object) -> Iterator[object]:
    """An expression and all inside it, each before its parts, the left before the right."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, _Nests):
            pending += reversed(_parts(node))


@dataclass(frozen=True, slots=True)
class FieldEq(_Combines):
    """The field equals the value."""

    field: str
    value: Any

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets the condition."""
        return bool(_look_up(candidate, self.field) == self.value)


@dataclass(frozen=True, slots=True)
class FieldNeq(_Combines):
    """The field does not equal the value."""

    field: str
    value: Any

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets the condition."""
        return bool(_look_up(candidate, self.field) != self.value)


@dataclass(frozen=True, slots=True)
class FieldGt(_Combines):
    """The field is greater than the value."""

    field: str
    value: Any

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets the condition; values that have no order between them do not."""
        return _ordered(_look_up(candidate, self.field), self.value, lambda a, b: a > b)


@dataclass(frozen=True, slots=True)
class FieldGte(_Combines):
    """The field is greater than the value, or equal to it."""

    field: str
    value: Any

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets the condition; values that have no order between them do not."""
        return _ordered(_look_up(candidate, self.field), self.value, lambda a, b: a >= b)


@dataclass(frozen=True, slots=True)
class FieldLt(_Combines):
    """The field is less than the value."""

    field: str
    value: Any

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets the condition; values that have no order between them do not."""
        return _ordered(_look_up(candidate, self.field), self.value, lambda a, b: a < b)


@dataclass(frozen=True, slots=True)
class FieldLte(_Combines):
    """The field is less than the value, or equal to it."""

    field: str
    value: Any

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets the condition; values that have no order between them do not."""
        return _ordered(_look_up(candidate, self.field), self.value, lambda a, b: a <= b)


@dataclass(frozen=True, slots=True)
class FieldIn(_Combines):
    """The field equals one of the values.

    Any iterable of values is accepted, save text, and kept as a tuple.
    """

    field: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        given: Any = self.values
        if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
            raise DataValidationError(
                f"FieldIn({self.field!r}) needs a collection of values, not {type(given).__name__}", field=self.field
            )
        object.__setattr__(self, "values", tuple(given))

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets the condition."""
        found = _look_up(candidate, self.field)
        return any(found == value for value in self.values)


@dataclass(frozen=True, slots=True)
class FieldContains(_Combines):
    """The field holds the value: text holds a piece of text (case counts), a collection holds an element."""

    field: str
    value: Any

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets the condition; a field that can hold nothing does not."""
        found = _look_up(candidate, self.field)
        if found is None:
            return False
        if isinstance(found, str):
            return isinstance(self.value, str) and self.value in found
        try:
            return self.value in found
        except TypeError:
            return False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AndExpr(_Nests):
    """Both conditions hold."""

    left: FilterExpression
    right: FilterExpression

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets both conditions."""
        return _holds(self, candidate)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OrExpr(_Nests):
    """At least one of the conditions holds."""

    left: FilterExpression
    right: FilterExpression

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets at least one of the conditions."""
        return _holds(self, candidate)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NotExpr(_Nests):
    """The condition does not hold."""

    expr: FilterExpression

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* does not meet the condition."""
        return _holds(self, candidate)


FilterExpression: TypeAlias = (
    FieldEq | FieldNeq | FieldGt | FieldGte | FieldLt | FieldLte | FieldIn | FieldContains | AndExpr | OrExpr | NotExpr
)


def is_filter_expression(value: object) -> TypeIs[FilterExpression]:
    """True when *value* is one of the filter expressions."""
    return isinstance(value, FilterExpression)


def _holds(root: AndExpr | OrExpr | NotExpr, candidate: Any) -> bool:
    """Evaluate without recursion, so that expressions may be nested as deep as memory allows."""
    pending: list[AndExpr | OrExpr | NotExpr] = []
    node: FilterExpression = root
    while True:
        while isinstance(node, (AndExpr, OrExpr, NotExpr)):
            pending.append(node)
            node = node.expr if isinstance(node, NotExpr) else node.left
        value = node.is_satisfied_by(candidate)
        while pending:
            outer = pending.pop()
            if isinstance(outer, NotExpr):
                value = not value
            elif value is isinstance(outer, AndExpr):
                # The left side leaves it open, so the right side's value is the whole's.
                node = outer.right
                break
        else:
            return value


def _look_up(candidate: Any, path: str) -> Any:
    """The value at a dotted path of keys and attributes; None where the path ends early."""
    value: Any = candidate
    for name in path.split("."):
        value = _step(value, name)
        if value is None:
            return None
    return value


def _step(value: Any, name: str) -> Any:
    return cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _ordered(found: Any, value: Any, test: Callable[[Any, Any], Any]) -> bool:
    if found is None or value is None:
        return False
    try:
        return bool(test(found, value))
    except TypeError:
        return False


class LogicalOperator(StrEnum):
    """How conditions are joined."""

    AND = "and"
    OR = "or"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class SortSpecification:
    """One field of an order.

    Attributes:
        field: Its name.
        direction: ``asc`` or ``desc``.
    """

    field: str
    direction: Literal["asc", "desc"] = "asc"

    def __post_init__(self) -> None:
        if self.direction not in ("asc", "desc"):
            raise DataValidationError(
                f"direction of {self.field!r} is {self.direction!r}", field="direction", hint="Use 'asc' or 'desc'."
            )


@dataclass(frozen=True, slots=True)
class PaginationSpec:
    """A page by number.

    Attributes:
        page: Its number, from 1.
        size: The most it holds, at least 1.
    """

    page: int = 1
    size: int = 20

    def __post_init__(self) -> None:
        _at_least_one("page", self.page)
        _at_least_one("size", self.size)

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return (self.page - 1) * self.size


@dataclass(frozen=True, slots=True)
class CursorPaginationSpec:
    """A page by cursor.

    Attributes:
        cursor: Where the page before ended; None for the first page.
        size: The most it holds, at least 1.
    """

    cursor: str | None = None
    size: int = 20

    def __post_init__(self) -> None:
        _at_least_one("size", self.size)


@dataclass(frozen=True, slots=True)
class ProjectionSpec:
    """Which fields come back.

    Attributes:
        include: Only these, where there are any; kept as a tuple.
        exclude: All but these; not together with *include*.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("include", "exclude"):
            given = getattr(self, name)
            if isinstance(given, str):
                raise DataValidationError(f"{name} is a list of fields, not text", field=name)
            object.__setattr__(self, name, tuple(given))
        if self.include and self.exclude:
            raise DataValidationError(
                "a projection cannot both include and exclude fields", hint="Give include or exclude, not both."
            )


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise DataValidationError(f"{name} is {value}, and must be 1 or more", field=name)
