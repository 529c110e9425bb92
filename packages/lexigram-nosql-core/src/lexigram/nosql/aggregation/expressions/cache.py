"""Compiled expressions kept for the next time that the same one comes.

An expression is the same if its keys, operators, nesting and constants are, each constant with its type: ``1``,
``1.0`` and ``True`` are equal in Python and three expressions here. Making the key takes about a tenth of the time
of compiling.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
import uuid
from datetime import datetime
from decimal import Decimal
from types import NoneType
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag
from lexigram.nosql.values.kept import Kept
from lexigram.nosql.values.slots import Slot

__all__ = ["CACHE_SIZE", "CompiledCache", "expression_key"]

CACHE_SIZE: Final = 512
"""How many expressions are kept at least; at most twice as many are."""

_BUDGET: Final = 2048  # characters; every part counts as sixteen
_CONSTANTS: Final[frozenset[type]] = frozenset({bool, NoneType, uuid.UUID, re.Pattern, Slot})
_BSON_CONSTANTS: Final = frozenset(
    {BsonTag.OBJECT_ID, BsonTag.INT64, BsonTag.DECIMAL128, BsonTag.TIMESTAMP, BsonTag.DATETIME_MS}
)


def expression_key(expression: Any, budget: int = _BUDGET) -> Any:
    """What tells one expression from another.

    Args:
        expression: The expression.
        budget: How many characters it may have; every part counts as sixteen.

    Returns:
        Something that is hashable, and equal for equal expressions only.

    Raises:
        TypeError: It is too large to be worth keeping, or holds something whose equality says too little.
    """
    return _key(expression, [budget])


def _key(expression: Any, budget: list[int]) -> Any:
    cls = type(expression)
    if cls is str:
        _spend(budget, len(expression))
        return (cls, expression)
    if cls is int:
        return (cls, expression)
    if cls is dict or cls is list or cls is tuple:
        _spend(budget, 16 * len(expression) + 16)
        if cls is dict:
            _spend(budget, sum(map(len, expression)))
            return (cls, tuple([(name, _key(item, budget)) for name, item in expression.items()]))
        return (cls, tuple([_key(item, budget) for item in expression]))
    if cls is float or cls is Decimal:
        return (cls, str(expression))  # 0.0 equals -0.0, and 1.0 equals 1.00
    if cls is datetime:
        return (cls, expression.isoformat())  # a time that comes twice equals itself
    if cls is bytes or bson_tag(cls) is BsonTag.BINARY:
        _spend(budget, len(expression))
        return (cls, expression)
    if cls in _CONSTANTS or bson_tag(cls) in _BSON_CONSTANTS:
        return (cls, expression)
    raise TypeError(f"equal values of {cls.__name__} may differ")


def _spend(budget: list[int], amount: int) -> None:
    budget[0] -= amount
    if budget[0] < 0:
        raise TypeError("the expression is too large to be kept")


class CompiledCache:
    """Compiled expressions by key; bounded."""

    __slots__ = ("_kept", "hits")

    def __init__(self) -> None:
        self._kept: Kept[Compiled] = Kept(CACHE_SIZE)
        self.hits = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Any) -> Compiled | None:
        """Look an expression up.

        Args:
            key: Its key.

        Returns:
            The compiled expression, or None if it is not kept.
        """
        found = self._kept.get(key)
        if found is not None:
            self.hits += 1
        return found

    def put(self, key: Any, compiled: Compiled) -> None:
        """Keep an expression.

        Args:
            key: Its key.
            compiled: The expression, compiled.
        """
        self._kept.put(key, compiled)

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self.hits = 0
