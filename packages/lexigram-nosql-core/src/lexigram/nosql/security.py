"""The filter guard, by the path that the documents use; it lives in :mod:`lexigram.nosql.query.guard`."""

from __future__ import annotations

from lexigram.nosql.query.guard import validate_field_name, validate_filter

__all__ = ["validate_field_name", "validate_filter"]
