"""Stages that choose, shape and order documents one by one, against the manual's rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.aggregation import parse_pipeline
from lexigram.nosql.exceptions import NoSQLError, PipelineError, UnsupportedFeatureError

Aggregate = Callable[..., Any]

SHAPES: list[tuple[str, Any, Any, Any]] = [
    # name, document, stage, documents that come out
    (
        "project keeps the order of the document",
        {"_id": 1, "a": 1, "b": 2, "c": 3},
        {"$project": {"c": 1, "a": 1}},
        [{"_id": 1, "a": 1, "c": 3}],
    ),
    ("project without _id", {"_id": 1, "a": 1}, {"$project": {"a": 1, "_id": 0}}, [{"a": 1}]),
    ("project only _id", {"_id": 1, "a": 1}, {"$project": {"_id": 1}}, [{"_id": 1}]),
    ("project all but _id", {"_id": 1, "a": 1, "b": 2}, {"$project": {"_id": 0}}, [{"a": 1, "b": 2}]),
    ("project removes", {"_id": 1, "a": 1, "b": 2}, {"$project": {"a": 0}}, [{"_id": 1, "b": 2}]),
    (
        "project removes but _id stays",
        {"_id": 1, "a": 1, "b": 2},
        {"$project": {"a": 0, "_id": 1}},
        [{"_id": 1, "b": 2}],
    ),
    ("project with false", {"_id": 1, "a": 1, "b": 2}, {"$project": {"a": False}}, [{"_id": 1, "b": 2}]),
    ("any number but zero keeps", {"_id": 1, "a": 1, "b": 2}, {"$project": {"a": 5.5}}, [{"_id": 1, "a": 1}]),
    ("a decimal is a flag too", {"_id": 1, "a": 1, "b": 2}, {"$project": {"a": Decimal("0.0")}}, [{"_id": 1, "b": 2}]),
    ("what is missing stays missing", {"_id": 1}, {"$project": {"a": 1, "b": "$c"}}, [{"_id": 1}]),
    (
        "computed fields come last",
        {"_id": 1, "a": 1, "b": 2},
        {"$project": {"x": "$a", "b": 1}},
        [{"_id": 1, "b": 2, "x": 1}],
    ),
    (
        "computed fields see the document",
        {"_id": 1, "a": 1, "b": 2},
        {"$project": {"a": "$b", "b": "$a"}},
        [{"_id": 1, "a": 2, "b": 1}],
    ),
    ("the _id can be computed", {"_id": 1, "a": 7}, {"$project": {"_id": "$a"}}, [{"_id": 7}]),
    ("literal numbers", {"_id": 1}, {"$project": {"a": {"$literal": 1}}}, [{"_id": 1, "a": 1}]),
    (
        "text is an expression",
        {"_id": 1, "b": 3},
        {"$project": {"a": "text", "c": "$b"}},
        [{"_id": 1, "a": "text", "c": 3}],
    ),
    (
        "an array of expressions",
        {"_id": 1, "b": 3},
        {"$project": {"a": ["$b", "$x", 1]}},
        [{"_id": 1, "a": [3, None, 1]}],
    ),
    ("nested kept", {"_id": 1, "a": {"b": 1, "c": 2}}, {"$project": {"a.b": 1}}, [{"_id": 1, "a": {"b": 1}}]),
    (
        "nested kept, as a document",
        {"_id": 1, "a": {"b": 1, "c": 2}},
        {"$project": {"a": {"c": 1}}},
        [{"_id": 1, "a": {"c": 2}}],
    ),
    ("nested kept of another value", {"_id": 1, "a": 5}, {"$project": {"a.b": 1}}, [{"_id": 1}]),
    ("nested kept of nothing", {"_id": 1, "a": {"c": 2}}, {"$project": {"a.b": 1}}, [{"_id": 1, "a": {}}]),
    (
        "nested kept in an array",
        {"_id": 1, "a": [{"b": 1, "c": 2}, 3, {"c": 4}, [{"b": 5}]]},
        {"$project": {"a.b": 1}},
        [{"_id": 1, "a": [{"b": 1}, {}, [{"b": 5}]]}],
    ),
    ("nested removed", {"_id": 1, "a": {"b": 1, "c": 2}}, {"$project": {"a.b": 0}}, [{"_id": 1, "a": {"c": 2}}]),
    (
        "nested removed in an array",
        {"_id": 1, "a": [{"b": 1, "c": 2}, 3, [{"b": 5}]]},
        {"$project": {"a.b": 0}},
        [{"_id": 1, "a": [{"c": 2}, 3, [{}]]}],
    ),
    ("nested computed", {"_id": 1, "x": 9}, {"$project": {"a.b": "$x"}}, [{"_id": 1, "a": {"b": 9}}]),
    (
        "nested computed in an array",
        {"_id": 1, "x": 9, "a": [{"b": 1, "c": 2}, 3]},
        {"$project": {"a.b": "$x"}},
        [{"_id": 1, "a": [{"b": 9}, {"b": 9}]}],
    ),
    (
        "nested kept and computed",
        {"_id": 1, "x": 9, "a": {"b": 1, "c": 2}},
        {"$project": {"a": {"d": "$x", "b": 1}}},
        [{"_id": 1, "a": {"b": 1, "d": 9}}],
    ),
    (
        "deep",
        {"_id": 1, "a": {"b": {"c": {"d": 1, "e": 2}}}},
        {"$project": {"a.b.c.d": 1}},
        [{"_id": 1, "a": {"b": {"c": {"d": 1}}}}],
    ),
    (
        "$$REMOVE leaves a field out",
        {"_id": 1, "a": 1},
        {"$project": {"a": "$$REMOVE", "b": "$a"}},
        [{"_id": 1, "b": 1}],
    ),
    ("unset", {"_id": 1, "a": 1, "b": 2}, {"$unset": "a"}, [{"_id": 1, "b": 2}]),
    ("unset several", {"_id": 1, "a": 1, "b": {"c": 1, "d": 2}}, {"$unset": ["a", "b.c"]}, [{"_id": 1, "b": {"d": 2}}]),
    ("unset what is missing", {"_id": 1}, {"$unset": ["a", "b.c"]}, [{"_id": 1}]),
    ("unset the _id", {"_id": 1, "a": 1}, {"$unset": "_id"}, [{"a": 1}]),
    ("add fields", {"_id": 1, "a": 1}, {"$addFields": {"b": "$a"}}, [{"_id": 1, "a": 1, "b": 1}]),
    ("numbers are values here", {"_id": 1, "a": 5}, {"$addFields": {"a": 1, "b": 0}}, [{"_id": 1, "a": 1, "b": 0}]),
    (
        "a field that is there keeps its place",
        {"_id": 1, "a": 1, "b": 2},
        {"$set": {"a": "$b"}},
        [{"_id": 1, "a": 2, "b": 2}],
    ),
    (
        "all see the document that came in",
        {"_id": 1, "a": 1, "b": 2},
        {"$set": {"a": "$b", "b": "$a"}},
        [{"_id": 1, "a": 2, "b": 1}],
    ),
    ("missing removes", {"_id": 1, "a": 1}, {"$set": {"a": "$x"}}, [{"_id": 1}]),
    ("add nested", {"_id": 1, "a": {"b": 1}}, {"$set": {"a.c": 2}}, [{"_id": 1, "a": {"b": 1, "c": 2}}]),
    (
        "add nested as a document",
        {"_id": 1, "a": {"b": 1}},
        {"$set": {"a": {"c": 2}}},
        [{"_id": 1, "a": {"b": 1, "c": 2}}],
    ),
    ("add nested in the place of another value", {"_id": 1, "a": 7}, {"$set": {"a.b": 2}}, [{"_id": 1, "a": {"b": 2}}]),
    (
        "add nested in an array",
        {"_id": 1, "a": [1, {"c": 2}, []]},
        {"$set": {"a.b": 3}},
        [{"_id": 1, "a": [{"b": 3}, {"c": 2, "b": 3}, []]}],
    ),
    ("add an empty document", {"_id": 1, "a": 1}, {"$set": {"a": {}}}, [{"_id": 1, "a": {}}]),
    ("add deep", {"_id": 1}, {"$set": {"a.b.c": "$_id"}}, [{"_id": 1, "a": {"b": {"c": 1}}}]),
    ("replace root", {"_id": 1, "a": {"b": 2}}, {"$replaceRoot": {"newRoot": "$a"}}, [{"b": 2}]),
    ("replace with", {"_id": 1, "a": {"b": 2}}, {"$replaceWith": {"x": "$a.b", "y": "$none"}}, [{"x": 2}]),
    (
        "replace with a merge",
        {"_id": 1, "a": {"b": 2}},
        {"$replaceWith": {"$mergeObjects": ["$$ROOT", "$a"]}},
        [{"_id": 1, "a": {"b": 2}, "b": 2}],
    ),
    ("unwind", {"_id": 1, "a": [1, 2]}, {"$unwind": "$a"}, [{"_id": 1, "a": 1}, {"_id": 1, "a": 2}]),
    ("unwind one value", {"_id": 1, "a": 5}, {"$unwind": "$a"}, [{"_id": 1, "a": 5}]),
    ("unwind nothing", {"_id": 1}, {"$unwind": "$a"}, []),
    ("unwind null", {"_id": 1, "a": None}, {"$unwind": "$a"}, []),
    ("unwind an empty array", {"_id": 1, "a": []}, {"$unwind": "$a"}, []),
    ("unwind nothing, kept", {"_id": 1}, {"$unwind": {"path": "$a", "preserveNullAndEmptyArrays": True}}, [{"_id": 1}]),
    (
        "unwind null, kept",
        {"_id": 1, "a": None},
        {"$unwind": {"path": "$a", "preserveNullAndEmptyArrays": True}},
        [{"_id": 1, "a": None}],
    ),
    (
        "unwind an empty array, kept",
        {"_id": 1, "a": [], "b": 1},
        {"$unwind": {"path": "$a", "preserveNullAndEmptyArrays": True}},
        [{"_id": 1, "b": 1}],
    ),
    ("unwind nulls within", {"_id": 1, "a": [None, 1]}, {"$unwind": "$a"}, [{"_id": 1, "a": None}, {"_id": 1, "a": 1}]),
    (
        "unwind arrays within once",
        {"_id": 1, "a": [[1, 2], 3]},
        {"$unwind": "$a"},
        [{"_id": 1, "a": [1, 2]}, {"_id": 1, "a": 3}],
    ),
    ("unwind keeps the place of the field", {"a": [1], "_id": 1}, {"$unwind": "$a"}, [{"a": 1, "_id": 1}]),
    (
        "unwind with positions",
        {"_id": 1, "a": ["x", "y"]},
        {"$unwind": {"path": "$a", "includeArrayIndex": "i"}},
        [{"_id": 1, "a": "x", "i": 0}, {"_id": 1, "a": "y", "i": 1}],
    ),
    (
        "one value has no position",
        {"_id": 1, "a": "x"},
        {"$unwind": {"path": "$a", "includeArrayIndex": "i"}},
        [{"_id": 1, "a": "x", "i": None}],
    ),
    (
        "kept without a position",
        {"_id": 1, "a": []},
        {"$unwind": {"path": "$a", "includeArrayIndex": "i", "preserveNullAndEmptyArrays": True}},
        [{"_id": 1, "i": None}],
    ),
    (
        "kept, missing, without a position",
        {"_id": 1},
        {"$unwind": {"path": "$a", "includeArrayIndex": "i", "preserveNullAndEmptyArrays": True}},
        [{"_id": 1, "i": None}],
    ),
    (
        "the position may be nested",
        {"_id": 1, "a": ["x"]},
        {"$unwind": {"path": "$a", "includeArrayIndex": "p.i"}},
        [{"_id": 1, "a": "x", "p": {"i": 0}}],
    ),
    (
        "the position may take the array's place",
        {"_id": 1, "a": ["x"]},
        {"$unwind": {"path": "$a", "includeArrayIndex": "a"}},
        [{"_id": 1, "a": 0}],
    ),
    (
        "unwind a nested array",
        {"_id": 1, "a": {"b": [1, 2], "c": 3}},
        {"$unwind": "$a.b"},
        [{"_id": 1, "a": {"b": 1, "c": 3}}, {"_id": 1, "a": {"b": 2, "c": 3}}],
    ),
    (
        "unwind a nested empty array, kept",
        {"_id": 1, "a": {"b": []}},
        {"$unwind": {"path": "$a.b", "preserveNullAndEmptyArrays": True}},
        [{"_id": 1, "a": {}}],
    ),
    ("an array on the way is not entered", {"_id": 1, "a": [{"b": [1]}]}, {"$unwind": "$a.b"}, []),
    ("match", {"_id": 1, "a": [1, 5]}, {"$match": {"a": {"$gt": 4}}}, [{"_id": 1, "a": [1, 5]}]),
    ("match nothing", {"_id": 1, "a": 1}, {"$match": {"a": 2}}, []),
    (
        "match an expression",
        {"_id": 1, "a": 1, "b": 0},
        {"$match": {"$expr": {"$gt": ["$a", "$b"]}}},
        [{"_id": 1, "a": 1, "b": 0}],
    ),
    ("redact keeps", {"_id": 1, "a": {"b": 1}}, {"$redact": "$$KEEP"}, [{"_id": 1, "a": {"b": 1}}]),
    ("redact prunes", {"_id": 1}, {"$redact": "$$PRUNE"}, []),
    (
        "redact descends everywhere",
        {"_id": 1, "a": [{"b": 1}, 2, [{"c": 3}]]},
        {"$redact": "$$DESCEND"},
        [{"_id": 1, "a": [{"b": 1}, 2, [{"c": 3}]]}],
    ),
]


@pytest.mark.parametrize(
    ("document", "stage", "expected"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES]
)
async def test_a_stage_makes_of_a_document(aggregate: Aggregate, document: Any, stage: Any, expected: Any) -> None:
    """What the manual says, to the order of the fields."""
    made = await aggregate([document], [stage])
    assert made == expected
    assert [list(each) for each in made] == [list(each) for each in expected]


async def test_redact_decides_on_each_level(aggregate: Aggregate) -> None:
    """The example of the manual: documents within are pruned by their own tags."""
    document = {
        "_id": 1,
        "tags": ["G", "STLW"],
        "subsections": [
            {"subtitle": "1", "tags": ["SI", "G"], "content": "x"},
            {"subtitle": "2", "tags": ["STLW"], "content": "y"},
            {"subtitle": "3", "tags": ["TK"], "content": {"tags": ["G"], "text": "z"}},
        ],
    }
    shown = {"$gt": [{"$size": {"$setIntersection": ["$tags", ["STLW", "G"]]}}, 0]}
    made = await aggregate([document], [{"$redact": {"$cond": [shown, "$$DESCEND", "$$PRUNE"]}}])
    assert made == [
        {
            "_id": 1,
            "tags": ["G", "STLW"],
            "subsections": [
                {"subtitle": "1", "tags": ["SI", "G"], "content": "x"},
                {"subtitle": "2", "tags": ["STLW"], "content": "y"},
            ],
        }
    ]


async def test_redact_sees_the_outermost_document_as_root(aggregate: Aggregate) -> None:
    """A field path starts at the level that is decided on, ``$$ROOT`` does not."""
    document = {"_id": 1, "level": 1, "a": {"level": 2}, "b": {"level": 1}}
    decide = {"$cond": [{"$eq": ["$level", "$$ROOT.level"]}, "$$DESCEND", "$$PRUNE"]}
    assert await aggregate([document], [{"$redact": decide}]) == [{"_id": 1, "level": 1, "b": {"level": 1}}]


@pytest.mark.parametrize(
    ("code", "stage"),
    [
        (17053, {"$redact": "$a"}),
        (17053, {"$redact": "keep it"}),
        (40228, {"$replaceWith": "$a"}),
        (40228, {"$replaceRoot": {"newRoot": "$none"}}),
        (14, {"$set": {"b": {"$add": ["x", "$a"]}}}),
        (5858203, {"$documents": "text"}),
        (40228, {"$documents": [1]}),
    ],
)
async def test_what_a_document_makes_impossible_fails_while_it_runs(
    aggregate: Aggregate, code: int, stage: Any
) -> None:
    """Errors that only a document brings about have MongoDB's code too."""
    with pytest.raises(PipelineError) as caught:
        await aggregate([{"_id": 1, "a": 1}], [stage])
    assert caught.value.mongo_code == code


