"""Specifications that a database evaluates.

::

    active = FieldEquals("status", "active") & ~FieldIsNull("email")
    sql, params = active.to_sql("sqlite")
    rows = await AsyncQueryBuilder("users").where(active).fetch(db)

``~`` chooses exactly the rows that a specification leaves out. All but raw ones can also be asked of objects in memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, NoReturn

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.compile import condition_sql
from lexigram.sql.query.describing import Described, comparison
from lexigram.sql.query.evaluating import holds, look_up
from lexigram.sql.query.operators import Operator
from lexigram.sql.query.parameterized import ParameterizedQuery
from lexigram.sql.query.raw import RawSQL

__all__ = [
    "AndSqlSpecification",
    "FieldBetween",
    "FieldEquals",
    "FieldGreaterThan",
    "FieldIn",
    "FieldIsNotNull",
    "FieldIsNull",
    "FieldLessThan",
    "FieldLike",
    "NotSqlSpecification",
    "OrSqlSpecification",
    "RawSpecification",
    "SqlSpecification",
]


class SqlSpecification(ABC):
    """A condition on rows. Subclasses say what it is by :meth:`describe`, most easily with the help of others."""

    @abstractmethod
    def describe(self, first: int) -> Described:
        """The condition as a clause of a query, its values beginning at position *first*, and the values."""

    @abstractmethod
    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when an object in memory meets the condition: a mapping by its keys, others by their attributes."""

    def to_sql(self, dialect: SQLDialect | str = SQLDialect.POSTGRESQL) -> ParameterizedQuery:
        """The condition as it stands in a WHERE clause, with its parameters.

        Args:
            dialect: The SQL to write.

        Raises:
            InvalidIdentifierError: A field is no column's name.
        """
        spoken = SQLDialect(dialect)
        return ParameterizedQuery(*condition_sql(*self.describe(0), spoken), spoken)

    def __and__(self, other: SqlSpecification) -> AndSqlSpecification:
        return AndSqlSpecification(self, other) if _is_one(other) else NotImplemented

    def __or__(self, other: SqlSpecification) -> OrSqlSpecification:
        return OrSqlSpecification(self, other) if _is_one(other) else NotImplemented

    def __invert__(self) -> SqlSpecification:
        return NotSqlSpecification(self)

    def __bool__(self) -> NoReturn:
        raise TypeError("a specification is neither true nor false; combine them with &, | and ~")


def _is_one(other: Any) -> bool:
    return isinstance(other, SqlSpecification)


@dataclass(frozen=True)
class _Comparison(SqlSpecification):
    """A comparison of one field."""

    field: str

    def __post_init__(self) -> None:
        # What does not fit is told where it is written.
        self.describe(0)

    def _parts(self) -> tuple[Operator, Any]:
        raise NotImplementedError

    def describe(self, first: int) -> Described:
        operator, value = self._parts()
        given = operator not in (Operator.IS_NULL, Operator.IS_NOT_NULL)
        return comparison(self.field, operator, value, given, first)

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        operator, value = self._parts()
        return holds(operator, look_up(candidate, self.field), value)


@dataclass(frozen=True)
class FieldEquals(_Comparison):
    """The field equals the value; None stands for NULL."""

    value: Any

    def _parts(self) -> tuple[Operator, Any]:
        return Operator.EQ, self.value


@dataclass(frozen=True)
class FieldGreaterThan(_Comparison):
    """The field is greater than the value."""

    value: Any

    def _parts(self) -> tuple[Operator, Any]:
        return Operator.GT, self.value


@dataclass(frozen=True)
class FieldLessThan(_Comparison):
    """The field is less than the value."""

    value: Any

    def _parts(self) -> tuple[Operator, Any]:
        return Operator.LT, self.value


@dataclass(frozen=True)
class FieldIn(_Comparison):
    """The field equals one of the values, which are kept as a tuple; None among them finds NULL."""

    values: tuple[Any, ...] = field(default=())

    def __post_init__(self) -> None:
        given: Any = self.values
        if not isinstance(given, str | bytes) and hasattr(given, "__iter__"):
            object.__setattr__(self, "values", tuple(given))
        super().__post_init__()

    def _parts(self) -> tuple[Operator, Any]:
        return Operator.IN, self.values


@dataclass(frozen=True)
class FieldBetween(_Comparison):
    """The field lies between two values, both included."""

    low: Any
    high: Any

    def _parts(self) -> tuple[Operator, Any]:
        return Operator.BETWEEN, (self.low, self.high)


@dataclass(frozen=True)
class FieldLike(_Comparison):
    """The field matches a pattern of ``%`` and ``_``; case counts."""

    pattern: str

    def _parts(self) -> tuple[Operator, Any]:
        return Operator.LIKE, self.pattern


@dataclass(frozen=True)
class FieldIsNull(_Comparison):
    """The field is NULL."""

    def _parts(self) -> tuple[Operator, Any]:
        return Operator.IS_NULL, None


@dataclass(frozen=True)
class FieldIsNotNull(_Comparison):
    """The field is not NULL."""

    def _parts(self) -> tuple[Operator, Any]:
        return Operator.IS_NOT_NULL, None


@dataclass(frozen=True, init=False)
class RawSpecification(SqlSpecification):
    """A condition in SQL, as it is written.

    Args:
        sql: The condition; placeholders are ``?``, ``$1`` or ``%s``.
        *params: Values for them.
    """

    sql: str
    params: tuple[Any, ...]

    def __init__(self, sql: str, *params: Any) -> None:
        object.__setattr__(self, "sql", sql)
        object.__setattr__(self, "params", params)

    def describe(self, first: int) -> Described:
        """The condition as a clause of a query."""
        return RawSQL(self.sql, *self.params).describe(first)

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """Never answered.

        Raises:
            DataQueryError: Always; only the database knows.
        """
        raise DataQueryError("raw SQL has no meaning outside the database", hint="Ask the database.")


@dataclass(frozen=True)
class _Pair(SqlSpecification):
    left: SqlSpecification
    right: SqlSpecification

    def _joined(self, kind: str, first: int) -> Described:
        left, values = self.left.describe(first)
        right, more = self.right.describe(first + len(values))
        parts = (*(left[1] if left[0] == kind else (left,)), *(right[1] if right[0] == kind else (right,)))
        return (kind, parts), (*values, *more)


@dataclass(frozen=True)
class AndSqlSpecification(_Pair):
    """Both conditions hold."""

    def describe(self, first: int) -> Described:
        """The condition as a clause of a query."""
        return self._joined("and", first)

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets both."""
        return self.left.is_satisfied_by(candidate) and self.right.is_satisfied_by(candidate)


@dataclass(frozen=True)
class OrSqlSpecification(_Pair):
    """At least one of the conditions holds."""

    def describe(self, first: int) -> Described:
        """The condition as a clause of a query."""
        return self._joined("or", first)

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* meets one or both."""
        return self.left.is_satisfied_by(candidate) or self.right.is_satisfied_by(candidate)


@dataclass(frozen=True)
class NotSqlSpecification(SqlSpecification):
    """The condition does not hold."""

    inner: SqlSpecification

    def describe(self, first: int) -> Described:
        """The condition as a clause of a query."""
        clause, values = self.inner.describe(first)
        return ("except", clause), values

    def is_satisfied_by(self, candidate: Any, /) -> bool:
        """True when *candidate* does not meet it."""
        return not self.inner.is_satisfied_by(candidate)
