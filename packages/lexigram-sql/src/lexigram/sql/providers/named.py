"""Databases named by their server, for direct use without an application."""

from __future__ import annotations

from typing import Any

from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.sql.providers.database_service import DatabaseService
from lexigram.sql.url import parse_url

__all__ = ["MySQLProvider", "PostgresProvider", "SQLiteProvider"]


def _checked(url: str, backend: str) -> str:
    given = parse_url(url)
    if given.backend != backend:
        raise ConfigurationError(
            f"{given} is no {backend} URL", hint="Use DatabaseService(url), which chooses the backend by the scheme."
        )
    return url


class SQLiteProvider(DatabaseService):
    """A SQLite database.

    Args:
        database_path: The file, or ``:memory:``.
        **options: Further arguments of :class:`DatabaseService`.
    """

    def __init__(self, database_path: str = ":memory:", **options: Any) -> None:
        memory = database_path == ":memory:"
        super().__init__(":memory:" if memory else _checked(f"sqlite:///{database_path}", "sqlite"), **options)


class PostgresProvider(DatabaseService):
    """A PostgreSQL database.

    Args:
        connection_string: Its URL.
        **options: Further arguments of :class:`DatabaseService`.
    """

    def __init__(self, connection_string: str, **options: Any) -> None:
        super().__init__(_checked(connection_string, "postgres"), **options)


class MySQLProvider(DatabaseService):
    """A MySQL or MariaDB database.

    Args:
        connection_string: Its URL.
        **options: Further arguments of :class:`DatabaseService`.
    """

    def __init__(self, connection_string: str, **options: Any) -> None:
        super().__init__(_checked(connection_string, "mysql"), **options)
