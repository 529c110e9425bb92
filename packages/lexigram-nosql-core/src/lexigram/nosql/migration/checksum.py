"""Checksums of operations: the same for the same class and arguments, everywhere and for ever.

What is hashed is one line of Extended JSON, so values that documents may hold are told apart by type as documents tell
them apart, and nothing depends on memory addresses, hash seeds or the order of sets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from lexigram.nosql.exceptions import DocumentValidationError, MigrationError
from lexigram.nosql.values.extended_json import dumps

__all__ = ["digest"]


def digest(kind: str, arguments: Mapping[str, Any]) -> str:
    """Hash the name of a class and the arguments that an object of it was made with.

    Args:
        kind: The class's name.
        arguments: The arguments by name; values that documents may hold, in lists, tuples and mappings.

    Returns:
        ``sha256:`` and 64 hexadecimal digits.

    Raises:
        MigrationError: An argument is nothing that a document can hold.
    """
    try:
        # The order of arguments means nothing, that of the fields in a document does.
        ordered = {name: _plain(arguments[name]) for name in sorted(arguments)}
        text = dumps({"kind": kind, "arguments": ordered})
    except (DocumentValidationError, RecursionError) as error:
        reason = error.message if isinstance(error, DocumentValidationError) else "nested too deeply"
        raise MigrationError(
            f"{kind} has no checksum: {reason}",
            hint="Override fingerprint() and return a text that changes when the operation does.",
        ) from error
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    """Mappings of every kind as dicts, so that how an argument was written makes no difference."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("Sequence[Any]", value)]
    return value
