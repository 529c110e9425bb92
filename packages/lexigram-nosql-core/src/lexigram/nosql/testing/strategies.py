"""Hypothesis strategies for documents, values, filters, sorts, projections, updates, expressions and pipelines.

They prefer what collides: few field names, small numbers of several types, arrays of objects, names that are also
positions, so that random filters meet random documents often. Needs hypothesis, which ``lexigram-nosql-core[testing]``
brings; no other module imports it.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

__all__ = [
    "anything",
    "documents",
    "expressions",
    "field_names",
    "filters",
    "numbers",
    "paths",
    "pipelines",
    "projections",
    "scalars",
    "sorts",
    "updates",
    "values",
]

_NAMES = ["a", "b", "c", "0", "1"]
_EDGES = [0, 1, 2, 5, -1, -5, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
_FLOATS = [0.0, -0.0, 0.5, 1.0, 2.0, 2.5, -1.5, 5.0, 2.0**53, 2.0**63, float("inf"), float("-inf"), float("nan")]
_DECIMALS = ["0", "-0", "1", "1.0", "2.5", "0.1", "9007199254740993", "1E+6000", "NaN", "Infinity", "-Infinity"]
_TEXTS = ["", "a", "b", "ab", "A", "a.b", "$a", "0", "é", "e\u0301", "\U0001f600", "abc abc", "line\nline"]
_DATES = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    datetime(2026, 11, 21, 12, 30, 15, 250000, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
]
_UUIDS = [uuid.UUID(int=0), uuid.UUID(int=2**127)]
_PATHS = ["a", "b", "c", "a.b", "a.c", "a.0", "a.1", "a.b.c", "a.0.b", "a.b.0", "b.a", "0", "c.1.a"]
_PATTERNS = ["a", "^a", "b$", ".", "^$", "a|b", "[a-c]+", "(a)(b)", "A"]


def field_names() -> SearchStrategy[str]:
    """Names of fields: few, some of them numbers.

    Returns:
        The strategy.
    """
    return st.sampled_from(_NAMES)


def paths() -> SearchStrategy[str]:
    """Dotted paths made of such names.

    Returns:
        The strategy.
    """
    return st.sampled_from(_PATHS)


def numbers() -> SearchStrategy[int | float | Decimal]:
    """Numbers of all types, with those at which types meet.

    Returns:
        The strategy.
    """
    return st.one_of(
        st.integers(-3, 9),
        st.sampled_from(_EDGES),
        st.sampled_from(_FLOATS),
        st.sampled_from(_DECIMALS).map(Decimal),
    )


def _bson_scalars() -> list[SearchStrategy[Any]]:
    if find_spec("bson") is None:
        return []
    import bson

    return [
        st.sampled_from([bson.ObjectId("0" * 24), bson.ObjectId("f" * 24)]),
        st.sampled_from([bson.Int64(1), bson.Int64(5), bson.Decimal128("2.5"), bson.Decimal128("NaN")]),
        st.sampled_from([bson.MinKey(), bson.MaxKey(), bson.Timestamp(1, 1), bson.Binary(b"ab", 5)]),
    ]


def scalars(*, bson: bool = False) -> SearchStrategy[Any]:
    """Values that are no containers.

    Args:
        bson: Include the classes of ``bson``, where pymongo is installed.

    Returns:
        The strategy.
    """
    kinds: list[SearchStrategy[Any]] = [
        st.none(),
        st.booleans(),
        numbers(),
        st.sampled_from(_TEXTS),
        st.text(alphabet="abAB01é .$", max_size=4),
        st.sampled_from(_DATES),
        st.binary(max_size=3),
        st.sampled_from(_UUIDS),
    ]
    return st.one_of(kinds + (_bson_scalars() if bson else []))


def values(*, bson: bool = False, max_leaves: int = 8) -> SearchStrategy[Any]:
    """Values as documents hold them.

    Args:
        bson: Include the classes of ``bson``, where pymongo is installed.
        max_leaves: How many scalars there may be inside.

    Returns:
        The strategy.
    """
    return st.recursive(
        scalars(bson=bson),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(field_names(), inner, max_size=3)),
        max_leaves=max_leaves,
    )


def documents(*, bson: bool = False) -> SearchStrategy[dict[str, Any]]:
    """Documents, normalised already, without an identifier.

    Args:
        bson: Include the classes of ``bson``, where pymongo is installed.

    Returns:
        The strategy.
    """
    return st.dictionaries(field_names(), values(bson=bson), max_size=4)


def _conditions(bson: bool) -> SearchStrategy[dict[str, Any]]:
    """Operators on a field, one or two of them."""
    value = values(bson=bson, max_leaves=4)
    simple = st.one_of(
        st.tuples(st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), value),
        st.tuples(st.sampled_from(["$in", "$nin"]), st.lists(value, max_size=4)),
        st.tuples(st.just("$exists"), st.booleans()),
        st.tuples(st.just("$type"), st.sampled_from(["int", "string", "array", "object", "null", "number", "bool", 1])),
        st.tuples(st.just("$size"), st.integers(0, 3)),
        st.tuples(st.just("$mod"), st.tuples(st.sampled_from([1, 2, 3, -2]), st.integers(-1, 2)).map(list)),
        st.tuples(st.just("$all"), st.lists(value, max_size=3)),
        st.tuples(st.just("$regex"), st.sampled_from(_PATTERNS)),
        st.tuples(
            st.sampled_from(["$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear"]),
            st.one_of(st.integers(0, 9), st.lists(st.sampled_from([0, 1, 2, 63, 70]), max_size=3)),
        ),
    )
    plain = st.lists(simple, min_size=1, max_size=2).map(lambda pairs: dict[str, Any](pairs))
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            inner.map(lambda condition: {"$not": condition}),
            inner.map(lambda condition: {"$elemMatch": condition}),
            st.dictionaries(paths(), st.one_of(inner, value), min_size=1, max_size=2).map(
                lambda condition: {"$elemMatch": condition}
            ),
        ),
        max_leaves=3,
    )


def filters(*, bson: bool = False) -> SearchStrategy[dict[str, Any]]:
    """Valid filters over such paths.

    Args:
        bson: Include the classes of ``bson``, where pymongo is installed.

    Returns:
        The strategy.
    """
    field = st.one_of(_conditions(bson), values(bson=bson, max_leaves=4), st.sampled_from(_PATTERNS).map(re.compile))
    fields = st.dictionaries(paths(), field, max_size=3)
    return st.recursive(
        fields,
        lambda inner: st.dictionaries(
            st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=2
        ),
        max_leaves=4,
    )


def sorts() -> SearchStrategy[list[tuple[str, int]]]:
    """Valid orders over such paths.

    Returns:
        The strategy.
    """
    return st.dictionaries(paths(), st.sampled_from([1, -1]), min_size=1, max_size=3).map(
        lambda order: list(order.items())
    )


def projections() -> SearchStrategy[dict[str, int]]:
    """Projections that name fields; some of them collide and are refused.

    Returns:
        The strategy.
    """
    return st.tuples(st.sampled_from([0, 1]), st.lists(paths(), min_size=1, max_size=3, unique=True)).map(
        lambda pair: dict.fromkeys(pair[1], pair[0])
    )


def updates() -> SearchStrategy[dict[str, Any]]:
    """Updates of one or two operators over such paths; some cannot be applied to some documents.

    Returns:
        The strategy.
    """
    value = values(max_leaves=3)
    number = st.one_of(st.integers(-3, 9), st.sampled_from([0.5, 2.0]))
    each = st.fixed_dictionaries(
        {"$each": st.lists(value, max_size=3)},
        optional={
            "$position": st.integers(-4, 4),
            "$slice": st.integers(-4, 4),
            "$sort": st.sampled_from([1, -1, {"a": 1}, {"a": -1, "b": 1}]),
        },
    )
    operands: dict[str, SearchStrategy[Any]] = {
        "$set": value,
        "$unset": st.just(""),
        "$inc": number,
        "$mul": number,
        "$min": value,
        "$max": value,
        "$push": st.one_of(value, each),
        "$addToSet": st.one_of(value, st.lists(value, max_size=3).map(lambda items: {"$each": items})),
        "$pop": st.sampled_from([1, -1]),
        "$pull": st.one_of(scalars(), st.lists(scalars(), max_size=2), _comparisons()),
        "$pullAll": st.lists(value, max_size=3),
        "$bit": st.dictionaries(st.sampled_from(["and", "or", "xor"]), st.integers(0, 7), min_size=1, max_size=1),
        "$rename": paths(),
    }

    def of(name: str) -> SearchStrategy[tuple[str, Any]]:
        return st.tuples(st.just(name), st.dictionaries(paths(), operands[name], min_size=1, max_size=2))

    operator = st.sampled_from(sorted(operands)).flatmap(of)
    return st.lists(operator, min_size=1, max_size=2).map(lambda pairs: dict[str, Any](pairs))


def _comparisons() -> SearchStrategy[dict[str, Any]]:
    operator = st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne"])
    return st.dictionaries(operator, scalars(), min_size=1, max_size=2)


def expressions() -> SearchStrategy[Any]:
    """Aggregation expressions; some fail on some documents.

    Returns:
        The strategy.
    """
    leaf = st.one_of(
        paths().map(lambda path: f"${path}"),
        st.integers(-3, 9),
        st.sampled_from([0.5, 2.0, True, False, None, "$$ROOT.a"]),
        st.sampled_from(["", "a", "ab"]),
    )

    def inner(part: SearchStrategy[Any]) -> SearchStrategy[Any]:
        two = st.tuples(part, part).map(list)
        some = st.lists(part, min_size=1, max_size=3)
        array = st.one_of(paths().map(lambda path: f"${path}"), st.lists(part, max_size=3))
        comparisons = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp"]
        return st.one_of(
            _call(["$add", "$multiply", "$concat", "$ifNull", "$and", "$or", "$setUnion", "$mergeObjects"], some),
            _call(["$subtract", "$divide", "$mod", *comparisons], two),
            _call(["$not", "$type", "$isNumber", "$isArray", "$abs", "$toUpper", "$toString"], part.map(lambda x: [x])),
            _call(["$size", "$reverseArray", "$sum", "$avg", "$min", "$max"], array.map(lambda x: [x])),
            _call(["$cond"], st.tuples(part, part, part).map(list)),
            _call(["$arrayElemAt", "$slice"], st.tuples(array, st.integers(-2, 2)).map(list)),
            _call(["$in"], st.tuples(part, array).map(list)),
            _call(["$concatArrays"], st.lists(array, max_size=2)),
            _call(["$filter"], st.tuples(array, part).map(lambda x: {"input": x[0], "as": "x", "cond": x[1]})),
            _call(["$map"], array.map(lambda x: {"input": x, "as": "x", "in": {"$ifNull": ["$$x", 0]}})),
        )

    return st.recursive(leaf, inner, max_leaves=5)


def _call(names: list[str], arguments: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    return st.tuples(st.sampled_from(names), arguments).map(lambda pair: {pair[0]: pair[1]})


def pipelines() -> SearchStrategy[list[dict[str, Any]]]:
    """Pipelines whose output has an order: one by ``_id`` stands in front, and after every ``$group``.

    Returns:
        The strategy.
    """
    expression = expressions()
    field = field_names().filter(str.isalpha)
    count: SearchStrategy[dict[str, Any]] = st.just({"$count": {}})
    accumulator = st.one_of(_call(["$sum", "$avg", "$min", "$max", "$first", "$last", "$push"], expression), count)
    by_id = {"$sort": {"_id": 1}}
    group = st.tuples(expression, st.dictionaries(field, accumulator, max_size=2)).map(
        lambda pair: [{"$group": {"_id": pair[0], **pair[1]}}, by_id]
    )
    unwind = st.one_of(
        paths().map(lambda path: f"${path}"),
        st.fixed_dictionaries(
            {"path": paths().map(lambda path: f"${path}")},
            optional={"preserveNullAndEmptyArrays": st.booleans(), "includeArrayIndex": st.just("c")},
        ),
    )
    stages: list[SearchStrategy[list[dict[str, Any]]]] = [
        filters().map(lambda x: [{"$match": x}]),
        st.dictionaries(field, expression, min_size=1, max_size=2).map(lambda x: [{"$set": x}]),
        st.dictionaries(field, expression, min_size=1, max_size=2).map(lambda x: [{"$project": x}]),
        projections().map(lambda x: [{"$project": x}]),
        paths().map(lambda x: [{"$unset": x}]),
        unwind.map(lambda x: [{"$unwind": x}]),
        group,
        sorts().map(lambda x: [{"$sort": {**dict(x), "_id": 1}}]),
        st.integers(1, 4).map(lambda x: [{"$limit": x}]),
        st.integers(0, 3).map(lambda x: [{"$skip": x}]),
        expression.map(lambda x: [{"$replaceWith": {"$mergeObjects": ["$$ROOT", {"a": x}]}}]),
        st.just([{"$count": "c"}]),
    ]
    return st.lists(st.one_of(stages), min_size=1, max_size=4).map(
        lambda parts: [by_id, *(stage for part in parts for stage in part)]
    )


def anything() -> SearchStrategy[Any]:
    """Python values that documents may or may not hold, for feeding parsers.

    Returns:
        The strategy.
    """
    odd = st.one_of(
        st.sets(st.integers(0, 3), max_size=2),
        st.sampled_from([object, Exception(), 2**70, "\ud800", b"", complex(1), range(2), float("nan")]),
        scalars(bson=True),
        st.sampled_from(
            ["$gt", "$eq", "$in", "$and", "$regex", "$expr", "$where", "$meta", "$slice", "$type", "$elemMatch", "$foo"]
        ),
    )
    keys = st.one_of(
        field_names(),
        st.sampled_from(
            [
                *("$and", "$or", "$nor", "$not", "$gt", "$eq", "$in", "$regex", "$options", "$expr", "$jsonSchema"),
                *("$text", "$search", "$elemMatch", "$all", "$size", "$mod", "$type", "$exists", "$bitsAllSet"),
                *("$comment", "$sampleRate", "$ref", "$id", "$slice", "$meta", "$where", "$near", "a.$", "", "a..b"),
                *("type", "properties", "items", "required", "enum", "minimum", "pattern", "\0"),
            ]
        ),
        st.text(max_size=3),
        st.integers(0, 2),
    )
    return st.recursive(
        odd,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3), st.tuples(inner, inner)
        ),
        max_leaves=10,
    )
