"""MySQL or MariaDB: ``mariadb:11`` in a container, or the ``mariadbd`` or ``mysqld`` of this machine.

``LEXIGRAM_TEST_MYSQL_IMAGE`` names another image, such as ``mysql:8``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Final
from urllib.parse import urlsplit

import pymysql

from servers.containers import engine
from servers.kind import Kind, MissingServerError, Product
from servers.processes import Process, account, kept_port, made_files, own_folder, program, running, until
from servers.restartable import Restartable

__all__ = ["MYSQL", "restartable_mysql"]

_IMAGE: Final = os.environ.get("LEXIGRAM_TEST_MYSQL_IMAGE") or "mariadb:11"
_FAILURES: Final = (OSError, pymysql.err.MySQLError)


def _asked(url: str) -> str:
    parts = urlsplit(url)
    with closing(
        pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username,
            password=parts.password or "",
            connect_timeout=5,
        )
    ) as connection:
        return str(connection.get_server_info())


def _ask(url: str) -> Product:
    try:
        version = _asked(url)
    except _FAILURES as error:
        raise MissingServerError(f"nothing answers: {type(error).__name__}") from error
    # MariaDB puts 5.5.5- before its version for clients that would not talk to a server of version 10.
    return Product("MariaDB" if "mariadb" in version.lower() else "MySQL", version.removeprefix("5.5.5-"))


@contextmanager
def _container() -> Iterator[str]:
    with engine(_IMAGE):
        from testcontainers.community.mysql import MySqlContainer

        container = MySqlContainer(_IMAGE, username="root", root_password="lexigram", password="lexigram")
    try:
        with engine(_IMAGE):
            container.start()
            place = f"{container.get_container_host_ip()}:{container.get_exposed_port(3306)}"
        url = f"mysql://root:lexigram@{place}/"
        until(lambda: _asked(url), _FAILURES, lambda: None)
        yield url
    finally:
        container.stop()


def _initialise(server: str, folder: str, data: str, user: str | None) -> None:
    """Make the files of an empty server."""
    install = program("mariadb-install-db")
    if install is not None:
        how = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", f"--datadir={data}"]
        command = [install, *how]
    else:
        command = [server, "--no-defaults", "--initialize-insecure", f"--datadir={data}"]
    made_files(command, folder, user)


@contextmanager
def restartable_mysql(settings: Mapping[str, str] | None = None) -> Iterator[Restartable]:
    """Start a server for one test, as a process with a folder and a port of its own.

    Args:
        settings: Options of the server beside those that it needs.

    Yields:
        The server, answering. What it acknowledged outlives its process, not the machine.

    Raises:
        MissingServerError: There is neither MariaDB nor MySQL here, or it does not start.
    """
    server = program("mariadbd") or program("mysqld") or shutil.which("mariadbd", path="/usr/sbin")
    if server is None:
        raise MissingServerError("neither mariadbd nor mysqld is on the path")
    user = account("mysql")
    with own_folder("mysql", user) as folder, kept_port() as port:
        url = f"mysql://root@127.0.0.1:{port}/"
        data = f"{folder}/data"
        _initialise(server, folder, data, user)
        chosen = {
            "datadir": data,
            "tmpdir": folder,
            "port": str(port),
            "bind-address": "127.0.0.1",
            "socket": f"{folder}/s",
            "pid-file": f"{folder}/pid",
            "innodb-flush-log-at-trx-commit": "2",
            "innodb-buffer-pool-size": "64M",
            **(settings or {}),
        }
        command = [server, "--no-defaults", *(f"--{name}={value}" for name, value in chosen.items())]

        def wait(check: Callable[[], None]) -> None:
            until(lambda: _asked(url), _FAILURES, check)

        with running(Process(command, wait, user=user)) as process:
            yield Restartable(url, process)


@contextmanager
def _process() -> Iterator[str]:
    with restartable_mysql() as server:
        yield server.url


MYSQL: Final = Kind(
    name="mysql",
    variable="LEXIGRAM_TEST_MYSQL_URL",
    folders=frozenset({"sql"}),
    image=_IMAGE,
    container=_container,
    process=_process,
    ask=_ask,
    install="Set LEXIGRAM_TEST_MYSQL_URL, start a Docker engine, or install MariaDB or MySQL",
)
"""MariaDB or MySQL, as a user that may make databases and end other sessions."""
