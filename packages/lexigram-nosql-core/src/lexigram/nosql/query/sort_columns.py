"""What documents sort by: columns of values, and the combinations that arrays make.

A column holds something of every document that compares as one field does. Where an array stands on a path, or at its
end, each of its elements gives a combination of the fields, as an index would hold them; :func:`expand` lists them.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from lexigram.nosql.exceptions import QueryOptionError
from lexigram.nosql.values.path import MISSING, array_index

__all__ = ["Column", "Fixed", "Open", "draw_column", "expand"]

Document = dict[str, Any]


class Column:
    """What one field of every document compares by.

    Attributes:
        values: One per document.
        classes: Their classes.
        getter: Gives the same from a document; None if nothing simple does.
    """

    __slots__ = ("classes", "getter", "values")

    def __init__(self, values: list[Any], getter: Callable[[Document], Any] | None = None) -> None:
        self.values = values
        self.getter = getter
        self.classes: set[type] = set(map(type, values))


def draw_column(documents: Sequence[Document], parts: Sequence[str]) -> Column | None:
    """Draw a field out of documents.

    Args:
        documents: Normalised documents.
        parts: The path's components.

    Returns:
        The column; None if an array stands on the way or at the end.
    """
    if len(parts) > 1:
        values = _walk_column(documents, parts)
        return None if values is None else Column(values)
    getter = itemgetter(parts[0])
    try:
        column = Column(list(map(getter, documents)), getter)
    except KeyError:
        column = Column([document.get(parts[0]) for document in documents])
    return None if list in column.classes else column


def _walk_column(documents: Sequence[Document], parts: Sequence[str]) -> list[Any] | None:
    column: list[Any] = []
    for document in documents:
        value: Any = document
        for part in parts:
            if type(value) is dict:
                value = value.get(part)
            elif type(value) is list:
                return None
            else:
                value = None
                break
        if type(value) is list:
            return None
        column.append(value)
    return column


class Fixed:
    """A field whose value is decided."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Open:
    """A field that is still to be followed."""

    __slots__ = ("parts", "value")

    def __init__(self, value: Any, parts: tuple[str, ...]) -> None:
        self.value = value
        self.parts = parts


def _follow(field: Any) -> Any:
    """Follow a field until its value is decided or an array stands in the way."""
    if type(field) is Fixed:
        return field
    value, parts = field.value, field.parts
    for position, part in enumerate(parts):
        if type(value) is list:
            return Open(value, parts[position:])
        if type(value) is not dict:
            return Fixed(None)
        value = value.get(part, MISSING)
    if type(value) is list:
        return Open(value, ())
    return Fixed(None if value is MISSING else value)


def expand(fields: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    """List the combinations of values that a document's arrays make.

    Args:
        fields: :class:`Fixed` or :class:`Open`, one per field of the order.

    Returns:
        Tuples of :class:`Fixed`; at least one.

    Raises:
        QueryOptionError: Two different arrays would have to be combined (code 2), or a name is also a position (16746).
    """
    followed = [_follow(field) for field in fields]
    array: Any = None
    for field in followed:
        if type(field) is Open:
            if array is None:
                array = field.value
            elif array is not field.value:
                raise QueryOptionError("cannot sort with keys that are parallel arrays", mongo_code=2)
    if array is None:
        yield tuple(followed)
        return
    if not array:
        # At the end of a path an empty array sorts as undefined, which is before null.
        yield from expand(
            [Fixed(None if field.parts else MISSING) if type(field) is Open else field for field in followed]
        )
        return
    for element in array:
        yield from expand([_element(field, array, element) if type(field) is Open else field for field in followed])


def _element(field: Any, array: list[Any], element: Any) -> Any:
    parts = field.parts
    if not parts:
        return Fixed(element)
    index = array_index(parts[0])
    positional = 0 <= index < len(array)
    if type(element) is dict and parts[0] in element:
        if positional:
            raise QueryOptionError(
                f"cannot sort by {'.'.join(parts)!r}: it is a position in an array and a name inside it",
                mongo_code=16746,
            )
        return Open(element, parts)
    if not positional:
        return Fixed(None)
    value = array[index]
    # What a position leads to is taken as a whole at the end of the path, and followed before it.
    return Open(value, parts[1:]) if parts[1:] else Fixed(value)
