"""A database server that one test has to itself."""

from __future__ import annotations

from dataclasses import dataclass

from servers.processes import Process

__all__ = ["Restartable"]


@dataclass(frozen=True, slots=True)
class Restartable:
    """A server of its own that a test may kill and start again; what it acknowledged is kept.

    Attributes:
        url: Where it is, before and after.
        process: The process.
    """

    url: str
    process: Process
