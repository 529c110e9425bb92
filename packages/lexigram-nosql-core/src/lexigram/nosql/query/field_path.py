"""Paths as sorts and projections take them: stricter than a filter's."""

from __future__ import annotations

from typing import Any

from lexigram.nosql.exceptions import QueryOptionError
from lexigram.nosql.values.bson_compat import is_text
from lexigram.nosql.values.readable import has_utf8

__all__ = ["check_field_path"]


def check_field_path(path: Any, what: str) -> str:
    """Check a path of a sort or a projection.

    Args:
        path: What is given.
        what: Of what, for the error.

    Returns:
        The path.

    Raises:
        QueryOptionError: It is not text, empty, holds NUL, or has a component that is empty or begins with ``$``.
    """
    if not is_text(path):
        raise QueryOptionError(f"{what} names fields as text, not {type(path).__qualname__}", mongo_code=14)
    if not path:
        raise QueryOptionError(f"{what}: a field path cannot be empty", mongo_code=40352)
    if "\0" in path:
        raise QueryOptionError(f"{what}: a field name cannot hold a NUL character", mongo_code=16411)
    if not has_utf8(path):
        raise QueryOptionError(f"{what}: a field name with a lone surrogate has no UTF-8 form")
    if path.endswith("."):
        raise QueryOptionError(f"{what}: the path {path[:64]!r} ends with a dot", mongo_code=40353)
    for part in path.split("."):
        if not part:
            raise QueryOptionError(f"{what}: the path {path[:64]!r} has an empty field name", mongo_code=15998)
        if part[0] == "$":
            raise QueryOptionError(f"{what}: the field name {part[:64]!r} starts with '$'", mongo_code=16410)
    if path.count(".") >= 200:
        raise QueryOptionError(f"{what}: a path has at most 200 components", mongo_code=5729100)
    return path[:]
