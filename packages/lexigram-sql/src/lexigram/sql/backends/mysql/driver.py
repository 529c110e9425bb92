"""Opens connections to MySQL and MariaDB."""

from __future__ import annotations

import asyncio
import re
import ssl

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.exceptions.infra import DatabaseError
from lexigram.sql.backends.mysql.connection import MySQLConnection
from lexigram.sql.backends.mysql.errors import classify
from lexigram.sql.backends.mysql.raw import RawConnection
from lexigram.sql.backends.mysql.values import DECODERS
from lexigram.sql.backends.server import ServerDriver
from lexigram.sql.backends.tls import tls_context
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.driver import Limits, ParamStyle
from lexigram.sql.url import DatabaseUrl

__all__ = ["MySQLDriver"]

_OPTIONS = ("charset", "sslmode", "sql_mode")
_SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE"


class MySQLDriver(ServerDriver):
    """One MySQL or MariaDB database. Implements :class:`~lexigram.sql.driver.SqlDriver`.

    Args:
        url: Where it is.
        config: Its settings.

    Raises:
        ConfigurationError: An option of the URL is not known.
    """

    def __init__(self, url: DatabaseUrl, config: DatabaseConfig) -> None:
        super().__init__(url, config, product="MySQL", options=_OPTIONS, port=3306)
        self._sql_mode = url.options.get("sql_mode", _SQL_MODE)
        if not re.fullmatch(r"[A-Z_,]*", self._sql_mode):
            raise ConfigurationError("sql_mode is a list of names in capitals, with commas between them")
        self._tls: ssl.SSLContext | None = None

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
            port=self._port,
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

    def classify(self, error: BaseException, sql: str | None = None) -> DatabaseError | None:
        """Translate an error of aiomysql."""
        return classify(error, sql)
