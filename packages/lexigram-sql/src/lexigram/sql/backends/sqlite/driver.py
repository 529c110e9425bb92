"""Opens SQLite databases."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.exceptions.infra import DatabaseError
from lexigram.sql.backends.sqlite.connection import SQLiteConnection
from lexigram.sql.backends.sqlite.errors import classify
from lexigram.sql.backends.sqlite.values import register_converters
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.driver import Limits, ParamStyle
from lexigram.sql.url import DatabaseUrl

__all__ = ["SQLiteDriver"]

_OPTIONS = {"mode": ("ro", "rw", "rwc", "memory"), "cache": ("shared", "private"), "immutable": ("0", "1")}


class SQLiteDriver:
    """One SQLite database. Implements :class:`~lexigram.sql.driver.SqlDriver`.

    A database in memory lives in the one connection that the pool keeps, and ends with it.

    Args:
        url: Where it is; the options ``mode``, ``cache`` and ``immutable`` are those of SQLite's own URIs.
        config: Its settings.

    Raises:
        ConfigurationError: An option is not known.
    """

    def __init__(self, url: DatabaseUrl, config: DatabaseConfig) -> None:
        for name, value in url.options.items():
            if value not in _OPTIONS.get(name, ()):
                known = "; ".join(f"{option}={'|'.join(values)}" for option, values in _OPTIONS.items())
                raise ConfigurationError(f"SQLite has no URL option {name}={value}", hint=f"Known are: {known}.")
        self._url = url
        self._config = config
        register_converters()

    @property
    def dialect(self) -> SQLDialect:
        """SQLite's."""
        return SQLDialect.SQLITE

    @property
    def param_style(self) -> ParamStyle:
        """``?``."""
        return "qmark"

    @property
    def limits(self) -> Limits:
        """SQLITE_MAX_VARIABLE_NUMBER is 32,766 since 3.32 ("Implementation Limits For SQLite", 9)."""
        return Limits(parameters=32_766, statement_bytes=1_000_000)

    @property
    def max_writers(self) -> int:
        """One for each file."""
        return 1

    async def connect(self, read_only: bool) -> SQLiteConnection:
        """Open a connection."""
        connection = SQLiteConnection(lambda: self._open(read_only), writes=not read_only)
        await connection.open()
        return connection

    def _open(self, read_only: bool) -> sqlite3.Connection:
        """Open the file; runs on the connection's thread."""
        options = dict(self._url.options)
        if self._url.in_memory:
            name = f"file:{uuid.uuid4()}?mode=memory"
        else:
            if read_only:
                options["mode"] = "ro"
            path = Path(self._url.database)
            name = f"file:{quote(str(path))}" + "".join(
                f"{'&' if index else '?'}{option}={value}" for index, (option, value) in enumerate(options.items())
            )
        settings = self._config.sqlite
        raw = sqlite3.connect(
            name,
            timeout=settings.busy_timeout.total_seconds,
            detect_types=sqlite3.PARSE_DECLTYPES,
            isolation_level=None,
            check_same_thread=False,  # interrupting comes from the event loop's thread
            cached_statements=256,
            uri=True,
        )
        try:
            raw.execute(f"PRAGMA foreign_keys = {'ON' if settings.foreign_keys else 'OFF'}")
            if not self._url.in_memory and not read_only and options.get("mode") != "ro":
                raw.execute(f"PRAGMA journal_mode = {settings.journal_mode}")
            raw.execute(f"PRAGMA synchronous = {settings.synchronous}")
            if read_only:
                raw.execute("PRAGMA query_only = ON")
        except BaseException:
            raw.close()
            raise
        return raw

    async def close(self) -> None:
        """Nothing is held beside the connections."""

    def classify(self, error: BaseException, sql: str | None = None) -> DatabaseError | None:
        """Translate an error of SQLite."""
        return classify(error, sql)

    def describe(self) -> Mapping[str, Any]:
        """File and version."""
        return {"database": self._url.database, "version": sqlite3.sqlite_version}
