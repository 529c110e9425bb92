"""Copies of filters, so that what a caller changes later does not reach what was built of them."""

# The class of an Any is Unknown to pyright, and a filter holds anything.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from lexigram.nosql.exceptions import NoSQLFilterError

__all__ = ["copy_filter"]


def copy_filter(filter: Mapping[Any, Any]) -> dict[str, Any]:
    """Copy a filter that has been checked.

    Args:
        filter: A filter in MongoDB's form; operators may be members of the operator enums.

    Returns:
        New dicts and lists over the same values, operators as plain text.

    Raises:
        NoSQLFilterError: What stands in it, such as a ``$comment``, nests deeper than can be copied.
    """
    try:
        copied: dict[str, Any] = _plain(filter)
    except RecursionError as error:
        raise NoSQLFilterError("the filter nests too deep, or contains itself", mongo_code=15) from error
    return copied


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum) and isinstance(value, str):
        return str(value.value)
    return value
