"""Hides the values of parameters that could be secrets, by the names of the columns they go with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import QuerySyntaxError
from lexigram.sql.statements.tokens import Kind, Token, tokenize

__all__ = ["MASK", "ParameterMask"]

MASK = "***"
_LONGEST = 200
_PLACEHOLDERS = frozenset({Kind.NUMBERED, Kind.QUESTION, Kind.FORMAT})


class ParameterMask:
    """Masks parameters.

    A value is masked when the column that it is compared with, assigned or inserted to has one of the words in its
    name. Where the statement does not tell which column that is, a word anywhere in it masks all values.

    Args:
        words: Parts of names, such as ``password``; upper and lower case are the same.
        dialect: Whose quotation marks hold.
    """

    def __init__(self, words: Iterable[str], dialect: SQLDialect) -> None:
        given = sorted(word for word in words if word)
        self._sensitive = re.compile("|".join(map(re.escape, given)), re.IGNORECASE) if given else None
        self._dialect = dialect
        self._masked = lru_cache(maxsize=1024)(self._positions)

    def apply(self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None) -> Any:
        """The parameters with secrets masked, and long values shortened.

        Args:
            sql: The statement.
            params: Its parameters.
        """
        if not params:
            return params
        if isinstance(params, Mapping):
            named = self._sensitive
            return {
                name: MASK if named is not None and named.search(name) else _short(value)
                for name, value in params.items()
            }
        hidden = self._masked(sql, len(params))
        return [MASK if position in hidden else _short(value) for position, value in enumerate(params)]

    def _positions(self, sql: str, count: int) -> frozenset[int]:
        """Which parameters of a statement are masked."""
        if self._sensitive is None or not self._sensitive.search(sql):
            return frozenset()
        everything = frozenset(range(count))
        try:
            tokens = [
                token
                for token in tokenize(sql, self._dialect)
                if token.kind is not Kind.COMMENT and not token.text.isspace()
            ]
        except QuerySyntaxError:
            return everything
        columns = _columns_of_placeholders(tokens)
        hidden: set[int] = set()
        for position in range(count):
            names = columns.get(position)
            if names is None:
                return everything
            if any(self._sensitive.search(name) for name in names):
                hidden.add(position)
        return frozenset(hidden)


def _columns_of_placeholders(tokens: Sequence[Token]) -> dict[int, list[str]]:
    """For each parameter the columns that it goes with, where that is plain to see."""
    inserted = _inserted_columns(tokens)
    found: dict[int, list[str]] = {}
    counted = 0
    inside_values = -1
    slot = 0
    previous_name: str | None = None
    for index, token in enumerate(tokens):
        text = token.text
        if token.kind is Kind.WORD and text.upper() == "VALUES" and inserted:
            inside_values, slot = 0, 0
            continue
        if inside_values >= 0:
            if text == "(":
                inside_values += 1
                slot = 0 if inside_values == 1 else slot
            elif text == ")":
                inside_values -= 1
            elif text == "," and inside_values == 1:
                slot += 1
            elif inside_values == 0 and text != ",":
                inside_values = -1
        if token.kind in _PLACEHOLDERS:
            position = int(text[1:]) - 1 if token.kind is Kind.NUMBERED else counted
            counted += 1
            if inside_values >= 1:
                if slot < len(inserted):
                    found.setdefault(position, []).append(inserted[slot])
            elif previous_name is not None:
                found.setdefault(position, []).append(previous_name)
        elif _is_target(tokens, index):
            previous_name = text
    return found


_CONNECTIVES = frozenset({"AND", "OR", "NOT", "LIKE", "ILIKE", "IN", "BETWEEN", "IS", "SET", "WHERE", "ANY", "ALL"})


def _is_target(tokens: Sequence[Token], index: int) -> bool:
    """True for what the next placeholder goes with: a compared or assigned name, or a limit."""
    token = tokens[index]
    word = token.text.upper()
    if token.kind is Kind.WORD and word in {"LIMIT", "OFFSET"}:
        return True
    return token.kind in {Kind.WORD, Kind.QUOTED} and word not in _CONNECTIVES and _is_compared(tokens, index)


def _is_compared(tokens: Sequence[Token], index: int) -> bool:
    """True for a name with a comparison, an assignment or a list after it."""
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if following is None:
        return False
    return following.text[0] in "=<>!~" or following.text.upper() in {"LIKE", "ILIKE", "IN", "BETWEEN", "NOT"}


def _inserted_columns(tokens: Sequence[Token]) -> list[str]:
    """The columns of ``INSERT INTO table (…)``, in order."""
    for index, token in enumerate(tokens):
        if token.kind is Kind.WORD and token.text.upper() == "INTO":
            names: list[str] = []
            opened = False
            for later in tokens[index + 1 :]:
                if later.text == "(":
                    opened = True
                elif later.text == ")":
                    return names
                elif opened and later.kind in {Kind.WORD, Kind.QUOTED}:
                    names.append(later.text)
                elif later.kind is Kind.WORD and later.text.upper() in {"VALUES", "SELECT"}:
                    return []
            return names
    return []


def _short(value: Any) -> Any:
    """A value as it may stand in a log."""
    if isinstance(value, str | bytes) and len(value) > _LONGEST:
        kind = "characters" if isinstance(value, str) else "bytes"
        return f"{value[:_LONGEST]!r}… ({len(value)} {kind})"
    return value
