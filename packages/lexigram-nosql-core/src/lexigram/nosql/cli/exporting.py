"""Writes what a cursor yields as lines, a batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any

from lexigram.nosql.cli.lines import LineWriter
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.values.extended_json import dumps

__all__ = ["write_documents"]

_BATCH = 500


async def write_documents(
    documents: AsyncIterable[Mapping[str, Any]], writer: LineWriter, progress: Callable[[int], None] | None = None
) -> int:
    """Write documents as lines of Extended JSON. At most one batch is held.

    Args:
        documents: The documents.
        writer: Takes the lines.
        progress: Told how many are written so far, after every batch.

    Returns:
        How many were written.
    """
    lines: list[str] = []
    written = 0

    async def flush() -> None:
        nonlocal written
        await to_the_end(asyncio.to_thread(writer.write, lines))
        written += len(lines)
        lines.clear()
        if progress is not None:
            progress(written)

    async for document in documents:
        lines.append(dumps(document))
        if len(lines) >= _BATCH:
            await flush()
    if lines:
        await flush()
    return written
