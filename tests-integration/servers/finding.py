"""Look for a server in a fixed order: a given endpoint, a container, a process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from servers.kind import Kind, MissingServerError, Server

__all__ = ["CHOICES", "FOUND", "find", "needed"]

FOUND = pytest.StashKey[dict[str, Server | str]]()
"""Where the configuration of a run keeps the servers, or the reason why there is none, by name of the kind."""

CHOICES: Final = ("auto", "docker", "process", "env")
"""What ``--servers`` takes; ``auto`` tries the others, a given endpoint first."""


def find(kind: Kind, choice: str, stack: ExitStack) -> Server:
    """Find or start a server.

    Args:
        kind: Which.
        choice: One of :data:`CHOICES`.
        stack: Stops what is started here.

    Returns:
        The server, answering.

    Raises:
        MissingServerError: There is none; says what was tried and how to get one.
    """
    if choice == "auto":
        # Who names an endpoint wants that one: a silent turn to another would test something else.
        ways: Sequence[str] = ["env"] if os.environ.get(kind.variable) else ["docker", "process"]
    else:
        ways = [choice]
    tried = []
    for way in ways:
        try:
            return _by(way, kind, stack)
        except MissingServerError as error:
            tried.append(f"{way}: {error}")
    raise MissingServerError(f"no server for {kind.name}. Tried {'; '.join(tried)}. {kind.install}")


def _by(way: str, kind: Kind, stack: ExitStack) -> Server:
    if way == "env":
        endpoint = os.environ.get(kind.variable)
        if not endpoint:
            raise MissingServerError(f"{kind.variable} is not set")
        return Server(endpoint, kind.ask(endpoint), way)
    with ExitStack() as starting:
        endpoint = starting.enter_context(kind.container() if way == "docker" else kind.process())
        product = kind.ask(endpoint)
        stack.push(starting.pop_all())
    return Server(endpoint, product, way)


def needed(kinds: Iterable[Kind], arguments: Iterable[str], root: Path, start: Path) -> list[Kind]:
    """Tell which kinds the tests of a command line need, so that no other is started.

    Args:
        kinds: All.
        arguments: Files, folders and test ids, as pytest has them.
        root: The folder whose folders hold the tests.
        start: The folder that relative arguments start from.

    Returns:
        Those whose folders are named, or lie below what is named.
    """
    named: set[str] = set()
    for argument in arguments:
        path = (start / argument.partition("::")[0]).resolve()
        if root.is_relative_to(path):
            named.update(folder.name for folder in root.iterdir())
        elif path.is_relative_to(root):
            named.add(path.relative_to(root).parts[0])
    return [kind for kind in kinds if kind.folders & named]
