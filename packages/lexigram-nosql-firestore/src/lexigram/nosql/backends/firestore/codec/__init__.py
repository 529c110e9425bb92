"""Documents between Python and Firestore's protobuf messages, every value as it went in.

Encoding: :func:`encode_value` gives a ``Value`` for a filter, :func:`encode_fields` writes a document's fields into a
message; both refuse what documents may not hold. Decoding: :func:`decode_document`, :func:`decode_fields`,
:func:`decode_value`. Ids: :func:`encode_id`, :func:`decode_id`. Paths: :func:`encode_name`, :func:`field_path`.
All messages are protobuf's own classes, not the SDK's wrappers
(:mod:`~lexigram.nosql.backends.firestore.codec.messages`).

What a filter has to know. Two maps are equal natively exactly if they are for the engine, order of fields included,
since the order is stored in them. Decimals, UUIDs and the types of ``bson`` are maps
(:mod:`~lexigram.nosql.backends.firestore.codec.tags`); beside a decimal stands its nearest double. Numbers that are
equal to a decimal are therefore either native, or at ``path.~n``. A timestamp that another program stored may have
microseconds, which are cut when it is read.
"""

from __future__ import annotations

from lexigram.nosql.backends.firestore.codec.decoding import decode_document, decode_fields, decode_value
from lexigram.nosql.backends.firestore.codec.encoding import MAX_DEPTH, encode_fields, encode_into, encode_value
from lexigram.nosql.backends.firestore.codec.ids import decode_id, encode_id, is_told, stable_hash
from lexigram.nosql.backends.firestore.codec.names import (
    ID_FIELD,
    ORDER_FIELD,
    decode_name,
    encode_name,
    field_path,
)
from lexigram.nosql.backends.firestore.codec.sizes import (
    MAX_DOCUMENT_BYTES,
    document_size,
    fields_size,
    name_size,
)

__all__ = [
    "ID_FIELD",
    "MAX_DEPTH",
    "MAX_DOCUMENT_BYTES",
    "ORDER_FIELD",
    "decode_document",
    "decode_fields",
    "decode_id",
    "decode_name",
    "decode_value",
    "document_size",
    "encode_fields",
    "encode_id",
    "encode_into",
    "encode_name",
    "encode_value",
    "field_path",
    "fields_size",
    "is_told",
    "name_size",
    "stable_hash",
]
