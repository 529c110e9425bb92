"""A query as SQL and parameters."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from lexigram.contracts.data.sql.sql_dialect import SQLDialect

__all__ = ["ParameterizedQuery"]


class _Pair(NamedTuple):
    sql: str
    params: tuple[Any, ...]


class ParameterizedQuery(_Pair):
    """What ``build()`` returns; unpacks to ``sql, params``.

    Attributes:
        sql: The statement, in the dialect's own placeholders.
        params: The values, in the order of the placeholders.
        dialect: The SQL it is written in.
    """

    dialect: SQLDialect

    def __new__(cls, sql: str, params: tuple[Any, ...], dialect: SQLDialect) -> Self:
        """Make the pair."""
        made = super().__new__(cls, sql, params)
        made.dialect = dialect
        return made
