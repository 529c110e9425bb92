"""How tables are joined."""

from __future__ import annotations

from enum import StrEnum

from lexigram.sql.exceptions import DataQueryError

__all__ = ["JoinType", "parse_join_type"]


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
