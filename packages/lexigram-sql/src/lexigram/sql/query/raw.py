"""SQL that is written as it is.

The only way for text to reach a statement unquoted is to say so: ``RawSQL``, or a method whose name ends in ``raw``.
Values stay parameters there too.

What raw SQL means is the database's affair. ``7 / 2`` is 3 on PostgreSQL and SQLite and 3.5 on MySQL, whose integer
division is ``DIV``. PostgreSQL finds the type of a parameter from what stands around it, and takes it for text where
nothing does: ``SELECT ?`` wants a string, ``SELECT CAST(? AS integer)`` a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import ParameterBindingError
from lexigram.sql.query.shape import Clause, Slot
from lexigram.sql.statements.tokens import Kind, tokenize
from lexigram.sql.statements.translate import translate

__all__ = ["RawSQL", "text_with_binds"]


@dataclass(frozen=True, init=False)
class RawSQL:
    """A piece of SQL, with parameters of its own.

    Args:
        sql: The SQL; placeholders are ``?``, ``$1`` or ``%s``.
        *params: Values for them.
    """

    sql: str
    params: tuple[Any, ...]

    def __init__(self, sql: str, *params: Any) -> None:
        object.__setattr__(self, "sql", sql)
        object.__setattr__(self, "params", params)

    def __str__(self) -> str:
        return self.sql

    def describe(self, first: int) -> tuple[Clause, tuple[Any, ...]]:
        """The piece as a clause, its values beginning at position *first*, and the values."""
        return ("raw", self.sql, tuple(Slot(first + index) for index in range(len(self.params)))), self.params


@lru_cache(maxsize=1024)
def text_with_binds(sql: str, names: tuple[str, ...], dialect: SQLDialect) -> str:
    """The same SQL with ``:name`` for each placeholder, as SQLAlchemy's ``text`` reads it.

    Args:
        sql: The SQL.
        names: A name for each of its values, in order.
        dialect: Whose quotation marks hold.

    Raises:
        ParameterBindingError: There are more or fewer values than placeholders.
    """
    found = translate(sql, dialect, "numeric")
    if found.names is not None or found.count != len(names):
        raise ParameterBindingError(
            f"this piece of SQL has {found.count} placeholders and got {len(names)} values: {sql}",
            hint="Write ? for each value; :name is not read here.",
            sql=sql,
        )
    order = found.order or tuple(range(found.count))
    written: list[str] = []
    for token in tokenize(found.statement.sql, dialect):
        if token.kind is Kind.NUMBERED:
            written.append(f":{names[order[int(token.text[1:]) - 1]]}")
        else:
            # A colon that is not meant as a name, such as that of a cast.
            written.append(token.text.replace("\\", "\\\\").replace(":", "\\:"))
    return "".join(written)
