"""Smaller parts: index descriptions, the condition of portable writes, lost cancellations, the package's face."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

import lexigram.nosql.backends.mongodb as package
import pytest
from bson.int64 import Int64
from lexigram.nosql.backends.mongodb.cancellation import LOSES_CANCELLATIONS, Heeding, insisting
from lexigram.nosql.backends.mongodb.indexes import from_server, to_server
from lexigram.nosql.backends.mongodb.projecting import native_projection
from lexigram.nosql.backends.mongodb.server import _described
from lexigram.nosql.backends.mongodb.unchanged import unchanged
from lexigram.nosql.indexes import IndexSpec, parse_index
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.projection import parse_projection


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ([("a", 1), ("b", -1)], {"unique": True, "name": "x"}),
        ("a", {"sparse": True}),
        ("a", {"partial_filter": {"b": {"$gt": 1}}}),
        ("at", {"expire_after_seconds": 60}),
        ("a", {"collation": {"locale": "de", "strength": 1}}),
        ("$**", {}),
    ],
    ids=repr,
)
def test_an_index_goes_to_the_server_and_comes_back(keys: Any, options: dict[str, Any]) -> None:
    """As the same index."""
    spec = parse_index(keys, **options)

    assert from_server({"v": 2, **to_server(spec).document}).same_as(spec)


def test_a_text_index_is_known_by_its_fields() -> None:
    """Which the server keeps as weights."""
    spec = from_server(
        {
            "key": {"a": 1, "_fts": "text", "_ftsx": 1},
            "name": "t",
            "weights": {"title": 1, "body": 5},
            "default_language": "english",
        }
    )

    assert spec.keys == (("a", 1), ("title", "text"), ("body", "text"))


def test_an_index_of_another_kind_is_shown_all_the_same() -> None:
    """Somebody else made it; floats stand for directions where the shell made it."""
    spec = from_server({"key": {"place": "2dsphere", "a": -1.0}, "name": "g", "collation": {"locale": "xx-odd"}})

    assert spec == IndexSpec((("place", "2dsphere"), ("a", -1)), "g", collation={"locale": "xx-odd"})


def test_the_condition_compares_the_whole_document_and_every_number() -> None:
    """Types of numbers, signs of zeros and digits of decimals are not in the server's equality."""
    old = {"_id": 1, "f": -0.0, "x.y": Decimal("1.0"), "l": [Int64(5), True]}

    condition = unchanged(old)

    assert condition["_id"] == {"$eq": 1}
    odd = {"$getField": {"field": {"$literal": "x.y"}, "input": "$$ROOT"}}
    assert condition["$expr"]["$and"] == [
        {"$eq": ["$$ROOT", {"$literal": old}]},
        {"$eq": [{"$type": "$$ROOT._id"}, "int"]},
        {"$eq": [{"$type": "$$ROOT.f"}, "double"]},
        {"$eq": [{"$toString": "$$ROOT.f"}, "-0"]},
        {"$eq": [{"$type": odd}, "decimal"]},
        {"$eq": [{"$toString": odd}, "1.0"]},
        {"$eq": [{"$type": {"$arrayElemAt": ["$$ROOT.l", 0]}}, "long"]},
    ]


def test_fields_are_chosen_by_the_server_and_the_rest_here() -> None:
    """Names go down as they are; of anything else, the fields that it needs."""
    plain = parse_projection({"a": 1, "b.c": True, "_id": 0})
    cut = parse_projection({"a": {"$slice": 1}})
    computed = parse_projection({"b": 1, "sum": {"$add": ["$x", 1]}})
    assert plain is not None
    assert cut is not None
    assert computed is not None

    assert native_projection(plain) == ({"a": 1, "b.c": True, "_id": 0}, None)
    assert native_projection(cut) == (None, cut.apply)
    fields, finish = native_projection(computed)
    assert set(fields or ()) >= {"b", "x"}
    assert finish is computed.apply


def test_a_text_score_is_the_server_s() -> None:
    """Nobody else knows it."""
    query = parse_filter({"$text": {"$search": "x"}})
    projection = parse_projection({"score": {"$meta": "textScore"}}, query=query)
    assert projection is not None

    assert native_projection(projection) == ({"score": {"$meta": "textScore"}}, None)


async def test_a_cancellation_that_was_swallowed_is_raised() -> None:
    """As ``asyncio.wait_for`` does before Python 3.12."""

    async def work() -> None:
        # What wait_for does when its work has just ended.
        with Heeding(), suppress(asyncio.CancelledError):
            await asyncio.sleep(10)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_that_was_swallowed_is_raised() -> None:
    """A limit cancels the task, too."""

    async def work() -> None:
        async with asyncio.timeout(0.001):
            with Heeding(), suppress(asyncio.CancelledError):
                await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        await work()


@pytest.mark.skipif(not LOSES_CANCELLATIONS, reason="since Python 3.12 one cancellation is enough")
async def test_a_request_that_takes_long_is_cancelled_until_it_ends() -> None:
    """The first cancellation may have no effect, and what is waited for may never come."""
    ignored = 0

    async def request() -> None:
        nonlocal ignored
        while ignored < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ignored += 1
        await asyncio.Event().wait()

    task = asyncio.create_task(insisting(request()))
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ignored == 3


async def test_a_request_gives_what_it_gives() -> None:
    """Or raises it."""

    async def request(error: bool) -> int:
        await asyncio.sleep(0)
        if error:
            raise LookupError
        return 5

    assert await insisting(request(False)) == 5
    with pytest.raises(LookupError):
        await insisting(request(True))


async def test_nothing_is_raised_where_nobody_cancelled() -> None:
    """The inner context is entered and left; an error of the block passes."""
    told: list[str] = []

    @contextmanager
    def inner() -> Any:
        told.append("in")
        try:
            yield
        finally:
            told.append("out")

    with Heeding(inner()):
        await asyncio.sleep(0)
    with pytest.raises(LookupError), Heeding():
        raise LookupError

    assert told == ["in", "out"]


@pytest.mark.parametrize(
    ("hello", "kind"),
    [({}, "standalone"), ({"setName": "rs"}, "replica set"), ({"msg": "isdbgrid"}, "sharded")],
)
def test_the_kind_of_a_deployment_is_known(hello: dict[str, Any], kind: str) -> None:
    """A standalone server has neither transactions nor feeds."""
    described = _described(hello, {"version": "8.0.4-rc1", "versionArray": [8, 0, 4, -49]})

    assert described.kind == kind
    assert described.version == (8, 0, 4)
    assert described.has_transactions is (kind != "standalone")


def test_every_name_of_the_package_is_there() -> None:
    """They are looked up when they are asked for."""
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="Nothing"):
        package.__getattr__("Nothing")


def test_the_spec_imports_no_sdk() -> None:
    """Listing backends stays quick, also where motor is not installed."""
    script = (
        "import sys, lexigram.nosql.backends.mongodb.spec; "
        "print([name for name in ('motor', 'pymongo', 'bson') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
