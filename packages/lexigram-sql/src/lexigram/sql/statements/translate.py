"""Brings raw SQL into a driver's own form: any of the usual placeholders in, the driver's out.

``$1``, ``?`` and ``%s`` are accepted on every database, ``:name`` with a mapping of values; one statement uses one of
them. Strings, names in quotation marks and comments are left alone. A ``?`` that is meant as such (PostgreSQL's JSON
operators) is written ``??`` beside ``?`` placeholders, and as it is beside ``$1`` or ``:name``; ``%%`` is a percent
sign beside ``%s``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import ParamStyle, Statement
from lexigram.sql.exceptions import ParameterBindingError, QuerySyntaxError
from lexigram.sql.statements.classify import classify, count_statements
from lexigram.sql.statements.tokens import Kind, Token, tokenize

__all__ = ["Translation", "translate"]

_PLACEHOLDERS = (Kind.NUMBERED, Kind.QUESTION, Kind.FORMAT, Kind.NAMED)


@dataclass(frozen=True, slots=True)
class Translation:
    """A statement in a driver's form, and how the caller's values become its parameters.

    Attributes:
        statement: The statement.
        count: How many values the caller gives; for names, how many names there are.
        order: For each parameter the position of its value, or None when values go through as they are.
        names: The name of each parameter, for ``:name`` placeholders.
    """

    statement: Statement
    count: int
    order: tuple[int, ...] | None = None
    names: tuple[str, ...] | None = None

    def bind(self, params: Sequence[Any] | Mapping[str, Any] | None) -> Sequence[Any]:
        """The parameters for the driver.

        Args:
            params: The caller's values.

        Raises:
            ParameterBindingError: Their number or names do not fit the statement.
        """
        if self.names is not None:
            return self._named(params)
        if params is None:
            params = ()
        if isinstance(params, Mapping):
            raise self._misfit(
                "values by name need :name placeholders",
                "Write :name in the statement, or give the values as a list in the order of its placeholders.",
            )
        if isinstance(params, str | bytes) or not isinstance(params, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise self._misfit(f"parameters are a list or a tuple, not {type(params).__name__}", "Put it into a list.")
        if len(params) != self.count:
            raise self._misfit(
                f"the statement has {_counted(self.count, 'placeholder')} and got {_counted(len(params), 'value')}",
                "Give one value for each placeholder; a value for IN needs one placeholder for each of its items.",
            )
        return params if self.order is None else [params[position] for position in self.order]

    def _named(self, params: Sequence[Any] | Mapping[str, Any] | None) -> Sequence[Any]:
        names = self.names or ()
        if not isinstance(params, Mapping):
            raise self._misfit(
                "the statement has :name placeholders, so its values come in a mapping",
                f"Give a dict with {', '.join(dict.fromkeys(names))}.",
            )
        missing = [name for name in dict.fromkeys(names) if name not in params]
        unused = [str(name) for name in params if name not in names]
        if missing or unused:
            raise self._misfit(
                f"missing values: {', '.join(missing) or 'none'}; values too many: {', '.join(unused) or 'none'}",
                "Give exactly the names that the statement has.",
            )
        return [params[name] for name in names]

    def _misfit(self, message: str, hint: str) -> ParameterBindingError:
        return ParameterBindingError(message, hint=hint, sql=self.statement.sql)


def _counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


@lru_cache(maxsize=2048)
def translate(sql: str, dialect: SQLDialect, style: ParamStyle) -> Translation:
    """Translate a statement; the result is kept for its text.

    Args:
        sql: The statement, with any of the placeholders above.
        dialect: Whose quotation marks and comments hold.
        style: The placeholders of the driver.

    Raises:
        QuerySyntaxError: A string, name or comment never ends, or there are several statements.
        ParameterBindingError: Placeholders are mixed, or numbers are left out.
    """
    tokens = list(tokenize(sql, dialect))
    kind = _style_of(tokens, sql)
    writer = _Writer(style, kind)
    text = "".join(writer.write(token) for token in tokens)
    if count_statements(tokens) > 1:
        # Most drivers take one at a time, and PostgreSQL's takes several as long as there are no values.
        raise QuerySyntaxError(
            "there are several statements in one text",
            hint="Run them one by one, in a transaction if they belong together.",
            sql=sql,
        )
    nature = classify(tokens, dialect)
    count, order, names = writer.binding(sql)
    parameters = len(writer.used)
    if style == "format" and parameters == 0:
        text = sql if kind is None else text.replace("%%", "%")  # without values the driver formats nothing
    return Translation(Statement(text, parameters, *nature), count, order, names)


def _style_of(tokens: Sequence[Token], sql: str) -> Kind | None:
    """The placeholders that a statement uses."""
    found = {token.kind for token in tokens if token.kind in _PLACEHOLDERS and token.text not in {"??", "%%"}}
    if len(found) > 1:
        # Beside the unmistakable forms, a question mark is an operator and %s is a remainder.
        found -= {Kind.QUESTION, Kind.FORMAT} if found & {Kind.NUMBERED, Kind.NAMED} else set()
    if len(found) > 1:
        raise ParameterBindingError(
            f"the statement mixes the placeholders {' and '.join(sorted(kind.value for kind in found))}",
            hint="Use one kind: $1, ?, %s, or :name.",
            sql=sql,
        )
    return next(iter(found), None)


class _Writer:
    """Writes tokens in the driver's form, and notes which value each parameter takes."""

    def __init__(self, style: ParamStyle, kind: Kind | None) -> None:
        self._style = style
        self._kind = kind
        self.used: list[int | str] = []

    def write(self, token: Token) -> str:
        """The token as the driver needs it."""
        if token.kind is not self._kind:
            return self._literal(token)
        match token.kind:
            case Kind.NUMBERED:
                return self._placeholder(int(token.text[1:]) - 1)
            case Kind.NAMED:
                return self._placeholder(token.text[1:])
            case _:
                if token.text in {"??", "%%"}:
                    return self._percent(token.text[0])
                return self._placeholder(len(self.used))

    def _placeholder(self, value: int | str) -> str:
        if self._style == "numeric":
            # A value that stands twice is sent once.
            if value in self.used:
                return f"${self.used.index(value) + 1}"
            self.used.append(value)
            return f"${len(self.used)}"
        self.used.append(value)
        return "?" if self._style == "qmark" else "%s"

    def _literal(self, token: Token) -> str:
        return self._percent(token.text)

    def _percent(self, text: str) -> str:
        """Text that is no placeholder; a driver that formats would read its percent signs."""
        return text.replace("%", "%%") if self._style == "format" else text

    def binding(self, sql: str) -> tuple[int, tuple[int, ...] | None, tuple[str, ...] | None]:
        """How many values the caller gives, in which order they are used, and their names."""
        if self._kind is Kind.NAMED:
            names = tuple(str(name) for name in self.used)
            return len(set(names)), None, names
        positions = tuple(int(position) for position in self.used)
        count = max(positions, default=-1) + 1
        missing = sorted(set(range(count)) - set(positions))
        if missing or -1 in positions:
            wrong = "$0" if -1 in positions else f"${missing[0] + 1}"
            raise ParameterBindingError(
                f"the statement {'has' if wrong == '$0' else 'lacks'} {wrong}",
                hint="Number the placeholders from $1, leaving none out.",
                sql=sql,
            )
        return count, None if positions == tuple(range(count)) else positions, None
