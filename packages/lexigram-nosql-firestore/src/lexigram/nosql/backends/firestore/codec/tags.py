"""Values that Firestore has no type for, as maps whose first name is a tag.

======================  ==================================================================================
value                   in Firestore
======================  ==================================================================================
``Decimal``             ``{"~decimal": text, "~n": double}``; the double is for comparing only
``UUID``                ``{"~uuid": 16 bytes}``
a list in a list        ``{"~list": array}``
``re.Pattern``          ``{"~pattern": text or bytes, "~flags": integer}``
``bson.ObjectId``       ``{"~oid": 12 bytes}``
``bson.Int64``          ``{"~long": integer}``
``bson.Decimal128``     ``{"~decimal128": text, "~n": double}``
``bson.Binary``         ``{"~binary": bytes, "~subtype": integer}``
``bson.Timestamp``      ``{"~timestamp": 8 bytes, seconds first}``
``bson.Regex``          ``{"~regex": text or bytes, "~flags": integer}``
``bson.MinKey``         ``{"~minkey": true}``
``bson.MaxKey``         ``{"~maxkey": true}``
``bson.Code``           ``{"~code": text}``, and ``"~scope": map`` where it has one
``bson.DBRef``          ``{"~ref": map}``
``bson.DatetimeMS``     ``{"~date": integer}``, milliseconds
what lies too deep      ``{"~packed": bytes of a Value}``
======================  ==================================================================================

An array that holds a decimal has one more element at its end, ``{"~decimals": true}``, which is not read: an array is
asked for an element by its whole value, and a decimal that equals a number may be written in many ways.

Names that begin with ``~`` are never a user's own (:mod:`~lexigram.nosql.backends.firestore.codec.names`), so nothing
has to be escaped.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "BINARY",
    "CODE",
    "DATE",
    "DECIMAL",
    "DECIMAL128",
    "DECIMALS",
    "FLAGS",
    "LIST",
    "LONG",
    "MAX_KEY",
    "MIN_KEY",
    "NUMBER",
    "OBJECT_ID",
    "PACKED",
    "PATTERN",
    "REFERENCE",
    "REGEX",
    "SCOPE",
    "SUBTYPE",
    "TIMESTAMP",
    "UUID",
]

DECIMAL: Final = "~decimal"
NUMBER: Final = "~n"
"""Beside a decimal: the nearest double. Rounding keeps the order, so a comparison with ``<=`` or ``>=`` finds every
decimal that compares so exactly, and perhaps others."""
UUID: Final = "~uuid"
LIST: Final = "~list"
PATTERN: Final = "~pattern"
FLAGS: Final = "~flags"
OBJECT_ID: Final = "~oid"
LONG: Final = "~long"
DECIMAL128: Final = "~decimal128"
DECIMALS: Final = "~decimals"
"""In the last element of an array, which says that a decimal is among the others."""
BINARY: Final = "~binary"
SUBTYPE: Final = "~subtype"
TIMESTAMP: Final = "~timestamp"
REGEX: Final = "~regex"
MIN_KEY: Final = "~minkey"
MAX_KEY: Final = "~maxkey"
CODE: Final = "~code"
SCOPE: Final = "~scope"
REFERENCE: Final = "~ref"
DATE: Final = "~date"
PACKED: Final = "~packed"
