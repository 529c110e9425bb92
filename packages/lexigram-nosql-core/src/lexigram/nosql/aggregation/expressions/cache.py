"""Compiled expressions kept for the next time that the same one comes.

An expression is the same if its keys, operators, nesting and constants are, each constant with its type: ``1``,
``1.0`` and ``True`` are equal in Python and three expressions here. Making the key takes about a tenth of the time
of compiling.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.compiled import Compiled

__all__ = ["CACHE_SIZE", "CompiledCache", "expression_key"]

CACHE_SIZE: Final = 2048
"""How many expressions are kept before all are forgotten."""

_MAX_DEPTH: Final = 40


def expression_key(expression: Any, depth: int = 0) -> Any:
    """What tells one expression from another.

    Args:
        expression: The expression.
        depth: How deep it stands.

    Returns:
        Something that is hashable if all constants are.

    Raises:
        TypeError: It nests too deep to be worth keeping.
    """
    cls = type(expression)
    if cls is str or cls is int:
        return (cls, expression)
    if cls is dict or cls is list:
        if depth > _MAX_DEPTH:
            raise TypeError("nested too deep")
        depth += 1
        if cls is dict:
            return (cls, tuple([(name, expression_key(item, depth)) for name, item in expression.items()]))
        return (cls, tuple([expression_key(item, depth) for item in expression]))
    if isinstance(expression, float | Decimal):
        return (cls, str(expression))  # 0.0 equals -0.0, and 1.0 equals 1.00
    return (cls, expression)


class CompiledCache:
    """Compiled expressions by key; bounded."""

    __slots__ = ("_kept", "hits")

    def __init__(self) -> None:
        self._kept: dict[Any, Compiled] = {}
        self.hits = 0

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
        if len(self._kept) >= CACHE_SIZE:
            self._kept.clear()
        self._kept[key] = compiled

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self.hits = 0
