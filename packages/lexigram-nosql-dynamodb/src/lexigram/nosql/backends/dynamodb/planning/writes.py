"""Writes of one document that DynamoDB carries out on a condition: the filter, said surely.

The filter must give the document's key. The rest of it becomes a ConditionExpression that holds only where the filter
does (:attr:`~lexigram.nosql.backends.dynamodb.planning.meanings.Meaning.sure`). When it fails, the engine must look:
the document may be gone, not match, or match in a way that the condition does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from lexigram.nosql.backends.dynamodb.planning.updates import IS_OURS, Actions, plan_actions
from lexigram.nosql.update.ast import Operation

__all__ = ["WriteCondition", "WritePlan", "plan_write"]


@dataclass(frozen=True, slots=True)
class WriteCondition:
    """On what condition a filter selects the document of one key.

    Attributes:
        key: The key.
        sure: Holds only for items that the filter selects; the key's part is left out.
        constants: Of the filter.
    """

    key: Key
    sure: Expression
    constants: Sequence[Any]


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
        return {**shown("UpdateItem" if self.update else "DeleteItem", [self.request("…")]), "key": self.key}


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
    there: Expression = Function("attribute_exists", (shape.primary.partition[0].name,))
    if operations is not None:
        actions = None if shape.foreign else plan_actions(shape, operations, protected, len(found.constants))
        if actions is None:
            return None
        there = IS_OURS
    conditions = all_of([there, found.sure, *([] if actions is None else actions.conditions)])
    writer = Writer()
    update = "" if actions is None else actions.write(writer)
    if len(update) > limits.bytes or (actions is not None and 3 * len(actions.sets) + 2 > limits.operators):
        return None
    constants = (*found.constants, *([] if actions is None else actions.constants))
    small = actions is None and are_small(map(weight, found.constants))
    if not within_limits(writer, conditions, limits, None if small else (*constants, "r" * 40)):
        return None
    text = writer.write(conditions)
    return WritePlan(
        shape.table, found.key, text, update, writer.names, writer.fixed, tuple(writer.operands), constants
    )
