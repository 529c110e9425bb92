"""What is asked of a database's own catalogue, dialect by dialect."""

from __future__ import annotations

from lexigram.contracts.data.sql.sql_dialect import SQLDialect

__all__ = ["primary_key_query", "table_exists_query"]


def table_exists_query(name: str, dialect: SQLDialect) -> tuple[str, list[str]]:
    """A query with a row when there is a table or view of this name; ``schema.table`` is understood."""
    schema, _, table = name.rpartition(".")
    match dialect:
        case SQLDialect.SQLITE:
            catalogue = f'"{schema}".sqlite_master' if schema.isidentifier() else "sqlite_master"
            return f"SELECT 1 FROM {catalogue} WHERE type IN ('table', 'view') AND name = ?", [table]  # noqa: S608 - a checked name
        case SQLDialect.POSTGRESQL:
            where = "table_schema = ?" if schema else "table_schema = ANY (current_schemas(false))"
        case SQLDialect.MYSQL:
            where = "table_schema = ?" if schema else "table_schema = DATABASE()"
    sql = f"SELECT 1 FROM information_schema.tables WHERE {where} AND table_name = ?"  # noqa: S608 - one of two texts
    return sql, [schema, table] if schema else [table]


def primary_key_query(name: str) -> tuple[str, list[str]]:
    """The columns of a PostgreSQL table's primary key, in order; needed since its INSERT returns no key unasked."""
    sql = (
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indrelid = to_regclass(?) AND i.indisprimary ORDER BY array_position(i.indkey, a.attnum)"
    )
    return sql, [".".join(f'"{part}"' for part in name.split("."))]
