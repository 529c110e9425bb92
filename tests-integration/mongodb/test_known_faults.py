"""What generated cases meet on the stand-in: a server and the engine agree, but for the faults that are listed."""

from __future__ import annotations

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.backends.mongodb import MongoDBDocumentStore
from lexigram.nosql.testing.cases import Case, Difference, compare
from lexigram.nosql.testing.shrinking import shrink
from mongodb.known_faults import is_faulty
from mongodb.known_shapes import SHAPES, known_fault
from servers import Product, Server


@pytest.mark.parametrize("shape", list(SHAPES))
async def test_only_the_stand_in_answers_otherwise(
    store: MongoDBDocumentStore, mongodb_server: Server, shape: str
) -> None:
    """And the difference is known by its shape. Where the stand-in has learned it, it is no longer to be listed."""
    listed = SHAPES[shape]
    case = Case(0, listed.documents, [listed.request])
    async with InMemoryDocumentStore() as memory:
        theirs, ours = store.collection("things"), memory.collection("things")
        told = await compare(case, theirs, ours)
        small = [await shrink(each, theirs, ours) for each in told]

    assert bool(told) == is_faulty(mongodb_server.product), told or listed.fault
    assert [known_fault(mongodb_server.product, each) for each in small] == [listed.fault] * len(told)


@pytest.mark.parametrize("shape", list(SHAPES))
def test_of_another_server_nothing_is_excused(shape: str) -> None:
    """Nor what differs on this one in another way."""
    listed = SHAPES[shape]
    answers = {"answer": ["a"]}, {"answer": ["b"]}
    plain = Difference({"kind": "find", "filter": {"a.b": 1}, "sort": {"a.b": 1}}, listed.documents, *answers, "told")

    assert known_fault(Product("mongod", "8.0.4"), Difference(listed.request, listed.documents, *answers, "")) is None
    assert known_fault(None, plain) is None
    assert known_fault(Product("SecantusDB", "0.7.0b3"), plain) is None
