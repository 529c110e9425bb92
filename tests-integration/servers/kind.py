"""What a kind of server is, and what is known of one that runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

__all__ = ["Kind", "MissingServerError", "Product", "Server"]


class MissingServerError(Exception):
    """No server can be reached or started this way; says what was tried."""


@dataclass(frozen=True, slots=True)
class Product:
    """What a server says it is.

    Attributes:
        name: The product, which may be a stand-in for the one that the tests are about.
        version: Its version.
        note: What else the report's reader should know, or nothing.
    """

    name: str
    version: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}{f' ({self.note})' if self.note else ''}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of server, and the ways to one.

    Attributes:
        name: What fixtures and the report call it.
        variable: The environment variable that may name an endpoint.
        folders: The folders here whose tests need it.
        image: The container's image, as the report names it.
        container: Starts one in a container; yields its endpoint. Raises MissingServerError where it cannot.
        process: Starts one as a process of this machine, likewise.
        ask: Waits until an endpoint answers and returns what it is. Raises MissingServerError where nothing does.
        install: What to do on a machine that has none.
    """

    name: str
    variable: str
    folders: frozenset[str]
    image: str
    container: Callable[[], AbstractContextManager[str]]
    process: Callable[[], AbstractContextManager[str]]
    ask: Callable[[str], Product]
    install: str


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    Attributes:
        endpoint: Where it is. May hold a password: never print it.
        product: What it is.
        way: How it came about: ``env``, ``docker`` or ``process``.
    """

    endpoint: str
    product: Product
    way: str
