"""Opens connections to PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any, Literal

import asyncpg
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.exceptions.infra import DatabaseError
from lexigram.sql.backends.json_text import to_json
from lexigram.sql.backends.postgres.connection import PostgresConnection
from lexigram.sql.backends.postgres.errors import classify
from lexigram.sql.backends.server import ServerDriver
from lexigram.sql.backends.tls import tls_context
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.driver import Limits, ParamStyle
from lexigram.sql.url import DatabaseUrl

__all__ = ["PostgresDriver"]

_OPTIONS = ("sslmode", "application_name", "statement_cache_size", "search_path")


class PostgresDriver(ServerDriver):
    """One PostgreSQL database. Implements :class:`~lexigram.sql.driver.SqlDriver`.

    Args:
        url: Where it is.
        config: Its settings.

    Raises:
        ConfigurationError: An option of the URL is not known.
    """

    def __init__(self, url: DatabaseUrl, config: DatabaseConfig) -> None:
        super().__init__(url, config, product="PostgreSQL", options=_OPTIONS, port=5432)
        self._tls: ssl.SSLContext | Literal["prefer", False] | None = None
        cache = url.options.get("statement_cache_size", "256")
        if not cache.isdigit():
            raise ConfigurationError("statement_cache_size is a number of statements", hint="Say 0 for none.")
        self._cache = int(cache)

    @property
    def dialect(self) -> SQLDialect:
        """PostgreSQL's."""
        return SQLDialect.POSTGRESQL

    @property
    def param_style(self) -> ParamStyle:
        """``$1``."""
        return "numeric"

    @property
    def limits(self) -> Limits:
        """A statement has at most 65,535 parameters (protocol, 55.7 "Bind": a 16-bit count; asyncpg takes 32,767)."""
        return Limits(parameters=32_767)

    async def connect(self, read_only: bool) -> PostgresConnection:
        """Open a connection."""
        del read_only
        url = self._url
        if self._tls is None:
            plain = self._mode == "prefer" and self._config.tls.ca_file is None and self._config.tls.cert_file is None
            self._tls = (
                "prefer" if plain else await asyncio.to_thread(tls_context, self._config.tls, self._mode) or False
            )
        settings = {"application_name": url.options.get("application_name", "lexigram")}
        if "search_path" in url.options:
            settings["search_path"] = url.options["search_path"]
        raw: asyncpg.Connection[Any] = await asyncpg.connect(
            host=url.host,
            port=self._port,
            user=url.user,
            password=None if url.password is None else url.password.get_secret_value(),
            database=url.database or None,
            ssl=self._tls,
            timeout=self._config.backend.connect_timeout.total_seconds,
            statement_cache_size=self._cache,
            server_settings=settings,
        )
        try:
            await _teach_json(raw)
        except BaseException:
            raw.terminate()
            raise
        found = raw.get_server_version()
        self._version = f"{found.major}.{found.minor}"
        return PostgresConnection(raw, prepares=self._cache > 0)

    def classify(self, error: BaseException, sql: str | None = None) -> DatabaseError | None:
        """Translate an error of asyncpg."""
        return classify(error, sql)


async def _teach_json(raw: asyncpg.Connection[Any]) -> None:
    """Let values of JSON be Python data.

    asyncpg's public method asks the server for the number of each type, in every new connection; those of built-in
    types are the same in all servers (``pg_type.dat``), so they are given to what that method calls, while it is there.
    """
    protocol: Any = getattr(raw, "_protocol", None)
    settings = protocol.get_settings() if hasattr(protocol, "get_settings") else None
    teach = getattr(settings, "add_python_codec", None)
    for name, number in (("json", 114), ("jsonb", 3802)):
        if teach is not None:
            teach(number, name, "pg_catalog", [], "scalar", to_json, json.loads, "text")
        else:
            await raw.set_type_codec(name, encoder=to_json, decoder=json.loads, schema="pg_catalog")
