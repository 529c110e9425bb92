"""Expressions of DynamoDB as trees, before they have placeholders, and what writes them.

A condition is put together from small frozen nodes, weighed, shortened or left out, and only then written: names and
values get their placeholders when the request is known, shared by all its expressions (:class:`Writer`). A value is
either fixed or an :class:`Operand`, made of a constant of the filter each time the expression is used again.

Source: Amazon DynamoDB Developer Guide, "Comparison operator and function reference" and "Constraints in Amazon
DynamoDB" (expression parameters). DynamoDB refuses redundant parentheses, so exactly the needed ones are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue

__all__ = [
    "ALWAYS",
    "MAX_BYTES",
    "MAX_EXPANDED",
    "MAX_IN",
    "MAX_OPERATORS",
    "MAX_SUBSTITUTION",
    "NEVER",
    "AllOf",
    "AnyOf",
    "Between",
    "Comparison",
    "Composite",
    "Constant",
    "Expression",
    "Function",
    "Negation",
    "OneOf",
    "Operand",
    "Path",
    "Size",
    "Text",
    "Value",
    "Writer",
    "all_of",
    "any_of",
    "names_in",
    "negation",
    "operators",
    "values_in",
]

MAX_BYTES: Final = 4096
"""Bytes of one expression."""

MAX_OPERATORS: Final = 300
"""Operators and functions in one expression."""

MAX_IN: Final = 99
"""Values in one ``IN``: the documented 100 operands count the one that is compared."""

MAX_EXPANDED: Final = 1_000_000
"""Bytes of an expression with its values in place, each as often as it stands there. This limit is in no document, but
DynamoDB Local has it, a little above ("Expression size has exceeded the maximum allowed size")."""

MAX_SUBSTITUTION: Final = 2 * 1024 * 1024
"""Bytes of all names and values that stand for placeholders of one request."""

Path = tuple[str, ...]
"""Attribute names from the top of the item downwards, as they are stored."""

Comparator = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Operand:
    """A value made of a constant of the filter.

    Attributes:
        slot: Which constant.
        make: Makes the attribute value of it.
        part: For functions that are used for several values of one constant, which of them.
    """

    slot: int
    make: Callable[[Any, int], AttributeValue]
    part: int = 0


@dataclass(frozen=True, slots=True)
class Composite:
    """A value made of several constants of the filter, or of their elements.

    Attributes:
        parts: Slot of each constant, and position of the element, or None for the constant itself.
        make: Makes the attribute value of them.
    """

    parts: tuple[tuple[int, int | None], ...]
    make: Callable[[Sequence[Any]], AttributeValue]


@dataclass(frozen=True, slots=True)
class Text:
    """A fixed text value, such as a type's name.

    Attributes:
        text: The text.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Constant:
    """Any other fixed value.

    Attributes:
        kind: The value's type, such as ``N``.
        content: As on the wire, where that is hashable.
    """

    kind: str
    content: str | bool


Value = Operand | Composite | Text | Constant


@dataclass(frozen=True, slots=True)
class Comparison:
    """``path = value`` and the like."""

    path: Path
    comparator: Comparator
    value: Value


@dataclass(frozen=True, slots=True)
class Between:
    """``path BETWEEN low AND high``, both included; DynamoDB refuses it where low is above high."""

    path: Path
    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """``path IN (values)``, or with several paths ``value IN (paths)``.

    Attributes:
        paths: One or more.
        values: One or more; just one if there are several paths.
    """

    paths: tuple[Path, ...]
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """``name(path)`` or ``name(path, value)``."""

    name: Literal["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"]
    path: Path
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """``size(path) = value``."""

    path: Path
    comparator: Comparator
    value: Value


