"""Requests of a shape that was compiled before: the messages are copied, and the constants put in.

What a filter becomes depends on its shape, and on little of its constants: their classes, whether a float is whole,
whether a number is so large that ints and doubles differ. Filters that agree in all that share a :class:`Recipe`: the
messages, and which constant stands where in which form. It is found by compiling the filter once more with constants
that occur nowhere else, and looking for them in the messages; and it is kept only if it makes, of the constants of the
filter itself, exactly what compiling made of them.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec import tags
from lexigram.nosql.backends.firestore.codec.encoding import encode_value
from lexigram.nosql.backends.firestore.codec.ids import encode_id
from lexigram.nosql.backends.firestore.codec.messages import Value
from lexigram.nosql.backends.firestore.planning.messages import StructuredQuery
from lexigram.nosql.query.ast import Always, And, Compare, Exists, In, Never, Node, Nor, Not, Or, Size, Type
from lexigram.nosql.values.order import date_millis

__all__ = ["Recipe", "constants_of", "marks_of", "stand_ins", "with_constants"]

_EXACT: Final = 2**53
_LONGEST: Final = 350
_MOST_VALUES: Final = 30
_LAST_YEAR: Final = 9999
_BEFORE: Final = datetime(2001, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_FIXED: Final = (Exists, Type, Size, Always, Never)

Name = Callable[[str], str]


def constants_of(node: Node, found: list[Any]) -> bool:
    """Collect the constants of a filter, in order.

    Args:
        node: The filter.
        found: Where to put them; those of a list as a tuple.

    Returns:
        False for filters of other kinds, which are not worth the trouble.
    """
    match node:
        case Compare(value=value):
            found.append(value)
        case In(values=values) if not node.regexes:
            found.append(tuple(values))
        case And(parts) | Or(parts) | Nor(parts):
            return all(constants_of(part, found) for part in parts)
        case Not(part):
            return constants_of(part, found)
        case _:
            return isinstance(node, _FIXED)
    return True


def with_constants(node: Node, constants: Iterator[Any]) -> Node:
    """The same filter with other constants, which are taken one by one."""
    match node:
        case Compare(path, op):
            return Compare(path, op, next(constants))
        case In(path):
            return In(path, next(constants))
        case And(parts):
            return And(tuple([with_constants(part, constants) for part in parts]))
        case Or(parts):
            return Or(tuple([with_constants(part, constants) for part in parts]))
        case Nor(parts):
            return Nor(tuple([with_constants(part, constants) for part in parts]))
        case Not(part):
            return Not(with_constants(part, constants))
        case _:
            return node


def _mark(value: Any) -> Any:
    """What of a constant decides what it becomes; None where more does."""
    cls = type(value)
    if cls is str:
        return str if 0 < len(value) < _LONGEST and value[0] not in "~_." and "/" not in value else None
    if cls is int:
        return int if -_EXACT < value < _EXACT else None
    if cls is float:
        return (float, value.is_integer()) if -_EXACT < value < _EXACT else None
    if cls is bool or value is None:
        return cls, value
    if cls is datetime:
        return datetime if value.year < _LAST_YEAR else None
    return None


def marks_of(constants: Sequence[Any]) -> tuple[Any, ...] | None:
    """What of constants decides what they become.

    Args:
        constants: Those of a filter.

    Returns:
        Something hashable; None where they must be compiled each time: one is of another kind, or two are equal, which
        may become one.
    """
    marks: list[Any] = []
    seen: set[Any] = set()
    count = 0
    for constant in constants:
        if type(constant) is tuple:
            if len(constant) > _MOST_VALUES:
                return None
            inner = set(map(_mark, constant))
            if len(inner) > 1 or None in inner:
                return None
            seen.update(constant)
            count += len(constant)
            marks.append((len(constant), *inner))
            continue
        mark = _mark(constant)
        if mark is None:
            return None
        marks.append(mark)
        if type(mark) is not tuple or mark[0] is float:
            seen.add(constant)
            count += 1
    return tuple(marks) if len(seen) == count else None


def stand_ins(constants: Sequence[Any]) -> list[Any]:
    """Constants with the same marks that occur nowhere else, each once."""
    made: list[Any] = []
    number = 0
    for constant in constants:
        if type(constant) is tuple:
            made.append(tuple([_stand_in(value, number + place) for place, value in enumerate(constant)]))
            number += len(constant)
        else:
            made.append(_stand_in(constant, number))
            number += 1
    return made


def _stand_in(value: Any, number: int) -> Any:
    cls = type(value)
    if cls is str:
        return f"\ue000{number}\ue000"
    if cls is int:
        return 1_000_000_007 + number
    if cls is float:
        return (3_000_000_019.0 if value.is_integer() else 2_000_000_011.5) + number
    return _BEFORE + timedelta(days=number) if cls is datetime else value


def _long(value: Any) -> Any:
    made = Value()
    made.map_value.fields[tags.LONG].integer_value = int(value)
    return made


_NUMBER_FORMS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "plain": encode_value,
    "double": lambda value: Value(double_value=float(value)),
    "whole": lambda value: Value(integer_value=int(value)),
    "long": _long,
}
_FORMS: Final[Mapping[type, Mapping[str, Callable[[Any], Any]]]] = {
    str: {"plain": encode_value},
    int: _NUMBER_FORMS,
    float: _NUMBER_FORMS,
    datetime: {
        "plain": encode_value,
        "next": lambda value: encode_value(value + _MILLISECOND),
        "millis": lambda value: Value(integer_value=date_millis(value)),
    },
}


@dataclass(frozen=True, slots=True)
class _Hole:
    """Where a constant stands.

    Attributes:
        query: In which query.
        steps: Places in composite filters, from the outermost.
        item: Place in a list of values; -1 for none.
        constant: Which constant.
        inner: Which value of it, where it is a list; -1 for none.
        form: What makes the message of it.
    """

    query: int
    steps: tuple[int, ...]
    item: int
    constant: int
    inner: int
    form: Callable[[Any], Any]


def _forms_of(value: Any, name: Name | None) -> Iterator[tuple[bytes, Callable[[Any], Any]]]:
    for form in _FORMS.get(type(value), {}).values():
        yield form(value).SerializeToString(deterministic=True), form
    if name is not None:
        own = name

        def reference(constant: Any) -> Any:
            return Value(reference_value=own(encode_id(constant)))

        yield reference(value).SerializeToString(deterministic=True), reference


class Recipe:
    """Queries with holes for constants.

    Args:
        queries: Queries of stand-ins.
        constants: The stand-ins.
        name: Gives the name of a document by its id in Firestore; None where ids cannot be asked for.
    """

    def __init__(self, queries: Sequence[Any], constants: Sequence[Any], name: Name | None) -> None:
        self._queries = tuple(queries)
        known: dict[bytes, tuple[int, int, Callable[[Any], Any]]] = {}
        for place, constant in enumerate(constants):
            for inner, value in enumerate(constant) if type(constant) is tuple else ((-1, constant),):
                for content, form in _forms_of(value, name):
                    known.setdefault(content, (place, inner, form))
        self._holes: list[_Hole] = []
        for number, query in enumerate(self._queries):
            if query.HasField("where"):
                self._look(number, query.where, (), known)

    def _look(
        self,
        number: int,
        condition: Any,
        steps: tuple[int, ...],
        known: Mapping[bytes, tuple[int, int, Callable[[Any], Any]]],
    ) -> None:
        kind = condition.WhichOneof("filter_type")
        if kind == "composite_filter":
            for place, part in enumerate(condition.composite_filter.filters):
                self._look(number, part, (*steps, place), known)
        elif kind == "field_filter":
            value = condition.field_filter.value
            is_list = value.WhichOneof("value_type") == "array_value"
            for item, own in enumerate(value.array_value.values) if is_list else ((-1, value),):
                found = known.get(own.SerializeToString(deterministic=True))
                if found is not None:
                    self._holes.append(_Hole(number, steps, item, *found))

    def fill(self, constants: Sequence[Any]) -> tuple[Any, ...]:
        """The queries with constants.

        Args:
            constants: With the marks of those that the recipe was made of.

        Returns:
            ``StructuredQuery`` messages.
        """
        made: list[Any] = []
        for query in self._queries:
            own = StructuredQuery()
            own.CopyFrom(query)
            made.append(own)
        for hole in self._holes:
            condition = made[hole.query].where
            for step in hole.steps:
                condition = condition.composite_filter.filters[step]
            target = condition.field_filter.value
            if hole.item >= 0:
                target = target.array_value.values[hole.item]
            value = constants[hole.constant]
            target.CopyFrom(hole.form(value if hole.inner < 0 else value[hole.inner]))
        return tuple(made)