async def test_limit_and_skip_count_over_batches(aggregate: Aggregate) -> None:
    """Batches are an affair of the source, not of the pipeline."""
    documents = [{"_id": n} for n in range(10)]
    for batch in (1, 3, 100):
        ids = [each["_id"] for each in await aggregate(documents, [{"$skip": 2}, {"$limit": 5}], batch=batch)]
        assert ids == [2, 3, 4, 5, 6]
    assert await aggregate(documents, [{"$skip": 0}, {"$limit": 1.0}]) == [{"_id": 0}]
    assert await aggregate(documents, [{"$skip": 100}]) == []
    assert len(await aggregate(documents, [{"$limit": 2**40}])) == 10


async def test_sort_keeps_the_order_of_equals(aggregate: Aggregate) -> None:
    """A sort is stable, in both directions."""
    documents = [{"_id": n, "a": n % 3, "b": -n} for n in range(9)]
    up = [each["_id"] for each in await aggregate(documents, [{"$sort": {"a": 1}}], batch=2)]
    down = [each["_id"] for each in await aggregate(documents, [{"$sort": {"a": -1}}], batch=2)]
    both = [each["_id"] for each in await aggregate(documents, [{"$sort": {"a": 1, "b": 1}}])]
    assert up == [0, 3, 6, 1, 4, 7, 2, 5, 8]
    assert down == [2, 5, 8, 1, 4, 7, 0, 3, 6]
    assert both == [6, 3, 0, 7, 4, 1, 8, 5, 2]


