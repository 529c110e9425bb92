"""Orders: their documented forms, and where NULL stands in them.

NULL counts as greater than every value, so it comes last in ascending order and first in descending order, on every
database. PostgreSQL sorts so by itself; SQLite is told by ``NULLS LAST``, which its indexes serve as well. MySQL needs
a second expression, which keeps it from using an index for the order: on a column that is never NULL,
``nulls="database"`` leaves the order to the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast, get_args

import sqlalchemy as sa
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.data.types import SortSpecification
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.names import as_name
from lexigram.sql.query.shape import Clause

__all__ = ["Nulls", "many_orderings", "ordering", "written_order"]

Nulls = Literal["first", "last", "database"]
"""Where NULL stands; ``database`` leaves it to the database."""


def ordering(
    column: Any,
    direction: Any = None,
    *,
    desc: bool | None = None,
    ascending: bool | None = None,
    nulls: Nulls | None = None,
) -> Clause:
    """``("order_by", column, descending, nulls)`` of any documented form.

    Raises:
        DataQueryError: There is no such order, or it is given twice.
    """
    if nulls is not None and nulls not in get_args(Nulls):
        raise DataQueryError(f"there is no nulls={nulls!r}", hint=f"Use one of: {', '.join(get_args(Nulls))}.")
    if isinstance(column, SortSpecification):
        if (direction, desc, ascending) != (None, None, None):
            raise DataQueryError("an order is given twice", hint="A SortSpecification has its direction with it.")
        return ("order_by", as_name(column.field), column.direction == "desc", nulls)
    return ("order_by", as_name(column), _descending(direction, desc, ascending), nulls)


def _descending(direction: Any, desc: bool | None, ascending: bool | None) -> bool:
    given = [value for value in (direction, desc, ascending) if value is not None]
    if len(given) > 1:
        raise DataQueryError("an order is given twice", hint="Give a direction, desc= or ascending=, not several.")
    if direction is None:
        return bool(desc) if desc is not None else ascending is False
    if isinstance(direction, bool):
        return direction
    if isinstance(direction, int) and direction in (1, -1):
        return direction == -1
    if isinstance(direction, str) and direction.strip().upper() in {"ASC", "DESC"}:
        return direction.strip().upper() == "DESC"
    raise DataQueryError(f"there is no order {direction!r}", hint="Use 'ASC' or 'DESC'.")


def many_orderings(given: Any) -> tuple[Clause, ...]:
    """One order or several: names, ``("name", "DESC")``, ``("id", "ASC", "database")`` and SortSpecification."""
    if isinstance(given, str | SortSpecification) or not isinstance(given, Sequence):
        return (ordering(given),)
    parts: Sequence[Any] = cast("Any", given)
    if isinstance(parts, tuple) and len(parts) == 2 and str(parts[1]).upper() in {"ASC", "DESC"}:
        return (ordering(*parts),)
    return tuple(_ordering(part) for part in parts)


def _ordering(part: Any) -> Clause:
    if not isinstance(part, tuple):
        return ordering(part)
    column, direction, nulls = (*cast("Any", part), None, None)[:3]
    return ordering(column, direction, nulls=nulls)


def written_order(
    column: Any, descending: bool, nulls: Nulls | None, dialect: SQLDialect, meaning: Any = None
) -> list[Any]:
    """The expressions that order by a column.

    Args:
        column: The column, as SQLAlchemy has it.
        descending: Greatest values first.
        nulls: Where NULL stands; as the greatest value when None.
        dialect: The SQL to write.
        meaning: What *column* is the alias of, where MySQL does not take the alias inside an expression.
    """
    plain: Any = sa.desc(column) if descending else sa.asc(column)
    if nulls == "database":
        return [plain]
    first = descending if nulls is None else nulls == "first"
    if dialect is SQLDialect.MYSQL:
        missing = (column if meaning is None else meaning).is_(sa.null())
        if first is not descending:
            # NULL is the least value there: ascending it is first already, descending it is last.
            return [plain]
        return [sa.desc(missing) if first else sa.asc(missing), plain]
    if dialect is SQLDialect.POSTGRESQL and first is descending:
        return [plain]
    return [sa.nulls_first(plain) if first else sa.nulls_last(plain)]
