"""aiomysql behind types: the only module that imports it, since it has none of its own."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false, reportUnknownLambdaType=false

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Sequence
from typing import Any, NamedTuple

import aiomysql  # type: ignore[import-untyped]
import pymysql
from pymysql.constants import CLIENT, FIELD_TYPE, SERVER_STATUS

__all__ = ["Answer", "RawConnection"]

_COM_RESET_CONNECTION = 0x1F
_NO_TLS = 2026  # CR_SSL_CONNECTION_ERROR


class Answer(NamedTuple):
    """What a statement answered.

    Attributes:
        columns: Names of the columns.
        rows: The rows.
        touched: How many rows it touched.
        last_id: What AUTO_INCREMENT made; None for nothing.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    touched: int
    last_id: int | None


class _Cursor(aiomysql.Cursor):  # type: ignore[misc]
    """A cursor that does not ask for the server's notes after a statement: a round trip, for Python's warnings."""

    async def _show_warnings(self, conn: Any) -> None:
        """Ask nothing."""


class _StreamCursor(aiomysql.SSCursor):  # type: ignore[misc]
    """The same for one that reads as it is asked."""

    async def _show_warnings(self, conn: Any) -> None:
        """Ask nothing."""


class RawConnection(aiomysql.Connection):  # type: ignore[misc]
    """A connection, without several statements in one text, which only injections want."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        user: str | None,
        password: str,
        db: str | None,
        charset: str,
        sql_mode: str,
        settings: str,
        connect_timeout: float,
        tls: ssl.SSLContext | None,
        demand_tls: bool,
        decoders: dict[Any, Any],
    ) -> None:
        super().__init__(
            host=host,
            port=port,
            user=user,
            password=password,
            db=db,
            charset=charset,
            sql_mode=sql_mode,
            init_command=f"SET {settings}",
            connect_timeout=connect_timeout,
            ssl=tls,
            conv=decoders,
            autocommit=True,
            client_flag=CLIENT.FOUND_ROWS,
            program_name="lexigram",
        )
        self.client_flag &= ~CLIENT.MULTI_STATEMENTS
        self._settings = settings
        self._demand_tls = demand_tls

    def escape(self, obj: Any) -> str:
        """A value as it stands in a statement; bytes here, since PyMySQL no longer has what aiomysql does them with."""
        return f"_binary X'{obj.hex()}'" if isinstance(obj, bytes) else str(super().escape(obj))

    async def open(self) -> None:
        """Connect to the server."""
        try:
            await self._connect()
        except BaseException:
            # aiomysql closes what it opened after an error, and not after a cancellation.
            writer: Any = getattr(self, "_writer", None)
            if writer is not None:
                writer.transport.close()
            raise

    @property
    def version(self) -> str:
        """What the server says of itself."""
        return str(self.get_server_info())

    @property
    def thread(self) -> int:
        """The server's number of this connection."""
        return int(self.thread_id())

    @property
    def in_transaction(self) -> bool:
        """Whether the server said so in its last answer."""
        return bool(self.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    @property
    def is_open(self) -> bool:
        """False once the socket is closed."""
        return self._writer is not None and not self._writer.transport.is_closing()

    async def command(self, sql: str) -> None:
        """Run a statement without values and without rows."""
        await self.query(sql)

    async def ask(self, sql: str, params: Sequence[Any]) -> Answer:
        """Run a statement and read its whole answer."""
        cursor = await self.cursor(_Cursor)
        # Without values aiomysql must not look for percent signs.
        await cursor.execute(sql, params or None)
        rows = await cursor.fetchall()
        columns, rows = _typed(cursor.description, rows)
        return Answer(columns, rows, max(cursor.rowcount, 0), cursor.lastrowid or None)

    async def ask_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement for each row of values; inserts go as statements of many rows."""
        cursor = await self.cursor(_Cursor)
        await cursor.executemany(sql, rows)
        return max(int(cursor.rowcount), 0)

    async def batches(self, sql: str, params: Sequence[Any], size: int) -> AsyncGenerator[Answer]:
        """Run a query, and read its rows from the socket as they are asked for; the whole must be read, or dropped."""
        cursor = await self.cursor(_StreamCursor)
        await cursor.execute(sql, params or None)
        while rows := await cursor.fetchmany(size):
            columns, rows = _typed(cursor.description, rows)
            yield Answer(columns, rows, 0, None)
        await cursor.close()

    async def start_over(self) -> None:
        """Reset the session, and make the settings again that it began with.

        COM_RESET_CONNECTION rolls back, drops temporary tables, releases locks and forgets variables (client/server
        protocol; MySQL from 5.7.3, MariaDB from 10.2.4). aiomysql sends it as it sends any command.
        """
        await self._execute_command(_COM_RESET_CONNECTION, "")
        await self._read_ok_packet()
        await self.query(f"SET NAMES {self.charset}, sql_mode = {self.sql_mode}, {self._settings}, autocommit = 1")

    async def _request_authentication(self) -> None:
        """Introduce itself; not in the clear when that was ruled out, where aiomysql would go on."""
        if self._demand_tls and not self.server_capabilities & CLIENT.SSL:
            raise pymysql.err.OperationalError(_NO_TLS, "the server offers no TLS, which tls.mode requires")
        await super()._request_authentication()

    async def ask_for_life(self) -> None:
        """Ask the server for a sign of life."""
        await self.ping(reconnect=False)

    async def end(self) -> None:
        """Say good-bye, and close the socket."""
        await self.ensure_closed()

    def drop(self) -> None:
        """Close the socket."""
        self.close()


def _typed(
    description: Sequence[Any] | None, rows: Sequence[Sequence[Any]]
) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """Names of the columns, and the rows with booleans.

    ``BOOLEAN`` is ``TINYINT(1)``; the display width is the only trace that it leaves.
    """
    described = list(description or ())
    booleans = [index for index, column in enumerate(described) if column[1] == FIELD_TYPE.TINY and column[3] == 1]
    if booleans:
        rows = [
            [value if index not in booleans or value is None else bool(value) for index, value in enumerate(row)]
            for row in rows
        ]
    return [str(column[0]) for column in described], rows
