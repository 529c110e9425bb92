"""How tables are joined."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.describing import join_condition
from lexigram.sql.query.names import quoted_path
from lexigram.sql.query.shape import Clause

__all__ = ["JoinType", "parse_join_type", "parse_on"]


class JoinType(StrEnum):
    """Which rows a join keeps."""

    INNER = "INNER"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    FULL = "FULL"
    CROSS = "CROSS"


def parse_join_type(given: JoinType | str) -> JoinType:
    """Read a join type; ``left``, ``LEFT JOIN`` and ``LEFT OUTER JOIN`` are the same.

    Raises:
        DataQueryError: There is no such join.
    """
    name = str(given).strip().upper().removesuffix("JOIN").strip().removesuffix("OUTER").strip() or "INNER"
    try:
        return JoinType(name)
    except ValueError as error:
        raise DataQueryError(f"there is no join {given!r}", hint=f"Use one of: {', '.join(JoinType)}.") from error


def parse_on(on: Any) -> Clause:
    """Read ``a.x = b.y AND a.z > b.w``, comparisons of columns and nothing more.

    Raises:
        DataQueryError: It is more than that.
        InvalidIdentifierError: A column is no name.
    """
    if not isinstance(on, str):
        raise DataQueryError(f"a join's condition is text or RawSQL, not {type(on).__name__}", hint="Give either.")
    parts: list[Clause] = []
    pending: list[str] = []
    for word in [*on.split(), "AND"]:
        if word.upper() == "AND":
            parts.append(_comparison(" ".join(pending), on))
            pending = []
        else:
            pending.append(word)
    return parts[0] if len(parts) == 1 else ("and", tuple(parts))


_COMPARISONS: tuple[str, ...] = ("<=", ">=", "!=", "<>", "==", "=", "<", ">")


def _comparison(text: str, whole: str) -> Clause:
    for sign in _COMPARISONS:
        left, found, right = (part.strip() for part in text.partition(sign))
        if found and left and right:
            for name in (left, right):
                quoted_path(name, SQLDialect.SQLITE)
            return join_condition(left, sign, right)
    raise DataQueryError(
        f"{whole!r} is not a comparison of columns", hint="Write it as RawSQL when it is more than a.x = b.y AND …."
    )
