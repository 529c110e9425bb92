"""What holds for every test on a real server: where the servers are, and what happens where one is missing.

A server is looked for at the endpoint that an environment variable names, then started in a container, then as a
process of this machine; ``--servers`` picks one way. Without a server its tests are skipped with the reason; with
``--require-all`` they fail. The report's header says which servers and versions the tests ran on.

With pytest-xdist the main process starts each server once, and tells the workers where it is.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import astuple
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings
from servers import KINDS, MissingServerError, Product, Server
from servers.finding import CHOICES, FOUND, find, needed
from servers.firestore import restartable_firestore
from servers.mongodb import RestartableMongoDB, restartable
from servers.restartable import Restartable

# The same examples in every run, so that a difference between two runs is one of the server or of ours; with
# --open-ended they are new ones each time, and many.
settings.register_profile("fixed", deadline=None, max_examples=100, derandomize=True, database=None, print_blob=True)
settings.register_profile("open-ended", deadline=None, max_examples=1500, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of these tests."""
    group = parser.getgroup("servers")
    group.addoption("--servers", choices=CHOICES, default="auto", help="how servers come about (default: auto)")
    group.addoption("--require-all", action="store_true", help="fail, instead of skipping, where a server is missing")
    group.addoption("--open-ended", action="store_true", help="new and more generated cases, instead of the fixed ones")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how cases are generated."""
    settings.load_profile("open-ended" if config.option.open_ended else "fixed")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Find or start the servers, or hear of them from the main process."""
    config = session.config
    told = getattr(config, "workerinput", None)
    if told is not None:
        config.stash[FOUND] = {name: _read(server) for name, server in told["servers"].items()}
        return
    config.stash[FOUND] = found = {}
    if config.option.collectonly:
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    _end_in_order(config)
    for kind in needed(KINDS, config.args, Path(__file__).parent, config.invocation_params.dir):
        try:
            found[kind.name] = find(kind, config.option.servers, stack)
        except MissingServerError as error:
            found[kind.name] = str(error)


def _end_in_order(config: pytest.Config) -> None:
    """Stop the servers when pytest is told to end, as at Ctrl-C."""

    def end(number: int, _: object) -> NoReturn:
        pytest.exit("terminated", returncode=128 + number)

    before = signal.signal(signal.SIGTERM, end)
    config.add_cleanup(lambda: signal.signal(signal.SIGTERM, before))


def _read(told: Any) -> Server | str:
    if isinstance(told, str):
        return told
    endpoint, product, way = told
    return Server(endpoint, Product(*product), way)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the servers are."""
    found = node.config.stash[FOUND]
    node.workerinput["servers"] = {
        name: server if isinstance(server, str) else list(astuple(server)) for name, server in found.items()
    }


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name the servers, their versions and how they came about."""
    images = {kind.name: kind.image for kind in KINDS}
    variables = {kind.name: kind.variable for kind in KINDS}
    lines = []
    for name, server in config.stash.get(FOUND, {}).items():
        if isinstance(server, str):
            lines.append(f"{name}: missing ({server})")
            continue
        ways = {"env": f"given by {variables[name]}", "docker": f"container of {images[name]}", "process": "process"}
        lines.append(f"{name}: {server.product}, {ways[server.way]}")
    return lines


def _missing(config: pytest.Config, reason: str) -> NoReturn:
    if config.option.require_all:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Callable[[str], Server]:
    """Return a kind's server by name; the test is skipped, or fails with ``--require-all``, where there is none."""

    def of(name: str) -> Server:
        found = pytestconfig.stash[FOUND].get(name)
        if isinstance(found, Server):
            return found
        _missing(pytestconfig, found or f"{name} was not looked for: its kind does not name this folder")

    return of


@pytest.fixture(scope="session")
def mongodb_server(server: Callable[[str], Server]) -> Server:
    """Return the server that speaks MongoDB's wire protocol."""
    return server("mongodb")


@pytest.fixture
def restartable_mongodb(pytestconfig: pytest.Config) -> Iterator[RestartableMongoDB]:
    """Yield a server of this test's own, a local process that it may kill and start again."""
    with ExitStack() as stack:
        try:
            own = stack.enter_context(restartable())
        except MissingServerError as error:
            _missing(pytestconfig, str(error))
        yield own


@pytest.fixture(scope="session")
def firestore_server(server: Callable[[str], Server]) -> Server:
    """Return the server that speaks Firestore's protocol."""
    return server("firestore")


@pytest.fixture
def own_firestore(pytestconfig: pytest.Config) -> Iterator[Restartable]:
    """Yield an emulator of this test's own, a local process that it may kill and start again."""
    with ExitStack() as stack:
        try:
            own = stack.enter_context(restartable_firestore())
        except MissingServerError as error:
            _missing(pytestconfig, str(error))
        yield own