async def test_sort_with_a_limit_keeps_no_more_than_it_needs(aggregate: Aggregate) -> None:
    """The first of many are the same as without the limit."""
    documents = [{"_id": n, "a": (n * 7919) % 10_007} for n in range(12_000)]
    everything = await aggregate(documents, [{"$sort": {"a": 1}}])
    first = await aggregate(documents, [{"$sort": {"a": 1}}, {"$skip": 2}, {"$limit": 5}], batch=700)
    assert first == everything[2:7]
    assert [each["_id"] for each in first] == [
        each["_id"] for each in sorted(documents, key=lambda each: each["a"])[2:7]
    ]


async def test_sort_takes_the_order_of_types(aggregate: Aggregate) -> None:
    """Missing and null come first, then numbers, text, documents, arrays by their least element, bools, dates."""
    values = [datetime(2020, 1, 1, tzinfo=UTC), True, {"x": 1}, "text", 3, None]
    documents = [{"_id": n, "a": value} for n, value in enumerate(values)]
    documents += [{"_id": 6}, {"_id": 7, "a": [2, 9]}]
    made = await aggregate(documents, [{"$sort": {"a": 1}}])
    assert [each["_id"] for each in made] == [5, 6, 7, 4, 3, 2, 1, 0]
    made = await aggregate(documents, [{"$sort": {"a": -1}}])
    assert [each["_id"] for each in made] == [0, 1, 2, 3, 7, 4, 5, 6]


