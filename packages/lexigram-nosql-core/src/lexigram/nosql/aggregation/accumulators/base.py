"""What accumulates values: small objects that take one value after another and give a result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled

__all__ = ["Accumulator", "CompiledAccumulator"]


class Accumulator(ABC):
    """Takes the values of a group one after another; holds no documents.

    Accumulators may keep a value and give it back, so whoever stores the result copies it.
    """

    __slots__ = ()

    @abstractmethod
    def add(self, value: Any) -> None:
        """Take a value.

        Args:
            value: What the accumulator's argument gave for a document, ``MISSING`` where it gave nothing.

        Raises:
            PipelineError: The accumulator does not take such a value.
        """

    def add_many(self, values: Sequence[Any]) -> None:
        """Take several values, faster than one by one.

        Args:
            values: The values, in order.

        Raises:
            PipelineError: The accumulator does not take one of them.
        """
        for value in values:
            self.add(value)

    @abstractmethod
    def result(self) -> Any:
        """What has been accumulated; more values may be added afterwards.

        Returns:
            The result, never ``MISSING``.
        """

    def values_held(self) -> int:
        """How many values are kept, for limits on memory.

        Returns:
            0 for accumulators that keep a bounded number.
        """
        return 0


@dataclass(frozen=True, slots=True)
class CompiledAccumulator:
    """An accumulator as written in a pipeline, checked and compiled.

    Attributes:
        name: Its name, such as ``$sum``.
        argument: What to evaluate for each document, and add.
        new: Makes an accumulator for a group from the group's ``_id`` and the variables' values: some operators take
            the number of values to keep from these.
        fields_needed: Names of the top-level fields that are read; None when the whole document is.
        variables_needed: Names of the variables that are read.
        reads_group: Whether what ``new`` makes depends on the group's ``_id``.
    """

    name: str
    argument: Compiled
    new: Callable[[Any, Mapping[str, Any]], Accumulator]
    fields_needed: frozenset[str] | None
    variables_needed: frozenset[str]
    reads_group: bool = False
