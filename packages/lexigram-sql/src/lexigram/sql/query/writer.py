"""The pieces of statements: tables, columns, parameters, raw SQL and conditions, as SQLAlchemy has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import sqlalchemy as sa
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.conditions import condition_of
from lexigram.sql.query.names import quoted_alias, quoted_path
from lexigram.sql.query.raw import text_with_binds
from lexigram.sql.query.shape import Clause, Shape, Slot

__all__ = ["Writer"]


class _Plain(sa.types.UserDefinedType[Any]):
    """The type of a parameter that is sent as it is, and is never cast."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        """Nothing: no column is made of it."""
        del kw
        return ""

    def coerce_compared_value(self, op: Any, value: Any) -> sa.types.TypeEngine[Any]:
        """Itself, whatever it is compared with."""
        del op, value
        return self


_PLAIN = _Plain()


class Writer:
    """Writes the pieces of one statement. Implements :class:`~lexigram.sql.query.conditions.Pieces`.

    Args:
        dialect: The SQL to write.
        statement: Writes a query inside this one.
    """

    def __init__(self, dialect: SQLDialect, statement: Callable[[Shape, Writer], Any]) -> None:
        self._dialect = dialect
        self._statement = statement

    @property
    def dialect(self) -> SQLDialect:
        """The SQL that is written."""
        return self._dialect

    def table(self, name: str | None) -> tuple[Any, str | None]:
        """A table of ``name``, ``schema.name``, ``name alias`` or ``name AS alias``, and its alias.

        Raises:
            DataQueryError: It is none of these, or missing.
        """
        if name is None:
            raise DataQueryError("the query names no table", hint="Use AsyncQueryBuilder('table') or from_table().")
        words = name.split()
        if len(words) == 3 and words[1].upper() == "AS":
            del words[1]
        if not 1 <= len(words) <= 2:
            raise DataQueryError(f"{name!r} is no table", hint="Write 'table' or 'table alias'.")
        quoted_path(words[0], self._dialect)
        schema, _, table = words[0].rpartition(".")
        if "." in schema:
            raise DataQueryError(f"{name!r} is no table", hint="Write 'table' or 'schema.table'.")
        return (
            sa.table(sa.sql.quoted_name(table, True), schema=sa.sql.quoted_name(schema, True) if schema else None),
            words[1] if len(words) == 2 else None,
        )

    def source(self, name: str | None) -> Any:
        """A table to read from, under its alias where it has one."""
        table, alias = self.table(name)
        return table if alias is None else table.alias(quoted_alias(alias, self._dialect))

    def column(self, name: str) -> Any:
        """A column, checked and quoted."""
        return self.literal(quoted_path(name, self._dialect))

    def selected(self, name: str) -> Any:
        """A column to return: ``a``, ``t.a``, ``t.*``, ``*`` or ``a AS b``."""
        return self.literal(quoted_path(name, self._dialect, star=True))

    def argument(self, function: str, name: str) -> Any:
        """What a function is given: a column, or ``*`` to count."""
        return self.literal("*") if (function, name) == ("count", "*") else self.column(name)

    @staticmethod
    def literal(sql: str) -> Any:
        """SQL that is ours."""
        return cast("Any", sa.literal_column(sql))

    def labelled(self, expression: Any, alias: Any) -> Any:
        """An expression under a name."""
        return expression.label(quoted_alias(alias, self._dialect))

    def value(self, slot: Any, form: str = "") -> Any:
        """A value's parameter, or the SQL that stands for it.

        Args:
            slot: Where the value stands, or ``("raw", …)``.
            form: What becomes of the value; a key of :data:`~lexigram.sql.query.patterns.FORMS`.
        """
        if isinstance(slot, Slot):
            return sa.bindparam(f"p{slot.position}{form}", type_=_PLAIN)
        return self.raw(slot)

    def raw(self, clause: Clause, *, grouped: bool = False) -> Any:
        """``("raw", sql, slots)``, in parentheses when *grouped*."""
        _, sql, slots = clause
        names = tuple(f"p{slot.position}" for slot in slots)
        text = text_with_binds(sql, names, self._dialect)
        if grouped:
            # A comment to the end of the line would take the parenthesis with it.
            text = f"({text}\n)" if "--" in text or "#" in text else f"({text})"
        written = sa.text(text)
        return written.bindparams(*(sa.bindparam(name, type_=_PLAIN) for name in names))

    def expression(self, clause: Any) -> Any:
        """A column's name, or ``("raw", …)``."""
        return self.column(clause) if isinstance(clause, str) else self.raw(clause)

    def where(self, shape: Shape) -> Any | None:
        """All conditions, joined in the order in which they were added."""
        whole: Any = None
        for _, joined, condition in shape.of("where"):
            part = condition_of(condition, self)
            joins = sa.and_ if joined == "and" else sa.or_
            whole = part if whole is None else joins(whole, part)
        return whole

    def subquery(self, shape: Shape) -> Any:
        """A query inside this one."""
        return self._statement(shape, self)
