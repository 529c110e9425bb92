"""The protobuf classes of queries, without the wrappers that the SDK puts around them."""

from __future__ import annotations

from typing import Any, Final

from google.cloud.firestore_v1.types import query
from lexigram.nosql.backends.firestore.codec.messages import raw

__all__ = ["ASCENDING", "DESCENDING", "FIELD_OPERATORS", "UNARY_OPERATORS", "StructuredQuery"]

StructuredQuery: Final[Any] = raw(query.StructuredQuery)

ASCENDING: Final = 1
DESCENDING: Final = 2
AND: Final = 1
OR: Final = 2

FIELD_OPERATORS: Final = {
    "<": 1,
    "<=": 2,
    ">": 3,
    ">=": 4,
    "==": 5,
    "!=": 6,
    "array-contains": 7,
    "in": 8,
    "array-contains-any": 9,
    "not-in": 10,
}
"""Operators with a value, as Firestore's clients write them, by number (``FieldFilter.Operator``)."""

UNARY_OPERATORS: Final = {"is-nan": 2, "is-null": 3, "is-not-nan": 4, "is-not-null": 5}
"""Operators without a value (``UnaryFilter.Operator``)."""