async def test_collation_reaches_sorts_and_filters(aggregate: Aggregate) -> None:
    """Text compares as the pipeline's collation says."""
    documents = [{"_id": 1, "a": "b"}, {"_id": 2, "a": "B"}, {"_id": 3, "a": "a"}]
    collation = {"locale": "en", "strength": 2}
    made = await aggregate(documents, [{"$match": {"a": "B"}}], collation=collation)
    assert [each["_id"] for each in made] == [1, 2]
    made = await aggregate(documents, [{"$sort": {"a": 1}}], collation=collation)
    assert [each["_id"] for each in made] == [3, 1, 2]
    made = await aggregate(documents, [{"$group": {"_id": "$a", "n": {"$sum": 1}}}], collation=collation)
    assert made == [{"_id": "b", "n": 2}, {"_id": "a", "n": 1}]


async def test_the_score_of_a_text_search_can_be_read_and_sorted_by(aggregate: Aggregate) -> None:
    """``$meta`` works for the documents that a leading ``$match`` with ``$text`` found."""
    documents = [{"_id": 1, "t": "red"}, {"_id": 2, "t": "red blue red"}, {"_id": 3, "t": "green"}]
    match = {"$match": {"$text": {"$search": "red blue"}}}
    score = {"$meta": "textScore"}
    made = await aggregate(documents, [match, {"$set": {"score": score}}])
    assert {each["_id"] for each in made} == {1, 2}
    assert all(each["score"] > 0 for each in made)
    made = await aggregate(documents, [match, {"$sort": {"score": score}}, {"$project": {"t": 1}}])
    assert [each["_id"] for each in made] == [2, 1]
    made = await aggregate(documents, [match, {"$match": {"_id": 2}}, {"$sort": {"score": score}}, {"$limit": 1}])
    assert [each["_id"] for each in made] == [2]


