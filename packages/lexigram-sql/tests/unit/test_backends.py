"""A backend of a third party: found by its entry point, used through the same face, refused when it does not fit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lexigram.plugins import PluginError, PluginNotFoundError, refresh_plugins
from lexigram.sql.backend import API, SQL_BACKENDS, SqlBackendSpec
from lexigram.sql.backends.sqlite.spec import SPEC
from lexigram.sql.exceptions import DatabaseConnectionError
from lexigram.sql.module import DatabaseModule
from lexigram.sql.providers import DatabaseService

TOY = '''
"""A database that is SQLite under another name."""

from dataclasses import replace

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.backend import SqlBackendSpec


def make(url, config):
    from lexigram.sql.backends.sqlite.driver import SQLiteDriver

    return SQLiteDriver(replace(url, database=f"/{url.database}", host=None), config)


SPEC = SqlBackendSpec(
    name="toydb",
    api=1,
    dialect=SQLDialect.SQLITE,
    drivers=frozenset({"toy"}),
    default_port=4711,
    make=make,
    distribution="lexigram-toydb",
)
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a distribution that offers a backend."""
    info = tmp_path / "lexigram_toydb-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lexigram-toydb\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lexigram.sql.backends]\ntoydb = lexigram_toydb:SPEC\n")
    (tmp_path / "lexigram_toydb.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(tmp_path))
    refresh_plugins()
    yield
    monkeypatch.undo()
    sys.modules.pop("lexigram_toydb", None)
    refresh_plugins()


@pytest.mark.allow_blocking("distributions are looked for")
@pytest.mark.usefixtures("toy")
async def test_an_installed_backend_is_used_without_a_change_here(tmp_path: Path) -> None:
    """By the scheme of the URL."""
    async with DatabaseService(f"toydb+toy://somewhere:4711{tmp_path}/shop") as db:
        assert db.database_type == "toydb"
        await db.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
        async with db.transaction():
            assert (await db.execute_insert("item", {"name": "a"})).inserted_id == 1
        assert await db.fetch("SELECT name FROM item WHERE id = %s", [1]) == [{"name": "a"}]
        assert (await db.health_check()).details["backend"] == "toydb"
    assert "toydb" in SQL_BACKENDS.names()


def test_a_registered_backend_is_used_until_it_is_taken_back() -> None:
    """For programs that bring their own."""
    undo = SQL_BACKENDS.register("embedded", replace(SPEC, name="embedded"))
    try:
        assert DatabaseService("embedded://x/y").database_type == "embedded"
    finally:
        undo()
    with pytest.raises(PluginNotFoundError):
        _ = DatabaseService("embedded://x/y").spec


def test_a_backend_of_another_contract_is_refused() -> None:
    """Saying which side to upgrade."""
    for api, says in ((API + 1, "upgrade lexigram-sql"), (API - 1, "upgrade lexigram-odd")):
        odd = replace(SPEC, name="odd", api=api, distribution="lexigram-odd")
        with pytest.raises(PluginError, match=says):
            SQL_BACKENDS.register("odd", odd)


def test_what_is_no_backend_is_refused() -> None:
    """By its type."""
    with pytest.raises(PluginError):
        SQL_BACKENDS.register("odd", "a string")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("url", "name"), [("oracle://db/x", "oracle"), ("mongodb://db/x", "mongodb")])
def test_a_scheme_that_nobody_offers_says_what_is_there(url: str, name: str) -> None:
    """With the names that are."""
    with pytest.raises(PluginNotFoundError, match=f"'{name}'.*sqlite"):
        _ = DatabaseService(url).spec


def test_ours_are_offered_without_their_drivers() -> None:
    """A specification imports no SDK."""
    assert {"sqlite", "postgres", "mysql"} <= set(SQL_BACKENDS.names())
    specs: list[SqlBackendSpec] = [SQL_BACKENDS.load(name) for name in ("sqlite", "postgres", "mysql")]
    assert [spec.api for spec in specs] == [API] * 3
    assert [spec.default_port for spec in specs] == [None, 5432, 3306]


async def test_a_stub_is_a_database_of_its_own_each_time() -> None:
    """And it is not connected before it is told to."""
    assert DatabaseModule.stub() is not None
    db = DatabaseService()
    with pytest.raises(DatabaseConnectionError):
        await db.fetch("SELECT 1")
