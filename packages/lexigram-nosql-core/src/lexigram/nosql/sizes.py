"""Refuses documents that are larger than a backend stores, before they are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lexigram.nosql.backend import BackendSpec
from lexigram.nosql.exceptions import DocumentTooLargeError
from lexigram.nosql.values.size import bson_size

__all__ = ["size_check"]


def size_check(spec: BackendSpec, config: Any = None) -> Callable[[Mapping[str, Any]], None] | None:
    """What refuses documents of more than ``max_document_bytes``.

    Args:
        spec: The backend.
        config: The backend's section, which may set a ``max_document_bytes`` where the backend has no limit of its own.

    Returns:
        A function that raises :class:`~lexigram.nosql.exceptions.DocumentTooLargeError`; None for a backend without
        such a limit, so that nothing is counted.
    """
    limit = spec.capabilities.max_document_bytes
    if limit is None:
        limit = getattr(config, "max_document_bytes", None)
    if limit is None:
        return None
    count = bson_size if spec.document_size is None else spec.document_size

    def fits(document: Mapping[str, Any]) -> None:
        size = count(document)
        if size > limit:
            raise DocumentTooLargeError(
                f"the document takes {size} bytes, and {spec.name} stores at most {limit}",
                hint="Split it, or keep large contents elsewhere and their address in the document.",
                size=size,
                limit=limit,
                backend=spec.name,
            )

    return fits