def test_the_score_must_be_read_while_documents_are_as_they_were() -> None:
    """The score is computed from the document, so a stage that made another one ends it."""
    match = {"$match": {"$text": {"$search": "red"}}}
    with pytest.raises(UnsupportedFeatureError):
        parse_pipeline([match, {"$project": {"t": 1}}, {"$set": {"score": {"$meta": "textScore"}}}])


async def test_a_random_order_holds_everything(aggregate: Aggregate) -> None:
    """A sort by ``randVal`` shuffles, and is not taken for part of the read."""
    documents = [{"_id": n} for n in range(50)]
    pipeline = parse_pipeline([{"$sort": {"r": {"$meta": "randVal"}}}])
    assert pipeline.volatile
    assert pipeline.leading.sort is None
    made = await aggregate(documents, pipeline.to_list())
    assert sorted(each["_id"] for each in made) == list(range(50))


async def test_a_sample_is_a_part_without_repetition(aggregate: Aggregate) -> None:
    """As many documents as asked, each at most once; all of them where there are fewer."""
    documents = [{"_id": n} for n in range(30)]
    made = await aggregate(documents, [{"$sample": {"size": 10}}], batch=4)
    assert len({each["_id"] for each in made}) == 10
    everything = await aggregate(documents, [{"$sample": {"size": 100}}], batch=4)
    assert sorted(each["_id"] for each in everything) == list(range(30))
    seen = set()
    for _ in range(60):
        seen |= {each["_id"] for each in await aggregate(documents, [{"$sample": {"size": 10}}])}
    assert seen == set(range(30))


