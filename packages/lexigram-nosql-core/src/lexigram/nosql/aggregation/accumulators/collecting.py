"""``$push $addToSet $concatArrays $setUnion $mergeObjects`` (manual, "Accumulators").

Missing values are left out everywhere. The sets keep the order in which their values were met, where MongoDB
promises none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lexigram.nosql.aggregation.accumulators.base import Accumulator
from lexigram.nosql.aggregation.expressions.errors import TYPE_MISMATCH, fault
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import MISSING
from typing_extensions import override

__all__ = ["AddToSet", "ConcatArrays", "MergeObjects", "Push", "SetUnion"]

Key = Callable[[Any], Any]


class Push(Accumulator):
    """All values, in order."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[Any] = []

    @override
    def add(self, value: Any) -> None:
        if value is not MISSING:
            self._values.append(value)

    @override
    def add_many(self, values: Sequence[Any]) -> None:
        self._values.extend([value for value in values if value is not MISSING])

    @override
    def result(self) -> list[Any]:
        return self._values[:]

    @override
    def values_held(self) -> int:
        return len(self._values)


class AddToSet(Accumulator):
    """Each value once.

    Args:
        key: Gives something hashable that is equal for equal values.
    """

    __slots__ = ("_key", "_values")

    def __init__(self, key: Key = hash_key) -> None:
        self._key = key
        self._values: dict[Any, Any] = {}

    @override
    def add(self, value: Any) -> None:
        if value is not MISSING:
            self._values.setdefault(self._key(value), value)

    @override
    def result(self) -> list[Any]:
        return list(self._values.values())

    @override
    def values_held(self) -> int:
        return len(self._values)


def _array(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise fault(TYPE_MISMATCH, f"{name} takes arrays, not {type_name(value)}")
    return value  # pyright: ignore[reportUnknownVariableType] - a list of anything


class ConcatArrays(Accumulator):
    """The elements of all arrays, in order."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[Any] = []

    @override
    def add(self, value: Any) -> None:
        if value is not MISSING:
            self._values.extend(_array("$concatArrays", value))

    @override
    def result(self) -> list[Any]:
        return self._values[:]

    @override
    def values_held(self) -> int:
        return len(self._values)


class SetUnion(AddToSet):
    """Each element of the arrays once."""

    __slots__ = ()

    @override
    def add(self, value: Any) -> None:
        if value is not MISSING:
            for item in _array("$setUnion", value):
                super().add(item)


class MergeObjects(Accumulator):
    """The fields of all documents in one, later ones winning; null does not count."""

    __slots__ = ("_document",)

    def __init__(self) -> None:
        self._document: dict[str, Any] = {}

    @override
    def add(self, value: Any) -> None:
        if isinstance(value, dict):
            self._document.update(value)  # pyright: ignore[reportUnknownArgumentType] - a document
        elif value is not None and value is not MISSING:
            raise fault(40400, f"$mergeObjects takes documents, not {type_name(value)}")

    @override
    def result(self) -> dict[str, Any]:
        return self._document.copy()

    @override
    def values_held(self) -> int:
        return len(self._document)
