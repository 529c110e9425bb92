"""What holds for any pipeline: batches and plans do not matter, and whatever is wrong is an error of the library."""

from __future__ import annotations

import asyncio
import copy
from contextlib import suppress
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from lexigram.nosql.aggregation import LocalContext, parse_pipeline
from lexigram.nosql.aggregation.run import run
from lexigram.nosql.aggregation.stages.registry import STAGES
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.testing.strategies import (
    anything,
    documents,
    expressions,
    field_names,
    filters,
    paths,
    pipelines,
    sorts,
)

Document = dict[str, Any]


class Surroundings(LocalContext):
    """One other collection, and writes that go nowhere."""

    def __init__(self, foreign: list[Document], batch: int) -> None:
        super().__init__()
        self.foreign = foreign
        self.batch = batch

    async def source(self, given: list[Document]) -> Any:
        for start in range(0, len(given), self.batch):
            yield given[start : start + self.batch]

    async def find(self, collection: str, leading: Any) -> Any:
        found = leading.query.select(self.foreign if collection == "f" else [])
        if leading.sort is not None:
            found = leading.sort.sorted(found)
        found = found[leading.skip :]
        async for batch in self.source(found[: leading.limit] if leading.limit else found):
            yield batch

    async def insert(self, collection: str, documents: Any) -> None:
        """Forget them."""

    async def merge(self, collection: str, writes: Any) -> list[bool]:
        return [not write.query.matches({}) for write in writes]

    async def replace_all(self, collection: str, documents: Any) -> None:
        """Forget them."""

    async def has_unique_index(self, collection: str, fields: frozenset[str]) -> bool:
        return True


def result(given: list[Document], stages: Any, batch: int, *, optimise: bool = True, split: bool = False) -> Any:
    """All that comes out, or the class and code of the error."""
    around = Surroundings(given, batch)

    async def work() -> Any:
        try:
            pipeline = parse_pipeline(stages, optimise=optimise)
            source = around.source(given)
            if split:
                source = around.source([]) if pipeline.leading.limit is None else around.find("f", pipeline.leading)
            made = [each async for out in run(pipeline, source, around, from_leading=split) for each in out]
        except NoSQLError as error:
            return error
        return made

    return asyncio.run(work())


def numbered(given: list[Document]) -> list[Document]:
    return [{"_id": number, **document} for number, document in enumerate(given)]


collections = st.lists(documents(), max_size=8).map(numbered)

names = field_names().filter(str.isalpha)
calls = st.tuples(st.sampled_from(["$sum", "$avg", "$min", "$max", "$push", "$addToSet", "$first"]), expressions()).map(
    lambda pair: {pair[0]: pair[1]}
)
outputs = st.dictionaries(names, calls, max_size=2)
inner = st.one_of(pipelines(), st.just([]))
others: st.SearchStrategy[Document] = st.one_of(
    st.fixed_dictionaries({"from": st.just("f"), "localField": paths(), "foreignField": paths(), "as": names}).map(
        lambda x: {"$lookup": x}
    ),
    st.fixed_dictionaries(
        {"from": st.just("f"), "pipeline": inner, "as": names},
        optional={"let": st.fixed_dictionaries({"v": expressions()})},
    ).map(lambda x: {"$lookup": x}),
    st.tuples(expressions(), paths(), names).map(
        lambda x: {
            "$lookup": {
                "from": "f",
                "let": {"v": x[0]},
                "pipeline": [{"$match": {"$expr": {"$eq": [f"${x[1]}", "$$v"]}}}],
                "as": x[2],
            }
        }
    ),
    st.fixed_dictionaries(
        {
            "from": st.just("f"),
            "startWith": expressions(),
            "connectFromField": paths(),
            "connectToField": paths(),
            "as": names,
        },
        optional={"maxDepth": st.integers(0, 2), "depthField": names, "restrictSearchWithMatch": filters()},
    ).map(lambda x: {"$graphLookup": x}),
    inner.map(lambda x: {"$unionWith": {"coll": "f", "pipeline": x}}),
    st.dictionaries(names, inner, min_size=1, max_size=2).map(lambda x: {"$facet": x}),
    st.tuples(paths(), st.integers(1, 4), outputs).map(
        lambda x: {"$bucketAuto": {"groupBy": f"${x[0]}", "buckets": x[1], "output": x[2]}}
    ),
    st.tuples(paths(), outputs).map(
        lambda x: {"$bucket": {"groupBy": f"${x[0]}", "boundaries": [0, 2, 5], "default": "rest", "output": x[1]}}
    ),
    st.tuples(expressions(), sorts(), outputs).map(
        lambda x: {"$setWindowFields": {"partitionBy": x[0], "sortBy": {**dict(x[1]), "_id": 1}, "output": x[2]}}
    ),
    st.tuples(names, st.sampled_from([1, 0.5]), st.sampled_from(["full", "partition"])).map(
        lambda x: {
            "$densify": {"field": x[0], "partitionByFields": ["_id"], "range": {"step": x[1] * 2**60, "bounds": x[2]}}
        }
    ),
    st.tuples(names, sorts(), st.sampled_from([{"method": "locf"}, {"value": 0}, {"method": "linear"}])).map(
        lambda x: {"$fill": {"sortBy": {**dict(x[1]), "_id": 1}, "output": {x[0]: x[2]}}}
    ),
    expressions().map(lambda x: {"$redact": {"$cond": [x, "$$DESCEND", "$$PRUNE"]}}),
    expressions().map(lambda x: {"$sortByCount": {"$ifNull": [x, 0]}}),
)
wide = st.tuples(pipelines(), st.lists(others, max_size=2), pipelines()).map(
    lambda parts: [*parts[0], *parts[1], *parts[2][1:]]
)


