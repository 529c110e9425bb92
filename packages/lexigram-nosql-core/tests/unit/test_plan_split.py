"""How reads are split between backend and engine, and how plans and filters are written for people."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from lexigram.nosql.driver import NO_CALL, Access, Batch, Call, Compiled, Hint, NativeRead
from lexigram.nosql.query.options import parse_find
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.plan import Plan, plan_read, suggest_index
from lexigram.nosql.query.sort import Sort, parse_sort
from lexigram.nosql.query.unparse import unparse
from lexigram.nosql.reading import finisher, read_batches, read_matching
from lexigram.nosql.testing.minimal import MinimalCollection, MinimalDriver


@dataclass
class Scripted(MinimalCollection):
    """A collection whose compiler says what the test wants, and that notes what it is asked."""

    exact: bool = False
    ordered: bool = False
    projects: bool = False
    batches: list[Batch] = field(default_factory=list)
    asked: list[NativeRead] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(MinimalDriver(), "things")

    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        return Compiled(
            Access("index", "a_1", ("a",)),
            residue=None if self.exact else query,
            ordered=self.ordered,
            projects=self.projects,
            display={"native": True},
        )

    async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        self.asked.append(read)
        for batch in self.batches:
            yield batch


REQUEST = parse_find({"a": {"$gt": 1}}, {"a": 1}, [("a", 1)], 2, 3)


@pytest.mark.parametrize(
    ("exact", "ordered", "projects", "expected"),
    [
        (False, False, False, ("engine", "engine", "engine", "engine")),
        (True, False, False, ("engine", "engine", "engine", "engine")),
        (False, True, True, ("backend", "engine", "engine", "engine")),
        (True, True, False, ("backend", "backend", "backend", "engine")),
        (True, True, True, ("backend", "backend", "backend", "backend")),
        (True, False, True, ("engine", "engine", "engine", "engine")),
    ],
)
def test_skip_limit_and_projection_go_down_only_where_nothing_is_left(
    exact: bool, ordered: bool, projects: bool, expected: tuple[str, str, str, str]
) -> None:
    """The native part is exact, and in the order that was asked."""
    target = Scripted(exact=exact, ordered=ordered, projects=projects)
    plan = plan_read(target, REQUEST)
    shown = plan.explain("find", "toy", "things", ran=False)
    assert (shown.sort, shown.skip, shown.limit, shown.projection) == expected
    assert (shown.residue is None) is exact
    assert plan.direct is (exact and ordered)
    assert (plan.read.skip, plan.read.limit) == ((2, 3) if expected[2] == "backend" else (0, 0))
    assert plan.read.batch_size == (5 if ordered else 1000)
    assert shown.native == {"native": True}


def test_whoever_will_write_needs_whole_documents() -> None:
    """So the projection stays, and revisions are asked for."""
    plan = plan_read(Scripted(exact=True, ordered=True, projects=True), REQUEST, revisions=True)
    assert plan.read.projection is None
    assert plan.projection is not None
    assert plan.read.revisions


def test_nothing_is_said_of_what_was_not_asked() -> None:
    """None, neither backend nor engine."""
    shown = plan_read(Scripted(exact=True), parse_find({})).explain("find", "toy", "things", ran=False)
    assert (shown.sort, shown.skip, shown.limit, shown.projection, shown.residue) == (None,) * 5
    assert not shown.full_scan
    assert "sort" not in str(shown)
    assert str(replace(shown, documents_read=3)).endswith("documents_read: 3")
    assert set(shown.to_dict()) == set(Plan.__dataclass_fields__)


async def test_batches_are_filtered_with_their_revisions() -> None:
    """What the driver selects too much is dropped; empty batches too; the counts are those of the driver."""
    target = Scripted(
        batches=[
            Batch([{"_id": 1, "a": 1}, {"_id": 2, "a": 5}], ["r1", "r2"], examined=7),
            Batch([], [], examined=2),
            Batch([{"_id": 3, "a": 0}], ["r3"]),
            Batch([{"_id": 4, "a": 9}], ["r4"]),
        ]
    )
    plan = plan_read(target, parse_find({"a": {"$gt": 1}}), revisions=True)
    found = [batch async for batch in read_matching(target, plan, NO_CALL)]
    assert [(batch.documents, batch.revisions) for batch in found] == [
        ([{"_id": 2, "a": 5}], ["r2"]),
        ([{"_id": 4, "a": 9}], ["r4"]),
    ]
    assert (plan.fetched, plan.examined) == (4, 11)


async def test_an_exact_driver_may_yield_empty_batches() -> None:
    """They are passed over, also by a sort."""
    batches = [Batch([]), Batch([{"_id": 2}]), Batch([]), Batch([{"_id": 1}])]
    for order, expected in ((None, [2, 1]), ([("_id", 1)], [1, 2])):
        target = Scripted(exact=True, ordered=order is None, batches=batches)
        plan = plan_read(target, parse_find({}, sort=order))
        found = [
            document["_id"]
            async for batch in read_batches(target, plan, NO_CALL, finish=None, memory_limit=1000)
            for document in batch
        ]
        assert found == expected


async def test_a_driver_may_return_any_async_iterator() -> None:
    """Not only a generator."""

    class Iterator:
        def __init__(self) -> None:
            self.left = 2

        def __aiter__(self) -> Iterator:
            return self

        async def __anext__(self) -> Batch:
            self.left -= 1
            if self.left < 0:
                raise StopAsyncIteration
            return Batch([{"_id": self.left}])

    target: Any = Scripted(exact=True)
    target.read = lambda read, call: Iterator()
    plan = plan_read(target, parse_find({}))
    assert [batch.documents async for batch in read_matching(target, plan, NO_CALL)] == [[{"_id": 1}], [{"_id": 0}]]


async def test_a_sort_with_a_limit_holds_little_and_is_right() -> None:
    """Over many batches, with ties and a skip."""
    documents = [{"_id": index, "n": (index * 7919) % 500} for index in range(9000)]
    target = Scripted(exact=True, batches=[Batch(documents[start : start + 700]) for start in range(0, 9000, 700)])
    plan = plan_read(target, parse_find({}, sort=[("n", -1), ("_id", 1)], skip=5, limit=20))
    found = [
        document
        async for batch in read_batches(target, plan, NO_CALL, finish=None, memory_limit=1)
        for document in batch
    ]
    assert found == sorted(documents, key=lambda document: (-document["n"], document["_id"]))[5:25]


def test_documents_that_the_driver_keeps_are_copied_once() -> None:
    """Or projected, which copies; what is the reader's own already is left as it is."""
    target = Scripted(exact=True)
    plain = plan_read(target, parse_find({}))
    assert finisher(plain, False) is None
    copy = finisher(plain, True)
    assert copy is not None
    document = {"_id": 1, "l": [1]}
    assert copy(document) == document
    assert copy(document)["l"] is not document["l"]
    projected = finisher(plan_read(target, parse_find({}, {"l": 1, "_id": 0})), False)
    assert projected is not None
    assert projected(document) == {"l": [1]}


