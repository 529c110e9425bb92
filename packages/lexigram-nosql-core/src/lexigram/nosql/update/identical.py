"""Whether storing a value would change anything.

MongoDB counts a document as modified when its bytes change, so this is stricter than equality: ``1`` and ``1.0``
differ, so do ``0.0`` and ``-0.0``, ``Decimal("1.0")`` and ``Decimal("1.00")``, and objects whose fields come in
another order.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from decimal import Decimal
from math import copysign
from typing import Any

__all__ = ["identical"]


def identical(a: Any, b: Any) -> bool:
    """Say whether two values are stored alike.

    Args:
        a: A normalised value.
        b: A normalised value, or ``MISSING``.

    Returns:
        True if writing one in place of the other changes nothing.
    """
    cls = type(a)
    if cls is not type(b):
        return False
    if a is b:
        return True
    if cls is dict:
        return (
            len(a) == len(b)
            and list(a) == list(b)
            and all(identical(left, right) for left, right in zip(a.values(), b.values(), strict=True))
        )
    if cls is list:
        return len(a) == len(b) and all(map(identical, a, b))
    if cls is float:
        if a == b:
            return a != 0.0 or copysign(1.0, a) == copysign(1.0, b)
        return bool(a != a and b != b)  # NaN is the number unequal to itself
    if cls is Decimal:
        return bool(a.as_tuple() == b.as_tuple())
    return bool(a == b)