@dataclass(frozen=True, slots=True)
class AllOf:
    """All parts, of which there are two or more; none of them an :class:`AllOf`. Without parts: always."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the parts, of which there are two or more; none of them an :class:`AnyOf`. Without parts: never."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """Not the part."""

    part: Expression


Expression = Comparison | Between | OneOf | Function | Size | AllOf | AnyOf | Negation

ALWAYS: Final = AllOf(())
"""Holds for every item; it is never written, but left out."""

NEVER: Final = AnyOf(())
"""Holds for no item; a request with it is never sent."""


def all_of(parts: Sequence[Expression]) -> Expression:
    """Join conditions that must all hold.

    Args:
        parts: Any conditions.

    Returns:
        The shortest form of it.
    """
    flat: dict[Expression, None] = {}
    for part in parts:
        if isinstance(part, AllOf):
            flat.update(dict.fromkeys(part.parts))
        elif part == NEVER:
            return NEVER
        else:
            flat[part] = None
    return next(iter(flat)) if len(flat) == 1 else AllOf(tuple(flat))


def any_of(parts: Sequence[Expression]) -> Expression:
    """Join conditions of which one must hold.

    Args:
        parts: Any conditions.

    Returns:
        The shortest form of it.
    """
    flat: dict[Expression, None] = {}
    for part in parts:
        if isinstance(part, AnyOf):
            flat.update(dict.fromkeys(part.parts))
        elif part == ALWAYS:
            return ALWAYS
        else:
            flat[part] = None
    return next(iter(flat)) if len(flat) == 1 else AnyOf(tuple(flat))


_OPPOSITES: Final = {"attribute_exists": "attribute_not_exists", "attribute_not_exists": "attribute_exists"}


def negation(part: Expression) -> Expression:
    """Turn a condition round.

    Args:
        part: Any condition.

    Returns:
        The shortest form of its opposite. ``<>`` is the exact opposite of ``=``: it holds for missing attributes too.
    """
    match part:
        case Negation(inner):
            return inner
        case AllOf(()):
            return NEVER
        case AnyOf(()):
            return ALWAYS
        case Comparison(path, "=", value):
            return Comparison(path, "<>", value)
        case Comparison(path, "<>", value):
            return Comparison(path, "=", value)
        case Function("attribute_exists", path):
            return Function("attribute_not_exists", path)
        case Function("attribute_not_exists", path):
            return Function("attribute_exists", path)
        case _:
            return Negation(part)


def operators(expression: Expression) -> int:
    """Count what DynamoDB counts: comparisons, functions, ``AND``, ``OR``, ``NOT``.

    Args:
        expression: Any condition.

    Returns:
        The count; a ``BETWEEN`` counts twice, for its ``AND``.
    """
    match expression:
        case AllOf(parts) | AnyOf(parts):
            return max(0, len(parts) - 1) + sum(map(operators, parts))
        case Negation(part):
            return 1 + operators(part)
        case Between() | Size():
            return 2
        case _:
            return 1


def names_in(expression: Expression) -> set[str]:
    """Name the top-level attributes that a condition looks at."""
    match expression:
        case AllOf(parts) | AnyOf(parts):
            return set[str]().union(*map(names_in, parts))
        case Negation(part):
            return names_in(part)
        case OneOf(paths):
            return {path[0] for path in paths}
        case _:
            return {expression.path[0]}


def values_in(expression: Expression) -> list[Value]:
    """List the values that a condition compares with, as often as they stand in it."""
    match expression:
        case AllOf(parts) | AnyOf(parts):
            return [value for part in parts for value in values_in(part)]
        case Negation(part):
            return values_in(part)
        case OneOf(_, values):
            return list(values)
        case Between(_, low, high):
            return [low, high]
        case _:
            return [] if expression.value is None else [expression.value]


class Writer:
    """Gives placeholders to the names and values of one request, and writes its expressions.

    Attributes:
        names: Attribute names by placeholder, for ``ExpressionAttributeNames``.
        fixed: Fixed values by placeholder.
        operands: Placeholder and operand of each value that is made anew for every request.
    """

    __slots__ = ("_names", "_values", "fixed", "names", "operands")

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.fixed: dict[str, AttributeValue] = {}
        self.operands: list[tuple[str, Operand | Composite]] = []
        self._names: dict[str, str] = {}
        self._values: dict[Value, str] = {}

    def name(self, name: str) -> str:
        """Give a placeholder to an attribute name, the same each time."""
        found = self._names.get(name)
        if found is None:
            found = self._names[name] = f"#{len(self._names):x}"
            self.names[found] = name
        return found

    def path(self, path: Path) -> str:
        """Write a document path."""
        return ".".join(map(self.name, path))

    def value(self, value: Value) -> str:
        """Give a placeholder to a value, the same each time."""
        found = self._values.get(value)
        if found is None:
            found = self._values[value] = f":{len(self._values):x}"
            match value:
                case Operand() | Composite():
                    self.operands.append((found, value))
                case Text(text):
                    self.fixed[found] = {"S": text}
                case Constant(kind, content):
                    self.fixed[found] = {kind: content}
        return found

    def copy(self) -> Writer:
        """Make another one that goes on from here."""
        other = Writer()
        other.names, other.fixed, other.operands = dict(self.names), dict(self.fixed), list(self.operands)
        other._names, other._values = dict(self._names), dict(self._values)
        return other

    def write(self, expression: Expression) -> str:
        """Write a condition.

        Args:
            expression: Any condition but :data:`ALWAYS` and :data:`NEVER`.

        Returns:
            Its text, all ASCII.
        """
        match expression:
            case AllOf(parts):
                return " AND ".join([self._inside(part, AnyOf) for part in parts])
            case AnyOf(parts):
                return " OR ".join([self._inside(part, AllOf) for part in parts])
            case Negation(part):
                return f"NOT {self._inside(part, AllOf, AnyOf)}"
            case Comparison(path, comparator, value):
                return f"{self.path(path)} {comparator} {self.value(value)}"
            case Between(path, low, high):
                return f"{self.path(path)} BETWEEN {self.value(low)} AND {self.value(high)}"
            case OneOf((path,), values):
                return f"{self.path(path)} IN ({', '.join(map(self.value, values))})"
            case OneOf(paths, (value,)):
                return f"{self.value(value)} IN ({', '.join(map(self.path, paths))})"
            case Function(name, path, value):
                return f"{name}({self.path(path)}{'' if value is None else f', {self.value(value)}'})"
            case Size(path, comparator, value):
                return f"size({self.path(path)}) {comparator} {self.value(value)}"
            case OneOf():
                raise ValueError("several paths are compared with one value")

    def _inside(self, part: Expression, *wrapped: type) -> str:
        text = self.write(part)
        return f"({text})" if isinstance(part, wrapped) else text
