"""The documented names around statements: builders that know their database, tables made and described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lexigram.contracts.data.sql.database import Params, Row
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.providers.statements import Statements
from lexigram.sql.query.builder import AsyncQueryBuilder
from lexigram.sql.schema_queries import columns_query
from lexigram.sql.statements.compose import quoted_column, quoted_table
from lexigram.sql.statements.tokens import Kind, tokenize

__all__ = ["Tables"]


class Tables(Statements):
    """Makes and describes tables; see :class:`~lexigram.sql.providers.database_service.DatabaseService`."""

    def query(self, table: Any) -> AsyncQueryBuilder:
        """A query of a table, in this database's dialect."""
        return AsyncQueryBuilder(table, self.dialect)

    def insert(self, table: Any, data: Any) -> AsyncQueryBuilder:
        """An insert of a row, or of several; see ``AsyncQueryBuilder.insert``."""
        return self.query(table).insert(data)

    def update(self, table: Any, data: Mapping[str, Any]) -> AsyncQueryBuilder:
        """A change of the rows that ``where()`` chooses."""
        return self.query(table).update(data)

    def delete(self, table: Any) -> AsyncQueryBuilder:
        """A removal of the rows that ``where()`` chooses."""
        return self.query(table).delete()

    async def fetch_all(self, sql: str, params: Params = None) -> list[Row]:
        """Run a query and return its rows; :meth:`fetch` by another name."""
        return await self.fetch(sql, params)

    async def execute_modify(self, sql: str, params: Params = None) -> int:
        """Run a statement, and return how many rows it changed."""
        return (await self.run_statement(sql, params)).row_count

    async def create_table(self, name: str, columns: Mapping[str, str], *, if_not_exists: bool = True) -> None:
        """Make a table.

        Args:
            name: Its name, checked and quoted.
            columns: What stands behind each column's name, such as ``"VARCHAR(50) NOT NULL"``. It is SQL of the
                database's own, and must not come from users.
            if_not_exists: False for an error where there is one.

        Raises:
            DataQueryError: There are no columns, or a definition is more than one.
        """
        if not columns:
            raise DataQueryError("a table needs columns", hint='Give {"id": "INTEGER PRIMARY KEY", …}.')
        dialect = self.dialect
        parts = [f"{quoted_column(column, dialect)} {_one(text, dialect)}" for column, text in columns.items()]
        clause = "IF NOT EXISTS " if if_not_exists else ""
        await self.execute(f"CREATE TABLE {clause}{quoted_table(name, dialect)} ({', '.join(parts)})")

    async def drop_table(self, name: str, *, if_exists: bool = True) -> None:
        """Remove a table with all its rows.

        Args:
            name: Its name, checked and quoted.
            if_exists: False for an error where there is none.
        """
        await self.execute(f"DROP TABLE {'IF EXISTS ' if if_exists else ''}{quoted_table(name, self.dialect)}")
        self._keys.pop(name, None)

    async def get_table_columns(self, name: str) -> list[dict[str, Any]]:
        """The columns of a table, in order; none where there is no such table.

        Returns:
            ``name``, ``type`` (the database's own word), ``nullable``, ``default`` (its text, or None) and
            ``primary_key`` of each.
        """
        _ = quoted_table(name, self.dialect)
        sql, params = columns_query(name, self.dialect)
        rows = (await self.fetch_records(sql, params)).rows
        return [
            {
                "name": found[0],
                "type": str(found[1]),
                "nullable": bool(found[2]),
                "default": found[3],
                "primary_key": bool(found[4]),
            }
            for found in rows
        ]

    async def get_stats(self) -> dict[str, Any]:
        """Figures about the connections and the statements, together."""
        return {**await self.get_pool_stats(), **await self.get_query_stats()}


def _one(text: str, dialect: SQLDialect) -> str:
    """A definition, if it is one: no comma, bracket or semicolon of its own that would end it."""
    depth = 0
    for token in tokenize(text, dialect):
        if token.kind in (Kind.QUOTED, Kind.WORD):
            continue
        for character in token.text:
            depth += (character == "(") - (character == ")")
            if depth < 0 or character == ";" or (character == "," and not depth) or token.kind is Kind.COMMENT:
                raise DataQueryError(f"{text!r} is no definition of one column", hint="Give type and constraints only.")
    if depth or not text.strip():
        raise DataQueryError(f"{text!r} is no definition of one column", hint="Give type and constraints only.")
    return text
