"""Writes of one document that DynamoDB carries out on a condition: the filter, said surely.

The filter must give the document's key. The rest of it becomes a ConditionExpression that holds only where the filter
does (:attr:`~lexigram.nosql.backends.dynamodb.planning.meanings.Meaning.sure`). When it fails, the engine must look:
the document may be gone, not match, or match in a way that the condition does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.planning.access import Key, fill_values
from lexigram.nosql.backends.dynamodb.planning.display import shown
from lexigram.nosql.backends.dynamodb.planning.expressions import (
    Composite,
    Expression,
    Function,
    Operand,
    Writer,
    all_of,
)
from lexigram.nosql.backends.dynamodb.planning.requests import Limits, are_small, weight, within_limits
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue, TableShape
from lexigram.nosql.backends.dynamodb.planning.updates import IS_NEWS, Actions, plan_actions
from lexigram.nosql.update.ast import Operation

__all__ = ["WriteCondition", "WritePlan", "plan_write"]

_SMALL: Final = 1024
_MOST_BYTES: Final = 400 * 1024
"""No item is larger."""

_MOST_KEPT: Final = 64
"""Updates that are kept with one shape of filters."""


@dataclass(frozen=True, slots=True)
class WriteCondition:
    """On what condition a filter selects the document of one key.

    Attributes:
        key: The key.
        sure: Holds only for items that the filter selects; the key's part is left out.
        constants: Of the filter.
        kept: What was written for filters of this shape, by the outline of the update.
    """

    key: Key
    sure: Expression
    constants: Sequence[Any]
    kept: dict[Hashable, Any] = field(default_factory=dict[Hashable, Any])


@dataclass(frozen=True, slots=True)
class WritePlan:
    """A conditional write, ready but for its revision.

    Attributes:
        table: Name of the table.
        key: Of the item.
        condition: The ConditionExpression.
        update: The UpdateExpression; empty where the driver puts or deletes the item.
        names: ``ExpressionAttributeNames``.
        fixed: Fixed values.
        operands: The other values.
        constants: What those are made of, but for the revision, which comes last.
    """

    table: str
    key: Key
    condition: str
    update: str
    names: Mapping[str, str]
    fixed: Mapping[str, AttributeValue]
    operands: tuple[tuple[str, Operand | Composite], ...]
    constants: tuple[Any, ...]

    def request(self, revision: str = "") -> dict[str, Any]:
        """Make the request's members: those of UpdateItem, or, without an update, of DeleteItem.

        Args:
            revision: The item's next revision; only updates need it.
        """
        request: dict[str, Any] = {"TableName": self.table, "Key": self.key, "ConditionExpression": self.condition}
        if self.update:
            request["UpdateExpression"] = self.update
        request["ExpressionAttributeNames"] = self.names
        values = fill_values(self.fixed, self.operands, (*self.constants, revision))
        if values:
            request["ExpressionAttributeValues"] = values
        return request

    def display(self) -> dict[str, Any]:
        """The request as plain data, for ``explain()``."""
        return {**shown("UpdateItem" if self.update else "DeleteItem", [self.request("r")]), "key": self.key}


Template = tuple[str, str, Mapping[str, str], Mapping[str, AttributeValue], tuple[tuple[str, Operand | Composite], ...]]
"""Condition, update, names, fixed values and operands of a write."""


def plan_write(
    shape: TableShape,
    found: WriteCondition,
    operations: Sequence[Operation] | None,
    protected: Collection[str],
    limits: Limits,
) -> WritePlan | None:
    """Plan a write that DynamoDB carries out on its own.

    Args:
        shape: The table.
        found: The document.
        operations: What an update does; None for a write of the whole item, or its deletion.
        protected: See :func:`~lexigram.nosql.backends.dynamodb.planning.updates.plan_actions`.
        limits: What expressions may be.

    Returns:
        The plan; None where the engine must do it.
    """
    actions: Actions | None = None
    outline: Hashable = None
    constants = tuple(found.constants)
    small = are_small(map(weight, constants))
    if operations is not None:
        actions = None if shape.foreign else plan_actions(shape, operations, protected, len(constants))
        if actions is None:
            return None
        own = actions.all_constants
        sizes = list(map(wire_size, own))
        if sum(sizes) > _MOST_BYTES:
            return None
        small = small and max(sizes, default=0) <= _SMALL
        constants = (*constants, *own)
        outline = tuple([(operation.operator, operation.path.text) for operation in operations]), actions.outline
    template = found.kept.get(outline) if small else None
    if template is None:
        template = _write(shape, found.sure, actions, limits, None if small else (*constants, "r" * 40))
        if template is None:
            return None
        if small and len(found.kept) < _MOST_KEPT:
            found.kept[outline] = template
    condition, update, names, fixed, operands = template
    return WritePlan(shape.table, found.key, condition, update, names, fixed, operands, constants)


def _write(
    shape: TableShape, sure: Expression, actions: Actions | None, limits: Limits, constants: Sequence[Any] | None
) -> Template | None:
    """Write the expressions; None where DynamoDB would refuse them for their size."""
    writer = Writer()
    update = ""
    there: Expression = Function("attribute_exists", (shape.primary.partition[0].name,))
    conditions: list[Expression] = []
    if actions is not None:
        update, there, conditions = actions.write(writer), IS_NEWS, actions.conditions
        if len(update) > limits.bytes or 3 * len(actions.sets) + 12 > limits.operators:
            return None
    condition = all_of([there, sure, *conditions])
    if not within_limits(writer, condition, limits, constants):
        return None
    text = writer.write(condition)
    return text, update, writer.names, writer.fixed, tuple(writer.operands)


def wire_size(value: AttributeValue) -> int:
    """About how many bytes a value on the wire takes.

    Args:
        value: The value.
    """
    ((kind, content),) = value.items()
    match kind:
        case "M":
            return 8 + sum([len(name) + wire_size(item) for name, item in content.items()])
        case "L":
            return 8 + sum(map(wire_size, content))
        case "SS":
            return 8 + sum(map(len, content))
        case "S" | "B" | "N":
            return 8 + len(content) * (1 if content.isascii() else 4)
        case _:
            return 8