@pytest.mark.parametrize(
    ("given", "sort", "expected"),
    [
        ({"a": 1, "b": {"$gt": 2}, "c": 3}, [("d", -1), ("a", 1)], (("a", 1), ("c", 1), ("d", -1), ("b", 1))),
        ({"a": {"$in": [1]}, "b": {"$regex": "^x"}}, None, (("a", 1), ("b", 1))),
        ({"_id": {"$gt": 1}, "a": 1}, [("_id", 1)], (("a", 1),)),
        ({"$or": [{"a": 1}, {"b": 1}]}, None, ()),
        ({"a": {"$exists": True}}, None, ()),
        ({}, [("a", 1)], (("a", 1),)),
    ],
)
def test_an_index_is_suggested_by_equality_sort_and_range(given: Any, sort: Any, expected: Any) -> None:
    """In that order."""
    assert suggest_index(parse_filter(given), parse_sort(sort)) == expected


FILTERS: list[tuple[Any, Any]] = [
    ({}, {}),
    ({"a": 1}, {"a": {"$eq": 1}}),
    ({"a": 1, "b": {"$gt": 2}}, {"$and": [{"a": {"$eq": 1}}, {"b": {"$gt": 2}}]}),
    ({"$or": [{"a": 1}, {"b": 2}]}, {"$or": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}),
    ({"$nor": [{"a": 1}, {"b": 2}]}, {"$nor": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}),
    ({"a": {"$ne": 1}}, {"$nor": [{"a": {"$eq": 1}}]}),
    ({"a": {"$not": {"$gt": 1}}}, {"$nor": [{"a": {"$gt": 1}}]}),
    ({"a": {"$in": [1, 2]}}, {"a": {"$in": [1, 2]}}),
    ({"a": {"$exists": True}}, {"a": {"$exists": True}}),
    ({"a": {"$type": "int"}}, {"a": {"$type": [16]}}),
    ({"a": {"$regex": "x"}}, {"a": {"$regex": "x"}}),
    ({"a": {"$regex": "x", "$options": "i"}}, {"a": {"$regex": "x", "$options": "i"}}),
    ({"a": {"$mod": [4, 1]}}, {"a": {"$mod": [4, 1]}}),
    ({"a": {"$size": 2}}, {"a": {"$size": 2}}),
    ({"a": {"$bitsAllSet": [0, 2]}}, {"a": {"$bitsAllSet": [0, 2]}}),
    ({"a": {"$all": [1, "x"]}}, {"a": {"$all": [1, "x"]}}),
    ({"a": {"$elemMatch": {"b": 1}}}, {"a": {"$elemMatch": {"b": {"$eq": 1}}}}),
    ({"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}}, {"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}}),
    ({"a": {"$elemMatch": {"$ne": 1, "$nin": [2], "$not": {"$gt": 5}}}}, None),
    ({"a": {"$elemMatch": {"$not": {"$ne": 1, "$lt": 5}}}}, None),
    ({"a": {"$all": [{"$elemMatch": {"b": {"$eq": 1}}}]}}, None),
    ({"$expr": {"$gt": ["$a", 1]}}, {"$expr": {"$gt": ["$a", 1]}}),
    ({"$jsonSchema": {"required": ["a"]}}, {"$jsonSchema": {"required": ["a"]}}),
    ({"$text": {"$search": "x"}}, {"$text": {"$search": "x"}}),
    (
        {"$text": {"$search": "x", "$language": "none", "$caseSensitive": True}},
        {"$text": {"$search": "x", "$language": "none", "$caseSensitive": True}},
    ),
    ({"$sampleRate": 0.5}, {"$sampleRate": 0.5}),
    ({"$alwaysFalse": 1}, {"$nor": [{}]}),
    ({"$alwaysTrue": 1}, {}),
]


@pytest.mark.parametrize(("given", "expected"), FILTERS, ids=lambda value: str(value)[:50])
def test_a_filter_is_written_as_it_is_understood(given: Any, expected: Any) -> None:
    """And what is written can be parsed again, to the same tree."""
    written = unparse(parse_filter(given).root)
    assert written == (given if expected is None else expected)
    assert unparse(parse_filter(written).root) == written
