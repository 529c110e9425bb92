"""PostgreSQL: ``postgres:17`` in a container, or the ``initdb`` and ``postgres`` of this machine."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg

from servers.containers import engine
from servers.kind import Kind, MissingServerError, Product
from servers.processes import Process, account, kept_port, made_files, own_folder, program, running, until
from servers.restartable import Restartable

__all__ = ["POSTGRES", "restartable_postgres"]

_IMAGE: Final = "postgres:17"
_FAILURES: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


async def _version(url: str) -> str:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url, timeout=5)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


def _asked(url: str) -> str:
    """Ask for the version; on a thread, which has no event loop that this could be in the way of."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_version(url))).result()


def _ask(url: str) -> Product:
    try:
        return Product("PostgreSQL", _asked(url))
    except _FAILURES as error:
        raise MissingServerError(f"nothing answers: {type(error).__name__}") from error


@contextmanager
def _container() -> Iterator[str]:
    with engine(_IMAGE):
        from testcontainers.community.postgres import PostgresContainer

        container = PostgresContainer(_IMAGE, username="lexigram", password="lexigram", dbname="lexigram", driver=None)
    try:
        with engine(_IMAGE):
            container.start()
            place = f"{container.get_container_host_ip()}:{container.get_exposed_port(5432)}"
        url = f"postgresql://lexigram:lexigram@{place}/lexigram"
        until(lambda: _asked(url), _FAILURES, lambda: None)
        yield url
    finally:
        container.stop()


def _program(name: str) -> str:
    found = program(name)
    if found is None and (config := program("pg_config")) is not None:
        folder = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        found = shutil.which(name, path=folder)
    if found is None:
        # Debian keeps them off the path, one folder for each version.
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
        found = next((path for folder in folders if (path := shutil.which(name, path=str(folder)))), None)
    if found is None:
        raise MissingServerError(f"{name} is not on the path")
    return str(Path(found).resolve())


@contextmanager
def restartable_postgres(settings: Mapping[str, str] | None = None) -> Iterator[Restartable]:
    """Start a server for one test, as a process with a folder and a port of its own.

    Args:
        settings: Settings of the server beside those that it needs.

    Yields:
        The server, answering. What it acknowledged outlives its processes, not the machine.

    Raises:
        MissingServerError: There is no PostgreSQL here, or it does not start.
    """
    initdb, postgres = _program("initdb"), _program("postgres")
    user = account("postgres")
    with own_folder("postgres", user) as folder, kept_port() as port:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        data = f"{folder}/data"
        how = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        made_files([initdb, *how], folder, user)
        chosen = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "fsync": "off",
            "max_connections": "100",
            **(settings or {}),
        }
        command = [
            postgres,
            "-D",
            data,
            *(part for name, value in chosen.items() for part in ("-c", f"{name}={value}")),
        ]

        def wait(check: Callable[[], None]) -> None:
            until(lambda: _asked(url), _FAILURES, check)

        # Fast shutdown, and immediate shutdown, which is what a crash of all processes is like (manual, 19.5).
        process = Process(command, wait, user=user, stopping=signal.SIGINT, crashing=signal.SIGQUIT)
        with running(process):
            yield Restartable(url, process)


@contextmanager
def _process() -> Iterator[str]:
    with restartable_postgres() as server:
        yield server.url


POSTGRES: Final = Kind(
    name="postgres",
    variable="LEXIGRAM_TEST_POSTGRES_URL",
    folders=frozenset({"sql"}),
    image=_IMAGE,
    container=_container,
    process=_process,
    ask=_ask,
    install="Set LEXIGRAM_TEST_POSTGRES_URL, start a Docker engine, or install PostgreSQL",
)
"""PostgreSQL, as a user that may make databases and end other sessions."""
