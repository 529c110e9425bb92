"""Projections: those that the server applies, and those that are applied to what it returns.

The server chooses fields by name, at any depth, and adds text scores, which only it knows. Cut arrays, chosen elements
and computed fields are the engine's work, here, on the documents of a batch: an expression then means the same whatever
the server's version is, and the positional ``$`` is found without asking the filter of another order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lexigram.nosql.driver import Document
from lexigram.nosql.query.projection import Projection

__all__ = ["native_projection"]

_SCORE = {"$meta": "textScore"}


def native_projection(projection: Projection) -> tuple[Mapping[str, Any] | None, Callable[[Document], Document] | None]:
    """Divide a projection.

    Args:
        projection: As parsed.

    Returns:
        What goes to the server, None for nothing; and what is done to each document that comes back, None for nothing.
    """
    spec = projection.spec
    if all(_is_flag(value) or value == _SCORE for value in spec.values()):
        return spec, None
    needed = projection.fields_needed
    if needed is None:
        return None, projection.apply
    fields: dict[str, Any] = dict.fromkeys(sorted(needed), 1)
    if "_id" not in fields:
        fields["_id"] = 0
    return fields, projection.apply


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | int | float)
