"""What is asked of a database's own catalogue, dialect by dialect."""

from __future__ import annotations

from lexigram.contracts.data.sql.sql_dialect import SQLDialect

__all__ = ["columns_query", "primary_key_query", "table_exists_query"]


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


def columns_query(name: str, dialect: SQLDialect) -> tuple[str, list[str]]:
    """A query of a table's columns in order: name, type, whether it may be NULL, default, whether it is of the key."""
    schema, _, table = name.rpartition(".")
    match dialect:
        case SQLDialect.SQLITE:
            select = 'SELECT name, type, "notnull" = 0 AND pk = 0, dflt_value, pk > 0 FROM'
            if schema:
                return f"{select} pragma_table_info(?, ?) ORDER BY cid", [table, schema]
            return f"{select} pragma_table_info(?) ORDER BY cid", [table]
        case SQLDialect.POSTGRESQL:
            sql = (
                "SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,"
                " pg_get_expr(d.adbin, d.adrelid), COALESCE(a.attnum = ANY (i.indkey), false)"
                " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
                " LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
                " WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
            )
            return sql, [".".join(f'"{part}"' for part in name.split("."))]
        case SQLDialect.MYSQL:
            where = "?" if schema else "DATABASE()"
            sql = (
                "SELECT column_name, column_type, is_nullable = 'YES', column_default, column_key = 'PRI'"  # noqa: S608 - one of two texts
                f" FROM information_schema.columns WHERE table_schema = {where} AND table_name = ?"
                " ORDER BY ordinal_position"
            )
            return sql, [schema, table] if schema else [table]