async def test_count_gives_nothing_for_nothing(aggregate: Aggregate) -> None:
    """Without documents there is no count of 0, as in MongoDB."""
    assert await aggregate([{"_id": 1}, {"_id": 2}], [{"$count": "n"}], batch=1) == [{"n": 2}]
    assert await aggregate([], [{"$count": "n"}]) == []


async def test_documents_stand_for_a_collection(aggregate: Aggregate) -> None:
    """The collection is not read, and expressions are evaluated."""
    made = await aggregate([{"_id": 1}], [{"$documents": [{"a": 1}, {"a": {"$add": [1, 1]}}]}, {"$match": {"a": 2}}])
    assert made == [{"a": 2}]
    made = await aggregate([], [{"$documents": {"$map": {"input": [1, 2], "in": {"v": "$$this"}}}}])
    assert made == [{"v": 1}, {"v": 2}]
    assert await aggregate([{"_id": 1}], [{"$documents": []}]) == []


async def test_now_is_one_moment_for_the_whole_run(aggregate: Aggregate) -> None:
    """``$$NOW`` comes from the surroundings."""
    now = datetime(2024, 2, 29, tzinfo=UTC)
    made = await aggregate([{"_id": 1}, {"_id": 2}], [{"$set": {"at": "$$NOW"}}], now=now)
    assert [each["at"] for each in made] == [now, now]


async def test_variables_of_let_are_seen_everywhere(aggregate: Aggregate) -> None:
    """In filters, in computed fields and in the pipelines of other stages."""
    documents = [{"_id": 1, "a": 1}, {"_id": 2, "a": 5}]
    stages = [
        {"$match": {"$expr": {"$gt": ["$a", "$$least"]}, "_id": {"$gt": 0}}},
        {"$set": {"least": "$$least"}},
        {"$lookup": {"from": "other", "pipeline": [{"$match": {"$expr": {"$eq": ["$a", "$$least"]}}}], "as": "found"}},
        {"$facet": {"x": [{"$project": {"least": "$$least", "found": 1}}]}},
    ]
    made = await aggregate(documents, stages, let={"least": {"$add": [1, 2]}}, other=[{"_id": 7, "a": 3}, {"_id": 8}])
    assert made == [{"x": [{"_id": 2, "least": 3, "found": [{"_id": 7, "a": 3}]}]}]


