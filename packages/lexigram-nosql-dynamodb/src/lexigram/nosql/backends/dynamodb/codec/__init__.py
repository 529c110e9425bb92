"""Documents as DynamoDB items, and back, every type kept.

Values here are DynamoDB's JSON as it travels: ``{"S": "text"}``, ``{"N": "1"}``, ``{"B": "<base64>"}``, ``{"M": {…}}``.

**Values that DynamoDB has** are stored plainly: None, bool, str, bytes, list, dict, int, and a float that has a
fraction (``{"N": "0.5"}``). A plain number comes back as an int when it is whole, as a float when it has a fraction, as
a Decimal when it has more digits than a float keeps; the latter only in data of others.

**All others** are *tagged*: a map whose name begins with ``$`` (:mod:`~lexigram.nosql.backends.dynamodb.codec.tags`),
such as ``{"M": {"$date": {"N": "1790000000000"}}}``. The contents are a number, text or bytes in DynamoDB's own order
wherever that is the engine's, so conditions on ``path.$date`` work. A name of the user's that begins with ``$`` gets
another ``$`` in front, so nothing is mistaken for a tag; the empty name, which DynamoDB does not take, is ``$``.

**Order of fields.** DynamoDB's maps have none, so a map whose fields are not in the order of their names holds their
order in ``$order`` (:mod:`~lexigram.nosql.backends.dynamodb.codec.names`). Thus two maps are equal natively exactly if
they are equal in the engine. Fields that ``$order`` does not know stand at the end, by name.

**An item** (:func:`encode_item`) is a document's fields but ``_id``, and ``_lx``, a map of what is ours:

* ``r``: the revision, text;
* ``p1`` to ``p5`` (:data:`EARLIER`): the revisions before it, once the item was updated natively;
* ``o``: order of the top-level fields, where they are not in the order of their names;
* ``f``: a string set: dotted paths outside of arrays at which plain numbers with a fraction stand; :data:`ANY_PATH`
  alone stands for too many of them;
* ``i``: the ``_id``, where its key attribute does not say its type (:func:`encode_key`).

All top-level attributes whose names begin with ``_lx`` are ours, and are left out of the document. A field of the
user's with such a name gets a ``$`` in front.
"""

from __future__ import annotations

from lexigram.nosql.backends.dynamodb.codec.decoding import decode_document, decode_id, decode_value
from lexigram.nosql.backends.dynamodb.codec.encoding import (
    ANY_PATH,
    encode_document,
    encode_item,
    encode_value,
    fractional_paths,
)
from lexigram.nosql.backends.dynamodb.codec.keys import KeyType, decode_key, encode_key, key_is_exact
from lexigram.nosql.backends.dynamodb.codec.names import (
    field_order,
    plain_path,
    stored_field,
    stored_name,
)
from lexigram.nosql.backends.dynamodb.codec.sizes import MAX_ITEM_BYTES, check_size, item_size, value_size
from lexigram.nosql.backends.dynamodb.codec.tags import EARLIER, OURS, RESERVED, Tag

__all__ = [
    "ANY_PATH",
    "EARLIER",
    "MAX_ITEM_BYTES",
    "OURS",
    "RESERVED",
    "KeyType",
    "Tag",
    "check_size",
    "decode_document",
    "decode_id",
    "decode_key",
    "decode_value",
    "encode_document",
    "encode_item",
    "encode_key",
    "encode_value",
    "field_order",
    "fractional_paths",
    "item_size",
    "key_is_exact",
    "plain_path",
    "stored_field",
    "stored_name",
    "value_size",
]
