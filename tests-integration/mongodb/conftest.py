"""Stores on a real server: each test has a database of its own, on both clients."""

from __future__ import annotations

import gc
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lexigram.nosql.backends.mongodb import MongoDBConfig, MongoDBDocumentStore
from pymongo import AsyncMongoClient
from servers import Server
from servers.mongodb import RestartableMongoDB

Opener = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a socket go unclosed that PyMongo's monitor was about to connect when its client was closed.

    It is PyMongo's own, is gone as soon as it is collected, and is told in whatever test runs then.
    """
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(scope="module", autouse=True)
def _collected() -> Iterator[None]:
    """Collect such a socket while it is let go, and not in another folder's tests or at the end of the run."""
    yield
    gc.collect()


@pytest.fixture(params=["motor", "pymongo"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return the SDK underneath."""
    chosen: str = request.param
    return chosen


@pytest_asyncio.fixture
async def open_store(mongodb_server: Server, kind: str) -> AsyncIterator[Opener]:
    """Return what opens stores on one database, which is gone after the test."""
    database = f"lexigram_test_{uuid.uuid4().hex[:12]}"
    async with AsyncExitStack() as stack:

        async def opened(**settings: Any) -> MongoDBDocumentStore:
            given = {"uri": mongodb_server.endpoint, "database": database, "client": kind, "min_pool_size": 0}
            config = MongoDBConfig(**{**given, "scan_policy": "allow", **settings})
            return await stack.enter_async_context(MongoDBDocumentStore(config))

        yield opened
    async with AsyncMongoClient[dict[str, Any]](mongodb_server.endpoint) as client:
        await client.drop_database(database)


@pytest.fixture
def own_settings(restartable_mongodb: RestartableMongoDB, kind: str) -> dict[str, Any]:
    """Return the settings of a store on a server of this test's own, which may be killed and told to fail."""
    return {
        "uri": restartable_mongodb.uri,
        "client": kind,
        "min_pool_size": 0,
        "heartbeat_frequency_ms": 500,
        "scan_policy": "allow",
    }


@pytest_asyncio.fixture
async def own_store(own_settings: dict[str, Any]) -> AsyncIterator[MongoDBDocumentStore]:
    """Return a connected store on a server of this test's own."""
    async with MongoDBDocumentStore(MongoDBConfig(**own_settings)) as opened:
        yield opened


@pytest_asyncio.fixture
async def store(open_store: Opener) -> MongoDBDocumentStore:
    """Return a connected store on an empty database."""
    opened: MongoDBDocumentStore = await open_store()
    return opened
