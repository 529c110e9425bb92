"""What the methods of repositories take as conditions, read into one list.

Keywords are ``field=value`` or ``field__op=value``; beside them stand typed filters, filter expressions, specifications
and mappings of keywords. Values stay what they are, and a field that does not exist is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from lexigram.contracts.data.types import FilterExpression, is_filter_expression
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.describing import Described, Describes, comparison
from lexigram.suggestions import did_you_mean

__all__ = ["AllOf", "AnyOf", "Condition", "Nothing", "Resolve", "conditions_of", "search_condition"]

Resolve = Callable[[str], str]
"""The column of a field; raises DataQueryError when there is none."""

_OPERATORS: Final[dict[str, str]] = {
    "eq": "=",
    "ne": "!=",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "in": "IN",
    "nin": "NOT IN",
    "not_in": "NOT IN",
    "like": "LIKE",
    "ilike": "ILIKE",
    "contains": "CONTAINS",
    "icontains": "ICONTAINS",
    "startswith": "STARTS WITH",
    "endswith": "ENDS WITH",
    "between": "BETWEEN",
    "isnull": "IS NULL",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A column compared with a value.

    Attributes:
        column: The column.
        operator: The comparison.
        value: The value.
    """

    column: str
    operator: str
    value: Any

    def describe(self, first: int) -> Described:
        """The condition, its values beginning at position *first*, and the values."""
        return comparison(self.column, self.operator, self.value, True, first)


@dataclass(frozen=True, slots=True)
class _Many:
    parts: tuple[Describes, ...]
    _word = "and"

    def describe(self, first: int) -> Described:
        """The conditions, their values beginning at position *first*, and the values."""
        clauses: list[Any] = []
        values: list[Any] = []
        for part in self.parts:
            clause, bound = part.describe(first + len(values))
            clauses.append(clause)
            values += bound
        return (self._word, tuple(clauses)), tuple(values)


class AnyOf(_Many):
    """At least one of the conditions holds."""

    __slots__ = ()
    _word = "or"


class AllOf(_Many):
    """All conditions hold."""

    __slots__ = ()


class Nothing:
    """A condition that no row meets."""

    __slots__ = ()

    def describe(self, first: int) -> Described:
        """The condition; it has no values, wherever they begin."""
        del first
        return ("or", ()), ()


@dataclass(frozen=True, slots=True)
class _Expression:
    """A filter expression whose fields are columns already."""

    expression: FilterExpression

    def describe(self, first: int) -> Described:
        return comparison(self.expression, "=", None, False, first)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A typed filter or specification, its columns checked against the entity when it is described."""

    inner: Describes
    resolve: Resolve

    def describe(self, first: int) -> Described:
        clause, values = self.inner.describe(first)
        return _resolved(clause, self.resolve), values


def _resolved(clause: Any, resolve: Resolve) -> Any:
    """A condition with the columns of its fields."""
    match clause[0]:
        case "compare" if isinstance(clause[1], str):
            return (clause[0], resolve(clause[1]), *clause[2:])
        case "differs":
            return (clause[0], resolve(clause[1]), *clause[2:])
        case "columns":
            return (clause[0], resolve(clause[1]), clause[2], resolve(clause[3]))
        case "and" | "or":
            return (clause[0], tuple(_resolved(part, resolve) for part in clause[1]))
        case "except":
            return (clause[0], _resolved(clause[1], resolve))
        case _:
            return clause


def conditions_of(given: Iterable[Any], keywords: Mapping[str, Any], resolve: Resolve) -> list[Describes]:
    """Read what a method was given.

    Args:
        given: Conditions of any documented kind; lists of them count as all of them, None as none.
        keywords: ``field`` or ``field__op`` with values.
        resolve: The column of a field.

    Raises:
        DataQueryError: A field or an operator does not exist, or something is no condition.
    """
    found: list[Describes] = []
    for one in given:
        found += _read(one, resolve)
    found += [_keyword(name, value, resolve) for name, value in keywords.items()]
    return found


def _read(one: Any, resolve: Resolve) -> list[Describes]:
    if one is None:
        return []
    if is_filter_expression(one):
        return [_Checked(_Expression(one), resolve)]
    if isinstance(one, Describes):
        return [_Checked(one, resolve)]
    if isinstance(one, Mapping):
        return conditions_of((), cast("Mapping[str, Any]", one), resolve)
    if isinstance(one, list | tuple):
        return conditions_of(cast("list[Any]", one), {}, resolve)
    to_expression = getattr(one, "to_expression", None)
    if callable(to_expression):
        return _read(to_expression(), resolve)
    raise DataQueryError(
        f"{type(one).__name__} is no condition",
        hint="Use keywords such as age__gte=18, F('age') >= 18, FieldGte('age', 18) or a specification.",
    )


def _keyword(name: str, value: Any, resolve: Resolve) -> Condition:
    field, separator, operator = name.rpartition("__")
    if not separator:
        return Condition(resolve(name), "=", value)
    known = _OPERATORS.get(operator)
    if known is None:
        raise DataQueryError(
            f"there is no operator {operator!r}{did_you_mean(operator, _OPERATORS)}",
            hint=f"Known are: {', '.join(_OPERATORS)}.",
        )
    if operator == "isnull" and not isinstance(value, bool):
        raise DataQueryError(f"{name} takes True or False, not {type(value).__name__}", hint="Give a bool.")
    return Condition(resolve(field), known, value)


def search_condition(text: str, fields: Iterable[str], resolve: Resolve) -> Describes:
    """One of *fields* contains *text*, whatever its case.

    Raises:
        DataQueryError: No fields are named, or one does not exist.
    """
    columns = [resolve(field) for field in fields]
    if not columns:
        raise DataQueryError("a search needs fields", hint="Give search_fields=['name', …].")
    return AnyOf(tuple(Condition(column, "ICONTAINS", text) for column in columns))
