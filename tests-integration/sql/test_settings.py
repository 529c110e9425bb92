"""Every setting reaches what it is for."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.exceptions import (
    ConnectionPoolError,
    DatabaseConnectionError,
    DatabaseTimeoutError,
    ForeignKeyError,
)
from lexigram.sql.providers import DatabaseService
from servers.processes import account
from servers.restartable import Restartable
from sql.place import Opener, Place

servers_only = pytest.mark.parametrize("kind", ["postgres", "mysql"])
sqlite_only = pytest.mark.parametrize("kind", ["sqlite"])


async def figure(db: DatabaseService, name: str) -> float:
    """One of the pool's figures."""
    return (await db.get_pool_stats())[name]


async def until(condition: Callable[[], Any], seconds: float = 5) -> None:
    """Wait until a condition of the server's or of a timer's holds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - nobody tells when a timer has run
            await asyncio.sleep(0.02)


@servers_only
async def test_min_size_is_opened_at_the_start_and_max_size_and_overflow_bound_the_rest(open_db: Opener) -> None:
    """What is beyond the size is closed when it comes back."""
    db = await open_db(pool={"min_size": 2, "max_size": 3, "max_overflow": 1, "acquire_timeout": 2})
    assert (await figure(db, "opened"), await figure(db, "max_connections")) == (2, 4)
    held = [await db.acquire() for _ in range(4)]
    assert await figure(db, "opened") == 4
    with pytest.raises(ConnectionPoolError, match="4 of at most 4"):
        await db.acquire()
    for connection in held:
        await db.release(connection)
    assert (await figure(db, "idle_connections"), await figure(db, "closed")) == (3, 1)


@servers_only
async def test_idle_timeout_closes_what_is_not_needed(open_db: Opener) -> None:
    """Down to the least that is kept."""
    db = await open_db(pool={"min_size": 1, "max_size": 3, "idle_timeout": 0.1})
    held = [await db.acquire() for _ in range(3)]
    for connection in held:
        await db.release(connection)
    assert await figure(db, "idle_connections") == 3

    async def one_left() -> bool:
        return await figure(db, "idle_connections") == 1

    await until(one_left)


@pytest.mark.parametrize("name", ["max_lifetime", "recycle"])
@servers_only
async def test_max_lifetime_replaces_old_connections(open_db: Opener, name: str) -> None:
    """When they come back."""
    db = await open_db(pool={"max_size": 1, name: 0.05})
    await asyncio.sleep(0.1)
    await db.fetch("SELECT 1")
    await db.fetch("SELECT 1")
    assert (await figure(db, "opened"), await figure(db, "closed")) == (2, 1)


@servers_only
async def test_connect_timeout_bounds_the_wait_for_a_mute_server(kind: str) -> None:
    """One that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        scheme = {"postgres": "postgresql", "mysql": "mysql"}[kind]
        url = f"{scheme}://someone:hunter2@127.0.0.1:{mute.getsockname()[1]}/shop"
        db = DatabaseService(DatabaseConfig.model_validate({"url": url, "connect_timeout": 0.3}))
        started = time.perf_counter()
        with pytest.raises(DatabaseConnectionError) as caught:
            await db.connect()
        assert 0.25 < time.perf_counter() - started < 5
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.retryable


async def test_statement_timeout_holds_where_the_call_says_nothing(open_db: Opener, place: Place) -> None:
    """For queries, and for statements without rows; a call's own limit goes before it."""
    db = await open_db(statement_timeout="200ms")
    with pytest.raises(DatabaseTimeoutError, match=r"0\.2 s"):
        await db.fetch(place.sleeping(20))
    assert await db.fetch(place.sleeping(0.25), timeout=300)
    unlimited = await open_db(operations={"statement_timeout": 0})
    assert await unlimited.fetch(place.sleeping(0.1))


@pytest.mark.parametrize("kind", ["postgres"])
async def test_options_of_postgres_urls_reach_the_server(open_db: Opener, place: Place) -> None:
    """Name of the application, search path, and no prepared statements for poolers."""
    db = await open_db(url=f"{place.url}&application_name=shop&statement_cache_size=0")
    assert await db.fetch_value("SHOW application_name") == "shop"
    assert (await db.fetch_value("SHOW search_path")).startswith("lexigram_")
    async with db.scoped_context() as connection:
        for number in range(3):
            await connection.fetch("SELECT ?::int", number)
        assert await connection.fetch("SELECT * FROM pg_prepared_statements") == []


@pytest.mark.parametrize("kind", ["mysql"])
async def test_options_of_mysql_urls_reach_the_server(open_db: Opener, place: Place) -> None:
    """Character set and SQL mode; strict mode is the default."""
    db = await open_db(url=f"{place.url}?charset=latin1&sql_mode=ANSI_QUOTES")
    assert await db.fetch_value("SELECT @@character_set_client") == "latin1"
    assert await db.fetch_value("SELECT @@sql_mode") == "ANSI_QUOTES"
    plain = await open_db()
    assert "STRICT_ALL_TABLES" in await plain.fetch_value("SELECT @@sql_mode")
    assert await plain.fetch_value("SELECT @@time_zone") == "+00:00"


