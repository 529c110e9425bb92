"""What the MySQL backend is; imports no SDK."""

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
        from lexigram.sql.backends.mysql.driver import MySQLDriver
    except ModuleNotFoundError as error:
        if error.name not in {"aiomysql", "pymysql"}:
            raise
        raise DriverError(
            "MySQL needs aiomysql, which is not installed",
            hint="Install it with: pip install 'lexigram-sql[mysql]'",
            driver="aiomysql",
        ) from error
    return MySQLDriver(url, config)


SPEC = SqlBackendSpec(
    name="mysql",
    api=API,
    dialect=SQLDialect.MYSQL,
    drivers=frozenset({"aiomysql"}),
    default_port=3306,
    make=_make,
    distribution="lexigram-sql[mysql]",
)
