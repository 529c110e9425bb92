"""What a statement does, as far as its words tell: whether it returns rows, only reads, and leaves the session clean.

Wrong guesses are on the safe side: what is not known to read only is taken to write, and what is not known to leave the
session as it was is taken to change it, which costs a reset when its connection goes back to the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lexigram.sql.statements.tokens import Kind, Token

__all__ = ["Nature", "classify"]


class Nature(NamedTuple):
    """What a statement does; see :class:`~lexigram.sql.driver.Statement`."""

    returns_rows: bool
    read_only: bool
    keeps_session: bool


_ROWS = frozenset({"SELECT", "VALUES", "TABLE", "WITH", "SHOW", "EXPLAIN", "DESCRIBE", "DESC", "PRAGMA", "FETCH"})
_READS = frozenset({"SELECT", "VALUES", "TABLE", "WITH"})
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "INTO", "SHARE", "LOCK"})
_PLAIN = frozenset({"SELECT", "VALUES", "TABLE", "WITH", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"})
# A function can do anything, so only the well-known ones without an effect are trusted.
_FUNCTIONS = frozenset(
    """
    ABS ANY ARRAY_AGG ARRAY_LENGTH AVG BIT_LENGTH BTRIM CAST CEIL CEILING CHAR_LENGTH CHARACTER_LENGTH COALESCE CONCAT
    CONCAT_WS COUNT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATE DATE_PART DATE_TRUNC DATETIME DENSE_RANK EXISTS
    EXTRACT FILTER FIRST_VALUE FLOOR GEN_RANDOM_UUID GREATEST GROUP_CONCAT IFNULL IN INSTR JSON JSON_AGG JSON_ARRAY
    JSON_EXTRACT JSON_OBJECT JSON_UNQUOTE JSONB_AGG JSONB_BUILD_OBJECT LAG LAST_VALUE LEAD LEAST LEFT LENGTH LOCALTIME
    LOCALTIMESTAMP LOWER LPAD LTRIM MAX MD5 MIN MOD NOT NOW NTILE NULLIF OCTET_LENGTH OVER OVERLAY POSITION POWER RANDOM
    RANK REPLACE REVERSE RIGHT ROUND ROW ROW_NUMBER RPAD RTRIM SIGN SOME SPLIT_PART SQRT STRFTIME STRING_AGG STRPOS
    SUBSTR SUBSTRING SUM TIME TIMESTAMP TO_CHAR TO_DATE TO_TIMESTAMP TOTAL TRANSLATE TRIM TRUNC TYPEOF UNNEST UPPER
    VALUES AND OR AS ON BY FROM JOIN SELECT WHERE USING KEY CONFLICT THEN ELSE WHEN BETWEEN LIKE ILIKE IS LATERAL UNION
    INTERSECT EXCEPT ALL DISTINCT HAVING LIMIT OFFSET SET RETURNING WITH MATERIALIZED PARTITION ORDER GROUP
    VARCHAR CHAR NUMERIC DECIMAL TEXT
    """.split()  # noqa: SIM905 - a list would be a hundred lines
)


def classify(tokens: Sequence[Token]) -> Nature:
    """Say what a statement does.

    Args:
        tokens: The statement.
    """
    words: list[str] = []
    called: set[str] = set()
    inserted: set[str] = set()
    quoted_call = False
    previous: Token | None = None
    statements = 0
    ended = True
    for token in tokens:
        if token.kind is Kind.COMMENT or token.text.isspace():
            continue
        if token.text == ";":
            ended = True
            continue
        if ended:
            statements, ended = statements + 1, False
        if token.text == "(" and previous is not None:
            if previous.kind is Kind.WORD:
                name = previous.text.upper()
                # `INSERT INTO events (a, b)` calls nothing: the name is a table's.
                if len(words) > 1 and words[-2] in {"INTO", "TABLE", "UPDATE", "AS", "WITH", "RECURSIVE"}:
                    inserted.add(name)
                else:
                    called.add(name)
            elif previous.kind is Kind.QUOTED and previous.text[:1] in '"`[':
                quoted_call = quoted_call or not (words and words[-1] in {"INTO", "AS", "WITH", "RECURSIVE"})
        elif token.kind is Kind.WORD:
            words.append(token.text.upper())
        previous = token
    first = words[0] if words else ""
    present = frozenset(words)
    trusted = statements <= 1 and first in _PLAIN and not quoted_call and called <= _FUNCTIONS | (inserted - called)
    read_only = trusted and first in _READS and not present & _WRITES and not ("FOR" in present and "UPDATE" in present)
    return Nature(first in _ROWS or "RETURNING" in present, read_only, trusted and "TEMP" not in present)
