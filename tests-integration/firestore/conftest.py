"""Stores on Google's emulator: each test has a project of its own, so that none sees another's documents."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from lexigram.nosql.backends.firestore import FirestoreConfig, FirestoreDocumentStore
from servers import Server

Opener = Callable[..., Any]


@pytest_asyncio.fixture
async def open_store(firestore_server: Server) -> AsyncIterator[Opener]:
    """Return what opens stores on one project."""
    project = f"test-{uuid.uuid4().hex[:12]}"
    async with AsyncExitStack() as stack:

        async def opened(**settings: Any) -> FirestoreDocumentStore:
            given = {"project_id": project, "emulator_host": firestore_server.endpoint, "index_refresh_ms": 0}
            config = FirestoreConfig(**{**given, "scan_policy": "allow", **settings})
            return await stack.enter_async_context(FirestoreDocumentStore(config))

        yield opened


@pytest_asyncio.fixture
async def store(open_store: Opener) -> FirestoreDocumentStore:
    """Return a connected store on an empty database."""
    opened: FirestoreDocumentStore = await open_store()
    return opened


class Requests(Counter[str]):
    """How many requests of each kind have been sent since it was last cleared."""


@pytest.fixture
def counted() -> Callable[[FirestoreDocumentStore], Requests]:
    """Return what counts the requests of a store from now on."""

    def count(store: FirestoreDocumentStore) -> Requests:
        found = Requests()
        client: Any = store.driver
        for name in ("_get", "_list", "_list_ids", "_commit", "_batch_get", "_query", "_aggregate"):
            send = getattr(client.client, name)

            def sending(*args: Any, _send: Any = send, _name: str = name, **kwargs: Any) -> Any:
                found[_name.removeprefix("_")] += 1
                return _send(*args, **kwargs)

            setattr(client.client, name, sending)
        return found

    return count
