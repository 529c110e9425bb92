"""Opens connections to MySQL and MariaDB."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from typing import Any

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.exceptions.infra import DatabaseError
from lexigram.sql.backends.mysql.connection import MySQLConnection
from lexigram.sql.backends.mysql.errors import classify
from lexigram.sql.backends.mysql.raw import RawConnection
from lexigram.sql.backends.mysql.values import DECODERS
from lexigram.sql.backends.tls import tls_context, tls_mode
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.driver import Limits, ParamStyle
from lexigram.sql.url import DatabaseUrl

__all__ = ["MySQLDriver"]

_OPTIONS = ("charset", "sslmode", "sql_mode")
_SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE"


class MySQLDriver:
    """One MySQL or MariaDB database. Implements :class:`~lexigram.sql.driver.SqlDriver`.

    Args:
        url: Where it is.
        config: Its settings.

    Raises:
        ConfigurationError: An option of the URL is not known.
    """

    def __init__(self, url: DatabaseUrl, config: DatabaseConfig) -> None:
        unknown = [name for name in url.options if name not in _OPTIONS]
        if unknown:
            raise ConfigurationError(
                f"MySQL URLs have no option {unknown[0]!r} here", hint=f"Known are: {', '.join(_OPTIONS)}."
            )
        self._url = url
        self._config = config
        self._sql_mode = url.options.get("sql_mode", _SQL_MODE)
        if not re.fullmatch(r"[A-Z_,]*", self._sql_mode):
            raise ConfigurationError("sql_mode is a list of names in capitals, with commas between them")
        self._mode = tls_mode(config.tls, url.options.get("sslmode"))
        self._tls: ssl.SSLContext | None = None
        self._version = ""

    @property
    def dialect(self) -> SQLDialect:
        """MySQL's."""
        return SQLDialect.MYSQL

    @property
    def param_style(self) -> ParamStyle:
        """``%s``."""
        return "format"

    @property
    def limits(self) -> Limits:
        """Values are written into the text, which ``max_allowed_packet`` bounds: 16 MiB and more by default."""
        return Limits(parameters=65_535, statement_bytes=16 * 1024 * 1024)

    @property
    def max_writers(self) -> int:
        """No limit."""
        return 0

    async def connect(self, read_only: bool) -> MySQLConnection:
        """Open a connection."""
        del read_only
        return MySQLConnection(await self._open(), self._kill)

    async def _open(self) -> RawConnection:
        url = self._url
        if self._tls is None and self._mode != "disable":
            self._tls = await asyncio.to_thread(tls_context, self._config.tls, self._mode)
        raw = RawConnection(
            host=url.host or "localhost",
            port=url.port or 3306,
            user=url.user,
            password="" if url.password is None else url.password.get_secret_value(),
            db=url.database or None,
            charset=url.options.get("charset", "utf8mb4"),
            decoders=DECODERS,
            sql_mode=f"'{self._sql_mode}'",  # aiomysql writes it as it is
            settings="time_zone = '+00:00'",
            connect_timeout=self._config.backend.connect_timeout.total_seconds,
            tls=self._tls,
            demand_tls=self._mode not in {"disable", "prefer"},
        )
        await raw.open()
        self._version = raw.version
        return raw

    async def _kill(self, thread: int) -> None:
        """Tell the server to stop what a connection runs."""
        raw = await self._open()
        try:
            await raw.command(f"KILL {thread}")
        finally:
            raw.drop()

    async def close(self) -> None:
        """Nothing is held beside the connections."""

    def classify(self, error: BaseException, sql: str | None = None) -> DatabaseError | None:
        """Translate an error of aiomysql."""
        return classify(error, sql)

    def describe(self) -> Mapping[str, Any]:
        """Host, port, database, version and encryption."""
        return {
            "host": self._url.host,
            "port": self._url.port or 3306,
            "database": self._url.database,
            "version": self._version,
            "tls": self._mode,
        }
