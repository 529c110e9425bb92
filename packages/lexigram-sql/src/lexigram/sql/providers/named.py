"""Databases named by their server, for direct use without an application."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.sql.providers.database_service import DatabaseService
from lexigram.sql.url import parse_url

if TYPE_CHECKING:
    from lexigram.sql.backends.postgres.notifications import Notifications

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

    def listen(self, *channels: str, max_pending: int = 10_000) -> AbstractAsyncContextManager[Notifications]:
        """Hear the messages of channels; see :func:`lexigram.sql.backends.postgres.notifications.listen`."""
        from lexigram.sql.backends.postgres.notifications import listen

        return listen(self, *channels, max_pending=max_pending)

    async def notify(self, channel: str, payload: str = "") -> None:
        """Send a message; see :func:`lexigram.sql.backends.postgres.notifications.notify`."""
        from lexigram.sql.backends.postgres.notifications import notify

        await notify(self, channel, payload)


class MySQLProvider(DatabaseService):
    """A MySQL or MariaDB database.

    Args:
        connection_string: Its URL.
        **options: Further arguments of :class:`DatabaseService`.
    """

    def __init__(self, connection_string: str, **options: Any) -> None:
        super().__init__(_checked(connection_string, "mysql"), **options)
