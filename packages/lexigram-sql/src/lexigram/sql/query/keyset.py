"""The condition that rows come behind a position in an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lexigram.sql.query.operators import Operator
from lexigram.sql.query.shape import Clause, Slot

__all__ = ["Behind"]


@dataclass(frozen=True, slots=True)
class Behind:
    """Rows behind a position: greater in the first column, or equal in it and greater in the second, and so on.

    Attributes:
        order: The order, as :func:`~lexigram.sql.query.ordering.ordering` makes it.
        position: A value for each column.
        backward: Rows before the position instead.
    """

    order: Sequence[Clause]
    position: Sequence[Any]
    backward: bool = False

    def describe(self, first: int) -> tuple[Clause, tuple[Any, ...]]:
        """The condition as a clause of a query, its values beginning at position *first*, and the values."""
        values: list[Any] = []

        def slot(value: Any) -> tuple[Slot, ...]:
            values.append(value)
            return (Slot(first + len(values) - 1),)

        either: list[Clause] = []
        for last, ((_, column, descending, nulls), value) in enumerate(zip(self.order, self.position, strict=True)):
            never_null = nulls == "database"
            nulls_first = (descending if nulls is None else nulls == "first") is not self.backward
            if value is None and not nulls_first:
                continue  # nothing comes behind NULL
            both: list[Clause] = []
            for (_, name, _, _), equal in zip(self.order[:last], self.position[:last], strict=True):
                if equal is None:
                    both.append(("compare", name, Operator.IS_NULL.value, ()))
                else:
                    both.append(("compare", name, Operator.EQ.value, slot(equal)))
            if value is None:
                both.append(("compare", column, Operator.IS_NOT_NULL.value, ()))
            else:
                sign = Operator.LT if descending is not self.backward else Operator.GT
                behind: Clause = ("compare", column, sign.value, slot(value))
                missing = ("compare", column, Operator.IS_NULL.value, ())
                both.append(behind if nulls_first or never_null else ("or", (behind, missing)))
            either.append(("and", tuple(both)))
        return ("or", tuple(either)), tuple(values)
