"""Updates that DynamoDB carries out itself, where it does exactly what the engine would.

An update expression works blindly, so every action comes with the conditions under which it means the same; they join
the filter's in the ConditionExpression. When that fails, nothing has happened, and the portable way takes over: it
reads, computes and replaces. What can be done so, on items that we wrote:

=============  ========================================================================================================
``$set``       of a field that is there, since a new field's place among the others is ours to keep
``$unset``     of a top-level field; of a nested one that is there, in a map whose fields are in the order of names
``$inc``       of an int by an int, within 64 bits; ``_lx.f`` tells where plain numbers are no ints
``$push``      at the end or the beginning of an array that is there
``$addToSet``  of elements that have a form of their own, none of which is there yet
``$pop``       of the first element
=============  ========================================================================================================

``$setOnInsert`` does nothing to a document that exists. Everything else, and every path through an array, is the
engine's: ``$pull`` needs positions that only a reader knows.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from lexigram.nosql.backends.dynamodb.codec import EARLIER, OURS, Tag, encode_value, fractional_paths
from lexigram.nosql.backends.dynamodb.codec.tags import ORDER
from lexigram.nosql.backends.dynamodb.codec.times import grace
from lexigram.nosql.backends.dynamodb.planning.expressions import (
    Between,
    Comparison,
    Expression,
    Function,
    OneOf,
    Operand,
    Path,
    Text,
    Writer,
    all_of,
    any_of,
    negation,
)
from lexigram.nosql.backends.dynamodb.planning.forms import form_count, form_of, is_rigid
from lexigram.nosql.backends.dynamodb.planning.places import has_type, stored_place
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue, TableShape
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.update.ast import AddToSet, Operation, Push
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, NUMBER_KINDS, Kind, class_kind
from lexigram.nosql.values.path import array_index

__all__ = ["IS_NEWS", "Actions", "plan_actions"]

_REVISION: Final[Path] = (OURS, "r")
_FRACTIONS: Final[Path] = (OURS, "f")
_DEEPEST: Final = 32
_NEXT_REVISION: Final = Operand(-1, lambda revision, _part: {"S": revision})
"""The last of all constants, which only the request has."""

_TOO_NEW: Final = Operand(-1, lambda revision, _part: {"S": grace(revision)}, 1)
"""Of the same: a revision that is not made before this one is, with some patience for slow requests and clocks."""

_BEFORE: Final[tuple[Path, ...]] = tuple((OURS, name) for name in EARLIER)

IS_NEWS: Final[Expression] = all_of(
    [
        any_of(
            [
                Comparison(_BEFORE[-1], "<", _TOO_NEW),
                all_of([Function("attribute_not_exists", _BEFORE[-1]), Comparison(_REVISION, "<", _TOO_NEW)]),
            ]
        ),
        negation(OneOf((_REVISION, *_BEFORE), (_NEXT_REVISION,))),
    ]
)
"""The condition that an item is ours and has not seen this very update: none of the revisions that it keeps is this
one, and the oldest is not so much newer that an attempt which was given up long ago arrives only now."""

How = Literal["=", "+", "after", "before"]


@dataclass(slots=True)
class Actions:
    """What an update expression does, before it has placeholders.

    Attributes:
        first: Slot of the first constant that is the update's own, after those of the filter.
        constants: The constants, as on the wire.
        sets: What is written: path, how the operand joins the old value, and the operand.
        removals: Paths that go, and whether only the first element of the list there does.
        fractions: Dotted paths at which plain numbers with a fraction may stand afterwards.
        conditions: When all this is what the engine would do.
        counts: How many constants there were after each operation.
    """

    first: int
    constants: list[AttributeValue] = field(default_factory=list[AttributeValue])
    sets: list[tuple[Path, How, Operand]] = field(default_factory=list[tuple[Path, How, Operand]])
    removals: list[tuple[Path, bool]] = field(default_factory=list[tuple[Path, bool]])
    fractions: dict[str, None] = field(default_factory=dict[str, None])
    conditions: list[Expression] = field(default_factory=list[Expression])
    counts: list[int] = field(default_factory=list[int])

    @property
    def outline(self) -> tuple[Any, ...]:
        """With the operators and paths of the update, all that the texts of its expressions depend on."""
        hows = tuple([how for _, how, _ in self.sets])
        return hows, tuple(self.counts), bool(self.fractions)

    def hold(self, value: AttributeValue) -> Operand:
        """Keep a constant, and give the operand that stands for it."""
        self.constants.append(value)
        return Operand(self.first + len(self.constants) - 1, _held)

    def write(self, writer: Writer) -> str:
        """Write the update expression.

        Args:
            writer: Gives placeholders.
        """
        latest = writer.path(_REVISION)
        clauses = [f"{latest} = {writer.value(_NEXT_REVISION)}"]
        newer = latest
        for place in map(writer.path, _BEFORE):
            # All are there from the first native update on.
            clauses.append(f"{place} = {newer if newer == latest else f'if_not_exists({newer}, {latest})'}")
            newer = place
        for path, how, value in self.sets:
            place, operand = writer.path(path), writer.value(value)
            new = {
                "=": operand,
                "+": f"{place} + {operand}",
                "after": f"list_append({place}, {operand})",
                "before": f"list_append({operand}, {place})",
            }[how]
            clauses.append(f"{place} = {new}")
        text = f"SET {', '.join(clauses)}"
        if self.removals:
            gone = [f"{writer.path(path)}{'[0]' if first else ''}" for path, first in self.removals]
            text += f" REMOVE {', '.join(gone)}"
        if self.fractions:
            text += f" ADD {writer.path(_FRACTIONS)} {writer.value(Operand(self.first + len(self.constants), _held))}"
        return text

    @property
    def all_constants(self) -> list[AttributeValue]:
        """The constants, and the paths of fractions after them."""
        return [*self.constants, {"SS": list(self.fractions)}] if self.fractions else self.constants


def _held(value: AttributeValue, _part: int) -> AttributeValue:
    return value


class _NotNative(Exception):  # noqa: N818 - a way out, not a fault
    """The engine has to do it."""


def plan_actions(
    shape: TableShape, operations: Sequence[Operation], protected: Collection[str], first: int
) -> Actions | None:
    """Turn an update into actions of an update expression.

    Args:
        shape: The table.
        operations: What the update does.
        protected: Dotted paths whose change means more than a change of the field: what is indexed, unique or expires.
        first: Slot of the first constant of its own.

    Returns:
        The actions; None where the engine must do it.
    """
    actions = Actions(first)
    try:
        for operation in operations:
            if operation.operator != "$setOnInsert":
                _act(actions, shape, operation, protected)
                actions.counts.append(len(actions.constants))
    except (_NotNative, DocumentValidationError):
        return None
    # Nothing but $setOnInsert: nothing is to be written at all.
    return actions if actions.sets or actions.removals else None


def _overlaps(path: str, others: Iterable[str]) -> bool:
    return any(path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.") for other in others)


def _act(actions: Actions, shape: TableShape, operation: Operation, protected: Collection[str]) -> None:
    text, parts = operation.path.text, operation.path.parts
    act = _ACTS.get(operation.operator)
    if act is None or not operation.path.is_plain or parts[0] == "_id" or _overlaps(text, protected):
        raise _NotNative
    if any(part[:1] == "$" or array_index(part) >= 0 for part in parts):
        raise _NotNative
    attribute = shape.attribute(parts[0])
    place = stored_place(text, None if attribute == parts[0] else attribute, False)
    if place is None or place.path[0] in {key.name for key in shape.primary.keys}:
        raise _NotNative
    path = place.path
    if place.nested:
        # A database reference is a map as well, but not to the engine.
        actions.conditions += [
            Function("attribute_not_exists", (*path[:length], Tag.DB_REF)) for length in range(1, len(path))
        ]
    act(actions, path, text, operation.operand)


def _encode(value: Any, path: Path, above: int = 0) -> AttributeValue:
    """A value as it stands at a path, if it is not nested too deep there."""
    encoded = encode_value(value)
    if len(path) - 1 + above + _depth(encoded) > _DEEPEST:
        raise _NotNative
    return encoded


def _depth(value: AttributeValue) -> int:
    if "M" in value:
        return 1 + max(map(_depth, value["M"].values()), default=0)
    return 1 + max(map(_depth, value["L"]), default=0) if "L" in value else 0


def _set(actions: Actions, path: Path, text: str, value: Any) -> None:
    actions.sets.append((path, "=", actions.hold(_encode(value, path))))
    actions.conditions.append(Function("attribute_exists", path))
    for found in fractional_paths({"": value}):
        # Where there are too many to be listed, the mark for that is one itself.
        actions.fractions[text + found if found[:1] in ("", ".") else found] = None


def _unset(actions: Actions, path: Path, _text: str, _operand: Any) -> None:
    actions.removals.append((path, False))
    if len(path) > 1:
        actions.conditions.append(Function("attribute_exists", path))
        actions.conditions.append(Function("attribute_not_exists", (*path[:-1], ORDER)))


def _inc(actions: Actions, path: Path, text: str, number: Any) -> None:
    if type(number) is not int or not INT64_MIN <= number <= INT64_MAX:
        raise _NotNative
    low, high = max(INT64_MIN, INT64_MIN - number), min(INT64_MAX, INT64_MAX - number)
    bounds = [actions.hold({"N": str(bound)}) for bound in (low, high)]
    actions.sets.append((path, "+", actions.hold({"N": str(number)})))
    actions.conditions.append(Between(path, *bounds))
    actions.conditions += [negation(Function("contains", _FRACTIONS, Text(each))) for each in (text, "*")]


def _push(actions: Actions, path: Path, _text: str, push: Push) -> None:
    if not push.values or push.slice is not None or push.sort is not None or push.position not in (None, 0):
        raise _NotNative
    values = actions.hold({"L": [_encode(value, path, 1) for value in push.values]})
    actions.sets.append((path, "after" if push.position is None else "before", values))
    actions.conditions.append(has_type(path, "L"))


def _add_to_set(actions: Actions, path: Path, _text: str, adding: AddToSet) -> None:
    if not adding.values:
        raise _NotNative
    actions.conditions.append(has_type(path, "L"))
    for value in adding.values:
        for form in _all_forms(value):
            actions.conditions.append(negation(Function("contains", path, actions.hold(form))))
    values = actions.hold({"L": [_encode(value, path, 1) for value in adding.values]})
    actions.sets.append((path, "after", values))


def _all_forms(value: Any) -> list[AttributeValue]:
    """Every form in which an equal element may stand in a list."""
    if value is None:
        return [encode_value(None)]
    kind = class_kind(type(value))
    if kind in NUMBER_KINDS:
        raise _NotNative
    if kind in (Kind.OBJECT, Kind.ARRAY):
        if not is_rigid(value):
            raise _NotNative
        return [encode_value(value)]
    count = form_count(value)
    if not count:
        raise _NotNative
    return [form_of(value, part) for part in range(count)]


def _pop(actions: Actions, path: Path, _text: str, end: Any) -> None:
    if end != -1:
        raise _NotNative
    actions.removals.append((path, True))
    actions.conditions.append(has_type(path, "L"))


_ACTS: Final[dict[str, Callable[[Actions, Path, str, Any], None]]] = {
    "$set": _set,
    "$unset": _unset,
    "$inc": _inc,
    "$push": _push,
    "$addToSet": _add_to_set,
    "$pop": _pop,
}
