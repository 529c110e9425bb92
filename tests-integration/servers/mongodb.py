"""MongoDB: ``mongo:8`` in a container, ``mongod`` as a process, or SecantusDB where there is no ``mongod``.

SecantusDB speaks MongoDB's wire protocol and keeps most of its semantics. It is a stand-in: where it deviates from
MongoDB's manual, the tests that meet it list the case.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError

from servers.containers import engine
from servers.kind import Kind, MissingServerError, Product
from servers.processes import Process, free_port, program, running

__all__ = ["MONGODB", "RestartableMongoDB", "restartable"]

_IMAGE: Final = "mongo:8"
_TURNS: Final = 30
"""How often a server that is starting is asked, each time for up to two seconds."""

_REPLICA_SET: Final = "rs0"


def _asked(uri: str, turns: int, check: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Connect until a server answers and is elected; return its ``buildInfo``."""
    last: object = None
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=2000) as client:
        for _ in range(turns):
            check()
            try:
                hello = client.admin.command("hello")
                if not hello.get("isWritablePrimary") and "topologyVersion" in hello:
                    # A member answers before it is elected. This answers at the next change, or in two seconds.
                    version = hello["topologyVersion"]
                    hello = client.admin.command("hello", topologyVersion=version, maxAwaitTimeMS=2000)
                if hello.get("isWritablePrimary"):
                    return client.admin.command("buildInfo")
                last = "it is not the primary"
            except PyMongoError as error:
                last = error
    raise MissingServerError(f"nothing answers: {last}")


def _ask(uri: str) -> Product:
    says = _asked(uri, turns=3)
    secantus = says.get("secantusVersion")
    if secantus is None:
        return Product("MongoDB", says["version"])
    return Product("SecantusDB", secantus, f"speaks MongoDB {says['version']}")


def _initiate(uri: str, member: str) -> None:
    """Make a replica set of the one server, which transactions and change streams need."""
    with MongoClient[dict[str, Any]](uri, directConnection=True, serverSelectionTimeoutMS=2000) as client:
        if not client.admin.command("hello").get("setName"):
            members = [{"_id": 0, "host": member}]
            client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": members})


@contextmanager
def _container() -> Iterator[str]:
    with engine(_IMAGE):
        from testcontainers.community.mongodb import MongoDbContainer
        from testcontainers.core.docker_client import DockerClient

        class Container(MongoDbContainer):
            """One without users: a replica set with users needs a key file on top."""

            def _configure(self) -> None:
                """Name no root user to the image."""

        client = DockerClient().client
        try:
            local = client.images.list(_IMAGE)
            command = (local[0] if local else client.images.pull(_IMAGE)).attrs["Config"].get("Cmd") or []
        finally:
            client.close()
        container = Container(_IMAGE)
        if command == ["mongod"]:
            container.with_command(["mongod", "--replSet", _REPLICA_SET, "--bind_ip_all"])
    try:
        with engine(_IMAGE):
            container.start()
            place = f"{container.get_container_host_ip()}:{container.get_exposed_port(27017)}"
        # The member is known by a name that holds inside the container only.
        uri = f"mongodb://{place}/?directConnection=true"
        if command == ["mongod"]:
            _initiate(uri, "127.0.0.1:27017")
        yield uri
    finally:
        container.stop()


@dataclass(frozen=True, slots=True)
class RestartableMongoDB:
    """A server of its own that a test may kill and start again; what it acknowledged is kept.

    Attributes:
        uri: Where it is, before and after.
        process: The process.
    """

    uri: str
    process: Process


@contextmanager
def restartable(*, durable: bool = True, test_commands: bool = True) -> Iterator[RestartableMongoDB]:
    """Start a server for one test, as a process with a folder and a port of its own.

    Args:
        durable: Keep what is acknowledged when the process is killed.
        test_commands: Take ``configureFailPoint``.

    Yields:
        The server, answering.

    Raises:
        MissingServerError: There is neither ``mongod`` nor SecantusDB here, or it does not start.
    """
    port = free_port()
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    with tempfile.TemporaryDirectory(prefix="lexigram-mongodb-") as folder:
        command, is_mongod = _command(port, folder, durable, test_commands)

        def wait(check: Callable[[], None]) -> None:
            if is_mongod:
                _started(uri, check)
                _initiate(uri, f"127.0.0.1:{port}")
            _asked(uri, _TURNS, check)

        with running(Process(command, wait)) as process:
            yield RestartableMongoDB(uri, process)


def _started(uri: str, check: Callable[[], None]) -> None:
    """Wait for a ``mongod`` that may not be initiated yet."""
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=2000) as client:
        for _ in range(_TURNS):
            check()
            try:
                client.admin.command("hello")
            except ServerSelectionTimeoutError:
                continue
            return


def _command(port: int, folder: str, durable: bool, test_commands: bool) -> tuple[Sequence[str], bool]:
    mongod, secantus = program("mongod"), program("secantusd-py")
    if mongod is not None:
        options = ["--port", str(port), "--bind_ip", "127.0.0.1", "--dbpath", folder, "--replSet", _REPLICA_SET]
        commands = ["--setParameter", "enableTestCommands=1"] if test_commands else []
        return [mongod, *options, *commands], True
    if secantus is not None:
        options = ["--port", str(port), "--log-level", "WARNING"]
        storage = ["--storage-path", folder, "--sync-on-commit"] if durable else ["--storage-path", ":memory:"]
        return [secantus, *options, *storage, *(["--enable-test-commands"] if test_commands else [])], False
    raise MissingServerError("neither mongod nor secantusd-py is on the path")


@contextmanager
def _process() -> Iterator[str]:
    with restartable(durable=False, test_commands=False) as server:
        yield server.uri


MONGODB: Final = Kind(
    name="mongodb",
    variable="LEXIGRAM_TEST_MONGODB_URI",
    folders=frozenset({"engine", "harness", "mongodb", "swap"}),
    image=_IMAGE,
    container=_container,
    process=_process,
    ask=_ask,
    install="Set LEXIGRAM_TEST_MONGODB_URI, start a Docker engine, or install mongod or SecantusDB==0.7.0b3",
)
"""Whatever speaks MongoDB's wire protocol."""
