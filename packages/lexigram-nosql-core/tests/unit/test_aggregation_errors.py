"""What is wrong with a pipeline is said before it runs, with MongoDB's own code."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.aggregation import parse_pipeline
from lexigram.nosql.exceptions import NoSQLError, PipelineError, UnsupportedFeatureError

BY_STAGE: list[tuple[int, Any]] = [
    # the pipeline itself
    (14, {"$match": {}}),
    (14, "$match"),
    (14, None),
    (14, [1]),
    (14, [None]),
    (40323, [{}]),
    (40323, [{"$match": {}, "$limit": 1}]),
    (40324, [{"$nope": 1}]),
    (40324, [{"match": {}}]),
    (40324, [{1: {}}]),
    (40324, [{"": {}}]),
    (7749501, [{"$limit": 1}] * 1001),
    # positions
    (40601, [{"$out": "x"}, {"$limit": 1}]),
    (40601, [{"$merge": "x"}, {"$limit": 1}]),
    (40602, [{"$limit": 1}, {"$documents": []}]),
    (17313, [{"$limit": 1}, {"$match": {"$text": {"$search": "x"}}}]),
    # $match
    (15959, [{"$match": 1}]),
    (15959, [{"$match": [1]}]),
    (15959, [{"$match": None}]),
    (2, [{"$match": {"$where": "1"}}]),
    (2, [{"$match": {"a": {"$nope": 1}}}]),
    # $limit and $skip
    (5107201, [{"$limit": "1"}]),
    (5107201, [{"$limit": 1.5}]),
    (5107201, [{"$limit": -1}]),
    (5107201, [{"$limit": True}]),
    (15958, [{"$limit": 0}]),
    (5107200, [{"$skip": "1"}]),
    (5107200, [{"$skip": -1}]),
    # $sort
    (15973, [{"$sort": 1}]),
    (15976, [{"$sort": {}}]),
    (15974, [{"$sort": {"a": "x"}}]),
    (15974, [{"$sort": {"a": True}}]),
    (15975, [{"$sort": {"a": 2}}]),
    (15975, [{"$sort": {"a": 0}}]),
    (16410, [{"$sort": {"$a": 1}}]),
    (15998, [{"$sort": {"a..b": 1}}]),
    (40353, [{"$sort": {"a.": 1}}]),
    (17312, [{"$sort": {"a": {"$add": 1}}}]),
    (9, [{"$sort": {"a": {"$meta": "textScore", "b": 1}}}]),
    (31138, [{"$sort": {"a": {"$meta": "nope"}}}]),
    (40218, [{"$sort": {"a": {"$meta": "textScore"}}}]),
    (2, [{"$sort": {1: 1}}]),
    # $project and $unset
    (15969, [{"$project": 1}]),
    (51272, [{"$project": {}}]),
    (51270, [{"$project": {"a": {}}}]),
    (31253, [{"$project": {"a": 0, "b": 1}}]),
    (31254, [{"$project": {"a": 1, "b": 0}}]),
    (31252, [{"$project": {"a": 0, "b": {"$add": [1, 2]}}}]),
    (31310, [{"$project": {"a": 0, "b": "$c"}}]),
    (31249, [{"$project": {"a": 1, "a.b": 1}}]),
    (31250, [{"$project": {"a.b": 1, "a": 1}}]),
    (31325, [{"$project": {"a": {"$nope": 1}}}]),
    (16410, [{"$project": {"$a": 1}}]),
    (15998, [{"$project": {".a": 1}}]),
    (40353, [{"$project": {"a.": 1}}]),
    (40352, [{"$project": {"": 1}}]),
    (31324, [{"$project": {"a.$": 1}}]),
    (31324, [{"$project": {"$": 1}}]),
    (168, [{"$project": {"a": {"$elemMatch": {"b": 1}}}}]),
    (2, [{"$project": {1: 1}}]),
    (31002, [{"$unset": 1}]),
    (31119, [{"$unset": []}]),
    (31120, [{"$unset": ["a", 1]}]),
    (31249, [{"$unset": ["a", "a.b"]}]),
    (31250, [{"$unset": ["a", "a"]}]),
    (40352, [{"$unset": ""}]),
    # $addFields
    (40272, [{"$addFields": 1}]),
    (40272, [{"$set": "a"}]),
    (40176, [{"$addFields": {"a": 1, "a.b": 1}}]),
    (40176, [{"$addFields": {"a.b": 1, "a": 1}}]),
    (40176, [{"$addFields": {"a.b": 1, "a": {"b": 2}}}]),
    (40181, [{"$addFields": {"a": {"$add": [1], "b": 1}}}]),
    (40183, [{"$addFields": {"a": {"b.c": 1}}}]),
    (16410, [{"$addFields": {"$a": 1}}]),
    (2, [{"$addFields": {1: 1}}]),
    (2, [{"$addFields": {"a": {1: 1}}}]),
    (168, [{"$addFields": {"a": {"$nope": 1}}}]),
    (17276, [{"$addFields": {"a": "$$nope"}}]),
    # $replaceRoot
    (40229, [{"$replaceRoot": 1}]),
    (40415, [{"$replaceRoot": {"newRoot": "$a", "x": 1}}]),
    (40414, [{"$replaceRoot": {}}]),
    # $unwind
    (15981, [{"$unwind": 1}]),
    (28808, [{"$unwind": {"path": 1}}]),
    (28809, [{"$unwind": {"path": "$a", "preserveNullAndEmptyArrays": 1}}]),
    (28810, [{"$unwind": {"path": "$a", "includeArrayIndex": ""}}]),
    (28810, [{"$unwind": {"path": "$a", "includeArrayIndex": 1}}]),
    (28811, [{"$unwind": {"path": "$a", "x": 1}}]),
    (28812, [{"$unwind": {}}]),
    (28812, [{"$unwind": ""}]),
    (28818, [{"$unwind": "a"}]),
    (28822, [{"$unwind": {"path": "$a", "includeArrayIndex": "$i"}}]),
    (40352, [{"$unwind": "$"}]),
    # $group
    (15947, [{"$group": 1}]),
    (15955, [{"$group": {}}]),
    (15955, [{"$group": {"n": {"$sum": 1}}}]),
    (17390, [{"$group": {"_id": {"a": 1}}}]),
    (17390, [{"$group": {"_id": {"a": True}}}]),
    (40234, [{"$group": {"_id": None, "n": 1}}]),
    (40234, [{"$group": {"_id": None, "n": {"a": 1}}}]),
    (40234, [{"$group": {"_id": None, "n": {}}}]),
    (40235, [{"$group": {"_id": None, "a.b": {"$sum": 1}}}]),
    (40236, [{"$group": {"_id": None, "$a": {"$sum": 1}}}]),
    (40238, [{"$group": {"_id": None, "n": {"$sum": 1, "$avg": 1}}}]),
    (15952, [{"$group": {"_id": None, "n": {"$nope": 1}}}]),
    (40237, [{"$group": {"_id": None, "n": {"$sum": [1, 2]}}}]),
    (2, [{"$group": {"_id": None, 1: {"$sum": 1}}}]),
    # $sortByCount and $count
    (40147, [{"$sortByCount": {"a": 1}}]),
    (40147, [{"$sortByCount": {}}]),
    (40148, [{"$sortByCount": "a"}]),
    (40149, [{"$sortByCount": 1}]),
    (40156, [{"$count": 1}]),
    (40157, [{"$count": ""}]),
    (40158, [{"$count": "$n"}]),
    (40159, [{"$count": "a\0"}]),
    (40160, [{"$count": "a.b"}]),
    (15948, [{"$count": "_id"}]),
    (14, [{"$setWindowFields": {"sortBy": "a"}}]),
    (14, [{"$densify": {"field": "a", "range": {"step": "1", "bounds": "full"}}}]),
    (8993000, [{"$densify": {"field": "a", "partitionByFields": ["a"], "range": {"step": 1, "bounds": "full"}}}]),
    (8993000, [{"$densify": {"field": "a", "partitionByFields": ["a.b"], "range": {"step": 1, "bounds": "full"}}}]),
    (9554500, [{"$densify": {"field": "a.b", "partitionByFields": ["a"], "range": {"step": 1, "bounds": "full"}}}]),
    (73, [{"$graphLookup": {"from": "", "startWith": 1, "connectFromField": "a", "connectToField": "b", "as": "c"}}]),
    # $bucket
    (40201, [{"$bucket": 1}]),
    (40202, [{"$bucket": {"groupBy": "a", "boundaries": [1, 2]}}]),
    (40202, [{"$bucket": {"groupBy": {"a": 1}, "boundaries": [1, 2]}}]),
    (40200, [{"$bucket": {"groupBy": "$a", "boundaries": 1}}]),
    (40191, [{"$bucket": {"groupBy": "$a", "boundaries": [1, "$b"]}}]),
    (40192, [{"$bucket": {"groupBy": "$a", "boundaries": [1]}}]),
    (40193, [{"$bucket": {"groupBy": "$a", "boundaries": [1, "b"]}}]),
    (40194, [{"$bucket": {"groupBy": "$a", "boundaries": [2, 1]}}]),
    (40194, [{"$bucket": {"groupBy": "$a", "boundaries": [1, 1.0]}}]),
    (40195, [{"$bucket": {"groupBy": "$a", "boundaries": [1, 2], "default": "$b"}}]),
    (40196, [{"$bucket": {"groupBy": "$a", "boundaries": [1, 2], "output": 1}}]),
    (40197, [{"$bucket": {"groupBy": "$a", "boundaries": [1, 2], "x": 1}}]),
    (40198, [{"$bucket": {"groupBy": "$a"}}]),
    (40198, [{"$bucket": {"boundaries": [1, 2]}}]),
    (40199, [{"$bucket": {"groupBy": "$a", "boundaries": [1, 3], "default": 2}}]),
    # $bucketAuto
    (40240, [{"$bucketAuto": 1}]),
    (40239, [{"$bucketAuto": {"groupBy": "a", "buckets": 1}}]),
    (40241, [{"$bucketAuto": {"groupBy": "$a", "buckets": "1"}}]),
    (40242, [{"$bucketAuto": {"groupBy": "$a", "buckets": 1.5}}]),
    (40243, [{"$bucketAuto": {"groupBy": "$a", "buckets": 0}}]),
    (40244, [{"$bucketAuto": {"groupBy": "$a", "buckets": 1, "output": 1}}]),
    (40245, [{"$bucketAuto": {"groupBy": "$a", "buckets": 1, "x": 1}}]),
    (40246, [{"$bucketAuto": {"groupBy": "$a"}}]),
    (40257, [{"$bucketAuto": {"groupBy": "$a", "buckets": 1, "granularity": "R6"}}]),
    (40261, [{"$bucketAuto": {"groupBy": "$a", "buckets": 1, "granularity": 1}}]),
    (
        4544714,
        [
            {
                "$bucketAuto": {
                    "groupBy": "$a",
                    "buckets": 1,
                    "output": {"b": {"$firstN": {"n": "$n", "input": "$c"}}},
                }
            }
        ],
    ),
    (
        9,
        [
            {
                "$setWindowFields": {
                    "sortBy": {"a": 1},
                    "output": {"b": {"$minMaxScaler": "$a", "window": {"documents": [1, 2]}}},
                }
            }
        ],
    ),
    (
        9,
        [
            {
                "$setWindowFields": {
                    "sortBy": {"a": 1},
                    "output": {"b": {"$minMaxScaler": "$a", "window": {"range": [-2, -1]}}},
                }
            }
        ],
    ),
    # $sample
    (28745, [{"$sample": 1}]),
    (28746, [{"$sample": {"size": "1"}}]),
    (28747, [{"$sample": {"size": 0}}]),
    (28747, [{"$sample": {"size": -1}}]),
    (28747, [{"$sample": {"size": float("nan")}}]),
    (28748, [{"$sample": {"size": 1, "x": 1}}]),
    (28749, [{"$sample": {}}]),
    # $lookup
    (9, [{"$lookup": 1}]),
    (9, [{"$lookup": {"from": "b", "localField": "a", "foreignField": "b"}}]),
    (9, [{"$lookup": {"from": 1, "localField": "a", "foreignField": "b", "as": "c"}}]),
    (9, [{"$lookup": {"from": "b", "localField": "a", "as": "c"}}]),
    (9, [{"$lookup": {"from": "b", "foreignField": "a", "as": "c", "pipeline": []}}]),
    (9, [{"$lookup": {"from": "b", "as": "c"}}]),
    (9, [{"$lookup": {"from": "b", "localField": "a", "foreignField": "b", "as": "c", "let": {}}}]),
    (9, [{"$lookup": {"from": "b", "as": "c", "pipeline": 1}}]),
    (9, [{"$lookup": {"from": "b", "as": "c", "pipeline": [], "let": 1}}]),
    (9, [{"$lookup": {"from": "b", "as": "c", "pipeline": [], "x": 1}}]),
    (9, [{"$lookup": {"as": "c", "pipeline": []}}]),
    (9, [{"$lookup": {"as": "c", "pipeline": [{"$limit": 1}]}}]),
    (73, [{"$lookup": {"from": "$b", "as": "c", "pipeline": []}}]),
    (16410, [{"$lookup": {"from": "b", "localField": "$a", "foreignField": "b", "as": "c"}}]),
    (16410, [{"$lookup": {"from": "b", "localField": "a", "foreignField": "$b", "as": "c"}}]),
    (16410, [{"$lookup": {"from": "b", "localField": "a", "foreignField": "b", "as": "$c"}}]),
    (9, [{"$lookup": {"from": "b", "as": "c", "pipeline": [], "let": {"X": 1}}}]),
    (14, [{"$lookup": {"from": "b", "as": "c", "pipeline": [], "let": {1: 1}}}]),
    (51047, [{"$lookup": {"from": "b", "as": "c", "pipeline": [{"$out": "x"}]}}]),
    (51047, [{"$lookup": {"from": "b", "as": "c", "pipeline": [{"$merge": "x"}]}}]),
    (40324, [{"$lookup": {"from": "b", "as": "c", "pipeline": [{"$nope": "x"}]}}]),
    (17276, [{"$lookup": {"from": "b", "as": "c", "pipeline": [{"$match": {"$expr": "$$v"}}]}}]),
    # $graphLookup
    (9, [{"$graphLookup": 1}]),
    (9, [{"$graphLookup": {"as": "c"}}]),
    (9, [{"$graphLookup": {"from": 1}}]),
    (40105, [{"$graphLookup": {"from": "b"}}]),
    (40104, [{"$graphLookup": {"from": "b", "x": 1}}]),
    (40103, [{"$graphLookup": {"from": "b", "as": 1}}]),
    (40100, [{"$graphLookup": {"from": "b", "maxDepth": "1"}}]),
    (40101, [{"$graphLookup": {"from": "b", "maxDepth": -1}}]),
    (40102, [{"$graphLookup": {"from": "b", "maxDepth": 1.5}}]),
    (40185, [{"$graphLookup": {"from": "b", "restrictSearchWithMatch": 1}}]),
    # $unionWith
    (9, [{"$unionWith": 1}]),
    (9, [{"$unionWith": {}}]),
    (9, [{"$unionWith": {"pipeline": [{"$limit": 1}]}}]),
    (14, [{"$unionWith": {"coll": 1}}]),
    (14, [{"$unionWith": {"coll": "b", "pipeline": 1}}]),
    (40415, [{"$unionWith": {"coll": "b", "x": 1}}]),
    (73, [{"$unionWith": ""}]),
    (31441, [{"$unionWith": {"coll": "b", "pipeline": [{"$out": "x"}]}}]),
    # $facet
    (40169, [{"$facet": 1}]),
    (40169, [{"$facet": {}}]),
    (40170, [{"$facet": {"a": 1}}]),
    (40170, [{"$facet": {1: []}}]),
    (40171, [{"$facet": {"a": [1]}}]),
    (40171, [{"$facet": {"a": [{}]}}]),
    (16410, [{"$facet": {"$a": []}}]),
    (16412, [{"$facet": {"a.b": []}}]),
    (15998, [{"$facet": {"": []}}]),
    (40600, [{"$facet": {"a": [{"$out": "x"}]}}]),
    (40600, [{"$facet": {"a": [{"$facet": {"b": []}}]}}]),
    (40600, [{"$facet": {"a": [{"$geoNear": {}}]}}]),
    (40600, [{"$facet": {"a": [{"$documents": []}]}}]),
    # $setWindowFields
    (9, [{"$setWindowFields": 1}]),
    (40414, [{"$setWindowFields": {}}]),
    (40415, [{"$setWindowFields": {"output": {}, "x": 1}}]),
    (14, [{"$setWindowFields": {"output": 1}}]),
    (14, [{"$setWindowFields": {"output": {}, "sortBy": 1}}]),
    (14, [{"$setWindowFields": {"output": {}, "partitionBy": [1]}}]),
    (15975, [{"$setWindowFields": {"output": {}, "sortBy": {"a": 2}}}]),
    (9, [{"$setWindowFields": {"output": {1: {"$sum": 1}}}}]),
    (9, [{"$setWindowFields": {"output": {"a": 1}}}]),
    (9, [{"$setWindowFields": {"output": {"a": {"x": 1}}}}]),
    (9, [{"$setWindowFields": {"output": {"a": {"$nope": 1}}}}]),
    (9, [{"$setWindowFields": {"output": {"a": {"$sum": 1, "x": 1}}}}]),
    (9, [{"$setWindowFields": {"output": {"a": {"$sum": 1, "$avg": 1}}}}]),
    (6307900, [{"$setWindowFields": {"output": {"a": {"$sum": 1}, "a.b": {"$sum": 1}}}}]),
    (5339901, [{"$setWindowFields": {"output": {"a": {"$sum": 1, "window": {"documents": [0, 1]}}}}}]),
    (5339902, [{"$setWindowFields": {"output": {"a": {"$sum": 1, "window": {"range": [0, 1]}}}}}]),
    # $densify
    (9, [{"$densify": 1}]),
    (40414, [{"$densify": {"field": "a"}}]),
    (40415, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": "full"}, "x": 1}}]),
    (14, [{"$densify": {"field": 1, "range": {"step": 1, "bounds": "full"}}}]),
    (14, [{"$densify": {"field": "a", "range": 1}}]),
    (14, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": "full"}, "partitionByFields": "a"}}]),
    (14, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": "full", "unit": 1}}}]),
    (5733401, [{"$densify": {"field": "a", "range": {"step": 0, "bounds": "full"}}}]),
    (5733401, [{"$densify": {"field": "a", "range": {"step": -1, "bounds": "full"}}}]),
    (6586400, [{"$densify": {"field": "a", "range": {"step": 1.5, "bounds": "full", "unit": "day"}}}]),
    (9, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": "full", "unit": "days"}}}]),
    (5946802, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": "all"}}}]),
    (5733404, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": 1}}}]),
    (5733403, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": [1]}}}]),
    (5733402, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": [2, 1]}}}]),
    (5733409, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": [1, 2], "unit": "day"}}}]),
    (5733406, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": [1, "b"]}}}]),
    (5876900, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": [1, 2.5]}}}]),
    (5946800, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": ["a", "b"]}}}]),
    (5733408, [{"$densify": {"field": "a", "range": {"step": 1, "bounds": "partition"}}}]),
    # $fill
    (9, [{"$fill": 1}]),
    (40414, [{"$fill": {}}]),
    (40415, [{"$fill": {"output": {"a": {"value": 1}}, "x": 1}}]),
    (14, [{"$fill": {"output": 1}}]),
    (6050203, [{"$fill": {"output": {}}}]),
    (6050200, [{"$fill": {"output": {"a": 1}}}]),
    (6050201, [{"$fill": {"output": {"a": {"value": 1, "method": "locf"}}}}]),
    (6050201, [{"$fill": {"output": {"a": {}}}}]),
    (6050202, [{"$fill": {"output": {"a": {"method": "x"}}}}]),
    (14, [{"$fill": {"output": {"a": {"method": 1}}}}]),
    (14, [{"$fill": {"output": {1: {"method": "locf"}}}}]),
    (6050204, [{"$fill": {"output": {"a": {"method": "locf"}}, "partitionBy": "$b", "partitionByFields": ["b"]}}]),
    (6050204, [{"$fill": {"output": {"a": {"value": 1}}, "partitionBy": "$b", "partitionByFields": ["b"]}}]),
    (14, [{"$fill": {"output": {"a": {"value": 1}}, "partitionBy": 1}}]),
    (14, [{"$fill": {"output": {"a": {"method": "locf"}}, "partitionBy": 1}}]),
    (14, [{"$fill": {"output": {"a": {"method": "locf"}}, "partitionByFields": [1]}}]),
    (605001, [{"$fill": {"output": {"a": {"method": "linear"}}}}]),
    # $merge and $out
    (14, [{"$merge": 1}]),
    (40414, [{"$merge": {}}]),
    (40415, [{"$merge": {"into": "x", "y": 1}}]),
    (51178, [{"$merge": {"into": 1}}]),
    (5786800, [{"$merge": {"into": ""}}]),
    (5786801, [{"$merge": {"into": {}}}]),
    (73, [{"$merge": "$x"}]),
    (51186, [{"$merge": {"into": "x", "on": 1}}]),
    (51134, [{"$merge": {"into": "x", "on": [1]}}]),
    (51187, [{"$merge": {"into": "x", "on": []}}]),
    (31465, [{"$merge": {"into": "x", "on": ["a", "a"]}}]),
    (51191, [{"$merge": {"into": "x", "whenMatched": 1}}]),
    (2, [{"$merge": {"into": "x", "whenMatched": "nope"}}]),
    (2, [{"$merge": {"into": "x", "whenMatched": "pipeline"}}]),
    (2, [{"$merge": {"into": "x", "whenNotMatched": "nope"}}]),
    (14, [{"$merge": {"into": "x", "whenNotMatched": 1}}]),
    (51181, [{"$merge": {"into": "x", "whenMatched": "keepExisting", "whenNotMatched": "fail"}}]),
    (51181, [{"$merge": {"into": "x", "whenMatched": "fail", "whenNotMatched": "discard"}}]),
    (51199, [{"$merge": {"into": "x", "let": {"a": 1}}}]),
    (51273, [{"$merge": {"into": "x", "let": {"new": 1}, "whenMatched": []}}]),
    (72, [{"$merge": {"into": "x", "whenMatched": [{"$match": {}}]}}]),
    (14, [{"$merge": {"into": "x", "let": 1, "whenMatched": []}}]),
    (14, [{"$merge": {"into": {"coll": 1}}}]),
    (16990, [{"$out": 1}]),
    (40414, [{"$out": {}}]),
    (40415, [{"$out": {"coll": "x", "y": 1}}]),
    (14, [{"$out": {"coll": 1}}]),
    (73, [{"$out": ""}]),
    # $redact and $documents
    (17276, [{"$redact": "$$NOPE"}]),
    (168, [{"$documents": {"$nope": 1}}]),
]


@pytest.mark.parametrize(("code", "pipeline"), BY_STAGE, ids=lambda value: str(value)[:70])
def test_a_wrong_pipeline_raises_with_mongodbs_code(code: int, pipeline: Any) -> None:
    """Services branch on the code."""
    with pytest.raises(NoSQLError) as caught:
        parse_pipeline(pipeline)
    assert caught.value.mongo_code == code
    assert caught.value.message


@pytest.mark.parametrize(
    "name",
    [
        "$geoNear",
        "$collStats",
        "$indexStats",
        "$search",
        "$searchMeta",
        "$vectorSearch",
        "$listSessions",
        "$currentOp",
        "$changeStream",
        "$planCacheStats",
        "$listLocalSessions",
    ],
)
def test_stages_of_a_server_are_refused_by_name(name: str) -> None:
    """They are known, so the error says what to use instead and is not about spelling."""
    with pytest.raises(UnsupportedFeatureError, match=name[1:]) as caught:
        parse_pipeline([{name: {}}])
    assert caught.value.feature == name
    assert caught.value.hint


def test_an_unknown_stage_suggests_the_nearest() -> None:
    """A typing error is found at a glance."""
    with pytest.raises(PipelineError) as caught:
        parse_pipeline([{"$mach": {}}])
    assert caught.value.hint is not None
    assert "'$match'" in caught.value.hint


def test_an_unknown_option_suggests_the_nearest() -> None:
    """Options are checked as stages are."""
    with pytest.raises(PipelineError) as caught:
        parse_pipeline([{"$setWindowFields": {"output": {}, "sortby": {"a": 1}}}])
    assert caught.value.hint is not None
    assert "sortBy" in caught.value.hint


@pytest.mark.parametrize("option", ["$out", "$merge"])
def test_writing_to_another_database_is_refused(option: str) -> None:
    """A store has one database."""
    target = {"db": "other", "coll": "x"}
    with pytest.raises(UnsupportedFeatureError):
        parse_pipeline([{option: target if option == "$out" else {"into": target}}])


def test_a_time_series_is_refused() -> None:
    """There are no time series collections here."""
    with pytest.raises(UnsupportedFeatureError):
        parse_pipeline([{"$out": {"coll": "x", "timeseries": {"timeField": "t"}}}])


def test_sorting_by_another_metadata_than_the_text_score_is_refused() -> None:
    """MongoDB knows more metadata than there is here."""
    with pytest.raises(UnsupportedFeatureError):
        parse_pipeline([{"$sort": {"a": {"$meta": "geoNearDistance"}}}])


def test_pipelines_nest_no_deeper_than_in_mongodb() -> None:
    """A limit on pipelines within pipelines, MongoDB's own."""
    pipeline: list[dict[str, Any]] = [{"$limit": 1}]
    for _ in range(20):
        pipeline = [{"$unionWith": {"coll": "x", "pipeline": pipeline}}]
    parse_pipeline(pipeline)
    with pytest.raises(PipelineError) as caught:
        parse_pipeline([{"$unionWith": {"coll": "x", "pipeline": pipeline}}])
    assert caught.value.mongo_code == 232


