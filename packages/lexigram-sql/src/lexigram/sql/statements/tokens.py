r"""Splits SQL into what is text, what is quoted or commented, and what is a placeholder.

It knows as much of a dialect as is needed to find where strings, names in quotation marks and comments end, and no
more:

* PostgreSQL (manual, 4.1 "Lexical Structure"): ``'it''s'``, ``E'it\'s'``, ``$tag$ … $tag$``, ``"name"``, nested
  ``/* */``.
* MySQL (reference manual, 11.1 "Literal Values", 11.7 "Comments"): backslashes in strings, ``"text"``, ```name```,
  ``#`` and ``-- `` comments.
* SQLite ("SQL Language Expressions"): ``'it''s'``, ``"name"``, ```name```, ``[name]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import QuerySyntaxError

__all__ = ["Kind", "Token", "tokenize"]


class Kind(Enum):
    """What a piece of SQL is."""

    TEXT = "text"
    WORD = "word"
    QUOTED = "quoted"
    COMMENT = "comment"
    NUMBERED = "$1"
    QUESTION = "?"
    FORMAT = "%s"
    NAMED = ":name"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL.

    Attributes:
        kind: What it is.
        text: As it stands.
        start: Where it begins, in characters.
    """

    kind: Kind
    text: str
    start: int


_STRING = r"'(?:[^']|'')*'"
_STRING_BACKSLASH = r"'(?:[^'\\]|''|\\.)*'"
_DOUBLE = r'"(?:[^"]|"")*"'
_DOUBLE_BACKSLASH = r'"(?:[^"\\]|""|\\.)*"'
_BACKTICK = r"`(?:[^`]|``)*`"
_LINE = r"--[^\n]*"
_BLOCK = r"/\*(?:[^*]|\*(?!/))*\*/"

_QUOTED = {
    SQLDialect.POSTGRESQL: rf"[eE]{_STRING_BACKSLASH}|{_STRING}|{_DOUBLE}|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$",
    SQLDialect.MYSQL: rf"{_STRING_BACKSLASH}|{_DOUBLE_BACKSLASH}|{_BACKTICK}",
    SQLDialect.SQLITE: rf"{_STRING}|{_DOUBLE}|{_BACKTICK}|\[[^\]]*\]",
}
_COMMENT = {
    SQLDialect.POSTGRESQL: _LINE,  # blocks nest, and are followed by hand
    SQLDialect.MYSQL: rf"--(?=\s|$)[^\n]*|#[^\n]*|{_BLOCK}",
    SQLDialect.SQLITE: rf"{_LINE}|{_BLOCK}",
}
# What opens something that never ends: told by name, since the rest of the statement would be misread.
_OPEN = {
    SQLDialect.POSTGRESQL: r"['\"]|/\*",
    SQLDialect.MYSQL: r"['\"`]|/\*",
    SQLDialect.SQLITE: r"['\"`\[]|/\*",
}


@cache
def _pattern(dialect: SQLDialect) -> re.Pattern[str]:
    """One alternative for each kind of token; the order decides."""
    return re.compile(
        rf"(?P<quoted>{_QUOTED[dialect]})"
        rf"|(?P<comment>{_COMMENT[dialect]})"
        rf"|(?P<open>{_OPEN[dialect]})"
        r"|(?P<cast>::)"
        r"|(?P<numbered>\$\d+)"
        r"|(?P<named>:[^\W\d]\w*)"
        r"|(?P<question>\?\??)"
        r"|(?P<format>%[s%])"
        r"|(?P<word>[^\W\d][\w$]*)"
        r"|(?P<number>\d[\w.]*)"
        r"|(?P<other>.)",
        re.DOTALL,
    )


_KINDS = {
    "quoted": Kind.QUOTED,
    "comment": Kind.COMMENT,
    "numbered": Kind.NUMBERED,
    "named": Kind.NAMED,
    "question": Kind.QUESTION,
    "format": Kind.FORMAT,
    "word": Kind.WORD,
}


def tokenize(sql: str, dialect: SQLDialect) -> Iterator[Token]:
    """Split a statement; the texts of the tokens, joined, are the statement.

    Args:
        sql: The statement.
        dialect: Whose quotation marks and comments hold.

    Yields:
        The tokens, in order. ``??`` comes as one QUESTION token and ``%%`` as one FORMAT token.

    Raises:
        QuerySyntaxError: A string, name or comment never ends.
    """
    match_at = _pattern(dialect).match
    position = 0
    while position < len(sql):
        match = match_at(sql, position)
        if match is None:  # the last alternative takes any character
            raise AssertionError(position)
        group = match.lastgroup if match.lastgroup != "tag" else "quoted"
        if group == "open":
            token = _opened(sql, position, dialect)
        else:
            token = Token(_KINDS.get(group or "", Kind.TEXT), match.group(), position)
        yield token
        position += len(token.text)


def _opened(sql: str, start: int, dialect: SQLDialect) -> Token:
    """A nested comment, which a regular expression cannot follow; else what is open is an error."""
    if dialect is SQLDialect.POSTGRESQL and sql.startswith("/*", start):
        depth = 0
        for mark in re.finditer(r"/\*|\*/", sql[start:]):
            depth += 1 if mark.group() == "/*" else -1
            if depth == 0:
                return Token(Kind.COMMENT, sql[start : start + mark.end()], start)
    if dialect is SQLDialect.SQLITE and sql[start] == "[":
        what = "name"
    else:
        what = {"'": "string", '"': "name or string", "`": "name", "/": "comment"}[sql[start]]
    raise QuerySyntaxError(
        f"the {what} that begins at character {start + 1} never ends",
        hint="Close it; give values as parameters rather than in the text.",
        sql=sql,
    )
