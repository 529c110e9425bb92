"""What the PostgreSQL backend is; imports no SDK."""

from __future__ import annotations

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.backend import API, SqlBackendSpec
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.driver import SqlDriver
from lexigram.sql.exceptions import DriverError
from lexigram.sql.url import DatabaseUrl

__all__ = ["SPEC"]


def _make(url: DatabaseUrl, config: DatabaseConfig) -> SqlDriver:
    try:
        from lexigram.sql.backends.postgres.driver import PostgresDriver
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise DriverError(
            "PostgreSQL needs asyncpg, which is not installed",
            hint="Install it with: pip install 'lexigram-sql[postgres]'",
            driver="asyncpg",
        ) from error
    return PostgresDriver(url, config)


SPEC = SqlBackendSpec(
    name="postgres",
    api=API,
    dialect=SQLDialect.POSTGRESQL,
    drivers=frozenset({"asyncpg"}),
    default_port=5432,
    make=_make,
    distribution="lexigram-sql[postgres]",
)