def cyclic_pipeline() -> Any:
    pipeline: list[Any] = []
    pipeline.append({"$unionWith": {"coll": "x", "pipeline": pipeline}})
    return pipeline


def cyclic(stage: str) -> Any:
    value: dict[str, Any] = {}
    value["a"] = value
    return [{stage: value}]


@pytest.mark.parametrize(
    "pipeline",
    [cyclic_pipeline(), *(cyclic(stage) for stage in ("$project", "$addFields", "$match", "$sort", "$replaceWith"))],
    ids=["pipeline", "$project", "$addFields", "$match", "$sort", "$replaceWith"],
)
def test_a_pipeline_that_contains_itself_is_an_error(pipeline: Any) -> None:
    """It ends, and with an error that callers catch."""
    with pytest.raises(NoSQLError):
        parse_pipeline(pipeline)


@pytest.mark.parametrize("stage", ["$project", "$addFields", "$replaceWith", "$match"])
def test_a_pipeline_that_nests_too_deep_is_an_error(stage: str) -> None:
    """Deep input does not exhaust the stack."""
    value: Any = 1
    for _ in range(5000):
        value = {"a": value}
    with pytest.raises(NoSQLError):
        parse_pipeline([{stage: value}])


@pytest.mark.parametrize(
    ("code", "let"),
    [
        (14, 1),
        (14, {1: 1}),
        (9, {"A": 1}),
        (4890500, {"a": "$b"}),
        (4890500, {"a": "$$ROOT"}),
        (168, {"a": {"$x": 1}}),
    ],
)
def test_let_is_checked(code: int, let: Any) -> None:
    """Variables have constant values, since there is no document yet."""
    with pytest.raises(PipelineError) as caught:
        parse_pipeline([], let=let)
    assert caught.value.mongo_code == code


