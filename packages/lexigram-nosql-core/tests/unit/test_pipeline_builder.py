"""The fluent builder writes MongoDB's own pipelines, and each call leaves the builder before it alone."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
from lexigram.nosql.aggregation import parse_pipeline
from lexigram.nosql.aggregation.stages.registry import OFFERED
from lexigram.nosql.exceptions import NoSQLFilterError, PipelineError, QueryOptionError
from lexigram.nosql.query.builder import DocumentQueryBuilder
from lexigram.nosql.query.operators import (
    AccumulatorOp,
    AggregationOp,
    ArrayOp,
    ComparisonOp,
    ElementOp,
    EvaluationOp,
    LogicalOp,
    UpdateOp,
)
from lexigram.nosql.query.pipeline import AggregationPipeline

P = AggregationPipeline

FORMS: list[tuple[str, Callable[[], AggregationPipeline], Any]] = [
    ("match", lambda: P().match({"a": 1}), {"$match": {"a": 1}}),
    ("match query builder", lambda: P().match(DocumentQueryBuilder().where("a", 1)), {"$match": {"a": 1}}),
    ("match query", lambda: P().match(DocumentQueryBuilder().where_gt("a", 1).build()), {"$match": {"a": {"$gt": 1}}}),
    ("match all", lambda: P().match({}), {"$match": {}}),
    ("match enums", lambda: P().match({"a": {ComparisonOp.GT: 1}}), {"$match": {"a": {"$gt": 1}}}),
    (
        "match logic",
        lambda: P().match({LogicalOp.OR: [{"a": 1}, {"b": {ElementOp.EXISTS: True}}]}),
        {"$match": {"$or": [{"a": 1}, {"b": {"$exists": True}}]}},
    ),
    ("group whole", lambda: P().group({"_id": "$x", "n": {"$sum": 1}}), {"$group": {"_id": "$x", "n": {"$sum": 1}}}),
    (
        "group whole and more",
        lambda: P().group({"_id": "$x"}, n={"$sum": 1}),
        {"$group": {"_id": "$x", "n": {"$sum": 1}}},
    ),
    ("group dict", lambda: P().group("$x", {"n": {"$sum": 1}}), {"$group": {"_id": "$x", "n": {"$sum": 1}}}),
    ("group keyword", lambda: P().group("$x", count={"$sum": 1}), {"$group": {"_id": "$x", "count": {"$sum": 1}}}),
    ("group enum", lambda: P().group("$x", n=AccumulatorOp.SUM(1)), {"$group": {"_id": "$x", "n": {"$sum": 1}}}),
    (
        "group stage enum",
        lambda: P().group("$x", n=AggregationOp.SUM("$v")),
        {"$group": {"_id": "$x", "n": {"$sum": "$v"}}},
    ),
    (
        "group key enum",
        lambda: P().group("$x", n={AccumulatorOp.MAX: "$v"}),
        {"$group": {"_id": "$x", "n": {"$max": "$v"}}},
    ),
    ("group none", lambda: P().group(None, n={"$sum": 1}), {"$group": {"_id": None, "n": {"$sum": 1}}}),
    ("group nothing", lambda: P().group(), {"$group": {"_id": None}}),
    (
        "group by document",
        lambda: P().group({"a": "$a", "b": "$b"}, n={"$sum": 1}),
        {"$group": {"_id": {"a": "$a", "b": "$b"}, "n": {"$sum": 1}}},
    ),
    ("group by text", lambda: P().group("_id", {"n": {"$sum": 1}}), {"$group": {"_id": "_id", "n": {"$sum": 1}}}),
    ("project dict", lambda: P().project({"a": 1, "_id": 0}), {"$project": {"a": 1, "_id": 0}}),
    ("project keyword", lambda: P().project(a=1, b="$c"), {"$project": {"a": 1, "b": "$c"}}),
    ("project both", lambda: P().project({"a": 1}, b=1), {"$project": {"a": 1, "b": 1}}),
    ("sort dict", lambda: P().sort({"a": -1, "b": 1}), {"$sort": {"a": -1, "b": 1}}),
    ("sort pairs", lambda: P().sort([("a", -1), ("b", 1)]), {"$sort": {"a": -1, "b": 1}}),
    ("sort tuple of pairs", lambda: P().sort((("a", -1),)), {"$sort": {"a": -1}}),
    ("sort field", lambda: P().sort("a"), {"$sort": {"a": 1}}),
    ("sort field and direction", lambda: P().sort("a", -1), {"$sort": {"a": -1}}),
    ("sort descending", lambda: P().sort("a", descending=True), {"$sort": {"a": -1}}),
    ("limit", lambda: P().limit(3), {"$limit": 3}),
    ("skip", lambda: P().skip(3), {"$skip": 3}),
    ("unwind", lambda: P().unwind("a"), {"$unwind": "$a"}),
    ("unwind dollar", lambda: P().unwind("$a.b"), {"$unwind": "$a.b"}),
    (
        "unwind preserve",
        lambda: P().unwind("$a", preserve_null=True),
        {"$unwind": {"path": "$a", "preserveNullAndEmptyArrays": True}},
    ),
    (
        "unwind index",
        lambda: P().unwind("a", include_index="i"),
        {"$unwind": {"path": "$a", "includeArrayIndex": "i"}},
    ),
    ("unwind whole", lambda: P().unwind({"path": "$a"}), {"$unwind": {"path": "$a"}}),
    (
        "lookup",
        lambda: P().lookup("o", "a", "b", "c"),
        {"$lookup": {"from": "o", "localField": "a", "foreignField": "b", "as": "c"}},
    ),
    (
        "lookup keywords",
        lambda: P().lookup(from_collection="o", local_field="a", foreign_field="b", as_field="c"),
        {"$lookup": {"from": "o", "localField": "a", "foreignField": "b", "as": "c"}},
    ),
    (
        "lookup pipeline",
        lambda: P().lookup("o", as_field="c", let={"x": "$a"}, pipeline=P().match({"b": 1})),
        {"$lookup": {"from": "o", "let": {"x": "$a"}, "pipeline": [{"$match": {"b": 1}}], "as": "c"}},
    ),
    (
        "lookup whole",
        lambda: P().lookup({"from": "an-odd name", "localField": "a", "foreignField": "b", "as": "c"}),
        {"$lookup": {"from": "an-odd name", "localField": "a", "foreignField": "b", "as": "c"}},
    ),
    (
        "graph lookup",
        lambda: P().graph_lookup("o", "$a", "b", "c", "d", max_depth=2),
        {
            "$graphLookup": {
                "from": "o",
                "startWith": "$a",
                "connectFromField": "b",
                "connectToField": "c",
                "as": "d",
                "maxDepth": 2,
            }
        },
    ),
    (
        "graph lookup options",
        lambda: P().graph_lookup("o", "$a", "b", "c", "d", depth_field="e", restrict_search_with_match={"f": 1}),
        {
            "$graphLookup": {
                "from": "o",
                "startWith": "$a",
                "connectFromField": "b",
                "connectToField": "c",
                "as": "d",
                "depthField": "e",
                "restrictSearchWithMatch": {"f": 1},
            }
        },
    ),
    ("graph lookup whole", lambda: P().graph_lookup({"from": "o"}), {"$graphLookup": {"from": "o"}}),
    ("add fields", lambda: P().add_fields(a=1), {"$addFields": {"a": 1}}),
    ("add fields dict", lambda: P().add_fields({"a.b": 1}), {"$addFields": {"a.b": 1}}),
    ("set", lambda: P().set({"a": 1}, b=2), {"$set": {"a": 1, "b": 2}}),
    ("unset", lambda: P().unset("a"), {"$unset": "a"}),
    ("unset several", lambda: P().unset("a", "b"), {"$unset": ["a", "b"]}),
    ("replace root", lambda: P().replace_root("$a"), {"$replaceRoot": {"newRoot": "$a"}}),
    ("replace with", lambda: P().replace_with("$a"), {"$replaceWith": "$a"}),
    ("sample", lambda: P().sample(3), {"$sample": {"size": 3}}),
    ("count", lambda: P().count(), {"$count": "count"}),
    ("count name", lambda: P().count("n"), {"$count": "n"}),
    ("sort by count", lambda: P().sort_by_count("$a"), {"$sortByCount": "$a"}),
    (
        "facet",
        lambda: P().facet(a=[{"$limit": 1}], b=P().skip(1)),
        {"$facet": {"a": [{"$limit": 1}], "b": [{"$skip": 1}]}},
    ),
    ("facet dict", lambda: P().facet({"a": [{"$limit": 1}]}), {"$facet": {"a": [{"$limit": 1}]}}),
    (
        "bucket",
        lambda: P().bucket("$a", [0, 10]),
        {"$bucket": {"groupBy": "$a", "boundaries": [0, 10]}},
    ),
    (
        "bucket options",
        lambda: P().bucket("$a", (0, 10), default=None, output={"n": AccumulatorOp.COUNT({})}),
        {"$bucket": {"groupBy": "$a", "boundaries": [0, 10], "default": None, "output": {"n": {"$count": {}}}}},
    ),
    ("bucket auto", lambda: P().bucket_auto("$a", 3), {"$bucketAuto": {"groupBy": "$a", "buckets": 3}}),
    (
        "bucket auto options",
        lambda: P().bucket_auto("$a", 3, output={"n": {"$sum": 1}}, granularity="R5"),
        {"$bucketAuto": {"groupBy": "$a", "buckets": 3, "output": {"n": {"$sum": 1}}, "granularity": "R5"}},
    ),
    ("union with", lambda: P().union_with("o"), {"$unionWith": "o"}),
    (
        "union with pipeline",
        lambda: P().union_with("o", [{"$limit": 1}]),
        {"$unionWith": {"coll": "o", "pipeline": [{"$limit": 1}]}},
    ),
    (
        "union with documents",
        lambda: P().union_with(pipeline=P().documents([{"a": 1}])),
        {"$unionWith": {"pipeline": [{"$documents": [{"a": 1}]}]}},
    ),
    ("union with whole", lambda: P().union_with({"coll": "odd-name"}), {"$unionWith": {"coll": "odd-name"}}),
    (
        "set window fields",
        lambda: P().set_window_fields({"n": {"$sum": "$v"}}, partition_by="$p", sort_by={"t": 1}),
        {"$setWindowFields": {"partitionBy": "$p", "sortBy": {"t": 1}, "output": {"n": {"$sum": "$v"}}}},
    ),
    (
        "densify",
        lambda: P().densify("t", {"step": 1, "bounds": "full"}, partition_by_fields=["p"]),
        {"$densify": {"field": "t", "partitionByFields": ["p"], "range": {"step": 1, "bounds": "full"}}},
    ),
    (
        "fill",
        lambda: P().fill({"v": {"method": "locf"}}, sort_by={"t": 1}, partition_by="$p"),
        {"$fill": {"partitionBy": "$p", "sortBy": {"t": 1}, "output": {"v": {"method": "locf"}}}},
    ),
    (
        "fill by fields",
        lambda: P().fill({"v": {"value": 0}}, partition_by_fields=["p"]),
        {"$fill": {"partitionByFields": ["p"], "output": {"v": {"value": 0}}}},
    ),
    ("redact", lambda: P().redact("$$KEEP"), {"$redact": "$$KEEP"}),
    ("documents", lambda: P().documents([{"a": 1}]), {"$documents": [{"a": 1}]}),
    ("merge", lambda: P().merge("o"), {"$merge": {"into": "o"}}),
    (
        "merge options",
        lambda: P().merge("o", on=["a", "b"], when_matched="replace", when_not_matched="discard"),
        {"$merge": {"into": "o", "on": ["a", "b"], "whenMatched": "replace", "whenNotMatched": "discard"}},
    ),
    (
        "merge pipeline",
        lambda: P().merge("o", let={"x": "$a"}, when_matched=P().set(b="$$x")),
        {"$merge": {"into": "o", "let": {"x": "$a"}, "whenMatched": [{"$set": {"b": "$$x"}}]}},
    ),
    ("merge whole", lambda: P().merge({"into": "odd-name"}), {"$merge": {"into": "odd-name"}}),
    ("out", lambda: P().out("o"), {"$out": "o"}),
    ("out whole", lambda: P().out({"coll": "odd-name"}), {"$out": {"coll": "odd-name"}}),
    ("stage", lambda: P().stage("$match", {"a": 1}), {"$match": {"a": 1}}),
    ("stage enum", lambda: P().stage(AggregationOp.LIMIT, 1), {"$limit": 1}),
]


@pytest.mark.parametrize(("build", "stage"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_each_form_gives_the_stage_of_mongodb(build: Callable[[], AggregationPipeline], stage: Any) -> None:
    """Every documented way of writing a stage builds MongoDB's document, with plain strings as keys."""
    built = build().build()
    assert built == [stage]
    assert _classes(built) <= {dict, list, str, int, bool, type(None)}


