"""Pipelines: every stage with its options."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from engine.comparing import Case, aggregate

__all__ = ["CASES"]

_SALES: Final[list[dict[str, Any]]] = [
    {"_id": 1, "item": "a", "n": 2, "price": 10, "tags": ["x", "y"], "day": datetime(2024, 1, 1, tzinfo=UTC)},
    {"_id": 2, "item": "b", "n": 1, "price": 20, "tags": [], "day": datetime(2024, 1, 2, tzinfo=UTC)},
    {"_id": 3, "item": "a", "n": 5, "price": 5, "tags": ["x"], "day": datetime(2024, 1, 5, tzinfo=UTC)},
    {"_id": 4, "item": "c", "n": None, "price": 7.5, "day": datetime(2024, 2, 1, tzinfo=UTC)},
    {"_id": 5, "item": "b", "n": 3, "price": 1, "tags": "z"},
]
_OTHER: Final[list[dict[str, Any]]] = [
    {"_id": "a", "name": "Anvil", "qty": 5, "parents": ["b"]},
    {"_id": "b", "name": "Bolt", "qty": 1, "parents": ["c"]},
    {"_id": "c", "name": "Crate", "qty": None, "parents": []},
    {"_id": "d", "name": "Drum"},
]
_BY_ID: Final = {"$sort": {"_id": 1}}
_TAGS: Final = {"$cond": [{"$isArray": "$tags"}, "$tags", []]}


def _case(name: str, *stages: dict[str, Any], **options: Any) -> Case:
    return aggregate(name, list(stages), *_SALES, other=_OTHER, **options)


def _window(name: str, output: Any, sort: Any = None, by: Any = "$item") -> Case:
    spec: dict[str, Any] = {"partitionBy": by, "sortBy": sort or {"_id": 1}, "output": {"w": output}}
    return _case(f"window_{name}", {"$setWindowFields": spec}, _BY_ID, {"$project": {"w": 1}})


CASES: Final[tuple[Case, ...]] = (
    _case("match", {"$match": {"price": {"$gte": 7}}}, _BY_ID),
    _case("match_expr", {"$match": {"$expr": {"$gt": ["$n", "$price"]}}}),
    _case("match_bad", {"$match": 1}),
    _case("project", {"$project": {"item": 1, "total": {"$multiply": ["$n", "$price"]}}}),
    _case("project_nested", {"$project": {"a.b": "$item", "a.c": {"$literal": 1}}}),
    _case("project_array", {"$project": {"both": ["$item", "$missing"]}}),
    _case("project_of_nothing", {"$project": {}}),
    _case("add_fields", {"$addFields": {"a.b": "$n", "item": {"$concat": ["$item", "!"]}}}),
    _case("set_remove", {"$set": {"item": "$$REMOVE", "x": {"y": 1}}}),
    _case("set_into_arrays", {"$set": {"tags.v": 1}}, {"$project": {"tags": 1}}),
    _case("unset_stage", {"$unset": ["item", "n", "day"]}),
    _case("unset_bad", {"$unset": []}),
    _case("group", {"$group": {"_id": "$item", "n": {"$sum": "$n"}, "p": {"$avg": "$price"}}}, _BY_ID),
    _case("group_all", {"$group": {"_id": None, "c": {"$sum": 1}}}),
    _case("group_document", {"$group": {"_id": {"i": "$item", "t": {"$type": "$n"}}, "c": {"$count": {}}}}, _BY_ID),
    _case("group_null_and_missing", {"$group": {"_id": "$tags", "c": {"$sum": 1}}}, _BY_ID),
    _case("group_without_id", {"$group": {"c": {"$sum": 1}}}),
    _case("group_unknown", {"$group": {"_id": 1, "c": {"$foo": 1}}}),
    _case("group_dotted", {"$group": {"_id": 1, "a.b": {"$sum": 1}}}),
    _case("group_not_an_accumulator", {"$group": {"_id": 1, "a": 1}}),
    _case("sort", {"$sort": {"item": 1, "price": -1}}),
    _case("sort_bad", {"$sort": {"item": 2}}),
    _case("sort_of_nothing", {"$sort": {}}),
    _case("limit", _BY_ID, {"$limit": 2}),
    _case("limit_zero", {"$limit": 0}),
    _case("skip", _BY_ID, {"$skip": 3}),
    _case("skip_negative", {"$skip": -1}),
    _case("unwind", {"$unwind": "$tags"}, {"$project": {"tags": 1}}),
    _case("unwind_keep", {"$unwind": {"path": "$tags", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "i"}}),
    _case("unwind_index", {"$unwind": {"path": "$tags", "includeArrayIndex": "a.i"}}),
    _case("unwind_bad", {"$unwind": "tags"}),
    _case("lookup", {"$lookup": {"from": "other", "localField": "item", "foreignField": "_id", "as": "o"}}, _BY_ID),
    _case(
        "lookup_null",
        {"$lookup": {"from": "other", "localField": "n", "foreignField": "qty", "as": "o"}},
        _BY_ID,
        {"$project": {"o": 1}},
    ),
    _case(
        "lookup_arrays",
        {"$lookup": {"from": "other", "localField": "item", "foreignField": "parents", "as": "o"}},
        _BY_ID,
        {"$project": {"o._id": 1}},
    ),
    _case(
        "lookup_pipeline",
        {
            "$lookup": {
                "from": "other",
                "let": {"n": "$n"},
                "pipeline": [{"$match": {"$expr": {"$gte": ["$qty", "$$n"]}}}, _BY_ID, {"$project": {"name": 1}}],
                "as": "o",
            }
        },
        _BY_ID,
        {"$project": {"o": 1}},
    ),
    _case(
        "lookup_both",
        {
            "$lookup": {
                "from": "other",
                "localField": "item",
                "foreignField": "_id",
                "pipeline": [{"$project": {"_id": 0, "name": 1}}],
                "as": "o",
            }
        },
        _BY_ID,
        {"$project": {"o": 1}},
    ),
    _case("lookup_bad", {"$lookup": {"from": "other", "as": "o"}}),
    _case(
        "graph_lookup",
        {
            "$graphLookup": {
                "from": "other",
                "startWith": "$item",
                "connectFromField": "parents",
                "connectToField": "_id",
                "as": "o",
                "maxDepth": 1,
                "depthField": "d",
            }
        },
        {"$unwind": "$o"},
        {"$project": {"k": "$o._id", "d": "$o.d"}},
        {"$sort": {"_id": 1, "k": 1}},
    ),
    _case(
        "graph_lookup_restricted",
        {
            "$graphLookup": {
                "from": "other",
                "startWith": "$item",
                "connectFromField": "parents",
                "connectToField": "_id",
                "as": "o",
                "restrictSearchWithMatch": {"qty": {"$ne": None}},
            }
        },
        {"$project": {"n": {"$size": "$o"}}},
        _BY_ID,
    ),
    _case("facet", {"$facet": {"a": [{"$count": "n"}], "b": [_BY_ID, {"$limit": 1}, {"$project": {"item": 1}}]}}),
    _case("facet_bad", {"$facet": {"a": [{"$out": "x"}]}}),
    _case(
        "bucket",
        {"$bucket": {"groupBy": "$price", "boundaries": [0, 5, 10], "default": "rest", "output": {"c": {"$sum": 1}}}},
    ),
    _case("bucket_without_default", {"$bucket": {"groupBy": "$price", "boundaries": [0, 5]}}),
    _case("bucket_unsorted", {"$bucket": {"groupBy": "$price", "boundaries": [5, 0]}}),
    _case("bucket_auto", {"$bucketAuto": {"groupBy": "$price", "buckets": 2}}),
    _case("bucket_auto_granularity", {"$bucketAuto": {"groupBy": "$price", "buckets": 3, "granularity": "R5"}}),
    _case("sort_by_count", {"$sortByCount": "$item"}, {"$sort": {"count": -1, "_id": 1}}),
    _case("count", {"$count": "n"}),
    _case("count_bad", {"$count": "$n"}),
    _case("replace_root", {"$replaceRoot": {"newRoot": {"i": "$item"}}}),
    _case("replace_root_bad", {"$replaceRoot": {"newRoot": "$item"}}),
    _case("replace_with", {"$replaceWith": {"$mergeObjects": [{"z": 1}, "$$ROOT"]}}),
    _case("sample_all", {"$sample": {"size": 9}}, _BY_ID, {"$project": {"item": 1}}),
    _case("sample_bad", {"$sample": {"size": -1}}),
    _case("union_with", {"$project": {"item": 1}}, {"$unionWith": "other"}, {"$count": "n"}),
    _case(
        "union_with_pipeline",
        {"$project": {"k": "$item"}},
        {"$unionWith": {"coll": "other", "pipeline": [{"$project": {"k": "$name"}}]}},
        {"$sort": {"k": 1, "_id": 1}},
    ),
    _case(
        "redact",
        {"$redact": {"$cond": [{"$eq": ["$item", "a"]}, "$$KEEP", "$$PRUNE"]}},
        {"$project": {"item": 1}},
    ),
    _case("redact_bad", {"$redact": "x"}),
    _case("documents_in_union", {"$limit": 1}, {"$unionWith": {"pipeline": [{"$documents": [{"z": 1}]}]}}),
    _case("merge", {"$project": {"_id": "$item", "p": "$price"}}, {"$merge": {"into": "other"}}),
    _case(
        "merge_keep",
        {"$project": {"_id": "$item", "p": "$price"}},
        {"$merge": {"into": "other", "whenMatched": "keepExisting", "whenNotMatched": "discard"}},
    ),
    _case("merge_fail", {"$project": {"_id": "$item"}}, {"$merge": {"into": "other", "whenMatched": "fail"}}),
    _case(
        "merge_pipeline",
        {"$match": {"_id": 1}},
        {"$project": {"_id": "$item", "p": "$price"}},
        {"$merge": {"into": "other", "whenMatched": [{"$set": {"sum": {"$add": ["$qty", "$$new.p"]}}}]}},
    ),
    _case("out", {"$project": {"item": 1}}, _BY_ID, {"$out": "other"}),
    _case("out_not_last", {"$out": "other"}, {"$limit": 1}),
    _case("densify", {"$densify": {"field": "_id", "range": {"step": 1, "bounds": [0, 7]}}}, {"$project": {"item": 1}}),
    _case(
        "densify_dates",
        {"$match": {"day": {"$exists": True}, "_id": {"$lt": 4}}},
        {"$densify": {"field": "day", "range": {"step": 1, "unit": "day", "bounds": "full"}}},
        {"$project": {"_id": 0, "day": 1}},
    ),
    _case("densify_bad", {"$densify": {"field": "_id", "range": {"step": 0, "bounds": "full"}}}),
    _case("fill_value", {"$fill": {"output": {"n": {"value": 0}}}}, _BY_ID, {"$project": {"n": 1}}),
    _case("fill_locf", {"$fill": {"sortBy": {"_id": 1}, "output": {"n": {"method": "locf"}}}}, {"$project": {"n": 1}}),
    _case(
        "fill_linear", {"$fill": {"sortBy": {"_id": 1}, "output": {"n": {"method": "linear"}}}}, {"$project": {"n": 1}}
    ),
    _case("unknown_stage", {"$foo": 1}),
    _case("two_stages_in_one", {"$limit": 1, "$skip": 1}),
    _case("let", {"$match": {"$expr": {"$eq": ["$item", "$$wanted"]}}}, _BY_ID, let={"wanted": "b"}),
    _case("unknown_variable", {"$project": {"a": "$$wanted"}}),
    _case(
        "collation",
        {"$match": {"item": "A"}},
        {"$project": {"same": {"$eq": ["$item", "A"]}}},
        _BY_ID,
        collation={"locale": "en", "strength": 2},
    ),
    *(
        _window(name, output)
        for name, output in {
            "sum": {"$sum": "$price"},
            "running": {"$sum": "$price", "window": {"documents": ["unbounded", "current"]}},
            "moving": {"$avg": "$price", "window": {"documents": [-1, 1]}},
            "range": {"$sum": "$price", "window": {"range": [-2, 0]}},
            "count": {"$count": {}},
            "min": {"$min": "$n", "window": {"documents": [-1, 0]}},
            "max": {"$max": "$n"},
            "push": {"$push": "$price", "window": {"documents": ["current", "unbounded"]}},
            "first": {"$first": "$price"},
            "last": {"$last": "$price"},
            "first_n": {"$firstN": {"n": 2, "input": "$price"}},
            "last_n": {"$lastN": {"n": 1, "input": "$price"}},
            "min_n": {"$minN": {"n": 1, "input": "$price"}},
            "max_n": {"$maxN": {"n": 2, "input": "$price"}},
            "top": {"$top": {"sortBy": {"price": 1}, "output": "$_id"}},
            "bottom": {"$bottom": {"sortBy": {"price": 1}, "output": "$_id"}},
            "top_n": {"$topN": {"n": 2, "sortBy": {"price": 1}, "output": "$_id"}},
            "bottom_n": {"$bottomN": {"n": 2, "sortBy": {"price": 1}, "output": "$_id"}},
            "std_dev_pop": {"$stdDevPop": "$price"},
            "std_dev_samp": {"$stdDevSamp": "$price"},
            "covariance_pop": {"$covariancePop": ["$_id", "$price"]},
            "covariance_samp": {"$covarianceSamp": ["$_id", "$price"]},
            "derivative": {"$derivative": {"input": "$price"}, "window": {"documents": [-1, 0]}},
            "integral": {"$integral": {"input": "$price"}, "window": {"documents": ["unbounded", "current"]}},
            "exp_moving": {"$expMovingAvg": {"input": "$price", "N": 2}},
            "exp_moving_alpha": {"$expMovingAvg": {"input": "$price", "alpha": 0.5}},
            "rank": {"$rank": {}},
            "dense_rank": {"$denseRank": {}},
            "number": {"$documentNumber": {}},
            "shift": {"$shift": {"output": "$price", "by": -1, "default": 0}},
            "locf": {"$locf": "$n"},
            "linear_fill": {"$linearFill": "$n"},
            "median": {"$median": {"input": "$price", "method": "approximate"}},
            "percentile": {"$percentile": {"input": "$price", "p": [0.5, 1], "method": "approximate"}},
            "merge_objects": {"$mergeObjects": {"v": "$price"}},
            "concat_arrays": {"$concatArrays": _TAGS},
            "unknown": {"$foo": 1},
        }.items()
    ),
    _window("add_to_set_of_all", {"$addToSet": "$item"}, by="$missing.too"),
    _window("set_union", {"$setUnion": _TAGS}, by="$item"),
    _window("min_max_scaler", {"$minMaxScaler": {"input": "$price"}}),
    _window("max_of_a_list", {"$max": ["$price", "$_id"]}),
    _window("rank_ties", {"$rank": {}}, sort={"item": 1}, by=None),
)
"""All pipelines that are about stages."""