@given(collections, wide, st.integers(1, 3))
def test_batches_do_not_matter(given: list[Document], stages: list[Any], batch: int) -> None:
    """One document at a time or all at once: the same documents, or the same error."""
    whole, parts = result(given, stages, 100), result(given, stages, batch)
    if isinstance(whole, NoSQLError):
        assert isinstance(parts, NoSQLError)
    else:
        assert repr(parts) == repr(whole)


@given(collections, wide)
def test_plans_do_not_matter(given: list[Document], stages: list[Any]) -> None:
    """Optimised or as written, alone or behind a read. A plan may drop a document before a stage fails on it."""
    written = result(given, stages, 100, optimise=False)
    planned, split = result(given, stages, 100), result(given, stages, 2, split=True)
    if not isinstance(written, NoSQLError):
        assert repr(planned) == repr(written)
        assert repr(split) == repr(written)
    elif isinstance(planned, NoSQLError):
        assert isinstance(split, NoSQLError) or planned.mongo_code == written.mongo_code
    else:
        assert repr(split) == repr(planned)


@given(collections, wide)
def test_what_goes_in_stays_as_it_is(given: list[Document], stages: list[Any]) -> None:
    """Neither the documents nor the pipeline are changed, also not by a caller who changes what came out."""
    before, written = copy.deepcopy(given), copy.deepcopy(stages)
    made = result(given, stages, 3)
    if not isinstance(made, NoSQLError):
        for document in made:
            _ruin(document)
    assert repr(given) == repr(before)
    assert repr(stages) == repr(written)


def _ruin(value: Any) -> None:
    for part in list(value.values() if isinstance(value, dict) else value):
        if isinstance(part, dict | list):
            _ruin(part)
    value.clear()


OPTIONS: dict[str, list[str]] = {
    "$unwind": ["path", "includeArrayIndex", "preserveNullAndEmptyArrays"],
    "$lookup": ["from", "localField", "foreignField", "as", "let", "pipeline"],
    "$graphLookup": [
        "from",
        "startWith",
        "connectFromField",
        "connectToField",
        "as",
        "maxDepth",
        "depthField",
        "restrictSearchWithMatch",
    ],
    "$bucket": ["groupBy", "boundaries", "default", "output"],
    "$bucketAuto": ["groupBy", "buckets", "output", "granularity"],
    "$unionWith": ["coll", "pipeline"],
    "$setWindowFields": ["partitionBy", "sortBy", "output"],
    "$densify": ["field", "partitionByFields", "range"],
    "$fill": ["partitionBy", "partitionByFields", "sortBy", "output"],
    "$merge": ["into", "on", "let", "whenMatched", "whenNotMatched"],
    "$out": ["db", "coll", "timeseries"],
    "$sample": ["size"],
    "$replaceRoot": ["newRoot"],
    "$group": ["_id", "a", "b"],
}
operands = st.one_of(
    anything(),
    expressions(),
    paths(),
    paths().map(lambda path: f"${path}"),
    st.just("f"),
    st.integers(-1, 3),
    st.lists(anything(), max_size=2),
    filters(),
    sorts(),
    calls,
    st.fixed_dictionaries(
        {"$sum": expressions(), "window": st.fixed_dictionaries({"documents": st.tuples(anything(), anything())})}
    ),
    st.fixed_dictionaries(
        {
            "$sum": expressions(),
            "window": st.fixed_dictionaries({"range": st.tuples(anything(), anything()), "unit": anything()}),
        }
    ),
    st.fixed_dictionaries(
        {
            "step": anything(),
            "bounds": st.one_of(st.sampled_from(["full", "partition"]), st.tuples(anything(), anything())),
        }
    ),
    st.sampled_from(["R5", "merge", "insert", "fail", "linear", "locf", "day"]),
    st.lists(st.fixed_dictionaries({"$set": st.dictionaries(names, expressions(), max_size=1)}), max_size=1),
    st.dictionaries(names, st.one_of(anything(), calls), max_size=2),
)


def odd_stage(name: str) -> st.SearchStrategy[Document]:
    options = OPTIONS.get(name)
    specification = operands
    if options is not None:
        specification = st.one_of(
            operands, st.dictionaries(st.sampled_from(options), operands, min_size=max(len(options) - 2, 0))
        )
    return specification.map(lambda chosen: {name: chosen})


odd_stages = st.sampled_from(sorted(STAGES)).flatmap(odd_stage)


@given(
    collections, st.one_of(anything(), st.lists(st.one_of(odd_stages, odd_stages, anything()), max_size=3)), anything()
)
@example(
    [{"_id": 0}], [{"$densify": {"field": "a", "range": {"step": float("nan"), "bounds": [float("nan"), 1.0]}}}], None
)
@example(
    [{"_id": 0, "a": 10**18}], [{"$bucketAuto": {"groupBy": "$a", "buckets": 2**31 - 1, "granularity": "E192"}}], None
)
def test_only_errors_of_the_library_escape(given: list[Document], stages: Any, let: Any) -> None:
    """Whatever stands for a pipeline, parsing it and running it either works or raises one of them."""
    with suppress(NoSQLError):
        pipeline = parse_pipeline(stages, let=let if isinstance(let, dict) else None)
        pipeline.describe()
        result(given, pipeline.to_list(), 2)
        pipeline.apply_to_document({"_id": 1, "a": [1]})
