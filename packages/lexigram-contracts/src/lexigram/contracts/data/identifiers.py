"""Names in SQL: checked when made, quoted when written.

A name is letters, digits and underscores, not beginning with a digit, no longer than the dialect allows. What passes
can be put into a statement; ``str()`` of it is the quoted form::

    f"SELECT {column('id')} FROM {table('users')}"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.exceptions.infra import InvalidIdentifierError

__all__ = [
    "DEFAULT_MAX_IDENTIFIER_LENGTH",
    "MAX_IDENTIFIER_LENGTHS",
    "Column",
    "Identifier",
    "InvalidIdentifierError",
    "QualifiedTable",
    "Schema",
    "Table",
    "column",
    "schema",
    "table",
]

MAX_IDENTIFIER_LENGTHS = {dialect: dialect.max_identifier_length for dialect in SQLDialect}
DEFAULT_MAX_IDENTIFIER_LENGTH = min(MAX_IDENTIFIER_LENGTHS.values())

_PATTERN = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

# The reserved words that PostgreSQL, MySQL and SQLite share, or that one of them refuses as an unquoted name.
_RESERVED = frozenset(
    """
    add all alter analyse analyze and any array as asc asymmetric authorization before between binary both by call
    cascade case cast change check collate column condition constraint continue convert create cross current_catalog
    current_date current_role current_time current_timestamp current_user cursor database databases declare default
    deferrable delayed delete desc describe deterministic distinct div do drop each else elseif end enclosed escape
    escaped except exists exit explain false fetch for force foreign freeze from full fulltext function generated
    glob grant group grouping having if ignore ilike in index infile initially inner inout insert intersect interval
    into is isnull iterate join key keys kill lateral leading leave left like limit lines load localtime
    localtimestamp lock loop match natural not notnull null offset on only optimize option or order out outer
    outfile over overlaps partition placing pragma primary procedure range read recursive references regexp release
    rename repeat replace require restrict return returning revoke right rlike row rows schema schemas select
    separator session_user set show similar some sql starting symmetric table tablesample terminated then to
    trailing transaction trigger true union unique unlock unsigned update usage use user using values variadic
    verbose virtual when where while window with without write xor
    """.split()  # noqa: SIM905 - a list would be two hundred lines
)


@dataclass(frozen=True)
class Identifier:
    """A checked name.

    Attributes:
        name: The name itself.
        dialect: Whose limits and quotation marks hold.

    Raises:
        InvalidIdentifierError: The name is empty, too long, or has a character that names may not have.
    """

    name: str
    dialect: SQLDialect = SQLDialect.POSTGRESQL

    def __post_init__(self) -> None:
        name: Any = self.name
        kind = type(self).__name__.lower()
        if not isinstance(name, str):
            raise InvalidIdentifierError(f"a {kind} name is text, not {type(name).__name__}", name=repr(name))
        if not _PATTERN.fullmatch(name):
            raise InvalidIdentifierError(
                f"{name!r} is not a {kind} name",
                hint="Use letters, digits and underscores, and begin with a letter or an underscore.",
                name=name,
            )
        if len(name) > self.dialect.max_identifier_length:
            raise InvalidIdentifierError(
                f"{name!r} has {len(name)} characters; {self.dialect} allows {self.dialect.max_identifier_length}",
                name=name,
            )

    @cached_property
    def quoted(self) -> str:
        """The name as it is written in a statement."""
        return self.dialect.quote(self.name)

    @property
    def is_reserved(self) -> bool:
        """True when the name is a keyword, and only stands in a statement because it is quoted."""
        return self.name.lower() in _RESERVED

    def __str__(self) -> str:
        return self.quoted


@dataclass(frozen=True)
class Table(Identifier):
    """The name of a table."""


@dataclass(frozen=True)
class Column(Identifier):
    """The name of a column."""


@dataclass(frozen=True)
class Schema(Identifier):
    """The name of a schema."""


@dataclass(frozen=True)
class QualifiedTable:
    """A table in a schema, written ``"schema"."table"``.

    Attributes:
        schema: The schema; text is checked and wrapped.
        table: The table; text is checked and wrapped.
        dialect: Whose limits and quotation marks hold for text that is wrapped.

    Raises:
        InvalidIdentifierError: One of the names is not valid, or the two speak different dialects.
    """

    schema: Schema
    table: Table
    dialect: SQLDialect = SQLDialect.POSTGRESQL

    def __init__(self, schema: Schema | str, table: Table | str, *, dialect: SQLDialect | None = None) -> None:
        given = next((part.dialect for part in (schema, table) if isinstance(part, Identifier)), None)
        spoken = dialect or given or SQLDialect.POSTGRESQL
        whole = schema if isinstance(schema, Schema) else Schema(schema, spoken)
        part = table if isinstance(table, Table) else Table(table, spoken)
        if {whole.dialect, part.dialect} != {spoken}:
            raise InvalidIdentifierError(
                f"{whole.name}.{part.name} mixes SQL dialects", name=f"{whole.name}.{part.name}"
            )
        object.__setattr__(self, "schema", whole)
        object.__setattr__(self, "table", part)
        object.__setattr__(self, "dialect", spoken)

    @property
    def name(self) -> str:
        """Both names, unquoted, with a dot between them."""
        return f"{self.schema.name}.{self.table.name}"

    @cached_property
    def quoted(self) -> str:
        """Both names as they are written in a statement."""
        return f"{self.schema.quoted}.{self.table.quoted}"

    def __str__(self) -> str:
        return self.quoted


@lru_cache(maxsize=1024)
def table(name: str, dialect: SQLDialect = SQLDialect.POSTGRESQL) -> Table:
    """The table of this name; the same object each time, as long as it is in the cache."""
    return Table(name, dialect)


@lru_cache(maxsize=4096)
def column(name: str, dialect: SQLDialect = SQLDialect.POSTGRESQL) -> Column:
    """The column of this name; the same object each time, as long as it is in the cache."""
    return Column(name, dialect)


@lru_cache(maxsize=256)
def schema(name: str, dialect: SQLDialect = SQLDialect.POSTGRESQL) -> Schema:
    """The schema of this name; the same object each time, as long as it is in the cache."""
    return Schema(name, dialect)
