"""What a query needs of a database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Executed, Records, Statement

__all__ = ["Executor"]


class Executor(Protocol):
    """Runs statements that are compiled already; ``DatabaseService``, sessions and held connections are such."""

    @property
    def dialect(self) -> SQLDialect:
        """The SQL it speaks."""
        ...

    async def run_compiled(self, statement: Statement, params: Sequence[Any]) -> Records:
        """Run a statement and return its rows."""
        ...

    async def execute_compiled(self, statement: Statement, params: Sequence[Any]) -> Executed:
        """Run a statement and return what it did."""
        ...

    async def execute_many_compiled(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement for each row of parameters, all or none, and return how many rows it touched."""
        ...

    def stream_compiled(self, statement: Statement, params: Sequence[Any], batch_size: int) -> AsyncGenerator[Records]:
        """Run a query with a cursor at the server."""
        ...
