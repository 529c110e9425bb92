"""The one way in which updates fail: an :class:`UpdateError` that carries MongoDB's own code."""

from __future__ import annotations

from typing import Any, Final

from lexigram.nosql.exceptions import UpdateError
from lexigram.nosql.query.ast import Node
from lexigram.nosql.query.features import special_feature

__all__ = [
    "BAD_VALUE",
    "CANNOT_BACKFILL_ARRAY",
    "CONFLICTING_OPERATORS",
    "DOLLAR_PREFIXED_NAME",
    "EMPTY_FIELD_NAME",
    "FAILED_TO_PARSE",
    "IMMUTABLE_FIELD",
    "INVALID_ID_FIELD",
    "INVALID_OPTIONS",
    "NOT_EXACT_VALUE",
    "NOT_SINGLE_VALUE",
    "OVERFLOW",
    "PATH_NOT_VIABLE",
    "TYPE_MISMATCH",
    "fault",
    "refuse_features",
    "show",
]

BAD_VALUE: Final = 2
FAILED_TO_PARSE: Final = 9
TYPE_MISMATCH: Final = 14
OVERFLOW: Final = 15
PATH_NOT_VIABLE: Final = 28
CANNOT_BACKFILL_ARRAY: Final = 34
CONFLICTING_OPERATORS: Final = 40
DOLLAR_PREFIXED_NAME: Final = 52
INVALID_ID_FIELD: Final = 53
NOT_SINGLE_VALUE: Final = 54
EMPTY_FIELD_NAME: Final = 56
IMMUTABLE_FIELD: Final = 66
INVALID_OPTIONS: Final = 72
NOT_EXACT_VALUE: Final = 111


def fault(code: int, message: str, *, hint: str | None = None) -> UpdateError:
    """Make the error for a fault in an update or in the document it meets.

    Args:
        code: MongoDB's error code for this fault, on which services branch.
        message: What is wrong.
        hint: What to write instead.

    Returns:
        The error, to be raised.
    """
    return UpdateError(message, hint=hint, mongo_code=code)


def refuse_features(condition: Node, where: str) -> None:
    """Refuse what conditions inside an update may not use.

    Args:
        condition: The condition of an array filter or of ``$pull``.
        where: Which of them, for the error.

    Raises:
        UpdateError: It holds ``$expr``, ``$jsonSchema`` or ``$text``.
    """
    found = special_feature(condition)
    if found is not None:
        raise fault(found[1], f"{where} cannot use {found[0]}")


def show(value: Any) -> str:
    """Show what the user wrote, without walking into it: it may be deep, cyclic or huge.

    Args:
        value: Anything.

    Returns:
        The beginning of a text or number, or the name of a type.
    """
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, str):
        return repr(str(value[:64]))
    if isinstance(value, int):
        return repr(int(value)) if value.bit_length() <= 64 else "an int outside 64 bits"
    return f"a value of type {type(value).__qualname__}"