@sqlite_only
async def test_settings_of_sqlite_reach_the_file(open_db: Opener, place: Place) -> None:
    """Journal, synchronous, time to wait for others, foreign keys."""
    db = await open_db()
    pragmas = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    assert [await db.fetch_value(f"PRAGMA {name}") for name in pragmas] == ["wal", 1, 5000, 1]
    await db.execute("CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES a (id))")
    with pytest.raises(ForeignKeyError):
        await db.execute("INSERT INTO a VALUES (1, 2)")
    await db.disconnect()
    settings = {"journal_mode": "delete", "synchronous": "full", "busy_timeout": "1s", "foreign_keys": False}
    other = await open_db(sqlite=settings)
    assert [await other.fetch_value(f"PRAGMA {name}") for name in pragmas] == ["delete", 2, 1000, 0]
    await other.execute("INSERT INTO a VALUES (1, 2)")


@sqlite_only
async def test_a_file_of_another_mode_is_only_read(open_db: Opener, place: Place) -> None:
    """SQLite's own URI options go through."""
    db = await open_db()
    await db.execute("CREATE TABLE a (id INTEGER)")
    reader = await open_db(url=f"{place.url}?mode=ro")
    assert await reader.fetch("SELECT * FROM a") == []
    with pytest.raises(Exception, match="readonly"):
        await reader.execute("INSERT INTO a VALUES (1)")


@pytest.fixture
def certificate() -> Iterator[tuple[Path, Path]]:
    """Yield a certificate for 127.0.0.1 that signed itself, and its key."""
    with tempfile.TemporaryDirectory(prefix="lexigram-tls-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the servers run under accounts of their own
        cert, key = folder / "cert.pem", folder / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=somewhere"]
        names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
        subprocess.run([*command, *names], check=True, capture_output=True)
        yield cert, key


@pytest.fixture
def tls_url(start_own: Callable[..., Restartable], kind: str, certificate: tuple[Path, Path]) -> str:
    """Return the URL of a server that offers TLS."""
    cert, key = certificate
    if kind == "postgres":
        # The server takes no key that others may read, so it belongs to its account.
        own = start_own(kind, {"ssl": "on", "ssl_cert_file": str(cert), "ssl_key_file": str(_owned(key))})
    else:
        key.chmod(0o644)
        own = start_own(kind, {"ssl-cert": str(cert), "ssl-key": str(key)})
    return str(own.url)


def _owned(key: Path) -> Path:
    """The key, made over to the account that PostgreSQL runs under."""
    key.chmod(0o600)
    if (user := account("postgres")) is not None:
        shutil.chown(key, user, user)
    return key


ENCRYPTED = {
    "postgres": "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    "mysql": "SELECT variable_value <> '' FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
}


@servers_only
async def test_tls_settings_reach_the_driver(tls_url: str, kind: str, certificate: tuple[Path, Path]) -> None:
    """Off, on, and with the server's certificate and name checked."""
    cert = str(certificate[0])

    async def encrypted(tls: dict[str, Any], url: str = tls_url) -> bool:
        config = DatabaseConfig.model_validate({"url": url, "tls": tls, "pool_size": 1})
        async with DatabaseService(config) as db:
            return bool(await db.fetch_value(ENCRYPTED[kind]))

    assert not await encrypted({"mode": "disable"})
    assert await encrypted({"mode": "prefer"})
    assert await encrypted({"mode": "require"})
    assert await encrypted({"mode": "verify-ca", "ca_file": cert})
    assert await encrypted({"mode": "verify-full", "ca_file": cert})
    assert await encrypted({"ca_file": cert}, f"{tls_url}?sslmode=verify-full")
    with pytest.raises(DatabaseConnectionError):
        await encrypted({"mode": "verify-full"})
    with pytest.raises(DatabaseConnectionError):
        await encrypted({"mode": "verify-full", "ca_file": cert}, tls_url.replace("127.0.0.1", "localhost"))
    assert await encrypted({"mode": "verify-ca", "ca_file": cert}, tls_url.replace("127.0.0.1", "localhost"))


@servers_only
async def test_tls_that_is_required_is_never_left_out(start_own: Callable[..., Restartable], kind: str) -> None:
    """A server without it is refused before a password is sent; one that is only preferred goes without."""
    own = start_own(kind, {"skip-ssl": "1"} if kind == "mysql" else None)
    with pytest.raises(DatabaseConnectionError):
        await DatabaseService(DatabaseConfig.model_validate({"url": own.url, "tls": {"mode": "require"}})).connect()
    async with DatabaseService(DatabaseConfig.model_validate({"url": own.url, "tls": {"mode": "prefer"}})) as db:
        assert not await db.fetch_value(ENCRYPTED[kind])
