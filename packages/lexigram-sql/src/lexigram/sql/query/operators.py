"""The comparisons of queries, and the register that takes more of them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal

from lexigram.sql.exceptions import DataQueryError
from sqlalchemy.sql import ColumnElement

__all__ = [
    "Arity",
    "Handler",
    "Operator",
    "QueryOperatorRegistry",
    "operator_registry",
    "parse_operator",
]

Arity = Literal["none", "one", "two", "many"]
"""How many values an operator takes."""

Handler = Callable[[ColumnElement[Any], list[ColumnElement[Any]]], ColumnElement[bool]]
"""Builds a condition of a column and the parameters that stand for the values."""


class Operator(StrEnum):
    """A comparison. Its value is how it is written in SQL; :func:`parse_operator` reads other spellings too."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "IN"
    NOT_IN = "NOT IN"
    LIKE = "LIKE"
    NOT_LIKE = "NOT LIKE"
    ILIKE = "ILIKE"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"
    BETWEEN = "BETWEEN"
    NOT_BETWEEN = "NOT BETWEEN"
    CONTAINS = "CONTAINS"
    ICONTAINS = "ICONTAINS"
    STARTS_WITH = "STARTS WITH"
    ENDS_WITH = "ENDS WITH"

    # Other documented names of the same.
    NEQ = NE
    LTE = LE
    GTE = GE
    Eq = EQ
    Ne = NE
    Lt = LT
    Le = LE
    Lte = LE
    Gt = GT
    Ge = GE
    Gte = GE
    In = IN
    NotIn = NOT_IN
    Like = LIKE
    ILike = ILIKE
    IsNull = IS_NULL
    IsNotNull = IS_NOT_NULL
    Between = BETWEEN
    NotBetween = NOT_BETWEEN


_SPELLINGS: dict[str, Operator] = {
    "==": Operator.EQ,
    "eq": Operator.EQ,
    "<>": Operator.NE,
    "ne": Operator.NE,
    "neq": Operator.NE,
    "lt": Operator.LT,
    "le": Operator.LE,
    "lte": Operator.LE,
    "gt": Operator.GT,
    "ge": Operator.GE,
    "gte": Operator.GE,
    "nin": Operator.NOT_IN,
    "isnull": Operator.IS_NULL,
    "notnull": Operator.IS_NOT_NULL,
    "is": Operator.IS_NULL,
    "is not": Operator.IS_NOT_NULL,
    "startswith": Operator.STARTS_WITH,
    "endswith": Operator.ENDS_WITH,
}
_ARITIES: dict[Operator, Arity] = {
    Operator.IN: "many",
    Operator.NOT_IN: "many",
    Operator.IS_NULL: "none",
    Operator.IS_NOT_NULL: "none",
    Operator.BETWEEN: "two",
    Operator.NOT_BETWEEN: "two",
}


class QueryOperatorRegistry:
    """Operators beyond :class:`Operator`, by name.

    ::

        operator_registry.register_operator("~", lambda column, values: column.op("~")(values[0]))
    """

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Arity, Handler]] = {}

    def register_operator(self, name: str, handler: Handler, arity: Arity = "one") -> Callable[[], None]:
        """Add an operator.

        Args:
            name: What ``where(column, name, value)`` calls it.
            handler: Builds the condition; values come as parameters and must stay so.
            arity: How many values it takes.

        Returns:
            A function that takes it away again.

        Raises:
            DataQueryError: The name is taken.
        """
        key = name.strip().lower()
        if key in self._handlers or _known(key) is not None:
            raise DataQueryError(f"there is an operator {name!r} already", hint="Choose another name.")
        self._handlers[key] = (arity, handler)

        def undo() -> None:
            self._handlers.pop(key, None)

        return undo

    def find(self, name: str) -> tuple[Arity, Handler] | None:
        """How many values an operator takes, and what builds it; None when there is none of this name."""
        return self._handlers.get(name.strip().lower())

    def names(self) -> list[str]:
        """The names that were added, sorted."""
        return sorted(self._handlers)


operator_registry = QueryOperatorRegistry()
"""The register that builders use."""


_KNOWN: dict[str, Operator] = {**{operator.value.lower(): operator for operator in Operator}, **_SPELLINGS}
_PARSED: dict[Operator, tuple[str, Arity]] = {
    operator: (operator.value, _ARITIES.get(operator, "one")) for operator in Operator
}


def _known(key: str) -> Operator | None:
    return _KNOWN.get(key) or _KNOWN.get(key.replace("_", " "))


def parse_operator(operator: Operator | str) -> tuple[str, Arity]:
    """Read an operator in any of its spellings.

    Args:
        operator: A member, its SQL, a documented alias (``==``, ``gte``, ``isnull``, …) or a registered name.

    Returns:
        The canonical name, and how many values it takes.

    Raises:
        DataQueryError: There is no such operator.
    """
    if isinstance(operator, Operator):
        return _PARSED[operator]
    # Callers are not all typed.
    if isinstance(operator, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        registered = operator_registry.find(operator)
        if registered is not None:
            return operator.strip().lower(), registered[0]
        known = _known(operator.strip().lower())
        if known is not None:
            return _PARSED[known]
    names = [*(member.value for member in Operator), *operator_registry.names()]
    raise DataQueryError(f"there is no operator {operator!r}", hint=f"Known are: {', '.join(names)}.")
