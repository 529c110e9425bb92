"""The SQL dialects that are spoken, and where they differ in writing names."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

__all__ = ["SQLDialect"]


class SQLDialect(StrEnum):
    """A dialect of SQL."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    SQLITE = "sqlite"

    @classmethod
    def from_scheme(cls, scheme: str) -> Self:
        """The dialect of a URL's scheme; a driver after ``+`` is ignored, ``postgres`` and ``mariadb`` are understood.

        Raises:
            ValueError: The scheme is none of ours.
        """
        name = scheme.lower().partition("+")[0]
        return cls({"postgres": "postgresql", "mariadb": "mysql"}.get(name, name))

    @property
    def quote_character(self) -> str:
        """What stands around a quoted name."""
        return "`" if self is SQLDialect.MYSQL else '"'

    @property
    def max_identifier_length(self) -> int:
        """The most characters a name may have.

        PostgreSQL cuts longer names off silently (NAMEDATALEN - 1), MySQL refuses them; SQLite has no limit, and 128 is
        ours.
        """
        return {SQLDialect.POSTGRESQL: 63, SQLDialect.MYSQL: 64, SQLDialect.SQLITE: 128}[self]

    def quote(self, name: str) -> str:
        """The name in quotation marks, those inside it doubled."""
        mark = self.quote_character
        return f"{mark}{name.replace(mark, mark * 2)}{mark}"
