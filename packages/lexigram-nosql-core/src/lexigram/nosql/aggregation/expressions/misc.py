"""Operators that belong to no family: chance, metadata, sizes, hashes, and those that are refused.

``$rand $sampleRate $meta $binarySize $bsonSize $toHashedIndexKey $createObjectId $subtype``. ``$function`` and
``$accumulator`` would run JavaScript; there is none here.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import exactly, valued
from lexigram.nosql.aggregation.expressions.binary_data import parts_of
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.hashing import hash_value
from lexigram.nosql.aggregation.expressions.numbers import as_double, is_numeric
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.aggregation.expressions.text import utf8
from lexigram.nosql.values.bson_compat import BsonTag, is_text, load
from lexigram.nosql.values.kinds import Kind, kind_of, type_name
from lexigram.nosql.values.path import MISSING
from lexigram.nosql.values.size import bson_size

__all__ = ["METADATA", "OPERATORS"]

METADATA = "@meta"
"""Name under which the variables hold the metadata of documents: a function of a document and a name.

A user's variable cannot have this name. ``$meta`` is missing without it, and where the function gives ``MISSING``.
"""

_META_NAMES = frozenset(
    {
        "textScore", "indexKey", "recordId", "randVal", "sortKey", "geoNearDistance", "geoNearPoint", "searchScore",
        "searchHighlights", "searchScoreDetails", "timeseriesBucketMinTime", "timeseriesBucketMaxTime",
        "searchSequenceToken", "vectorSearchScore", "score", "scoreDetails", "stream",
    }
)  # fmt: skip


def _rand(spec: Any, _scope: Scope) -> Compiled:
    if not isinstance(spec, Mapping | list | tuple):
        raise fault(10065, "$rand takes an empty document")
    if spec:
        raise fault(3040501, "$rand takes no arguments: write {'$rand': {}}")
    return combine([], lambda _document, _variables: random.random(), volatile=True)  # noqa: S311 - a sample, no secret


def _sample_rate(spec: Any, _scope: Scope) -> Compiled:
    if not is_numeric(spec) or not 0 <= as_double(spec) <= 1:
        raise fault(BAD_VALUE, "$sampleRate takes a number from 0.0 to 1.0")
    rate = as_double(spec)
    return combine([], lambda _document, _variables: random.random() < rate, volatile=True)  # noqa: S311


def _meta(spec: Any, _scope: Scope) -> Compiled:
    if not is_text(spec):
        raise fault(17307, "$meta takes the name of what is wanted, as a string")
    if spec not in _META_NAMES:
        raise fault(17308, f"there is no metadata {spec!r}")

    def read(document: Any, variables: Any) -> Any:
        metadata = variables.get(METADATA)
        return MISSING if metadata is None else metadata(document, spec)

    return Compiled(read, fields_needed=None, variables_needed=frozenset({METADATA}))


def _binary_size(value: Any) -> Any:
    if value is None or value is MISSING:
        return None
    kind = kind_of(value)
    if kind is Kind.STRING:
        return len(utf8(value))
    if kind is not Kind.BINARY:
        raise fault(51276, f"$binarySize takes a string or binary data, not {type_name(value)}")
    return len(parts_of(value)[1])


def _bson_size(value: Any) -> Any:
    if value is None or value is MISSING:
        return None
    if not isinstance(value, dict):
        raise fault(31393, f"$bsonSize takes a document, not {type_name(value)}")
    return bson_size(value)


def _hashed(spec: Any, scope: Scope) -> Compiled:
    part = scope.compile(spec)  # an array is a value to be hashed here, not a list of operands
    return combine([part], valued(hash_value)([part], scope))


def _object_id(spec: Any, _scope: Scope) -> Compiled:
    if not isinstance(spec, Mapping) or spec:
        raise fault(FAILED_TO_PARSE, "$createObjectId takes no arguments: write {'$createObjectId': {}}")
    make = load(BsonTag.OBJECT_ID)
    return combine([], lambda _document, _variables: make(), volatile=True)


def _subtype(value: Any) -> Any:
    if value is None or value is MISSING:
        return None
    if kind_of(value) is not Kind.BINARY:
        raise fault(10389300, f"$subtype takes binary data, not {type_name(value)}")
    return parts_of(value)[0]


def _refused(name: str) -> Builder:
    def build(_spec: Any, _scope: Scope) -> Compiled:
        raise fault(31264, f"{name} runs JavaScript, which is not supported", "use the other operators")

    return build


OPERATORS: Mapping[str, Builder] = {
    "$rand": _rand,
    "$sampleRate": _sample_rate,
    "$meta": _meta,
    "$binarySize": exactly("$binarySize", 1, valued(_binary_size)),
    "$bsonSize": exactly("$bsonSize", 1, valued(_bson_size)),
    "$toHashedIndexKey": _hashed,
    "$createObjectId": _object_id,
    "$subtype": exactly("$subtype", 1, valued(_subtype)),
    "$function": _refused("$function"),
    "$accumulator": _refused("$accumulator"),
}
