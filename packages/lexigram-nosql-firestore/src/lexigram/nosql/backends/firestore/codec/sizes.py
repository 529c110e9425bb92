"""How large a document is, as Firestore counts ("Storage size calculations")."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec.encoding import encode_fields
from lexigram.nosql.backends.firestore.codec.messages import Document

__all__ = ["MAX_DOCUMENT_BYTES", "document_size", "fields_size", "name_size"]

MAX_DOCUMENT_BYTES: Final = 1_048_576
"""Largest document, in bytes as counted here (Firestore, "Usage and limits")."""

_OVERHEAD: Final = 32
_FIXED: Final = {
    None: 1,
    "null_value": 1,
    "boolean_value": 1,
    "integer_value": 8,
    "double_value": 8,
    "timestamp_value": 8,
    "geo_point_value": 16,
}


def _text(value: str) -> int:
    return (len(value) if value.isascii() else len(value.encode())) + 1


def name_size(path: str) -> int:
    """Bytes of a document's name.

    Args:
        path: Its path below ``documents/``.
    """
    return 16 + sum([_text(part) for part in path.split("/")])


def _value_size(value: Any) -> int:
    kind = value.WhichOneof("value_type")
    if kind == "string_value":
        return _text(value.string_value)
    if kind == "map_value":
        return fields_size(value.map_value.fields)
    if kind == "array_value":
        return sum(map(_value_size, value.array_value.values))
    if kind == "bytes_value":
        return len(value.bytes_value)
    if kind == "reference_value":
        return name_size(value.reference_value)
    return _FIXED.get(kind, 8)


def fields_size(fields: Any) -> int:
    """Bytes of a document or map without its name.

    Args:
        fields: The ``fields`` of a ``Document`` or ``MapValue``.
    """
    return _OVERHEAD + sum([_text(name) + _value_size(fields[name]) for name in fields])


def document_size(document: Mapping[str, Any], path: str = "") -> int:
    """Bytes of a document.

    Args:
        document: The document as Python has it.
        path: Path of the Firestore document, below ``documents/``; empty to leave its name out.

    Raises:
        DocumentValidationError: It holds what no document may hold, or what Firestore does not take.
    """
    message = Document()
    encode_fields(document, message.fields)
    return fields_size(message.fields) + (name_size(path) if path else 0)
