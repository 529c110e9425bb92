"""The types that a query's columns are declared to have, for databases that do not keep them.

SQLite has no dates of its own where a column is not declared as one, MySQL no UUID, and MariaDB's JSON is text. What a
repository's class says of its fields, ``types()`` says of a query's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lexigram.contracts.data.sql.database import Row
from lexigram.sql.exceptions import MappingError

if TYPE_CHECKING:
    from lexigram.sql.repositories.converters import Converter

__all__ = ["Declared", "as_rows", "declared_types"]

Declared = tuple[tuple[str, "Converter"], ...]
"""Converters by column."""


def declared_types(entity: type[Any] | None, columns: Mapping[str, Any]) -> Declared:
    """The converters of declared types.

    Args:
        entity: A class whose fields are columns, as a repository takes it.
        columns: Types by column; these count more.

    Raises:
        MappingError: The class is of no kind that can be mapped.
    """
    # Here, since repositories are made of queries.
    from lexigram.sql.repositories.converters import converter_of
    from lexigram.sql.repositories.mapping import EntityMapper

    found = {} if entity is None else {name: one.converter for name, one in EntityMapper(entity).columns.items()}
    found |= {name: converter_of(kind) for name, kind in columns.items()}
    return tuple(found.items())


def _reader(name: str, converter: Converter) -> Callable[[Any], Any]:
    exact, convert = converter.exact, converter.read

    def read(value: Any) -> Any:
        # A column may be NULL in a query, such as a LEFT JOIN, where the field of its table is not.
        if value is None or convert is None or value.__class__ is exact:
            return value
        try:
            return convert(value)
        except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
            why = str(error) if type(error) is TypeError else type(error).__name__
            raise MappingError(
                f"the column {name!r} is not what it is declared to be: {why}",
                hint="Declare it as it is stored.",
                field=name,
            ) from error

    return read


def as_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], types: Declared) -> list[Row]:
    """Rows as mappings, declared columns with their types.

    Raises:
        MappingError: A value is not what its column is declared to be.
    """
    if not types:
        return [dict(zip(columns, row, strict=True)) for row in rows]
    readers = [(name, _reader(name, converter)) for name, converter in types if name in columns]
    found: list[Row] = []
    for row in rows:
        made = dict(zip(columns, row, strict=True))
        for name, read in readers:
            made[name] = read(made[name])
        found.append(made)
    return found