async def test_a_variable_of_let_may_read_those_before_it(aggregate: Aggregate) -> None:
    """In the order in which they are written."""
    let = {"one": 1, "two": {"$add": ["$$one", 1]}}
    assert await aggregate([{"_id": 1}], [{"$set": {"v": "$$two"}}], let=let) == [{"_id": 1, "v": 2}]
    with pytest.raises(PipelineError) as caught:
        parse_pipeline([], let=dict(reversed(let.items())))
    assert caught.value.mongo_code == 17276


async def test_variables_of_let_stand_for_constants(aggregate: Aggregate) -> None:
    """Where an operator takes constants only, they are as good."""
    documents = [{"_id": 1, "x": 0}, {"_id": 2, "x": 1}, {"_id": 3, "x": 2}]
    let = {"shares": [0.5, 0.9, 0.1], "high": 0.9, "n": 2, "none": -1}
    spec = {"input": "$x", "p": "$$shares", "method": "approximate"}
    made = await aggregate(documents, [{"$group": {"_id": None, "p": {"$percentile": spec}}}], let=let)
    assert made == [{"_id": None, "p": [1.0, 2.0, 0.0]}]
    some = {**spec, "p": {"$concatArrays": [[0.1], ["$$high"]]}}
    made = await aggregate(documents, [{"$group": {"_id": None, "p": {"$percentile": some}}}], let=let)
    assert made == [{"_id": None, "p": [0.0, 2.0]}]
    inline = {"$percentile": {**spec, "input": [4, 5, 6]}}
    made = await aggregate([{"_id": 1}], [{"$project": {"_id": 0, "p": inline}}], let=let)
    assert made == [{"p": [5.0, 6.0, 4.0]}]
    first = {"$firstN": {"n": "$$n", "input": "$x"}}
    stage = {"$bucketAuto": {"groupBy": "$x", "buckets": 1, "output": {"v": first}}}
    assert await aggregate(documents, [stage], let=let) == [{"_id": {"min": 0, "max": 2}, "v": [0, 1]}]
    shift = {"$shift": {"output": "$x", "by": 1, "default": "$$none"}}
    stage = {"$setWindowFields": {"sortBy": {"x": 1}, "output": {"v": shift}}}
    assert [each["v"] for each in await aggregate(documents, [stage], let=let)] == [1, 2, -1]


@pytest.mark.parametrize(("shares", "code"), [(0.5, 7750301), ([0.5, "x"], 7750302), ([2], 7750303)])
async def test_a_variable_that_holds_no_shares(aggregate: Aggregate, shares: Any, code: int) -> None:
    """The fault is that of a constant."""
    spec = {"input": "$x", "p": "$$shares", "method": "approximate"}
    with pytest.raises(PipelineError) as caught:
        await aggregate([{"x": 1}], [{"$group": {"_id": None, "p": {"$percentile": spec}}}], let={"shares": shares})
    assert caught.value.mongo_code == code


async def test_an_empty_pipeline_gives_copies(aggregate: Aggregate) -> None:
    """Nothing happens to the documents, but they are the caller's own."""
    document = {"_id": 1, "a": {"b": [1]}}
    (made,) = await aggregate([document], [])
    assert made == document
    made["a"]["b"].append(2)
    assert document == {"_id": 1, "a": {"b": [1]}}


@pytest.mark.parametrize("stage", [{"$addFields": {}}, {"$match": {}}, {"$skip": 0}])
async def test_stages_that_do_nothing_vanish(aggregate: Aggregate, stage: Any) -> None:
    """They stay in what was written, not in what runs."""
    pipeline = parse_pipeline([stage])
    assert pipeline.plan == ()
    assert pipeline.to_list() == [stage]
    assert await aggregate([{"_id": 1}], [stage]) == [{"_id": 1}]


def test_every_error_is_one_of_the_library() -> None:
    """The errors of this module have one base."""
    with pytest.raises(NoSQLError):
        parse_pipeline([{"$match": {"$nothing": 1}}])


async def test_the_position_of_an_element_is_a_long(aggregate: Any) -> None:
    """As small as it is (manual, "$unwind", includeArrayIndex)."""
    stages = [{"$unwind": {"path": "$a", "includeArrayIndex": "i"}}, {"$project": {"_id": 0, "t": {"$type": "$i"}}}]
    assert await aggregate([{"_id": 1, "a": [5]}, {"_id": 2, "a": 5}], stages) == [{"t": "long"}, {"t": "null"}]
