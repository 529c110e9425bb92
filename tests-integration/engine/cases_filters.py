"""Reads: every query operator, and how paths, arrays, null, types, orders and projections work."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from engine.comparing import Case, find

__all__ = ["CASES"]

_OID = ObjectId("0123456789abcdef01234567")
_DATE = datetime(2024, 2, 29, 12, tzinfo=UTC)
_KINDS = [
    *({"a": None}, {}, {"a": 1}, {"a": 1.5}, {"a": Int64(2**40)}, {"a": Decimal128("2.5")}, {"a": "x"}, {"a": ""}),
    *({"a": {"b": 1}}, {"a": {}}, {"a": [1, "x"]}, {"a": []}, {"a": b"ab"}, {"a": _OID}, {"a": True}, {"a": _DATE}),
    *({"a": Timestamp(5, 1)}, {"a": MinKey()}, {"a": MaxKey()}, {"a": Regex("x")}, {"a": Binary(b"z", 5)}),
]
_NUMBERS = [{"a": n} for n in (-7, -1, 0, 1, 2, 3.5, 4.0, 7, 12, Int64(2**53 + 1), float("inf"), "4", None)] + [
    {"a": [3, 9]},
    {"a": float("nan")},
]
_TEXTS = [{"a": text} for text in ("apple", "Apple", "pear", "a\nb", "", "ápple", "app.le", "a/b", "snapple")] + [
    {"a": ["fig", "apple"]},
    {"a": 5},
]
_ARRAYS = [
    *({"a": [1, 2, 3]}, {"a": [3, 2, 1]}, {"a": [1]}, {"a": []}, {"a": 1}, {"a": [[1, 2], 3]}, {"a": [[1, 2, 3]]}, {}),
    *({"a": [{"b": 1, "c": 1}, {"b": 2, "c": 2}]}, {"a": [{"b": 1, "c": 2}]}, {"a": {"b": 1, "c": 2}}, {"a": None}),
    *({"a": [{"b": [1, 2]}, {"b": 3}]}, {"a": [None, 1]}, {"a": {"0": 1}}),
]

CASES: Final[tuple[Case, ...]] = (
    *(
        find(f"{name[1:]}_{label}", {"a": {name: value}}, *_KINDS)
        for name in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
        for label, value in {
            "number": 1,
            "decimal": Decimal128("2.5"),
            "text": "x",
            "null": None,
            "date": _DATE,
            "document": {"b": 1},
            "array": [1, "x"],
            "id": _OID,
            "true": True,
            "bytes": b"ab",
            "timestamp": Timestamp(5, 1),
        }.items()
    ),
    find("lte_min_key", {"a": {"$lte": MinKey()}}, *_KINDS),
    find("gte_max_key", {"a": {"$gte": MaxKey()}}, *_KINDS),
    find("nan_equals_nan", {"a": float("nan")}, *_NUMBERS),
    find("nan_is_not_less", {"a": {"$lt": float("nan")}}, *_NUMBERS),
    find("minus_zero_is_zero", {"a": -0.0}, *_NUMBERS),
    find("large_integers_are_exact", {"a": 2.0**53}, *_NUMBERS),
    find("fields_of_a_document_have_an_order", {"a": {"c": 2, "b": 1}}, *_ARRAYS),
    find("in", {"a": {"$in": [1, "x", None]}}, *_KINDS),
    find("in_with_a_regex", {"a": {"$in": [re.compile("^app"), "pear"]}}, *_TEXTS),
    find("in_with_an_array", {"a": {"$in": [[1, 2], 9]}}, *_ARRAYS),
    find("in_of_nothing", {"a": {"$in": []}}, *_KINDS),
    find("in_takes_an_array", {"a": {"$in": 1}}, {}),
    find("in_takes_no_operators", {"a": {"$in": [{"$gt": 1}]}}, {}),
    find("nin", {"a": {"$nin": [1, "x", None]}}, *_KINDS),
    find("nin_in_arrays", {"a": {"$nin": [2]}}, *_ARRAYS),
    find("and", {"$and": [{"a": {"$gt": 0}}, {"a": {"$lt": 4}}]}, *_NUMBERS),
    find("and_of_nothing", {"$and": []}, {}),
    find("or", {"$or": [{"a": 1}, {"a": "4"}]}, *_NUMBERS),
    find("or_takes_an_array", {"$or": {"a": 1}}, {}),
    find("nor", {"$nor": [{"a": 1}, {"a": {"$gt": 2}}]}, *_NUMBERS),
    find("not", {"a": {"$not": {"$gt": 1}}}, *_NUMBERS),
    find("not_a_regex", {"a": {"$not": re.compile("^a")}}, *_TEXTS),
    find("not_takes_an_expression", {"a": {"$not": 1}}, {}),
    find("not_of_nothing", {"a": {"$not": {}}}, {}),
    find("exists", {"a": {"$exists": True}}, *_KINDS),
    find("exists_not", {"a": {"$exists": False}}, *_KINDS),
    find("exists_in_arrays", {"a.b": {"$exists": True}}, *_ARRAYS),
    find("exists_position", {"a.1": {"$exists": True}}, *_ARRAYS),
    *(
        find(f"type_{kind}", {"a": {"$type": kind}}, *_KINDS)
        for kind in (
            *("double", "string", "object", "array", "binData", "objectId", "bool", "date", "null", "regex", "int"),
            *("long", "decimal", "minKey", "maxKey", "timestamp", "number", 1, 2, 16, 18, -1, 127),
        )
    ),
    find("type_several", {"a": {"$type": ["string", 16]}}, *_KINDS),
    find("type_unknown", {"a": {"$type": "text"}}, {}),
    find("type_unknown_number", {"a": {"$type": 77}}, {}),
    find("expr", {"$expr": {"$gt": ["$a", "$b"]}}, {"a": 1, "b": 2}, {"a": 3, "b": 2}, {"a": 1}),
    find("expr_unknown", {"$expr": {"$nothing": 1}}, {}),
    *(
        find(f"json_schema_{label}", {"$jsonSchema": schema}, *_KINDS, *_ARRAYS)
        for label, schema in {
            "required": {"required": ["a"]},
            "bson_type": {"properties": {"a": {"bsonType": "int"}}},
            "type": {"properties": {"a": {"type": ["string", "null"]}}},
            "minimum": {"properties": {"a": {"minimum": 1, "maximum": 2}}},
            "exclusive": {"properties": {"a": {"minimum": 1, "exclusiveMinimum": True}}},
            "multiple": {"properties": {"a": {"multipleOf": 0.5}}},
            "length": {"properties": {"a": {"minLength": 1, "maxLength": 3}}},
            "pattern": {"properties": {"a": {"pattern": "^x"}}},
            "items": {"properties": {"a": {"items": {"bsonType": "number"}}}},
            "item_list": {"properties": {"a": {"items": [{"bsonType": "int"}], "additionalItems": False}}},
            "item_count": {"properties": {"a": {"minItems": 1, "maxItems": 2}}},
            "unique_items": {"properties": {"a": {"uniqueItems": True}}},
            "property_count": {"properties": {"a": {"minProperties": 1, "maxProperties": 1}}},
            "pattern_properties": {"properties": {"a": {"patternProperties": {"^b": {"bsonType": "int"}}}}},
            "additional": {"properties": {"_id": {}}, "additionalProperties": False},
            "dependencies": {"properties": {"a": {"dependencies": {"b": ["c"]}}}},
            "enum": {"properties": {"a": {"enum": [1, "x", None]}}},
            "all_of": {"properties": {"a": {"allOf": [{"minimum": 1}, {"maximum": 1}]}}},
            "any_of": {"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "boolean"}]}}},
            "one_of": {"properties": {"a": {"oneOf": [{"minimum": 1}, {"maximum": 2}]}}},
            "not": {"properties": {"a": {"not": {"type": "object"}}}},
            "unknown": {"properties": {"a": {"widgets": 1}}},
        }.items()
    ),
    find("mod", {"a": {"$mod": [4, 0]}}, *_NUMBERS),
    find("mod_negative", {"a": {"$mod": [4, -3]}}, *_NUMBERS),
    find("mod_truncates", {"a": {"$mod": [3.9, 0.5]}}, *_NUMBERS),
    find("mod_by_zero", {"a": {"$mod": [0, 0]}}, {}),
    find("mod_takes_two", {"a": {"$mod": [2]}}, {}),
    find("mod_takes_no_more", {"a": {"$mod": [2, 1, 0]}}, {}),
    find("regex", {"a": {"$regex": "^app"}}, *_TEXTS),
    find("regex_ignores_case", {"a": {"$regex": "^APP", "$options": "i"}}, *_TEXTS),
    find("regex_by_lines", {"a": {"$regex": "^b", "$options": "m"}}, *_TEXTS),
    find("regex_dot", {"a": {"$regex": "a.b", "$options": "s"}}, *_TEXTS),
    find("regex_extended", {"a": {"$regex": "a p p # fruit", "$options": "x"}}, *_TEXTS),
    find("regex_compiled", {"a": re.compile("LE$", re.IGNORECASE)}, *_TEXTS),
    find("regex_lookahead", {"a": {"$regex": "a(?=pp)"}}, *_TEXTS),
    find("regex_possessive", {"a": {"$regex": "^ap++le"}}, *_TEXTS),
    find("regex_class", {"a": {"$regex": "^[[:upper:]]"}}, *_TEXTS),
    find("regex_of_a_regex", {"a": re.compile("x")}, *_KINDS),
    find("regex_invalid", {"a": {"$regex": "("}}, {"a": "("}),
    find("options_without_regex", {"a": {"$options": "i"}}, {}),
    find("options_unknown", {"a": {"$regex": "a", "$options": "q"}}, {}),
    find("all", {"a": {"$all": [1, 2]}}, *_ARRAYS),
    find("all_one", {"a": {"$all": [1]}}, *_ARRAYS),
    find("all_array", {"a": {"$all": [[1, 2]]}}, *_ARRAYS),
    find("all_of_nothing", {"a": {"$all": []}}, *_ARRAYS),
    find("all_regex", {"a": {"$all": [re.compile("^f"), "apple"]}}, *_TEXTS),
    find("all_elem_match", {"a": {"$all": [{"$elemMatch": {"b": 1}}, {"$elemMatch": {"c": 2}}]}}, *_ARRAYS),
    find("all_takes_an_array", {"a": {"$all": 1}}, {}),
    find("elem_match_values", {"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}, *_ARRAYS),
    find("elem_match_documents", {"a": {"$elemMatch": {"b": 1, "c": 2}}}, *_ARRAYS),
    find("elem_match_or", {"a": {"$elemMatch": {"$or": [{"b": 2}, {"c": 2}]}}}, *_ARRAYS),
    find("elem_match_nested", {"a": {"$elemMatch": {"$elemMatch": {"$gt": 2}}}}, *_ARRAYS),
    find("elem_match_takes_a_document", {"a": {"$elemMatch": 1}}, {}),
    find("size", {"a": {"$size": 1}}, *_ARRAYS),
    find("size_zero", {"a": {"$size": 0}}, *_ARRAYS),
    find("size_negative", {"a": {"$size": -1}}, {}),
    find("size_fraction", {"a": {"$size": 1.5}}, {}),
    *(
        find(f"{name[1:]}_{label}", {"a": {name: mask}}, *_NUMBERS, {"a": b"\x05"}, {"a": -1.0})
        for name in ("$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear")
        for label, mask in {"number": 5, "positions": [0, 2], "bytes": b"\x05", "none": 0, "far": [70]}.items()
    ),
    find("bits_negative_mask", {"a": {"$bitsAllSet": -1}}, {}),
    find("bits_fraction", {"a": {"$bitsAllSet": 1.5}}, {}),
    find("comment", {"a": 1, "$comment": "why"}, *_NUMBERS),
    find("rand", {"$expr": {"$lt": [{"$rand": {}}, 2]}}, {"a": 1}),
    find(
        "reference",
        {"a": {"$ref": "c", "$id": 1, "$db": "d"}},
        {"a": {"$ref": "c", "$id": 1, "$db": "d"}},
        {"a": {"$ref": "c", "$id": 2, "$db": "d"}},
        projection={"_id": 1},
    ),
    find("unknown_operator", {"a": {"$foo": 1}}, {}),
    find("unknown_top_operator", {"$foo": 1}, {}),
    find("path_into_arrays", {"a.b": 1}, *_ARRAYS),
    find("position_in_a_path", {"a.0": 1}, *_ARRAYS),
    find("position_of_a_document_in_a_path", {"a.0.b": 1}, *_ARRAYS),
    find("path_null", {"a.b": None}, *_ARRAYS),
    find("path_not_null", {"a.b": {"$ne": None}}, *_ARRAYS),
    find("array_as_a_whole", {"a": [1, 2, 3]}, *_ARRAYS),
    find("array_in_array", {"a": [1, 2]}, *_ARRAYS),
    find("array_greater", {"a": {"$gt": [1, 2]}}, *_ARRAYS),
    find("operator_beside_a_field", {"a": {"$gt": 1, "b": 1}}, {}),
    find("sort_across_types", {}, *_KINDS, sort=[("a", 1), ("_id", 1)]),
    find("sort_across_types_down", {}, *_KINDS, sort=[("a", -1), ("_id", 1)]),
    find("sort_by_arrays", {}, *_ARRAYS, sort=[("a", 1), ("_id", 1)]),
    find("sort_by_arrays_down", {}, *_ARRAYS, sort=[("a", -1), ("_id", 1)]),
    find("sort_by_position", {}, {"a": [3, 1]}, {"a": [1, 2]}, sort=[("a.1", 1)]),
    find("sort_skip_limit", {}, *_NUMBERS, sort=[("a", 1), ("_id", 1)], skip=2, limit=4),
    find("sort_with_collation", {}, *_TEXTS[:4], sort=[("a", 1)], collation={"locale": "en", "strength": 2}),
    find("filter_with_collation", {"a": "APPLE"}, *_TEXTS, collation={"locale": "en", "strength": 2}),
    find(
        "numeric_collation",
        {},
        *({"a": text} for text in ("10", "9", "1", "a10", "a9")),
        sort=[("a", 1)],
        collation={"locale": "en", "numericOrdering": True},
    ),
    *(
        find(
            f"projection_{label}",
            {},
            {"a": {"b": 1, "c": [1, 2, 3]}, "d": [{"e": 1, "f": 2}, 5], "g": 1},
            projection=how,
        )
        for label, how in {
            "in": {"a": 1},
            "out": {"a": 0},
            "in_without_id": {"g": 1, "_id": 0},
            "only_id_out": {"_id": 0},
            "nested": {"a.b": 1, "d.e": 1},
            "nested_out": {"a.b": 0, "d.e": 0},
            "document": {"a": {"b": 1}},
            "true": {"g": True},
            "slice": {"d": {"$slice": 1}},
            "slice_from_the_end": {"a.c": {"$slice": -2}},
            "slice_of_a_range": {"a.c": {"$slice": [1, 1]}},
            "slice_with_in": {"a.c": {"$slice": 1}, "g": 1},
            "elem_match": {"d": {"$elemMatch": {"e": 1}}},
            "computed": {"x": {"$add": ["$g", 1]}},
            "text": {"x": "$g"},
            "literal": {"x": {"$literal": 1}},
            "mixed": {"a": 1, "g": 0},
            "collision": {"a": 1, "a.b": 1},
            "unknown": {"a": {"$foo": 1}},
        }.items()
    ),
    find("projection_positional", {"a": {"$gt": 1}}, {"a": [1, 2, 3]}, projection={"a.$": 1}),
    find("projection_positional_of_documents", {"a.b": 2}, *_ARRAYS, projection={"a.$": 1}),
    find("projection_positional_without_a_condition", {}, {"a": [1, 2]}, projection={"a.$": 1}),
)
"""All reads."""
