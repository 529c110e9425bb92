"""Where a test's database is, and what its SQL calls things."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lexigram.sql.providers import DatabaseService

__all__ = ["Opener", "Place"]

Opener = Callable[..., Awaitable[DatabaseService]]
"""Opens the test's database, with settings and arguments of the test's own."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database, empty at first.

    Attributes:
        kind: ``sqlite``, ``postgres`` or ``mysql``.
        url: Where it is.
    """

    kind: str
    url: str

    def __getitem__(self, words: str) -> str:
        """The variant for this kind out of ``sqlite text | postgres text | mysql text``."""
        return dict(zip(("sqlite", "postgres", "mysql"), (part.strip() for part in words.split("|")), strict=True))[
            self.kind
        ]

    @property
    def key(self) -> str:
        """The type of an integer key that grows by itself."""
        return self["INTEGER PRIMARY KEY | SERIAL PRIMARY KEY | INTEGER AUTO_INCREMENT PRIMARY KEY"]

    def sleeping(self, seconds: float) -> str:
        """A query that takes about so many seconds, far more than any of these tests allows it."""
        rows = int(seconds * 8_000_000)
        return self[
            f"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {rows}) SELECT count(*) FROM c"
            f" | SELECT 1 FROM pg_sleep({seconds}) | SELECT SLEEP({seconds})"
        ]
