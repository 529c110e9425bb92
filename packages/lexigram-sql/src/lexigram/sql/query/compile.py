"""Turns the shape of a query into SQL, with SQLAlchemy Core as the writer; each shape once for each dialect."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Statement
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.changing import delete_statement, insert_statement, update_statement
from lexigram.sql.query.dialects import check_parameters, writer_of
from lexigram.sql.query.patterns import FORMS
from lexigram.sql.query.selecting import select_statement
from lexigram.sql.query.shape import Kind, Shape
from lexigram.sql.query.writer import Writer
from lexigram.sql.statements.classify import classify
from lexigram.sql.statements.tokens import Token, tokenize
from sqlalchemy.exc import ArgumentError, CompileError
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["CompiledShape", "compile_shape", "condition_sql"]


class CompiledShape(NamedTuple):
    """A shape as SQL.

    Attributes:
        statement: The statement.
        order: The position of each parameter's value among the query's values; negative for the constants.
        constants: Values that the dialect adds of itself.
        forms: What becomes of values, by the position of their parameter.
    """

    statement: Statement
    order: tuple[int, ...]
    constants: tuple[Any, ...]
    forms: tuple[tuple[int, Callable[[Any], Any]], ...]

    @property
    def takes_as_given(self) -> bool:
        """True when the parameters are the values, each once and in their order."""
        return not self.constants and not self.forms and self.order == tuple(range(len(self.order)))

    def bind(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The parameters of a query with this shape.

        Args:
            values: The query's values.
        """
        if self.constants:
            values = (*values, *self.constants)
        if not self.forms:
            return tuple([values[position] for position in self.order])
        bound = [values[position] for position in self.order]
        for position, form in self.forms:
            bound[position] = form(bound[position])
        return tuple(bound)


_STATEMENTS: dict[Kind, Callable[[Shape, Writer], Any]] = {
    "select": select_statement,
    "insert": insert_statement,
    "update": update_statement,
    "delete": delete_statement,
}
_CHANGES = frozenset({"values", "on_conflict", "returning", "set", "all_rows"})
_ALLOWED: dict[Kind, frozenset[str]] = {
    "insert": frozenset({"values", "on_conflict", "returning"}),
    "update": frozenset({"set", "where", "all_rows", "returning"}),
    "delete": frozenset({"where", "all_rows", "returning"}),
}
_CALLED = {"column": "select", "combine": "union", "cte": "with_cte", "set": "update", "values": "insert"}


def _statement(shape: Shape, writer: Writer) -> Any:
    """The statement of a shape of any kind."""
    for clause in shape.clauses:
        name: str = clause[0]
        if name in _CHANGES if shape.kind == "select" else name not in _ALLOWED[shape.kind]:
            raise DataQueryError(
                f"{_CALLED.get(name, name)}() has no place in this {shape.kind}",
                hint="Leave it out; a clause is never silently ignored.",
            )
    return _STATEMENTS[shape.kind](shape, writer)


@lru_cache(maxsize=4096)
def compile_shape(shape: Shape, dialect: SQLDialect) -> CompiledShape:
    """Write a shape as SQL.

    Args:
        shape: The query without its values.
        dialect: The SQL to write.

    Raises:
        DataQueryError: Something is missing, or this dialect does not have it.
        InvalidIdentifierError: A name is no name.
    """
    try:
        compiled = _statement(shape, Writer(dialect, _statement)).compile(dialect=writer_of(dialect))
    except (CompileError, ArgumentError) as error:
        raise DataQueryError(f"{dialect} has no form for this query: {error}") from error
    except RecursionError as error:
        raise DataQueryError("this query is nested too deeply", hint="Ask in parts, or use a list with IN.") from error
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - statements are written by this compiler
    names: list[str] = list(compiled.positiontup or ())
    check_parameters(len(names), dialect)
    tokens = list(tokenize(str(compiled), dialect))
    text = _one_line(tokens)
    if dialect is SQLDialect.MYSQL and not names:
        text = text.replace("%%", "%")  # without values the driver formats nothing
    ours = [_OURS.fullmatch(name) for name in names]
    constants = [compiled.params[name] for name, found in zip(names, ours, strict=True) if found is None]
    added = itertools.count(1)
    # A constant is counted from the end, since the number of values is not known here.
    order = tuple(-next(added) if found is None else int(found[1]) for found in ours)
    forms = tuple((index, FORMS[found[2]]) for index, found in enumerate(ours) if found is not None and found[2])
    statement = Statement(text, len(names), *classify(tokens))
    return CompiledShape(statement, order, tuple(reversed(constants)), forms)


_OURS = re.compile(r"p(\d+)([a-z]*)")


def _one_line(tokens: Sequence[Token]) -> str:
    """The statement with single spaces, but for what is quoted, and for line ends that end a comment."""
    written: list[str] = []
    for token in tokens:
        if not token.text.isspace():
            written.append(token.text)
        elif token.text == "\n" and written and written[-1].startswith(("--", "#")):
            written.append("\n")
        elif not written or not written[-1].isspace():
            written.append(" ")
    return "".join(written).strip()


def condition_sql(clause: tuple[Any, ...], values: tuple[Any, ...], dialect: SQLDialect) -> tuple[str, tuple[Any, ...]]:
    """A condition alone, as it stands after WHERE, and its parameters.

    Args:
        clause: The condition.
        values: Its values.
        dialect: The SQL to write.
    """
    compiled = compile_shape(Shape("t").plus(("where", "and", clause)), dialect)
    return compiled.statement.sql.partition(" WHERE ")[2] or "1 = 1", compiled.bind(values)
