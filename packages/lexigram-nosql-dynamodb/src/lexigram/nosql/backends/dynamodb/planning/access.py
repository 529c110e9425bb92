"""What planning gives: the way to the documents, what it says exactly, and what the engine has left to do.

A plan is made of *templates*, which hold for every filter of a shape: requests without the values that come from the
filter's constants. :meth:`RequestTemplate.fill` puts those in.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.planning.expressions import Composite, Operand
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue
from lexigram.nosql.driver import Access
from lexigram.nosql.query.parse import Query

__all__ = [
    "NOTHING",
    "AccessPlan",
    "Display",
    "GetKeys",
    "Key",
    "Nothing",
    "QueryPlan",
    "RequestTemplate",
    "ScanPlan",
    "Way",
]

Request = dict[str, Any]
Key = dict[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class Nothing:
    """No document can match; no request is sent."""


@dataclass(frozen=True, slots=True)
class GetKeys:
    """Items are asked for by key.

    Attributes:
        keys: Complete keys, each once.
    """

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """Partitions are read, of the table or of an index.

    Attributes:
        requests: Complete requests, but for where a page begins and how large it is; no item is in two of them.
        fetch: True when the index does not hold whole items, so that each must be got from the table by its key.
    """

    requests: tuple[Request, ...]
    fetch: bool = False


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """The whole table is read.

    Attributes:
        request: The request, but for segment, beginning and size of a page.
        segments: How many parts are read at the same time.
    """

    request: Request
    segments: int = 1


Way = Nothing | GetKeys | QueryPlan | ScanPlan

NOTHING: Final = Nothing()


@dataclass(slots=True)
class AccessPlan:
    """How a read reaches its documents.

    Attributes:
        way: The requests.
        access: The same, as plans show it.
        residue: The filter that the engine still tests; None where exactly the matches come back.
        ordered: True when they come in the order of the sort, or none was asked.
        filtered: True when requests have a filter, and so look at more than they return.
        display: The requests as plain data.
    """

    way: Way
    access: Access
    residue: Query | None
    ordered: bool
    filtered: bool
    display: Mapping[str, Any]


def _ordinal(value: AttributeValue) -> Any:
    if "N" in value:
        return Decimal(value["N"])
    return value["S"] if "S" in value else b64decode(value["B"])


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """A request whose values come from constants.

    Attributes:
        fixed: Everything else; its parts are shared by all requests and not changed.
        values: Fixed values by placeholder.
        operands: Placeholder and operand of the others.
        between: Placeholders of the two ends of a span, which DynamoDB refuses in the wrong order; empty without one.
    """

    fixed: Mapping[str, Any]
    values: Mapping[str, AttributeValue]
    operands: tuple[tuple[str, Operand | Composite], ...]
    between: tuple[str, str] | tuple[()] = ()

    def fill(self, constants: Sequence[Any]) -> Request | None:
        """Put constants in.

        Args:
            constants: Of the filter.

        Returns:
            The request; None where its span is empty.
        """
        request = dict(self.fixed)
        if self.values or self.operands:
            values = fill_values(self.values, self.operands, constants)
            request["ExpressionAttributeValues"] = values
            if self.between and _ordinal(values[self.between[0]]) > _ordinal(values[self.between[1]]):
                return None
        return request


def fill_values(
    fixed: Mapping[str, AttributeValue], operands: Sequence[tuple[str, Operand | Composite]], constants: Sequence[Any]
) -> dict[str, AttributeValue]:
    """Make the values of a request.

    Args:
        fixed: Those that are known.
        operands: The others.
        constants: Of the filter.
    """
    values = dict(fixed)
    for placeholder, operand in operands:
        if isinstance(operand, Operand):
            values[placeholder] = operand.make(constants[operand.slot], operand.part)
        else:
            values[placeholder] = operand.make(
                [constants[slot] if position is None else constants[slot][position] for slot, position in operand.parts]
            )
    return values


@dataclass(slots=True)
class Display(Mapping[str, Any]):
    """A plan as plain data, made when somebody looks.

    Attributes:
        make: Makes it.
    """

    make: Callable[[], dict[str, Any]]
    _made: dict[str, Any] | None = field(default=None)

    def _data(self) -> dict[str, Any]:
        if self._made is None:
            self._made = self.make()
        return self._made

    def __getitem__(self, name: str) -> Any:
        return self._data()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data())

    def __len__(self) -> int:
        return len(self._data())

    def __repr__(self) -> str:
        return repr(self._data())
