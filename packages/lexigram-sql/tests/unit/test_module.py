"""Databases in an application: bound by name, connected together, closed in reverse."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import pytest
from lexigram import Application
from lexigram.config import LexigramConfig
from lexigram.contracts.core.config import Environment
from lexigram.contracts.core.health import HealthStatus
from lexigram.contracts.data.sql.database import DatabaseProviderProtocol
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.contracts.exceptions.provider import ProviderError
from lexigram.di import Named
from lexigram.di.module import Module, module
from lexigram.exceptions import ConfigurationError
from lexigram.sql.config import DatabaseConfig, refuse_weak_password
from lexigram.sql.module import DatabaseModule
from lexigram.sql.sessions import DbSession

pytestmark = pytest.mark.allow_blocking("an application looks for plugins while it starts")


class Reports:
    def __init__(self, main: DatabaseProviderProtocol, other: Annotated[DatabaseProviderProtocol, "analytics"]) -> None:
        self.main = main
        self.other = other


def of(configured: Any, *classes: type) -> type[Module]:
    @module(imports=[configured], providers=list(classes), exports=list(classes))
    class Shop(Module):
        pass

    return Shop


async def test_a_stub_is_in_memory_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with Application.boot(modules=[of(DatabaseModule.stub())]) as app:
        db = await app.container.resolve(DatabaseProviderProtocol)
        await db.execute("CREATE TABLE t (a INTEGER)")
        assert await db.table_exists("t")
    assert os.listdir(tmp_path) == []


async def test_several_databases_are_bound_by_name_and_the_primary_without(tmp_path: Path) -> None:
    settings = {
        "backends": [
            {"name": "main", "primary": True, "url": f"sqlite:///{tmp_path}/main.db"},
            {"name": "analytics", "url": f"sqlite:///{tmp_path}/other.db"},
        ]
    }
    async with Application.boot(modules=[of(DatabaseModule.configure(settings), Reports)]) as app:
        reports = await app.container.resolve(Reports)
        await reports.main.execute("CREATE TABLE t (a INTEGER)")
        assert not await reports.other.table_exists("t")
        named = await app.container.resolve(Annotated[DatabaseProviderProtocol, Named("main")])
        assert named is reports.main
        health = await app.health_check()
        assert health.status is HealthStatus.HEALTHY
    assert not await reports.main.is_connected()


async def test_when_one_database_fails_all_are_closed_again(tmp_path: Path) -> None:
    settings = {
        "backends": [
            {"name": "main", "primary": True, "url": f"sqlite:///{tmp_path}/main.db"},
            {"name": "lost", "url": f"sqlite:///{tmp_path}/missing/other.db"},
        ]
    }
    before = asyncio.all_tasks()
    with pytest.raises(ProviderError, match="database"):
        async with Application.boot(modules=[of(DatabaseModule.configure(settings))]):
            pass
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("section", ["sql", "database", "db"])
async def test_the_section_may_have_any_of_its_names(section: str, tmp_path: Path) -> None:
    config = LexigramConfig.from_dict({section: {"url": f"sqlite:///{tmp_path}/a.db", "pool_size": 3}})
    async with Application.boot(config=config, modules=[of(DatabaseModule.configure())]) as app:
        settings = await app.container.resolve(DatabaseConfig)
        assert (settings.pool.max_size, settings.url.database) == (3, f"{tmp_path}/a.db")


async def test_two_sections_for_the_same_thing_are_refused() -> None:
    config = LexigramConfig.from_dict({"sql": {"url": "sqlite://"}, "db": {"url": "sqlite://"}})
    with pytest.raises(LexigramError, match="same section under two names"):
        async with Application.boot(config=config, modules=[of(DatabaseModule.configure())]):
            pass


async def test_a_scope_has_a_session_of_its_own_that_ends_with_it(tmp_path: Path) -> None:
    async with Application.boot(modules=[of(DatabaseModule.configure(f"sqlite:///{tmp_path}/a.db"))]) as app:
        db = await app.container.resolve(DatabaseProviderProtocol)
        await db.execute("CREATE TABLE t (a INTEGER)")
        async with app.container.scope() as scoped:
            session = await scoped.resolve(DbSession)
            assert await scoped.resolve(DbSession) is session
            await session.execute("INSERT INTO t VALUES (1)")
            await session.commit()
            await session.execute("INSERT INTO t VALUES (2)")
        assert [row["a"] for row in await db.execute("SELECT a FROM t")] == [1], "what was not committed is rolled back"


async def test_an_unknown_scheme_says_what_is_installed() -> None:
    with pytest.raises(LexigramError, match="oracle"):
        async with Application.boot(modules=[of(DatabaseModule.configure("oracle://db/x"))]):
            pass


def test_well_known_passwords_are_refused_in_production_only() -> None:
    weak = DatabaseConfig.from_url("postgresql://app:changeme@db/shop")
    with pytest.raises(ConfigurationError, match="well-known password") as caught:
        refuse_weak_password(weak.url, "database", Environment.PRODUCTION)
    assert "changeme" not in str(caught.value)
    assert [issue.severity for issue in weak.validate_for_environment(Environment.PRODUCTION)] == ["error"]
    refuse_weak_password(weak.url, "database", Environment.DEVELOPMENT)
    assert weak.validate_for_environment(Environment.DEVELOPMENT) == []
