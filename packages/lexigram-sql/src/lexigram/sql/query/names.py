"""Names in queries: checked, quoted, and told apart from SQL."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, cast

from lexigram.contracts.data.identifiers import Column, Identifier, QualifiedTable
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.exceptions.infra import InvalidIdentifierError
from sqlalchemy.sql import quoted_name

__all__ = ["as_name", "as_names", "quoted_alias", "quoted_path"]

_ALIASED = re.compile(r"\s*(\S+)\s+as\s+(\S+)\s*", re.IGNORECASE)


def as_name(given: Any) -> str:
    """The name as text; identifiers of contracts are understood.

    Raises:
        InvalidIdentifierError: It is neither.
    """
    if isinstance(given, str):
        return given
    if isinstance(given, Identifier | QualifiedTable):
        return given.name
    raise InvalidIdentifierError(
        f"a name is text, not {type(given).__name__}", hint="Use RawSQL to put SQL in the place of a name."
    )


def as_names(given: Any) -> tuple[str, ...]:
    """A name, or a list or tuple of names, as text."""
    if isinstance(given, list | tuple):
        return tuple(as_name(name) for name in cast("list[Any]", given))
    return (as_name(given),)


def quoted_alias(name: Any, dialect: SQLDialect) -> quoted_name:
    """A name for a result or a table, checked; SQLAlchemy quotes it.

    Raises:
        InvalidIdentifierError: It is no name.
    """
    return quoted_name(Column(as_name(name), dialect).name, quote=True)


@lru_cache(maxsize=8192)
def quoted_path(name: str, dialect: SQLDialect, *, star: bool = False) -> str:
    """A name with dots, each part checked and quoted: ``users.id``; with *star* also ``users.*``, ``*``, ``a AS b``.

    Raises:
        InvalidIdentifierError: A part is no name.
    """
    aliased = _ALIASED.fullmatch(name) if star else None
    if aliased is not None:
        return f"{quoted_path(aliased[1], dialect, star=False)} AS {Column(aliased[2], dialect).quoted}"
    parts = name.split(".")
    if len(parts) > 3:
        raise InvalidIdentifierError(
            f"{name!r} has too many parts", hint="Write schema.table.column at most.", name=name
        )
    if star and parts[-1] == "*":
        return ".".join([*(Column(part, dialect).quoted for part in parts[:-1]), "*"])
    return ".".join(Column(part, dialect).quoted for part in parts)
