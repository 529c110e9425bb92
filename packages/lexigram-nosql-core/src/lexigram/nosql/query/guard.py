"""What filters may not contain.

MongoDB runs JavaScript given in ``$where``, ``$function`` and ``$accumulator``; no backend here does, wherever such an
operator stands. Field names may be any text but NUL, as in BSON; paths have at most 200 components. Regular expressions
have limits of their own (:mod:`~lexigram.nosql.query.regex`).
"""

from __future__ import annotations

from typing import Any, Final

from lexigram.nosql.exceptions import NoSQLFilterError

__all__ = [
    "GEOSPATIAL",
    "JAVASCRIPT",
    "MAX_COMPONENTS",
    "MAX_DEPTH",
    "MAX_NODES",
    "check_path",
    "refuse_operator",
    "validate_field_name",
    "validate_filter",
]

JAVASCRIPT: Final = frozenset({"$where", "$function", "$accumulator"})
"""Operators that would run code from the filter."""

GEOSPATIAL: Final = frozenset(
    {
        "$geoIntersects",
        "$geoWithin",
        "$geoNear",
        "$near",
        "$nearSphere",
        "$within",
        "$maxDistance",
        "$minDistance",
        "$geometry",
        "$box",
        "$center",
        "$centerSphere",
        "$polygon",
        "$uniqueDocs",
    }
)
"""Operators on shapes and distances, which no backend here carries."""

MAX_DEPTH: Final = 100
"""Documents that may stand inside one another in a filter."""

MAX_COMPONENTS: Final = 200
"""Components of a path."""

MAX_NODES: Final = 200_000
"""Conditions of a filter, as it would be written out."""


def refuse_operator(name: str, path: str) -> None:
    """Refuse an operator that is known and not carried.

    Args:
        name: The operator.
        path: Where it stands.

    Raises:
        NoSQLFilterError: The operator is one of those.
    """
    if name in JAVASCRIPT:
        raise NoSQLFilterError(
            f"{name} runs JavaScript and is never allowed",
            hint="write the condition with $expr",
            path=path,
            mongo_code=2,
        )
    if name in GEOSPATIAL:
        raise NoSQLFilterError(
            f"{name}: geospatial queries are not carried",
            hint="use the database's own client: store.native",
            path=path,
            mongo_code=115,
        )


def check_path(path: Any, where: str) -> str:
    """Check a field path of a filter.

    Args:
        path: What stands as a key.
        where: Path of the document it stands in, for the error.

    Returns:
        The path as plain text; members of a ``StrEnum`` are names too.

    Raises:
        NoSQLFilterError: It is not text, holds NUL, or is too long.
    """
    if not isinstance(path, str):
        raise NoSQLFilterError(
            f"a filter's keys are field names, as text, not {type(path).__qualname__}", path=where, mongo_code=2
        )
    if "\0" in path:
        raise NoSQLFilterError("a field name cannot hold a NUL character", path=where, mongo_code=2)
    if path.count(".") >= MAX_COMPONENTS:
        raise NoSQLFilterError(
            f"a path has at most {MAX_COMPONENTS} components, this one {path.count('.') + 1}",
            path=where,
            mongo_code=5729100,
        )
    return path[:]


def validate_field_name(field: Any) -> None:
    """Check the name or path of one field.

    Args:
        field: What is given as a field.

    Raises:
        NoSQLFilterError: It is not text, is empty, holds NUL, is too long, or begins with ``$``.
    """
    check_path(field, "")
    if not field:
        raise NoSQLFilterError("a field name is empty")
    if field.startswith("$"):
        raise NoSQLFilterError(f"{field[:64]!r} is an operator, not a field")


def validate_filter(filter: Any) -> None:
    """Check a filter without using it.

    Args:
        filter: Anything that :func:`~lexigram.nosql.query.parse.parse_filter` takes.

    Raises:
        NoSQLFilterError: It is not valid, or uses an operator that is refused.
    """
    from lexigram.nosql.query.parse import parse_filter  # the parser imports this module

    parse_filter(filter)
