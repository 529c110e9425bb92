"""What the SQLite backend is; imports no SDK."""

from __future__ import annotations

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.backend import API, SqlBackendSpec
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.driver import SqlDriver
from lexigram.sql.url import DatabaseUrl

__all__ = ["SPEC"]


def _make(url: DatabaseUrl, config: DatabaseConfig) -> SqlDriver:
    from lexigram.sql.backends.sqlite.driver import SQLiteDriver

    return SQLiteDriver(url, config)


SPEC = SqlBackendSpec(
    name="sqlite",
    api=API,
    dialect=SQLDialect.SQLITE,
    drivers=frozenset({"aiosqlite"}),
    default_port=None,
    make=_make,
    distribution="lexigram-sql",
)
