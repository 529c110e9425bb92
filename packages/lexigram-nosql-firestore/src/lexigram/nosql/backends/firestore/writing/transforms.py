"""Updates that Firestore carries out itself, without reading the document first.

An update changes only the fields of the document that it names, each at once, so it needs no more than that the
document is there. It is the engine's exactly where nothing depends on what a field held before, or where a field hint
tells enough of that:

=============  =================================  ======================================================================
operator       as                                 where
=============  =================================  ======================================================================
``$unset``     a field that is named, not given   any field of the document
``$set``       a field of the update              a field that is ``required``: one that is new would come last
``$addToSet``  ``append_missing_elements``        an array that is ``required``, elements of text, bool or bytes
``$pull``      ``remove_all_from_array``          likewise, and one value
``$pullAll``   ``remove_all_from_array``          likewise
=============  =================================  ======================================================================

A field with hints for what is inside it is left to the engine, which checks them on the whole document.

``$inc`` is not among them: Firestore's ``increment`` takes what is no number for 0, and stops at the largest integer,
where the engine refuses. Nor is ``$currentDate``, whose clock is the client's on every backend.

Whether a document was changed, the answer tells: its time is that of the commit only if it was.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec import encode_into, encode_name, field_path
from lexigram.nosql.backends.firestore.codec.encoding import may_be_packed
from lexigram.nosql.backends.firestore.planning.hints import CollectionHints, FieldHint
from lexigram.nosql.update.ast import AddToSet, Operation, Pull
from lexigram.nosql.update.parse import Update

__all__ = ["put_update"]

_ARRAY: Final = frozenset({"array"})
_ELEMENTS: Final = frozenset({"text", "bool", "bytes"})


def put_update(change: Update, hints: CollectionHints, write: Any) -> bool:
    """Write an update into a ``Write`` message.

    Args:
        change: The update.
        hints: What the collection's fields hold.
        write: The message, with the document's name.

    Returns:
        False where Firestore would do anything else than the engine; the message is then of no use.

    Raises:
        DocumentValidationError: It holds what no document may hold.
    """
    if change.is_pipeline or change.array_filters or change.collation is not None or not change.operations:
        return False
    write.update_mask.SetInParent()
    return all(_put(operation, hints, write) for operation in change.operations)


def _put(operation: Operation, hints: CollectionHints, write: Any) -> bool:
    put = _PUTTERS.get(operation.operator)
    parts = operation.path.parts
    if put is None or len(parts) != 1 or parts[0] == "_id" or not operation.path.is_plain:
        return False
    if any(path[0] == parts[0] for path in hints.dotted):
        return False
    name = encode_name(parts[0])
    return not may_be_packed([name]) and put(operation.operand, hints.of(parts[0]), name, write)


def _put_unset(operand: Any, hint: FieldHint | None, name: str, write: Any) -> bool:
    if hint is not None and hint.required:
        return False
    write.update_mask.field_paths.append(field_path([name]))
    return True


def _put_set(operand: Any, hint: FieldHint | None, name: str, write: Any) -> bool:
    if hint is None or not hint.required or hint.problem(operand) is not None:
        return False
    encode_into(operand, write.update.fields[name])
    write.update_mask.field_paths.append(field_path([name]))
    return True


def _is_array_of(hint: FieldHint | None, values: Any) -> bool:
    """True for an array that is there, whose elements Firestore tells apart as the engine does, and such values."""
    return (
        hint is not None
        and hint.required
        and hint.kinds == _ARRAY
        and hint.elements <= _ELEMENTS
        and hint.problem(list(values)) is None
        and None not in values
    )


def _put_add(operand: AddToSet, hint: FieldHint | None, name: str, write: Any) -> bool:
    if not _is_array_of(hint, operand.values):
        return False
    transform = write.update_transforms.add(field_path=field_path([name]))
    transform.append_missing_elements.SetInParent()
    for value in operand.values:
        encode_into(value, transform.append_missing_elements.values.add())
    return True


def _put_pull_all(operand: tuple[Any, ...], hint: FieldHint | None, name: str, write: Any) -> bool:
    if not _is_array_of(hint, operand):
        return False
    transform = write.update_transforms.add(field_path=field_path([name]))
    transform.remove_all_from_array.SetInParent()
    for value in operand:
        encode_into(value, transform.remove_all_from_array.values.add())
    return True


def _put_pull(operand: Pull, hint: FieldHint | None, name: str, write: Any) -> bool:
    return operand.query is None and _put_pull_all((operand.condition,), hint, name, write)


_PUTTERS: Final[Mapping[str, Callable[[Any, FieldHint | None, str, Any], bool]]] = {
    "$unset": _put_unset,
    "$set": _put_set,
    "$addToSet": _put_add,
    "$pull": _put_pull,
    "$pullAll": _put_pull_all,
}
