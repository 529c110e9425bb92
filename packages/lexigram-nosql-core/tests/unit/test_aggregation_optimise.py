"""Where the optimiser puts stages, and where it may not."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.aggregation import parse_pipeline
from lexigram.nosql.aggregation.stages.match import Match
from lexigram.nosql.aggregation.stages.sort import SortStage


def _plan(stages: list[Any]) -> list[str]:
    lines = parse_pipeline(stages).describe()
    return [line.removeprefix("$") for line in lines]


M: dict[str, Any] = {"$match": {"a": 1}}

PLANS: list[tuple[str, list[Any], list[str]]] = [
    ("matches join", [M, {"$match": {"b": 1}}], ["match a, b"]),
    ("before a sort", [{"$sort": {"b": 1}}, M], ["match a", "sort {b: 1}"]),
    ("not before a sort with a limit", [{"$sort": {"b": 1}}, {"$limit": 5}, M], ["sort {b: 1}, first 5", "match a"]),
    ("not before a limit", [{"$limit": 5}, M], ["limit 5", "match a"]),
    ("not before a skip", [{"$skip": 5}, M], ["skip 5", "match a"]),
    ("before a projection that keeps the field", [{"$project": {"a": 1}}, M], ["match a", "project"]),
    ("before a projection that removes others", [{"$project": {"b": 0}}, M], ["match a", "project"]),
    ("not before a projection that drops the field", [{"$project": {"b": 1}}, M], ["project", "match a"]),
    ("not before a projection that removes the field", [{"$project": {"a": 0}}, M], ["project", "match a"]),
    ("not before a projection that cuts the field", [{"$project": {"a.b": 1}}, M], ["project", "match a"]),
    ("not before a computed field", [{"$project": {"a": "$b"}}, M], ["project", "match a"]),
    ("before other added fields", [{"$set": {"b": "$a"}}, M], ["match a", "set"]),
    ("not before the added field", [{"$set": {"a.x": 1}}, {"$match": {"a.y": 1}}], ["set", "match a.y"]),
    ("before an unset of others", [{"$unset": "b"}, M], ["match a", "unset"]),
    ("before an unwind of another field", [{"$unwind": "$b"}, M], ["match a", "unwind $b"]),
    ("not before an unwind of the field", [{"$unwind": "$a"}, M], ["unwind $a", "match a"]),
    (
        "not before an unwind that makes the field",
        [{"$unwind": {"path": "$b", "includeArrayIndex": "a"}}, M],
        ["unwind $b", "match a"],
    ),
    (
        "before a lookup into another field",
        [{"$lookup": {"from": "f", "localField": "a", "foreignField": "b", "as": "x"}}, M],
        ["match a", "lookup f as x, hash join"],
    ),
    (
        "not before a lookup into the field",
        [{"$lookup": {"from": "f", "localField": "a", "foreignField": "b", "as": "a"}}, M],
        ["lookup f as a, hash join", "match a"],
    ),
    (
        "before a graph lookup",
        [{"$graphLookup": {"from": "f", "startWith": 1, "connectFromField": "x", "connectToField": "x", "as": "y"}}, M],
        ["match a", "graphLookup f as y"],
    ),
    ("not before a group", [{"$group": {"_id": "$a"}}, {"$match": {"_id": 1}}], ["group into _id", "match _id"]),
    ("not before a replaced root", [{"$replaceWith": "$x"}, M], ["replaceWith", "match a"]),
    ("not before a redaction", [{"$redact": "$$KEEP"}, M], ["redact", "match a"]),
    ("not before a union", [{"$unionWith": "f"}, M], ["unionWith f", "match a"]),
    ("not before a sample", [{"$sample": {"size": 5}}, M], ["sample 5", "match a"]),
    ("not before windows", [{"$setWindowFields": {"output": {"b": {"$sum": 1}}}}, M], ["setWindowFields b", "match a"]),
    (
        "not before a densification",
        [{"$densify": {"field": "b", "range": {"step": 1, "bounds": "full"}}}, M],
        ["sort {b: 1}", "densify b", "match a"],
    ),
    (
        "over several stages",
        [{"$set": {"b": 1}}, {"$sort": {"c": 1}}, {"$unwind": "$d"}, M],
        ["match a", "set", "sort {c: 1}", "unwind $d"],
    ),
    ("only the part that can", [{"$set": {"b": 1}}, {"$match": {"a": 1, "b": 1}}], ["match a", "set", "match b"]),
    (
        "the parts of an and",
        [{"$unwind": "$b"}, {"$match": {"$and": [{"a": 1}, {"b": 1}, {"c": 1}]}}],
        ["match a, c", "unwind $b", "match b"],
    ),
    ("an or stays whole", [{"$unwind": "$b"}, {"$match": {"$or": [{"a": 1}, {"b": 1}]}}], ["unwind $b", "match a, b"]),
    (
        "a part joins what stands before",
        [M, {"$set": {"b": 1}}, {"$match": {"c": 1, "b": 1}}],
        ["match a, c", "set", "match b"],
    ),
    (
        "an expression moves as a whole",
        [{"$set": {"b": 1}}, {"$match": {"$expr": {"$gt": ["$a", 1]}}}],
        ["match by expression", "set"],
    ),
    ("an expression does not join", [M, {"$match": {"$expr": {"$gt": ["$a", 1]}}}], ["match a", "match by expression"]),
    (
        "an expression that needs the field stays",
        [{"$set": {"b": 1}}, {"$match": {"$expr": {"$gt": ["$b", 1]}, "a": 1}}],
        ["set", "match a"],
    ),
    ("chance does not move", [{"$set": {"b": 1}}, {"$match": {"$sampleRate": 0.5}}], ["set", "match by expression"]),
    (
        "a limit before what makes one of one",
        [{"$set": {"b": 1}}, {"$project": {"b": 1}}, {"$limit": 5}],
        ["limit 5", "set", "project"],
    ),
    (
        "a limit before a lookup",
        [{"$lookup": {"from": "f", "pipeline": [], "as": "x"}}, {"$limit": 5}],
        ["limit 5", "lookup f as x, pipeline"],
    ),
    ("not before an unwind", [{"$unwind": "$a"}, {"$limit": 5}], ["unwind $a", "limit 5"]),
    ("limits join", [{"$limit": 5}, {"$set": {"b": 1}}, {"$limit": 3}, {"$limit": 7}], ["limit 3", "set"]),
    ("skips join", [{"$skip": 5}, {"$set": {"b": 1}}, {"$skip": 3}], ["skip 8", "set"]),
    ("limit and skip keep their order", [{"$limit": 5}, {"$skip": 3}], ["limit 5", "skip 3"]),
    ("a sort takes the limit", [{"$sort": {"a": 1}}, {"$skip": 3}, {"$limit": 5}], ["sort {a: 1}, first 8", "skip 3"]),
    (
        "a sort takes the least limit",
        [{"$sort": {"a": 1}}, {"$limit": 9}, {"$skip": 3}, {"$limit": 2}],
        ["sort {a: 1}, first 5", "skip 3"],
    ),
    (
        "over what makes one of one",
        [{"$sort": {"a": 1}}, {"$set": {"b": 1}}, {"$limit": 5}],
        ["sort {a: 1}, first 5", "set"],
    ),
    ("a sort without a limit", [{"$sort": {"a": 1}}, {"$skip": 3}], ["sort {a: 1}", "skip 3"]),
    ("a sort of nothing", [{"$sort": {"a": 1}}, {"$limit": 3}, {"$skip": 3}], ["limit 0"]),
    (
        "two sorts",
        [{"$sort": {"a": 1}}, {"$limit": 3}, {"$sort": {"b": 1}}, {"$limit": 2}],
        ["sort {a: 1}, first 3", "sort {b: 1}, first 2"],
    ),
    ("redact does not take a limit", [{"$redact": "$$KEEP"}, {"$limit": 2}], ["redact", "limit 2"]),
]


@pytest.mark.parametrize(("stages", "plan"), [case[1:] for case in PLANS], ids=[case[0] for case in PLANS])
def test_stages_move_where_the_result_is_the_same(stages: list[Any], plan: list[str]) -> None:
    """And only there."""
    assert _plan(stages) == plan


@pytest.mark.parametrize("stages", [case[1] for case in PLANS], ids=[case[0] for case in PLANS])
def test_the_optimiser_can_be_left_out(stages: list[Any]) -> None:
    """Then stages run as they are written."""
    plan = parse_pipeline(stages, optimise=False).plan
    assert [stage.name for stage in plan if not isinstance(stage, SortStage) or "$sort" in str(stages)] == [
        name for stage in stages for name in stage
    ]


def test_conditions_with_variables_stay_behind_the_others() -> None:
    """So that an index can serve the others."""
    pipeline = parse_pipeline([{"$match": {"a": 1, "$expr": {"$eq": ["$b", "$$v"]}}}], let={"v": 1})
    assert [stage.describe() for stage in pipeline.plan] == ["$match a", "$match by expression"]
    assert pipeline.leading.query.paths == {"a"}
    pipeline = parse_pipeline(
        [{"$match": {"$and": [{"a": 1}, {"$or": [{"c": 1}, {"$expr": {"$eq": ["$b", "$$v"]}}]}], "$nor": [{"d": 1}]}}],
        let={"v": 1},
    )
    assert pipeline.leading.query.paths == {"a", "d"}
    assert [isinstance(stage, Match) for stage in pipeline.rest.plan] == [True]


def test_a_text_search_stays_first() -> None:
    """What comes before it would not be searched."""
    search = {"$match": {"$text": {"$search": "x"}}}
    pipeline = parse_pipeline([search, {"$set": {"b": 1}}, M])
    assert [stage.name for stage in pipeline.plan] == ["$match", "$set"]
    assert pipeline.leading.query.text is not None
    assert not pipeline.leading.query.matches({"a": 2, "t": "x"})
    pipeline = parse_pipeline([search, M])
    assert pipeline.leading.query.text is not None
