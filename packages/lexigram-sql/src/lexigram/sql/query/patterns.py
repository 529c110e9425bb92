r"""Patterns, so that they match the same text on every database.

``LIKE`` minds case everywhere. PostgreSQL's does so itself; on MySQL the pattern gets a binary collation, since its
usual ones overlook case and accents; SQLite's overlooks case, so ``GLOB`` stands there, which indexes serve. ``%`` is
any text, ``_`` any character, and a backslash takes their meaning away.

``ILIKE`` overlooks the case of the letters A to Z on every database; of other letters as far as the database knows
them: all on MySQL, those of its locale on PostgreSQL, none on SQLite.

How a pattern is written depends on the dialect, so a value becomes one when it is bound: :data:`FORMS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Protocol

import sqlalchemy as sa
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.query.operators import Operator
from lexigram.sql.query.shape import Slot

__all__ = ["FORMS", "LIKES", "PATTERNS", "matches", "pattern_condition", "unfinished"]

LIKES: Final = frozenset({Operator.LIKE, Operator.NOT_LIKE, Operator.ILIKE})
"""Operators whose value is a pattern."""

PATTERNS: Final = LIKES | {Operator.CONTAINS, Operator.ICONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH}
"""Operators on text."""

_PIECES = re.compile(r"\\(.)|([%_])|([^\\%_]+)", re.DOTALL)
_GLOB = re.compile(r"[*?\[]")


def unfinished(pattern: str) -> bool:
    """True when a pattern ends with a backslash that has nothing to stand before."""
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1


def _like_text(text: str) -> str:
    """Text that stands for itself in a LIKE pattern."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _glob_text(text: str) -> str:
    """Text that stands for itself in a GLOB pattern."""
    return _GLOB.sub(lambda found: f"[{found[0]}]", text)


def _glob(pattern: str) -> str:
    """A LIKE pattern as a GLOB pattern."""
    return "".join(
        {"%": "*", "_": "?"}[wild] if wild else _glob_text(escaped or plain)
        for escaped, wild, plain in _PIECES.findall(pattern)
    )


def matches(pattern: str, text: str, *, fold: bool = False) -> bool:
    """Whether text meets a LIKE pattern, in Python.

    Args:
        pattern: The pattern.
        text: The text.
        fold: Overlook the case of the letters A to Z, as ILIKE does.
    """
    if fold:
        pattern, text = _lowered(pattern), _lowered(text)
    expression = "".join(
        {"%": ".*", "_": "."}[wild] if wild else re.escape(escaped or plain)
        for escaped, wild, plain in _PIECES.findall(pattern)
    )
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _lowered(text: str) -> str:
    return text.translate(_LOWER)


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

FORMS: Final[dict[str, Callable[[Any], Any]]] = {
    "glob": _glob,
    "globstart": lambda value: f"{_glob_text(value)}*",
    "globend": lambda value: f"*{_glob_text(value)}",
    "contains": lambda value: f"%{_like_text(value)}%",
    "start": lambda value: f"{_like_text(value)}%",
    "end": lambda value: f"%{_like_text(value)}",
}
"""What becomes of a value when it is bound, by the name that the compiler gives its parameter."""


class _Pieces(Protocol):
    @property
    def dialect(self) -> SQLDialect: ...

    def value(self, slot: Any, form: str = "") -> Any: ...


_LIKE_FORMS = {Operator.CONTAINS: "contains", Operator.STARTS_WITH: "start", Operator.ENDS_WITH: "end"}
_GLOB_FORMS = {Operator.LIKE: "glob", Operator.STARTS_WITH: "globstart", Operator.ENDS_WITH: "globend"}


def pattern_condition(operator: Operator, column: Any, slot: Slot, pieces: _Pieces) -> Any:
    """A condition on text.

    Args:
        operator: One of :data:`PATTERNS`.
        column: The column.
        slot: Where the value stands.
        pieces: Writes parameters.
    """
    dialect = pieces.dialect
    if operator in (Operator.ILIKE, Operator.ICONTAINS):
        return _folding(column, pieces.value(slot, "" if operator is Operator.ILIKE else "contains"), dialect)
    if operator is Operator.NOT_LIKE:
        if dialect is SQLDialect.SQLITE:
            return column.op("NOT GLOB", is_comparison=True)(pieces.value(slot, "glob"))
        return column.not_like(_exact(pieces.value(slot), dialect))
    if dialect is SQLDialect.SQLITE:
        if operator is Operator.CONTAINS:
            return sa.func.instr(column, pieces.value(slot)) > sa.literal_column("0")
        return column.op("GLOB", is_comparison=True)(pieces.value(slot, _GLOB_FORMS[operator]))
    return column.like(_exact(pieces.value(slot, _LIKE_FORMS.get(operator, "")), dialect))


def _exact(value: Any, dialect: SQLDialect) -> Any:
    return sa.collate(value, "utf8mb4_bin") if dialect is SQLDialect.MYSQL else value


def _folding(column: Any, value: Any, dialect: SQLDialect) -> Any:
    match dialect:
        case SQLDialect.POSTGRESQL:
            return column.ilike(value)
        case SQLDialect.SQLITE:
            return column.like(value, escape="\\")
        case SQLDialect.MYSQL:
            # Without a binary collation, accents would be overlooked as well.
            return sa.func.lower(column).like(sa.collate(sa.func.lower(value), "utf8mb4_bin"))
