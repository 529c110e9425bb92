"""The queries of a full text search, one class for each database.

A row is found when it has all the words of the text. What a word is, is the database's to say:

* PostgreSQL (manual, 12 "Full Text Search") reduces words to their stems by the rules of a language. An index is made
  with ``CREATE INDEX … USING gin (to_tsvector('english', …))``.
* MySQL and MariaDB need a ``FULLTEXT`` index on exactly the searched columns, and leave out stop words and words
  shorter than ``innodb_ft_min_token_size``.
* SQLite searches tables made with ``CREATE VIRTUAL TABLE … USING fts5(…)``.

Names are checked and quoted, and the text is a parameter whose operators mean nothing.
"""

# ruff: noqa: S608 - every name is checked and quoted, every value is a parameter

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.statements.compose import quoted_column, quoted_table

__all__ = ["FTSDialect", "MySQLFTSQuery", "PostgresFTSQuery", "SQLiteFTSQuery", "words_of"]

_LANGUAGE: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_MOST_WORDS: Final = 64


class FTSDialect(StrEnum):
    """Whose full text search."""

    POSTGRES = "postgres"
    MYSQL = "mysql"
    SQLITE = "sqlite"

    # Another documented name of the same.
    POSTGRESQL = POSTGRES


def words_of(text: str) -> list[str]:
    """The words of a text, without anything that a database could take for an operator.

    Raises:
        DataQueryError: There are too many.
    """
    words = re.findall(r"\w+", text)
    if len(words) > _MOST_WORDS:
        raise DataQueryError(f"a search for {len(words)} words is too long", hint=f"Give at most {_MOST_WORDS}.")
    return words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    """A search.

    Attributes:
        table: The table.
        columns: Where to look.
        query: The words to look for.
        select: The columns to return; all when empty.
        limit: The most rows.
        offset: How many to leave out at the start.

    Raises:
        DataQueryError: A part is missing, or no number of rows.
    """

    dialect: ClassVar[SQLDialect]

    table: str
    columns: Sequence[str]
    query: str
    select: Sequence[str] = ()
    limit: int = 20
    offset: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.columns, str) or not self.columns:
            raise DataQueryError("a search needs the columns to look in", hint='Give columns=["title", "body"].')
        if self.limit < 1 or self.offset < 0:
            raise DataQueryError("a search returns 1 row and more, after none and more", hint="Give other numbers.")

    def _name(self) -> str:
        return quoted_table(self.table, self.dialect)

    def _columns(self) -> list[str]:
        return [quoted_column(column, self.dialect) for column in self.columns]

    def _selected(self) -> str:
        names = ", ".join(quoted_column(column, self.dialect) for column in self.select)
        return names or f"{self._name()}.*"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresFTSQuery(_Query):
    """A search of PostgreSQL's.

    Attributes:
        language: Whose rules words are reduced to their stems by; ``simple`` for none.
    """

    dialect: ClassVar[SQLDialect] = SQLDialect.POSTGRESQL

    language: str = "english"

    def __post_init__(self) -> None:
        _Query.__post_init__(self)
        if _LANGUAGE.fullmatch(self.language) is None:
            raise DataQueryError(
                f"{self.language!r} is no name of a text search configuration", hint="Give such as 'english'."
            )

    def _vector(self) -> str:
        text = " || ' ' || ".join(f"COALESCE({column}::text, '')" for column in self._columns())
        return f"to_tsvector('{self.language}', {text})"

    def build(self) -> tuple[str, list[Any]]:
        """The statement, with ``?`` placeholders, and its values."""
        sought = f"plainto_tsquery('{self.language}', ?)"
        sql = (
            f"SELECT {self._selected()}, ts_rank({self._vector()}, {sought}) AS fts_rank FROM {self._name()}"
            f" WHERE {self._vector()} @@ {sought} ORDER BY fts_rank DESC LIMIT ? OFFSET ?"
        )
        words = " ".join(words_of(self.query))
        return sql, [words, words, self.limit, self.offset]

    def build_count(self) -> tuple[str, list[Any]]:
        """The statement that counts what is found, and its values."""
        condition = f"{self._vector()} @@ plainto_tsquery('{self.language}', ?)"
        return f"SELECT count(*) FROM {self._name()} WHERE {condition}", [" ".join(words_of(self.query))]


@dataclass(frozen=True, slots=True, kw_only=True)
class MySQLFTSQuery(_Query):
    """A search of MySQL's and MariaDB's."""

    dialect: ClassVar[SQLDialect] = SQLDialect.MYSQL

    def _match(self) -> str:
        return f"MATCH ({', '.join(self._columns())}) AGAINST (? IN BOOLEAN MODE)"

    def _words(self) -> str:
        return " ".join(f"+{word}" for word in words_of(self.query))

    def build(self) -> tuple[str, list[Any]]:
        """The statement, with ``?`` placeholders, and its values."""
        match = self._match()
        sql = (
            f"SELECT {self._selected()}, {match} AS fts_rank FROM {self._name()}"
            f" WHERE {match} ORDER BY fts_rank DESC LIMIT ? OFFSET ?"
        )
        return sql, [self._words(), self._words(), self.limit, self.offset]

    def build_count(self) -> tuple[str, list[Any]]:
        """The statement that counts what is found, and its values."""
        return f"SELECT count(*) FROM {self._name()} WHERE {self._match()}", [self._words()]


@dataclass(frozen=True, slots=True, kw_only=True)
class SQLiteFTSQuery(_Query):
    """A search of SQLite's, in a table of FTS5."""

    dialect: ClassVar[SQLDialect] = SQLDialect.SQLITE

    def _words(self) -> str:
        words = " AND ".join([f'"{word}"' for word in words_of(self.query)])
        return f"{{{' '.join(self._columns())}}} : ({words})"

    def build(self) -> tuple[str, list[Any]]:
        """The statement, with ``?`` placeholders, and its values."""
        name = self._name()
        table = name.rpartition(".")[2]
        sql = (
            f"SELECT {self._selected()}, -bm25({table}) AS fts_rank FROM {name} WHERE {table} MATCH ?"
            " ORDER BY fts_rank DESC LIMIT ? OFFSET ?"
        )
        return sql, [self._words(), self.limit, self.offset]

    def build_count(self) -> tuple[str, list[Any]]:
        """The statement that counts what is found, and its values."""
        table = self._name().rpartition(".")[2]
        return f"SELECT count(*) FROM {self._name()} WHERE {table} MATCH ?", [self._words()]
