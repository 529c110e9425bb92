"""The databases that applications hold."""

from lexigram.sql.providers.database_service import DatabaseService
from lexigram.sql.providers.named import MySQLProvider, PostgresProvider, SQLiteProvider

__all__ = ["DatabaseService", "MySQLProvider", "PostgresProvider", "SQLiteProvider"]
