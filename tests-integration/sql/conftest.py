"""Databases for the tests: each test has one of its own, on every kind of server."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.providers import DatabaseService
from servers import MissingServerError, Server
from servers.mysql import restartable_mysql
from servers.postgres import restartable_postgres
from servers.restartable import Restartable
from sql.place import Opener, Place


async def _administer(url: str, *statements: str) -> None:
    async with DatabaseService(DatabaseConfig.model_validate({"url": url, "pool_size": 1})) as db:
        for statement in statements:
            await db.execute(statement)


@pytest.fixture(params=["sqlite", "postgres", "mysql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of database."""
    chosen: str = request.param
    return chosen


@pytest_asyncio.fixture
async def place(kind: str, server: Callable[[str], Server], tmp_path: Path) -> AsyncIterator[Place]:
    """Yield an empty database, gone after the test: a file, a schema of PostgreSQL's, a database of MySQL's."""
    name = f"lexigram_{uuid.uuid4().hex[:12]}"
    if kind == "sqlite":
        yield Place(kind, f"sqlite:///{tmp_path / name}.db")
        return
    endpoint = server(kind).endpoint
    if kind == "postgres":
        await _administer(endpoint, f"CREATE SCHEMA {name}")
        yield Place(kind, f"{endpoint}?search_path={name}")
        await _administer(endpoint, f"DROP SCHEMA {name} CASCADE")
        return
    await _administer(endpoint, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield Place(kind, f"{endpoint.rstrip('/')}/{name}")
    await _administer(endpoint, f"DROP DATABASE {name}")


@pytest_asyncio.fixture
async def open_db(place: Place) -> AsyncIterator[Opener]:
    """Yield what opens the test's database, with settings and arguments of the test's own."""
    async with AsyncExitStack() as stack:

        async def opened(*, query_logger: Any = None, hooks: Any = None, **settings: Any) -> DatabaseService:
            config = DatabaseConfig.model_validate({"url": place.url, **settings})
            return await stack.enter_async_context(DatabaseService(config, query_logger=query_logger, hooks=hooks))

        yield opened


@pytest_asyncio.fixture
async def db(open_db: Opener, place: Place) -> DatabaseService:
    """Return a connected database with a table ``item``."""
    opened = await open_db()
    await opened.execute(f"CREATE TABLE item (id {place.key}, name VARCHAR(50) NOT NULL UNIQUE, amount INTEGER)")
    return opened


@pytest.fixture
def start_own(pytestconfig: pytest.Config) -> Iterator[Callable[..., Restartable]]:
    """Yield what starts a server of the test's own, ``postgres`` or ``mysql``, with settings of its own."""
    with ExitStack() as stack:

        def start(kind: str, settings: dict[str, str] | None = None) -> Restartable:
            make = {"postgres": restartable_postgres, "mysql": restartable_mysql}[kind]
            try:
                return stack.enter_context(make(settings))
            except MissingServerError as error:
                if pytestconfig.option.require_all:
                    pytest.fail(str(error), pytrace=False)
                pytest.skip(str(error))

        yield start
