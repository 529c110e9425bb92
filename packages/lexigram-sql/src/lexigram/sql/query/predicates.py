"""Filter expressions as SQL, and as Python: the same rows in the database and in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.data.types import FilterExpression, is_filter_expression
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.compile import compile_shape, condition_sql
from lexigram.sql.query.describing import describe_expression
from lexigram.sql.query.dialects import replace_writer
from lexigram.sql.query.parameterized import ParameterizedQuery
from sqlalchemy.engine.default import DefaultDialect

__all__ = ["PredicateCompiler"]


class PredicateCompiler:
    """Compiles filter expressions of contracts.

    ``SQLDialect`` names three families of SQL. A database that is related to one of them speaks that family's dialect;
    where it writes things differently, :meth:`register_dialect` gives it a dialect of SQLAlchemy's.

    Args:
        dialect: What :meth:`to_sql` writes when it is not told.
    """

    def __init__(self, dialect: SQLDialect | str = SQLDialect.POSTGRESQL) -> None:
        self._dialect = SQLDialect(dialect)

    @staticmethod
    def register_dialect(dialect: SQLDialect | str, writer: DefaultDialect) -> Callable[[], None]:
        """Let another of SQLAlchemy's dialects write the SQL of a family, in this process, for builders as well.

        Args:
            dialect: The family.
            writer: SQLAlchemy's dialect of the database, with the family's ``paramstyle``.

        Returns:
            A function that takes it back.

        Raises:
            DataQueryError: Its placeholders are not the family's.
        """
        undo = replace_writer(SQLDialect(dialect), writer)
        compile_shape.cache_clear()

        def taken_back() -> None:
            undo()
            compile_shape.cache_clear()

        return taken_back

    def compile(self, expression: FilterExpression) -> Callable[[Any], bool]:
        """The expression as a Python predicate over attributes, or keys of a mapping.

        Raises:
            DataQueryError: It is no filter expression.
        """
        return _checked(expression).is_satisfied_by

    def to_sql(self, expression: FilterExpression, dialect: SQLDialect | str | None = None) -> ParameterizedQuery:
        """The expression as the condition of a WHERE clause, with its parameters.

        Args:
            expression: The expression.
            dialect: The SQL to write; the compiler's own when None.

        Raises:
            DataQueryError: SQL has no form for it.
            InvalidIdentifierError: A field is no column's name.
        """
        spoken = self._dialect if dialect is None else SQLDialect(dialect)
        clause, values = describe_expression(_checked(expression), 0)
        return ParameterizedQuery(*condition_sql(clause, values, spoken), spoken)


def _checked(expression: Any) -> FilterExpression:
    if not is_filter_expression(expression):
        raise DataQueryError(
            f"{type(expression).__name__} is no filter expression",
            hint="Use FieldEq, FieldGt, …, joined by &, | and ~.",
        )
    return expression
