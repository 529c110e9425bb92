"""Expressions and accumulators: every one, with arguments that it takes and some that it refuses."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from engine.comparing import Case, aggregate, express

__all__ = ["CASES"]

_DATE: Final = datetime(2024, 2, 29, 13, 5, 9, 123000, tzinfo=UTC)
_DOC: Final[Mapping[str, Any]] = {
    "i": 7,
    "j": -3,
    "f": 2.5,
    "g": -2.5,
    "l": Int64(2**40),
    "m": Decimal128("1.25"),
    "s": "Grüße, World",
    "t": "  trim me  ",
    "e": "",
    "n": None,
    "y": True,
    "d": _DATE,
    "o": {"x": 1, "y": [1, 2]},
    "a": [3, 1, 2],
    "w": ["b", "a", "b"],
    "r": [{"k": "p", "v": 1}, {"k": "q", "v": 2}],
    "b": b"\x01\x02\xff",
    "id": ObjectId("0123456789abcdef01234567"),
    "ts": Timestamp(1700000000, 5),
    "rx": Regex("a+", "i"),
    "u": Binary.from_uuid(uuid.UUID(int=5)),
    "z": [],
    "aa": [[1, 2], [3]],
}

_VALUES: Final[Mapping[str, Mapping[str, Any]]] = {
    "abs": {"int": "$j", "float": "$g", "null": "$n", "text": "$s", "decimal": "$m"},
    "add": {
        "ints": ["$i", "$j"],
        "mixed": ["$i", "$f"],
        "date": ["$d", 1000],
        "dates": ["$d", "$d"],
        "text": ["$i", "$s"],
    },
    "subtract": {"ints": ["$i", "$j"], "dates": ["$d", "$d"], "date": ["$d", 1000], "from_number": [1, "$d"]},
    "multiply": {"ints": ["$i", "$j"], "null": ["$i", "$n"], "text": ["$s", 2], "long": ["$l", "$l"]},
    "divide": {"ints": ["$i", 2], "zero": ["$i", 0], "decimal": ["$m", 2], "null": ["$n", 0]},
    "mod": {"ints": ["$i", "$j"], "float": ["$f", 2], "zero": ["$i", 0], "negative": ["$j", 2]},
    "ceil": {"float": "$g", "int": "$i"},
    "floor": {"float": "$g", "decimal": "$m"},
    "round": {"half": "$f", "place": ["$m", 1], "tens": ["$i", -1], "far": ["$i", 101]},
    "trunc": {"float": "$g", "place": [3.14159, 2], "tens": [127, -1]},
    "exp": {"zero": 0, "one": 1, "text": "$s"},
    "ln": {"one": 1, "zero": 0},
    "log": {"base": [8, 2], "bad": [0, 2]},
    "log10": {"hundred": 100, "negative": -1},
    "pow": {"ints": [2, 10], "negative": [2, -1], "zero": [0, -1], "long": [2, 40]},
    "sqrt": {"nine": 9, "negative": -1},
    "sin": {"zero": 0, "infinite": float("inf")},
    "cos": {"zero": 0},
    "tan": {"zero": 0},
    "asin": {"one": 1, "beyond": 2},
    "acos": {"one": 1},
    "atan": {"one": 1},
    "atan2": {"both": [1, 1]},
    "sinh": {"zero": 0},
    "cosh": {"zero": 0},
    "tanh": {"zero": 0},
    "asinh": {"zero": 0},
    "acosh": {"one": 1, "below": 0},
    "atanh": {"zero": 0, "beyond": 2},
    "degreesToRadians": {"half_turn": 180},
    "radiansToDegrees": {"zero": 0},
    "cmp": {"less": ["$j", "$i"], "types": ["$i", "$s"], "missing": ["$nope", "$n"]},
    "eq": {"numbers": [1, 1.0], "missing": ["$nope", None]},
    "ne": {"numbers": [1, 1.0]},
    "gt": {"types": ["$s", "$i"]},
    "gte": {"same": ["$i", 7]},
    "lt": {"arrays": ["$a", [3, 2]]},
    "lte": {"null": ["$n", "$i"]},
    "and": {"all": ["$i", "$y"], "empty": [], "null": ["$y", "$n"], "array": ["$z"]},
    "or": {"zero": [0, "$n"], "text": ["$e"]},
    "not": {"value": ["$i"], "many": ["$i", "$j"]},
    "cond": {"list": ["$y", 1, 2], "document": {"if": "$n", "then": 1, "else": 2}, "short": ["$y", 1]},
    "ifNull": {"null": ["$n", "$nope", 3], "one": ["$n"]},
    "switch": {
        "first": {"branches": [{"case": "$y", "then": 1}], "default": 2},
        "default": {"branches": [{"case": "$n", "then": 1}], "default": 2},
        "none": {"branches": [{"case": "$n", "then": 1}]},
        "empty": {"branches": []},
    },
    "arrayElemAt": {
        "first": ["$a", 0],
        "last": ["$a", -1],
        "beyond": ["$a", 9],
        "scalar": ["$i", 0],
        "null": ["$n", 0],
    },
    "arrayToObject": {"pairs": [[["a", 1], ["b", 2]]], "documents": "$r", "bad": "$a"},
    "concatArrays": {"two": ["$a", "$w"], "null": ["$a", "$n"], "scalar": ["$a", "$i"]},
    "filter": {
        "cond": {"input": "$a", "cond": {"$gt": ["$$this", 1]}},
        "as": {"input": "$a", "as": "v", "cond": {"$gt": ["$$v", 1]}, "limit": 1},
        "null": {"input": "$n", "cond": True},
        "scalar": {"input": "$i", "cond": True},
    },
    "first": {"array": "$a", "empty": "$z", "scalar": "$i"},
    "last": {"array": "$a", "null": "$n"},
    "firstN": {"two": {"n": 2, "input": "$a"}, "zero": {"n": 0, "input": "$a"}},
    "lastN": {"two": {"n": 2, "input": "$a"}},
    "maxN": {"two": {"n": 2, "input": "$a"}},
    "minN": {"two": {"n": 2, "input": "$a"}, "scalar": {"n": 2, "input": "$i"}},
    "in": {"there": [1, "$a"], "not_there": [9, "$a"], "scalar": [1, "$i"]},
    "indexOfArray": {"there": ["$a", 1], "range": ["$w", "b", 1], "not_there": ["$a", 9], "null": ["$n", 1]},
    "isArray": {"array": ["$a"], "scalar": "$i"},
    "map": {"in": {"input": "$a", "in": {"$add": ["$$this", 1]}}, "as": {"input": "$a", "as": "v", "in": "$$v"}},
    "objectToArray": {"object": "$o", "scalar": "$i", "null": "$n"},
    "range": {"up": [0, 5, 2], "down": [5, 0, -2], "zero_step": [0, 5, 0], "float": [0, 2.5]},
    "reduce": {"sum": {"input": "$a", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}},
    "reverseArray": {"array": "$a", "scalar": "$i"},
    "size": {"array": "$a", "scalar": "$i", "missing": "$nope"},
    "slice": {
        "first": ["$a", 2],
        "last": ["$a", -2],
        "range": ["$a", 1, 1],
        "negative": ["$a", -2, 1],
        "zero": ["$a", 1, 0],
    },
    "sortArray": {
        "values": {"input": "$a", "sortBy": 1},
        "down": {"input": "$w", "sortBy": -1},
        "documents": {"input": "$r", "sortBy": {"v": -1}},
        "scalar": {"input": "$i", "sortBy": 1},
    },
    "zip": {
        "short": {"inputs": ["$a", "$z", [1]]},
        "long": {"inputs": ["$a", [1]], "useLongestLength": True},
        "defaults": {"inputs": ["$a", [1]], "useLongestLength": True, "defaults": [0, 9]},
        "bad": {"inputs": []},
    },
    "allElementsTrue": {"all": ["$a"], "not_all": [[1, 0]], "scalar": ["$i"]},
    "anyElementTrue": {"any": [[0, 1]], "none": ["$z"]},
    "setDifference": {"two": ["$a", [1, 9]]},
    "setEquals": {"same": ["$a", [1, 2, 3, 3]]},
    "setIntersection": {"two": ["$w", ["b", "c"]], "null": ["$w", "$n"]},
    "setIsSubset": {"yes": [[1], "$a"], "no": [[9], "$a"]},
    "setUnion": {"two": ["$w", ["c"]]},
    "concat": {"texts": ["$s", "!"], "null": ["$s", "$n"], "number": ["$s", "$i"]},
    "indexOfBytes": {"there": ["$s", "W"], "range": ["$s", "r", 3], "null": ["$n", "a"]},
    "indexOfCP": {"there": ["$s", "W"], "not_there": ["$s", "z"]},
    "ltrim": {"blanks": {"input": "$t"}},
    "rtrim": {"chars": {"input": "$s", "chars": "dl"}},
    "trim": {"blanks": {"input": "$t"}, "number": {"input": "$i"}},
    "regexFind": {"groups": {"input": "$s", "regex": "(o)(r)?"}, "none": {"input": "$s", "regex": "zzz"}},
    "regexFindAll": {"all": {"input": "$s", "regex": "o|r"}, "options": {"input": "$s", "regex": "g", "options": "i"}},
    "regexMatch": {
        "yes": {"input": "$s", "regex": re.compile("^gr", re.IGNORECASE)},
        "null": {"input": "$n", "regex": "a"},
    },
    "replaceOne": {"found": {"input": "$s", "find": "o", "replacement": "0"}},
    "replaceAll": {
        "found": {"input": "$s", "find": "r", "replacement": ""},
        "null": {"input": "$s", "find": "$n", "replacement": ""},
    },
    "split": {"comma": ["$s", ", "], "empty": ["$s", ""], "null": ["$n", ","]},
    "strLenBytes": {"text": "$s", "null": "$n"},
    "strLenCP": {"text": "$s", "missing": "$nope"},
    "strcasecmp": {"same": ["ABC", "abc"], "less": ["a", "B"]},
    "substr": {"range": ["$s", 0, 2]},
    "substrBytes": {"range": ["$s", 0, 2], "inside": ["$s", 3, 1]},
    "substrCP": {"range": ["$s", 2, 3], "beyond": ["$s", 90, 3]},
    "toLower": {"text": "$s", "null": "$n", "number": "$i"},
    "toUpper": {"ascii": "abc", "text": "$s"},
    "dateAdd": {
        "month": {"startDate": "$d", "unit": "month", "amount": 12},
        "day": {"startDate": "$d", "unit": "day", "amount": -1, "timezone": "Europe/Berlin"},
        "null": {"startDate": "$n", "unit": "day", "amount": 1},
        "unit": {"startDate": "$d", "unit": "age", "amount": 1},
    },
    "dateSubtract": {"year": {"startDate": "$d", "unit": "year", "amount": 1}},
    "dateDiff": {
        "days": {"startDate": "$d", "endDate": {"$add": ["$d", 90000000]}, "unit": "day"},
        "weeks": {"startDate": "$d", "endDate": {"$add": ["$d", 900000000]}, "unit": "week", "startOfWeek": "friday"},
    },
    "dateFromParts": {
        "parts": {"year": 2024, "month": 14, "day": -3, "hour": 1},
        "iso": {"isoWeekYear": 2024, "isoWeek": 9, "isoDayOfWeek": 4},
        "zone": {"year": 2024, "timezone": "America/New_York"},
        "mixed": {"year": 2024, "isoWeek": 3},
    },
    "dateFromString": {
        "iso": {"dateString": "2024-02-29T13:05:09.123Z"},
        "format": {"dateString": "29/02/2024", "format": "%d/%m/%Y"},
        "error": {"dateString": "not", "onError": "bad"},
        "null": {"dateString": None, "onNull": 1},
        "bad": {"dateString": "not"},
    },
    "dateToParts": {"plain": {"date": "$d"}, "iso": {"date": "$d", "iso8601": True}},
    "dateToString": {
        "plain": {"date": "$d"},
        "format": {"date": "$d", "format": "%Y-%m-%d %H:%M:%S.%L %j %u %U %V %G %z %Z %% %b %B", "timezone": "+02:00"},
        "null": {"date": "$n", "onNull": "none"},
        "bad": {"date": "$d", "format": "%q"},
    },
    "dateTrunc": {
        "hour": {"date": "$d", "unit": "hour"},
        "quarter": {"date": "$d", "unit": "quarter"},
        "weeks": {"date": "$d", "unit": "week", "binSize": 2, "startOfWeek": "monday"},
        "minutes": {"date": "$d", "unit": "minute", "binSize": 15, "timezone": "Asia/Kathmandu"},
    },
    **{
        part: {"date": "$d", "zone": {"date": "$d", "timezone": "Pacific/Auckland"}, "text": "$s"}
        for part in (
            *("dayOfMonth", "dayOfWeek", "dayOfYear", "hour", "isoDayOfWeek", "isoWeek", "isoWeekYear"),
            *("millisecond", "minute", "month", "second", "week", "year"),
        )
    },
    "toBool": {"text": "$e", "zero": 0, "date": "$d"},
    "toDate": {"long": "$l", "text": "2024-01-01", "id": "$id", "bad": "$s", "bool": "$y"},
    "toDecimal": {"int": "$i", "float": "$f", "text": "1.50"},
    "toDouble": {"text": "1e3", "decimal": "$m", "bad": "x", "date": "$d"},
    "toInt": {"float": "$g", "text": "12", "fraction": "1.5", "large": "$l"},
    "toLong": {"date": "$d", "float": 1e30, "bool": "$y"},
    "toObjectId": {"text": "0123456789abcdef01234567", "bad": "x"},
    "toString": {"float": "$f", "date": "$d", "id": "$id", "decimal": "$m", "whole": 5.0, "array": "$a"},
    "toUUID": {"text": "00000000-0000-0000-0000-000000000005", "bad": "x"},
    "convert": {
        "to_int": {"input": "12", "to": "int"},
        "error": {"input": "x", "to": "int", "onError": "bad"},
        "null": {"input": "$n", "to": "int", "onNull": 0},
        "base": {"input": "ff", "to": "int", "base": 16},
        "base_text": {"input": 255, "to": "string", "base": 2},
        "base64": {"input": "$b", "to": "string", "format": "base64"},
        "hex": {"input": "$b", "to": "string", "format": "hex"},
        "from_hex": {"input": "0102ff", "to": {"type": "binData", "subtype": 0}, "format": "hex"},
        "bytes_to_int": {"input": b"\x01\x00\x00\x00", "to": "int", "byteOrder": "little"},
        "unknown": {"input": 1, "to": "colour"},
    },
    "isNumber": {"int": "$i", "text": "$s"},
    "type": {
        name: f"${name}"
        for name in ("i", "f", "l", "m", "s", "n", "y", "d", "o", "a", "b", "id", "ts", "rx", "u", "nope")
    },
    "mergeObjects": {"two": ["$o", {"x": 9}], "null": ["$n", "$o"], "scalar": ["$o", "$i"]},
    "getField": {"name": "i", "document": {"field": "x", "input": "$o"}, "missing": {"field": "q", "input": "$o"}},
    "setField": {
        "new": {"field": "a.b", "input": "$o", "value": 1},
        "remove": {"field": "x", "input": "$o", "value": "$$REMOVE"},
    },
    "unsetField": {"old": {"field": "x", "input": "$o"}},
    "let": {
        "two": {"vars": {"a": 1, "b": "$i"}, "in": {"$add": ["$$a", "$$b"]}},
        "bad": {"vars": {"A": 1}, "in": "$$A"},
    },
    "literal": {"dollar": "$i", "document": {"$add": [1, 2]}},
    "bitAnd": {"ints": ["$i", 3], "long": ["$l", 1], "float": ["$f", 1]},
    "bitOr": {"ints": ["$i", 8]},
    "bitXor": {"ints": ["$i", 1]},
    "bitNot": {"int": "$i", "text": "$s"},
    "binarySize": {"bytes": "$b", "text": "$s", "int": "$i"},
    "bsonSize": {"document": "$o", "null": "$n", "int": "$i"},
    "tsSecond": {"timestamp": "$ts", "date": "$d"},
    "tsIncrement": {"timestamp": "$ts"},
    "toHashedIndexKey": {"int": "$i", "text": "$s"},
    "sum": {"array": "$a", "list": ["$i", "$f", "$s"], "none": "$z"},
    "avg": {"array": "$a", "none": "$z"},
    "max": {"array": "$a", "list": ["$i", "$s"]},
    "min": {"array": "$a", "null": ["$i", "$n"]},
    "stdDevPop": {"array": "$a"},
    "stdDevSamp": {"array": "$a", "one": [1]},
    "median": {"array": {"input": "$a", "method": "approximate"}},
    "percentile": {"array": {"input": "$a", "p": [0, 0.5, 1], "method": "approximate"}},
    "meta": {"unknown": "nothing"},
    "nothing": {"unknown": 1},
    "sigmoid": {"zero": 0, "text": "$s"},
}

_ROWS: Final[tuple[dict[str, Any], ...]] = (
    {"k": 1, "v": 5, "s": "b", "o": {"x": 1}, "l": [1, 2]},
    {"k": 1, "v": 2.5, "s": "a", "o": {"y": 2}, "l": [2, 3]},
    {"k": 1, "s": "c", "o": None, "l": []},
    {"k": 2, "v": "text", "s": None, "o": {"x": 3}, "l": [9]},
    {"k": 2, "v": Decimal128("1.5"), "s": "a", "o": {"x": 4}, "l": [9]},
    {"k": 3, "v": None, "s": "z", "o": {}, "l": []},
)
_SORTED: Final = {"sortBy": {"s": 1, "_id": 1}, "output": "$_id"}
_ACCUMULATED: Final[Mapping[str, Any]] = {
    "sum": {"$sum": "$v"},
    "sum_one": {"$sum": 1},
    "avg": {"$avg": "$v"},
    "min": {"$min": "$v"},
    "max": {"$max": "$v"},
    "first": {"$first": "$v"},
    "last": {"$last": "$v"},
    "push": {"$push": "$v"},
    "push_document": {"$push": {"a": "$v", "b": "$s"}},
    "count": {"$count": {}},
    "count_bad": {"$count": 1},
    "std_dev_pop": {"$stdDevPop": "$v"},
    "std_dev_samp": {"$stdDevSamp": "$v"},
    "merge_objects": {"$mergeObjects": "$o"},
    "concat_arrays": {"$concatArrays": "$l"},
    "first_n": {"$firstN": {"input": "$v", "n": 2}},
    "last_n": {"$lastN": {"input": "$v", "n": 2}},
    "max_n": {"$maxN": {"input": "$v", "n": 2}},
    "min_n": {"$minN": {"input": "$v", "n": 2}},
    "n_bad": {"$minN": {"input": "$v", "n": 0}},
    "top": {"$top": _SORTED},
    "bottom": {"$bottom": _SORTED},
    "top_n": {"$topN": {**_SORTED, "n": 2}},
    "bottom_n": {"$bottomN": {**_SORTED, "n": 2}},
    "median": {"$median": {"input": "$v", "method": "approximate"}},
    "percentile": {"$percentile": {"input": "$v", "p": [0.1, 0.9], "method": "approximate"}},
    "two_arguments": {"$sum": ["$v", "$k"]},
}


def _in_order(name: str, accumulator: dict[str, Any]) -> Case:
    """An accumulator whose result is a set, in an order that can be compared."""
    group = {"$group": {"_id": "$k", "r": accumulator}}
    order = {"$set": {"r": {"$sortArray": {"input": "$r", "sortBy": 1}}}}
    return aggregate(name, [group, order, {"$sort": {"_id": 1}}], *_ROWS)


CASES: Final[tuple[Case, ...]] = (
    *(
        express(f"{name}_of_{label}", {f"${name}": argument}, **_DOC)
        for name, labelled in _VALUES.items()
        for label, argument in labelled.items()
    ),
    express("rand_is_a_number", {"$lt": [{"$rand": {}}, 1]}, **_DOC),
    express("now_is_a_date", {"$type": "$$NOW"}, **_DOC),
    express("root", "$$ROOT.o", **_DOC),
    express("current", "$$CURRENT.o.y", **_DOC),
    express("path_into_documents", "$r.v", **_DOC),
    express("document_of_expressions", {"p": "$i", "q": {"r": "$nope"}}, **_DOC),
    express("two_operators", {"$add": [1], "$abs": 1}, **_DOC),
    express("min_and_max_key", {"$gt": [MaxKey(), MinKey()]}, **_DOC),
    *(
        aggregate(
            f"accumulate_{name}",
            [{"$sort": {"_id": 1}}, {"$group": {"_id": "$k", "r": accumulator}}, {"$sort": {"_id": 1}}],
            *_ROWS,
        )
        for name, accumulator in _ACCUMULATED.items()
    ),
    _in_order("accumulate_add_to_set", {"$addToSet": "$v"}),
    _in_order("accumulate_set_union", {"$setUnion": "$l"}),
)
"""All expressions and accumulators."""