@pytest.mark.parametrize(
    ("code", "window", "sort"),
    [
        (9, 1, {"a": 1}),
        (9, {"documents": [0, 1], "range": [0, 1]}, {"a": 1}),
        (9, {"documents": [0, 1], "unit": "day"}, {"a": 1}),
        (9, {"unit": "day"}, {"a": 1}),
        (9, {"x": 1}, {"a": 1}),
        (9, {"documents": [0]}, {"a": 1}),
        (9, {"documents": 1}, {"a": 1}),
        (9, {"documents": [0.5, 1]}, {"a": 1}),
        (9, {"documents": ["begin", 1]}, {"a": 1}),
        (9, {"documents": ["$x", 1]}, {"a": 1}),
        (9, {"documents": [{"$add": ["$x", 1]}, 1]}, {"a": 1}),
        (5339900, {"documents": [1, 0]}, {"a": 1}),
        (5339900, {"documents": ["current", -1]}, {"a": 1}),
        (5339900, {"range": [Decimal(2), 1.5]}, {"a": 1}),
        (9, {"range": [True, 1]}, {"a": 1}),
        (9, {"range": [0, 1], "unit": "days"}, {"a": 1}),
        (9, {"range": [0, 1], "unit": 1}, {"a": 1}),
        (9, {"range": [0, 1.5], "unit": "day"}, {"a": 1}),
        (5339902, {"range": [0, 1]}, {"a": 1, "b": 1}),
        (8947401, {"range": [0, 1]}, {"a": -1}),
    ],
)
def test_windows_are_checked(code: int, window: Any, sort: dict[str, int]) -> None:
    """Bounds have a direction and a type, and some need an order."""
    output = {"n": {"$sum": 1, "window": window}}
    with pytest.raises(PipelineError) as caught:
        parse_pipeline([{"$setWindowFields": {"sortBy": sort, "output": output}}])
    assert caught.value.mongo_code == code
