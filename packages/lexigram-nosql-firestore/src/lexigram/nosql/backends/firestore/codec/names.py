"""How names of fields become names that Firestore takes, and come back.

Firestore refuses empty names and those of the form ``__x__``. Those get the prefix ``~~``, and so do names that begin
with ``~`` themselves, so that everything else which begins with ``~`` is ours:

========  ==============================================================================================================
``~``     in a document or map: the names of its fields in their order, joined by NUL. Firestore keeps no order, and
          gives fields back in that of their names, so it is there only where theirs is another
``~id``   in a document: its ``_id``, where the document's id does not hold all of it
``~ttl``  in a document: when it is due, for a policy of Firestore's
``~…``    in a map: a value that Firestore has no type for; see :mod:`~lexigram.nosql.backends.firestore.codec.tags`
========  ==============================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lexigram.nosql.exceptions import DocumentValidationError

__all__ = [
    "ESCAPE",
    "ID_FIELD",
    "MAX_NAME_BYTES",
    "ORDER_FIELD",
    "PREFIX",
    "RESERVED",
    "TTL_FIELD",
    "decode_name",
    "encode_name",
    "field_path",
]

PREFIX: Final = "~"
"""What all names begin with that are ours."""

ESCAPE: Final = "~~"
"""What stands before a name that Firestore, or this codec, would take for something else."""

ORDER_FIELD: Final = "~"
ID_FIELD: Final = "~id"
TTL_FIELD: Final = "~ttl"

MAX_NAME_BYTES: Final = 1500
"""Longest name of a field, in bytes of UTF-8 (Firestore, "Usage and limits")."""

RESERVED: Final = re.compile(r"__.*__", re.DOTALL)
"""Names that Firestore keeps for itself."""

_SIMPLE: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def encode_name(name: str) -> str:
    """The name that stands for a field's name in Firestore.

    Args:
        name: Any name.

    Raises:
        DocumentValidationError: It holds a NUL, has no UTF-8 form, or is longer than Firestore takes.
    """
    if "\0" in name:
        raise DocumentValidationError("a field name holds a NUL character")
    encoded = ESCAPE + name if not name or name[0] == PREFIX or RESERVED.fullmatch(name) else name
    if len(encoded) > MAX_NAME_BYTES // 4 or not encoded.isascii():
        try:
            size = len(encoded.encode())
        except UnicodeEncodeError as error:
            raise DocumentValidationError(
                f"text with a lone surrogate at position {error.start} has no UTF-8 form"
            ) from None
        if size > MAX_NAME_BYTES:
            raise DocumentValidationError(
                f"a field name has {size} bytes, and Firestore takes {MAX_NAME_BYTES}",
                hint="Keep long text in values, and in an array of objects rather than in names.",
            )
    return encoded


def decode_name(encoded: str) -> str:
    """The name of a field whose name in Firestore is *encoded*."""
    return encoded[2:] if encoded.startswith(ESCAPE) else encoded


def field_path(encoded: Sequence[str]) -> str:
    """The path of a field as requests name it: joined by dots, names that are not plain words in backticks.

    Args:
        encoded: Names as Firestore has them, from the document inwards.
    """
    return ".".join([name if _SIMPLE.fullmatch(name) else _quoted(name) for name in encoded])


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
