"""What generated cases meet on the stand-in: a server and the engine agree, but for the faults that are listed."""

from __future__ import annotations

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.backends.mongodb import MongoDBDocumentStore
from lexigram.nosql.testing.cases import Case, compare
from mongodb.known_faults import SHAPES, is_faulty
from servers import Server


@pytest.mark.parametrize("shape", list(SHAPES))
async def test_only_the_stand_in_answers_otherwise(
    store: MongoDBDocumentStore, mongodb_server: Server, shape: str
) -> None:
    """Where the stand-in has learned it, the shape is no longer to be listed."""
    listed = SHAPES[shape]
    case = Case(0, listed.documents, [listed.request])
    async with InMemoryDocumentStore() as memory:
        told = await compare(case, store.collection("things"), memory.collection("things"))

    assert bool(told) == is_faulty(mongodb_server.product), told or listed.fault
