"""Named connections from a settings file, on a real server."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lexigram.nosql.connections import ConnectionManager, StoreConnection
from lexigram.nosql.exceptions import NoSQLConnectionError
from pymongo import AsyncMongoClient
from servers import Server

pytestmark = pytest.mark.allow_blocking("connections look for plugins, and read a file, when they are made")

SETTINGS = """
[default.database]
default_document_connection = "main"

[default.database.documents.main]
backend = "mongo"

[default.database.documents.main.provider]
url = {{ secret = "TEST_MONGO_URL" }}
database_name = "{database}"
client = "{kind}"
min_pool_size = 0

[default.database.documents.scratch]
backend = "local"

[staging.database.documents.away]
backend = "mongo"
provider = {{ url = "mongodb://ada:hunter2@127.0.0.1:1/", server_selection_timeout_ms = 1000, min_pool_size = 0 }}
"""


@pytest_asyncio.fixture
async def database(mongodb_server: Server) -> AsyncIterator[str]:
    """Return the name of a database that is gone after the test."""
    name = f"lexigram_test_{uuid.uuid4().hex[:12]}"
    yield name
    async with AsyncMongoClient[dict[str, Any]](mongodb_server.endpoint) as client:
        await client.drop_database(name)


@pytest.fixture
def settings(mongodb_server: Server, database: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file; the secret that it refers to is in the environment."""
    monkeypatch.setenv("TEST_MONGO_URL", mongodb_server.endpoint)
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS.format(database=database, kind=kind))
    return path


async def test_the_handle_of_a_connection_is_the_sdks_own(settings: Path, database: str) -> None:
    """And sees what the portable store wrote."""
    async with ConnectionManager.from_settings(settings) as manager:
        await manager.wait_ready(timeout=10)
        await manager.store().collection("orders").insert_one({"_id": 1})
        native = await manager.get_database()
        assert native.name == database
        assert await native["orders"].find_one() == {"_id": 1}
        assert {name: found["status"] for name, found in (await manager.health()).details.items()} == {
            "main": "healthy",
            "scratch": "healthy",
        }


async def test_a_server_that_is_away_closes_the_connections_that_were_opened(settings: Path) -> None:
    """The error names the connection and shows no password."""
    manager = ConnectionManager.from_settings(settings, environment="staging")

    with pytest.raises(NoSQLConnectionError) as caught:
        await manager.start()

    assert caught.value.__notes__ == ["while starting the service 'away'"]
    assert "hunter2" not in f"{caught.value} {caught.value.__notes__} {manager.settings!r}"
    assert not any(connection.is_ready() for connection in manager.connections.values())


async def test_a_connection_follows_its_secret(
    settings: Path, mongodb_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents stay; the handle is a new one; without a change nothing happens."""
    async with ConnectionManager.from_settings(settings) as manager:
        connection = manager.get()
        assert isinstance(connection, StoreConnection)
        orders = manager.store().collection("orders")
        await orders.insert_one({"_id": 1})
        before = await manager.get_database()
        assert not await connection.renew()

        endpoint = mongodb_server.endpoint
        joined = "&" if "?" in endpoint else "?" if endpoint.rstrip("/").count("/") > 2 else "/?"
        monkeypatch.setenv("TEST_MONGO_URL", f"{endpoint.rstrip('/')}{joined}appName=renewed")
        assert await connection.renew()

        assert await manager.get_database() is not before
        assert await orders.find_one({"_id": 1}) == {"_id": 1}
