"""The two sides that are compared, and the faults that are known of the server's."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from engine.comparing import Answer, Case, Sides
from engine.known_faults import excuse
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from motor.motor_asyncio import AsyncIOMotorClient
from servers import Server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sides(mongodb_server: Server) -> AsyncIterator[Sides]:
    """Yield the engine and the server, with a database of this process's own that is gone afterwards."""
    client = AsyncIOMotorClient(mongodb_server.endpoint, tz_aware=True, uuidRepresentation="standard")
    name = f"lexigram_engine_{uuid.uuid4().hex[:12]}"
    try:
        async with InMemoryDocumentStore() as store:
            yield Sides(store, client[name])
        await client.drop_database(name)
    finally:
        client.close()


@pytest.fixture(scope="session")
def judge(mongodb_server: Server) -> Callable[[Case, Answer, Answer], str | None]:
    """Return what says of two answers why they may differ, or None when they agree; it fails where they may not."""

    def of(case: Case, ours: Answer, theirs: Answer) -> str | None:
        if ours.agrees(theirs):
            return None
        fault = excuse(mongodb_server.product.name, case, ours, theirs)
        if fault is None:
            product = mongodb_server.product
            pytest.fail(f"{case}\n\nthe engine says\n  {ours}\n\n{product} says\n  {theirs}", pytrace=False)
        return fault.says

    return of
