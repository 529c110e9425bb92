"""Closures written for the shape of their operands.

The operators that run once per document on nearly every pipeline (comparisons, arithmetic) spend most of their time
in calling their operands. For these, a closure's source is put together for each shape (a top-level field, a
constant, anything else on either side), compiled once per operator and shape, and bound to the operands at hand. No
text of a user enters the source: field names and constants are bound as values.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator
from lexigram.nosql.values.path import MISSING

__all__ = ["binary"]

_ACCESS = {
    "field": "document.get({operand}, MISSING)",
    "constant": "{operand}",
    "slot": "variables[{operand}]",
    "call": "{operand}(document, variables)",
}
_FRAME = """\
def bind(left, right{names}):
    def evaluate(document, variables):
        x = {x}
{guard}        y = {y}
{body}
    return evaluate
"""
_GUARD = """\
        if x is None or x is MISSING:
            return None
"""


def _shape(part: Compiled) -> tuple[str, Any]:
    if part.field_name is not None:
        return "field", part.field_name
    if part.is_constant and not isinstance(part.value, dict | list):
        return "constant", part.value
    if part.slot is not None:
        return "slot", part.slot
    return "call", part.evaluate


@lru_cache(maxsize=512)
def _binder(body: str, left: str, right: str, names: tuple[str, ...], guarded: bool) -> Any:
    source = _FRAME.format(
        names="".join(f", {name}" for name in names),
        x=_ACCESS[left].format(operand="left"),
        guard=_GUARD if guarded else "",
        y=_ACCESS[right].format(operand="right"),
        body="\n".join(f"        {line}" for line in body.strip("\n").splitlines()),
    )
    namespace: dict[str, Any] = {"MISSING": MISSING}
    exec(compile(source, f"<expression {left} {right}>", "exec"), namespace)  # noqa: S102 - the source is ours alone
    return namespace["bind"]


def binary(body: str, left: Compiled, right: Compiled, helpers: Mapping[str, Any], *, stops: bool = False) -> Evaluator:
    """A closure of two operands.

    Args:
        body: Source lines that return the value from ``x`` and ``y``, the operands' values.
        left: The first operand.
        right: The second operand.
        helpers: What else the source names.
        stops: True when the second operand is not evaluated where the first is null or missing.

    Returns:
        The closure.
    """
    left_shape, left_value = _shape(left)
    right_shape, right_value = _shape(right)
    bind = _binder(body, left_shape, right_shape, tuple(helpers), stops and right_shape == "call")
    evaluator: Evaluator = bind(left_value, right_value, *helpers.values())
    return evaluator
