"""What ``explain()`` shows of a request to Firestore."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec.decoding import decode_value
from lexigram.nosql.backends.firestore.planning.conditions import Translation
from lexigram.nosql.backends.firestore.planning.messages import DESCENDING, FIELD_OPERATORS, OR, UNARY_OPERATORS
from lexigram.nosql.backends.firestore.planning.reading import KeyRead, Place, QueryRead

__all__ = ["Shown", "show_query"]

_NAMES: Final = {number: name for name, number in FIELD_OPERATORS.items()}
_UNARY_NAMES: Final = {number: name for name, number in UNARY_OPERATORS.items()}


class Shown(Mapping[str, Any]):
    """A request as plain data, written out when somebody looks at it.

    ``get`` or ``queries`` say what is asked; ``field_hints`` which hints made it possible; ``left_to_engine`` why the
    rest was not asked, by path.
    """

    __slots__ = ("_data", "_place", "_read", "about")

    def __init__(self, place: Place, read: KeyRead | QueryRead, about: Translation | None) -> None:
        self._place = place
        self._read = read
        self.about = about
        self._data: dict[str, Any] | None = None

    @classmethod
    def of_ids(cls, place: Place, read: KeyRead, about: Translation | None = None) -> Shown:
        """A look-up."""
        return cls(place, read, about)

    def _written(self) -> dict[str, Any]:
        if self._data is None:
            data: dict[str, Any] = {"collection": self._place.collection_id}
            if self._place.is_group:
                data["group"] = True
            if isinstance(self._read, KeyRead):
                data["get"] = list(self._read.ids)
            else:
                data["queries"] = [show_query(query) for query in self._read.queries]
            if self.about is not None and self.about.used:
                data["field_hints"] = dict(self.about.used)
            if self.about is not None and self.about.notes:
                data["left_to_engine"] = dict(self.about.notes)
            self._data = data
        return self._data

    def __getitem__(self, key: str) -> Any:
        return self._written()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._written())

    def __len__(self) -> int:
        return len(self._written())

    def __repr__(self) -> str:
        return repr(self._written())


def show_query(query: Any) -> dict[str, Any]:
    """A ``StructuredQuery`` as plain data.

    Args:
        query: The message.
    """
    data: dict[str, Any] = {}
    if query.HasField("where"):
        data["where"] = _show_filter(query.where)
    if query.order_by:
        data["order_by"] = [
            [order.field.field_path, "desc" if order.direction == DESCENDING else "asc"] for order in query.order_by
        ]
    return data


def _show_filter(condition: Any) -> Any:
    kind = condition.WhichOneof("filter_type")
    if kind == "composite_filter":
        composite = condition.composite_filter
        return {"or" if composite.op == OR else "and": [_show_filter(part) for part in composite.filters]}
    if kind == "unary_filter":
        unary = condition.unary_filter
        return [unary.field.field_path, _UNARY_NAMES.get(unary.op, unary.op)]
    own = condition.field_filter
    return [own.field.field_path, _NAMES.get(own.op, own.op), _show_value(own.value)]


def _show_value(value: Any) -> Any:
    if value.WhichOneof("value_type") == "array_value":
        return [_show_value(item) for item in value.array_value.values]
    if value.WhichOneof("value_type") == "reference_value":
        return value.reference_value.rpartition("/")[2]
    return decode_value(value)