def _classes(value: Any) -> set[type]:
    if isinstance(value, dict):
        return {dict}.union(*(_classes(part) for item in value.items() for part in item))
    if isinstance(value, list):
        return {list}.union(*map(_classes, value))
    return {type(value)}


@pytest.mark.parametrize(("build", "stage"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_most_built_stages_parse(build: Callable[[], AggregationPipeline], stage: Any) -> None:
    """What the builder builds is a pipeline, except where a whole specification was left incomplete."""
    if stage == {"$graphLookup": {"from": "o"}}:
        with pytest.raises(PipelineError):
            parse_pipeline(build())
    else:
        assert parse_pipeline(build()).to_list() == [stage]


def test_stages_follow_each_other() -> None:
    """The documented example builds four stages in order."""
    pipeline = (
        AggregationPipeline()
        .match({"category": "electronics"})
        .group({"_id": "$brand", "count": {"$sum": 1}, "avg_price": {"$avg": "$price"}})
        .sort({"avg_price": -1})
        .project({"brand": 1, "avg_price": 1, "count": 1})
    )
    assert len(pipeline) == 4
    assert pipeline.build() == [
        {"$match": {"category": "electronics"}},
        {"$group": {"_id": "$brand", "count": {"$sum": 1}, "avg_price": {"$avg": "$price"}}},
        {"$sort": {"avg_price": -1}},
        {"$project": {"brand": 1, "avg_price": 1, "count": 1}},
    ]


def test_a_new_builder_is_empty() -> None:
    """Without stages the pipeline is an empty list."""
    assert AggregationPipeline().build() == []
    assert len(AggregationPipeline()) == 0


def test_branches_of_a_builder_do_not_see_each_other() -> None:
    """A builder that is kept can be continued twice."""
    base = AggregationPipeline().match({"a": 1})
    first, second = base.limit(1), base.skip(2)
    assert base.build() == [{"$match": {"a": 1}}]
    assert first.build() == [{"$match": {"a": 1}}, {"$limit": 1}]
    assert second.build() == [{"$match": {"a": 1}}, {"$skip": 2}]


def test_a_builder_keeps_no_hold_of_what_it_was_given() -> None:
    """A change to an argument after the call does not reach the pipeline."""
    condition: dict[str, Any] = {"a": {"$in": [1, 2]}}
    facet: list[dict[str, Any]] = [{"$limit": 1}]
    builder = AggregationPipeline().match(condition).facet(x=facet)
    condition["a"]["$in"].append(3)
    facet.append({"$skip": 1})
    assert builder.build() == [{"$match": {"a": {"$in": [1, 2]}}}, {"$facet": {"x": [{"$limit": 1}]}}]


def test_changes_to_what_is_built_do_not_reach_the_builder() -> None:
    """Each build gives a pipeline of its own."""
    builder = AggregationPipeline().match({"a": {"$in": [1]}})
    built = builder.build()
    built[0]["$match"]["a"]["$in"].append(2)
    built.append({"$limit": 1})
    assert builder.build() == [{"$match": {"a": {"$in": [1]}}}]


def test_builders_with_equal_stages_are_equal() -> None:
    """Equality is by what would be built."""
    assert AggregationPipeline().limit(1) == AggregationPipeline().limit(1)
    assert AggregationPipeline().limit(1) != AggregationPipeline().limit(2)


class Wide(AggregationPipeline):
    """A builder with a stage of its own."""

    def active(self) -> Wide:
        """Keep what is active."""
        return self.match({"active": True})


def test_subclasses_stay_themselves() -> None:
    """Calls on a subclass give the subclass."""
    assert Wide().limit(1).active().build() == [{"$limit": 1}, {"$match": {"active": True}}]


@pytest.mark.parametrize(
    "query",
    [
        DocumentQueryBuilder().where("a", 1).limit(1),
        DocumentQueryBuilder().skip(1),
        DocumentQueryBuilder().sort_by("a"),
        DocumentQueryBuilder().select("a"),
    ],
)
def test_match_takes_queries_that_only_filter(query: DocumentQueryBuilder) -> None:
    """A sort, skip, limit or projection would be lost in a ``$match``."""
    with pytest.raises(QueryOptionError):
        AggregationPipeline().match(query)


def test_match_is_checked_at_once() -> None:
    """A filter that is not valid does not enter the pipeline."""
    with pytest.raises(NoSQLFilterError):
        AggregationPipeline().match({"$where": "true"})
    with pytest.raises(NoSQLFilterError):
        AggregationPipeline().match({"a": {"$nothing": 1}})


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a.b", "a b", "$a", "a;drop", "a\n", "ä", None, 7])
def test_names_of_collections_are_checked(name: Any) -> None:
    """Keyword forms take plain names only, so that text from outside cannot name just any collection."""
    calls: list[Callable[[], Any]] = [
        lambda: P().lookup(name, "a", "b", "c"),
        lambda: P().graph_lookup(name, "$a", "b", "c", "d"),
        lambda: P().merge(name),
        lambda: P().out(name),
    ]
    if name is not None:
        calls.append(lambda: P().union_with(name))
    for call in calls:
        with pytest.raises(NoSQLFilterError):
            call()


@pytest.mark.parametrize("fields", [5, None, ["a"], [("a",)], [("a", 1, 2)], [(1, 1)], [("a", 1), ("a", -1)], {"a"}])
def test_sort_refuses_what_is_no_order(fields: Any) -> None:
    """Fields without directions, and fields named twice, are errors of the library."""
    with pytest.raises(QueryOptionError):
        AggregationPipeline().sort(fields)


def test_descending_goes_with_one_field() -> None:
    """With several fields each has a direction of its own."""
    with pytest.raises(QueryOptionError, match="descending"):
        AggregationPipeline().sort({"a": 1}, descending=True)


def test_a_stage_that_contains_itself_is_refused() -> None:
    """Endless specifications are found when they are added."""
    loop: dict[str, Any] = {}
    loop["a"] = loop
    with pytest.raises(PipelineError) as caught:
        AggregationPipeline().project(loop)
    assert caught.value.mongo_code == 15


def test_values_keep_their_types() -> None:
    """Only members of text enums become plain text; whatever else a document may hold stays."""

    class Colour(StrEnum):
        RED = "red"

    built = AggregationPipeline().match({"a": Colour.RED, "b": b"x", "c": 1.5}).build()
    assert built == [{"$match": {"a": "red", "b": b"x", "c": 1.5}}]
    assert type(built[0]["$match"]["a"]) is str


@pytest.mark.parametrize(
    ("member", "name"),
    [
        (ComparisonOp.NIN, "$nin"),
        (LogicalOp.NOR, "$nor"),
        (ElementOp.TYPE, "$type"),
        (EvaluationOp.JSON_SCHEMA, "$jsonSchema"),
        (ArrayOp.ELEM_MATCH, "$elemMatch"),
        (UpdateOp.ADD_TO_SET, "$addToSet"),
        (AggregationOp.REPLACE_ROOT, "$replaceRoot"),
        (AccumulatorOp.STD_DEV_SAMP, "$stdDevSamp"),
        (AggregationOp.ADD_TO_SET, "$addToSet"),
    ],
)
def test_members_of_the_enums_are_the_names(member: str, name: str) -> None:
    """A member equals the name it stands for and is found where the name is."""
    assert member == name
    assert str(member) == name
    assert {name: 1}[member] == 1
    assert isinstance(member, str)


def test_operators_of_pipelines_can_be_called() -> None:
    """A call writes the operator with its argument under a plain name."""
    assert AccumulatorOp.SUM("$a") == {"$sum": "$a"}
    assert AggregationOp.LIMIT(3) == {"$limit": 3}
    assert type(next(iter(AccumulatorOp.SUM(1)))) is str


def test_every_stage_that_is_offered_has_a_name() -> None:
    """The enum of stages holds stages only, and each of them is known to the engine."""
    assert {member.value for member in AggregationOp} == set(OFFERED)
    assert "SUM" not in AggregationOp.__members__
