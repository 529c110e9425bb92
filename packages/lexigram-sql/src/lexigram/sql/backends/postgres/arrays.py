"""Inserts of many rows with an array for each column, which PostgreSQL takes in one turn and plans once.

``INSERT INTO t (a, b) VALUES ($1, $2)``, to be run for many rows, becomes
``INSERT INTO t (a, b) SELECT … FROM unnest($1::int4[], $2::text[])``: defaults, constraints, triggers of rows, rules
and row-level security hold as they do for the plain statement, and ``RETURNING`` gives every row. The types of the
arrays are those that the server says the plain statement's parameters have. Where a type is not among the plain ones,
or a value could be taken for an array itself, the rows go the ordinary way. Triggers of statements fire once.
"""

from __future__ import annotations

import enum
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final

from lexigram.sql.backends.json_text import to_json

__all__ = ["ArrayInsert", "array_insert", "is_plain_insert"]

_NAME: Final = r'(?:"(?:[^"]|"")+"|[A-Za-z_]\w*)'
_LIST: Final = rf"{_NAME}(?:, ?{_NAME})*"
_INSERT: Final = re.compile(
    rf"(?P<start>INSERT INTO {_NAME}(?:\.{_NAME})? ?\({_LIST}\))"  # noqa: S608 - a pattern, which nobody runs
    r" VALUES \((?P<values>\$\d+(?:, ?\$\d+)*)\)(?P<rest> RETURNING .+)?",
    re.IGNORECASE | re.DOTALL | re.ASCII,
)
_JSON: Final = frozenset({"json", "jsonb"})
# Without the length of varchar(n), which a cast would cut to, and an assignment refuses.
_TYPES: Final = _JSON | {
    *("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar", "bytea", "uuid"),
    *("date", "time", "timetz", "timestamp", "timestamptz", "interval"),
}
_SCALARS: Final = (int, float, str, bytes, Decimal, uuid.UUID, date, time, timedelta, type(None))


@dataclass(frozen=True, slots=True)
class ArrayInsert:
    """An insert whose parameters are arrays.

    Attributes:
        sql: The statement.
        json: The positions of columns that hold JSON, which goes as text.
    """

    sql: str
    json: frozenset[int]

    def columns(self, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]] | None:
        """The values of rows by column.

        Args:
            rows: The rows.

        Returns:
            The columns; None when one holds what arrays cannot.
        """
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for index, column in enumerate(columns):
            if index in self.json:
                try:
                    columns[index] = [None if value is None else to_json(value) for value in column]
                except (TypeError, ValueError):
                    return None  # the ordinary way says what is wrong
                continue
            kinds: set[type] = set(map(type, column))
            if any(issubclass(kind, enum.Enum) for kind in kinds):
                plain = [value.value if isinstance(value, enum.Enum) else value for value in column]
                columns[index], kinds = plain, set(map(type, plain))
            if not all(issubclass(kind, _SCALARS) for kind in kinds):
                return None
        return columns


def is_plain_insert(sql: str, *, returning: bool) -> bool:
    """True for ``INSERT … VALUES`` of one row of parameters in their order, and nothing that depends on other rows.

    Args:
        sql: The statement.
        returning: Whether it returns columns of the row.
    """
    found = _INSERT.fullmatch(sql)
    if found is None or (found["rest"] is not None) is not returning:
        return False
    numbers = found["values"].replace(" ", "").split(",")
    return all(number == f"${place}" for number, place in zip(numbers, count(1), strict=False))


def array_insert(sql: str, types: Sequence[str]) -> ArrayInsert | None:
    """The statement with arrays.

    Args:
        sql: A plain insert.
        types: The types of its parameters, as the server names them.

    Returns:
        The statement; None when there is no array for one of the types.
    """
    found = _INSERT.fullmatch(sql)
    if found is None or not _TYPES.issuperset(types):
        return None
    names = [f"c{number}" for number in range(len(types))]
    chosen = [f"{name}::{kind}" if kind in _JSON else name for name, kind in zip(names, types, strict=True)]
    arrays = [f"${place}::{'text' if kind in _JSON else kind}[]" for place, kind in enumerate(types, start=1)]
    text = (
        f"{found['start']} SELECT {', '.join(chosen)} FROM unnest({', '.join(arrays)}) AS v({', '.join(names)})"  # noqa: S608 - names of types out of a fixed list
        f"{found['rest'] or ''}"
    )
    return ArrayInsert(text, frozenset(index for index, kind in enumerate(types) if kind in _JSON))
