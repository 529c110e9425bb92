"""Stores on real servers: each test has tables of its own, on each server and in each layout."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from dynamodb.raw import drop_tables
from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore
from servers import Server
from servers.dynamodb import settings

Opener = Callable[..., Any]


def settings_for(server: Server) -> dict[str, Any]:
    """The settings of a store on a server, quick ones."""
    given: dict[str, Any] = {**settings(server), "schema_lease_seconds": 0.02, "feed_poll_seconds": 0.02}
    if given.get("empty_values") == "marked":
        # The same old build takes ten items in a transaction.
        given["max_transaction_items"] = 10
    return given


@pytest.fixture(scope="session")
def dynamodb_server(server: Callable[[str], Server]) -> Server:
    """Return DynamoDB Local."""
    return server("dynamodb")


@pytest.fixture(scope="session")
def dynoxide_server(server: Callable[[str], Server]) -> Server:
    """Return Dynoxide."""
    return server("dynoxide")


@pytest.fixture(params=["dynamodb", "dynoxide"])
def either_server(request: pytest.FixtureRequest) -> Server:
    """Return one server after the other."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture(params=["table-per-collection", "single-table"])
def layout(request: pytest.FixtureRequest) -> str:
    """Return one layout after the other."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def prefix() -> str:
    """Return what this test's tables are called."""
    return f"lexigram{uuid.uuid4().hex[:12]}"


@pytest_asyncio.fixture
async def open_store(either_server: Server, prefix: str) -> AsyncIterator[Opener]:
    """Return what opens stores on the same tables, which are gone after the test."""
    async with AsyncExitStack() as stack:

        async def opened(**more: Any) -> DynamoDBDocumentStore:
            given = {**settings_for(either_server), "table_name": prefix, "scan_policy": "allow", **more}
            return await stack.enter_async_context(DynamoDBDocumentStore(DynamoDBConfig(**given)))

        yield opened
    await drop_tables(either_server.endpoint, prefix)


@pytest_asyncio.fixture
async def store(open_store: Opener) -> DynamoDBDocumentStore:
    """Return a connected store with nothing in it."""
    opened: DynamoDBDocumentStore = await open_store()
    return opened
