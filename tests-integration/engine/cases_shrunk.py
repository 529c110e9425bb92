"""Cases that differences between generated answers were shrunk to."""

from __future__ import annotations

import re
from typing import Final

from engine.comparing import Case, aggregate, express, find, update

__all__ = ["CASES"]

CASES: Final[tuple[Case, ...]] = (
    find("sort_by_parallel_arrays", {}, {"a": [1], "b": [2]}, sort=[("a", 1), ("b", 1)]),
    update("fields_are_added_in_order", {"$set": {"b": 1, "a": 1}}, {}),
    update("pull_through_a_scalar", {"$pull": {"a.b": 1}}, {"a": 1}),
    update("upsert_by_a_regex", {"$set": {"b": 1}}, filter={"a": re.compile("a")}, upsert=True),
    update("upsert_by_a_part_and_a_whole", {"$set": {"b": 1}}, filter={"a.b": 1, "a": {"c": 1}}, upsert=True),
    aggregate("count_of_nothing", [{"$match": {"a": 1}}, {"$count": "n"}], {}),
    update(
        "push_sorts_what_is_no_document",
        {"$push": {"a": {"$each": [{}, {"b": 0}, []], "$sort": {"c": -1}}}},
        {"a": []},
    ),
    find("null_beyond_an_array", {"a.1": None}, {"a": []}, {"a": [7]}),
    find("sort_by_a_field_in_nested_arrays", {}, {"a": [[1], {"c": 1}]}, {"b": 1}, sort=[("a.c", 1)]),
    aggregate("project_a_part_and_a_whole", [{"$project": {"a.b": 1, "a": 1}}], {"a": 1}),
    aggregate("project_in_and_out", [{"$project": {"a": 1, "b": 0}}], {"a": 1}),
    express("path_by_position", "$a.0", a=[1, 2]),
    express("path_through_an_empty_array", "$a.b", a=[]),
    aggregate(
        "constant_that_fails",
        [{"$match": {"a": 1}}, {"$project": {"b": {"$filter": {"input": "$a", "cond": {"$setUnion": [1]}}}}}],
        {},
    ),
    express("missing_field_of_root", {"$type": "$$ROOT.a"}),
    aggregate(
        "group_by_a_constant",
        [{"$group": {"_id": {"$in": [1, [{"$divide": [6, 9]}]]}, "b": {"$push": {"$gt": [2, "a"]}}}}],
    ),
    aggregate("group_by_a_constant_that_is_missing", [{"$group": {"_id": {"$arrayElemAt": [[], 0]}}}], {}),
    find("sort_by_two_fields_of_an_array", {}, {"a": [None, {"c": False}]}, {}, sort=[("a", 1), ("a.c", 1)]),
    aggregate("project_by_another_number", [{"$project": {"a": 0.5}}], {"a": 1}),
    aggregate("unset_by_position", [{"$unset": "a.0"}], {"a": [1, 2]}),
    aggregate("exclude_in_arrays", [{"$project": {"a.b": 0}}], {"a": [{"b": 1, "c": 2}]}),
    express("a_missing_field_is_in_no_array", {"$in": ["$a", [None]]}),
)
"""All that were met."""
