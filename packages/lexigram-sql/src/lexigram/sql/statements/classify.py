"""What a statement does, as far as its words tell: whether it returns rows, only reads, and leaves the session clean.

Wrong guesses are on the safe side: what is not known to read only is taken to write, and what is not known to leave the
session as it was is taken to change it, which costs a reset when its connection goes back to the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.statements.tokens import Kind, Token

__all__ = ["Nature", "classify", "count_statements"]


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
    ABS ANY ARRAY_AGG ARRAY_LENGTH ARRAY_POSITION AVG BIT_LENGTH BTRIM CAST CEIL CEILING CHAR_LENGTH
    CHARACTER_LENGTH COALESCE CONCAT CONCAT_WS COUNT CURRENT_DATE CURRENT_SCHEMAS CURRENT_TIME CURRENT_TIMESTAMP
    DATE DATE_PART DATE_TRUNC DATETIME DENSE_RANK EXISTS EXTRACT FILTER FIRST_VALUE FLOOR GEN_RANDOM_UUID GREATEST
    GROUP_CONCAT IFNULL IN INSTR JSON JSON_AGG JSON_ARRAY JSON_EXTRACT JSON_OBJECT JSON_UNQUOTE JSONB_AGG
    JSONB_BUILD_OBJECT LAG LAST_VALUE LEAD LEAST LEFT LENGTH LOCALTIME LOCALTIMESTAMP LOWER LPAD LTRIM MAX MD5 MIN
    MOD NOT NOW NTILE NULLIF OCTET_LENGTH OVER OVERLAY POSITION POWER RANDOM RANK REPLACE REVERSE RIGHT ROUND ROW
    ROW_NUMBER RPAD RTRIM SIGN SOME SPLIT_PART SQRT STRFTIME STRING_AGG STRPOS SUBSTR SUBSTRING SUM TIME TIMESTAMP
    TO_CHAR TO_DATE TO_REGCLASS TO_TIMESTAMP TOTAL TRANSLATE TRIM TRUNC TYPEOF UNNEST UPPER VALUES AND OR AS ON BY
    FROM JOIN SELECT WHERE USING KEY CONFLICT THEN ELSE WHEN BETWEEN LIKE ILIKE IS LATERAL UNION INTERSECT EXCEPT
    ALL DISTINCT HAVING LIMIT OFFSET SET RETURNING WITH MATERIALIZED PARTITION ORDER GROUP VARCHAR CHAR NUMERIC
    DECIMAL TEXT
    """.split()  # noqa: SIM905 - a list would be a hundred lines
)


# Statements on the schema leave their mark there, not in the session. What they evaluate (defaults, queries) is
# looked at like any other expression; the names of columns' types are no functions.
_SCHEMA = frozenset({"CREATE", "DROP", "ALTER", "TRUNCATE"})
_OBJECTS = frozenset({"TABLE", "INDEX", "VIEW", "SEQUENCE", "SCHEMA", "DATABASE", "TYPE", "EXTENSION"})
_EVALUATED = frozenset({"SELECT", "DEFAULT", "USING", "ALWAYS"})
_TEMPORARY = frozenset({"TEMP", "TEMPORARY", "PG_TEMP"})


def count_statements(tokens: Sequence[Token]) -> int:
    """How many statements there are; one that has others inside it, such as a trigger, counts as one.

    Args:
        tokens: The text.
    """
    count, ended = 0, True
    words: list[str] = []
    for token in tokens:
        if token.kind is Kind.COMMENT or token.text.isspace():
            continue
        if token.kind is Kind.WORD and len(words) < 8:  # the kind of object stands at the beginning
            words.append(token.text.upper())
        if token.text == ";":
            ended = True
        elif ended:
            count, ended = count + 1, False
    holds_others = words[:1] == ["CREATE"] and not {"TRIGGER", "PROCEDURE", "FUNCTION", "EVENT"}.isdisjoint(words)
    return min(count, 1) if holds_others else count


def classify(tokens: Sequence[Token], dialect: SQLDialect | None = None) -> Nature:
    """Say what a statement does.

    Args:
        tokens: The statement.
        dialect: Whose functions it calls. SQLite has no functions that write or keep anything in the session.
    """
    words: list[str] = []
    called: set[str] = set()
    inserted: set[str] = set()
    quoted_call = False
    previous: Token | None = None
    variables = False
    for token in tokens:
        if token.kind is Kind.COMMENT or token.text.isspace() or token.text == ";":
            continue
        # MySQL's variables, which SELECT and INTO may set.
        variables = variables or (
            previous is not None and previous.text == "@" and token.start == previous.start + 1 and token.text != ">"
        )
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
    harmless = dialect is SQLDialect.SQLITE and "LOAD_EXTENSION" not in called
    known = harmless or (not quoted_call and called <= _FUNCTIONS | (inserted - called))
    single = count_statements(tokens) <= 1
    trusted = single and first in _PLAIN and known and not variables
    read_only = trusted and first in _READS and not present & _WRITES and not ("FOR" in present and "UPDATE" in present)
    if first in _SCHEMA and not _OBJECTS.isdisjoint(words[1:5]):
        trusted = single and not variables and (known or _EVALUATED.isdisjoint(present))
    keeps_session = trusted and _TEMPORARY.isdisjoint(present)
    return Nature(first in _ROWS or "RETURNING" in present, read_only and keeps_session, keeps_session)
