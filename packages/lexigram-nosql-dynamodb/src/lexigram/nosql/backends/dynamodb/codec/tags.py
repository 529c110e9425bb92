"""Names under which values stand that DynamoDB has no type for.

========================  ==========================  ============================================================
tag                       contents                    value
========================  ==========================  ============================================================
``$float``                N, or S beyond its range    a float that is whole, negative zero, not finite, or too large
                                                      or too small for DynamoDB's numbers
``$decimal``              N, or S beyond its range    ``Decimal``; its exponent is beside it in ``$exp`` (N) where the
                                                      number alone does not tell it
``$date``                 N: milliseconds from 1970   ``datetime`` in UTC
``$uuid``                 B: 16 bytes                 ``uuid.UUID``
``$pattern``              S: flags, ``/``, source     ``re.Pattern``; ``b`` in front of the flags for bytes
``$oid``                  B: 12 bytes                 ``bson.ObjectId``
``$int64``                N                           ``bson.Int64``
``$decimal128``           as ``$decimal``             ``bson.Decimal128``
``$binary``               B: subtype, then contents   ``bson.Binary``
``$timestamp``            N: seconds * 2**32 + count  ``bson.Timestamp``
``$regex``                S: as ``$pattern``          ``bson.Regex``
``$min``, ``$max``        NULL                        ``bson.MinKey``, ``bson.MaxKey``
``$code``                 S                           ``bson.Code``; its scope is beside it in ``$scope`` (M)
``$date_ms``              N: milliseconds from 1970   ``bson.DatetimeMS``
``$dbref``                S: order of fields          ``bson.DBRef``: its fields are beside it
========================  ==========================  ============================================================
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["EARLIER", "EXPONENT", "ORDER", "OURS", "RESERVED", "SCOPE", "Tag"]


class Tag(StrEnum):
    """The tags, by what they mean."""

    FLOAT = "$float"
    DECIMAL = "$decimal"
    DATE = "$date"
    UUID = "$uuid"
    PATTERN = "$pattern"
    OBJECT_ID = "$oid"
    INT64 = "$int64"
    DECIMAL128 = "$decimal128"
    BINARY = "$binary"
    TIMESTAMP = "$timestamp"
    REGEX = "$regex"
    MIN_KEY = "$min"
    MAX_KEY = "$max"
    CODE = "$code"
    DATETIME_MS = "$date_ms"
    DB_REF = "$dbref"


ORDER: Final = "$order"
"""Holds the order of a map's fields (S)."""

EXPONENT: Final = "$exp"
"""Stands beside a decimal's number, and holds its exponent (N)."""

SCOPE: Final = "$scope"
"""Stands beside code, and holds its variables (M)."""

OURS: Final = "_lx"
"""The top-level attribute that holds what is ours."""

EARLIER: Final = ("p1", "p2", "p3", "p4", "p5")
"""Where :data:`OURS` keeps the revisions before the present one, the latest first. Each costs 17 bytes of an item that
was updated natively; six writes are what a second writer does while an answer is waited for, seldom more."""

RESERVED: Final = "_lx"
"""What the names of all top-level attributes of ours begin with."""
