"""Runs pipelines: batches in, batches out.

The inner loops are synchronous, a batch at a time; the event loop has its turn between batches, also when the source
never waits. What leaves is copied here, once, and only what does not belong to the run already.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from itertools import chain
from typing import Any, Final

from lexigram.nosql.aggregation.context import RunContext
from lexigram.nosql.aggregation.parse import Pipeline
from lexigram.nosql.aggregation.stages.base import Batch, Document, Owned, Run
from lexigram.nosql.aggregation.stages.subrun import nothing, run_over
from lexigram.nosql.values.copying import copy_document, copy_value

__all__ = ["run"]

_HOLD_NONE: Final[Callable[[Any], bool]] = frozenset({dict, list}).isdisjoint


async def run(
    pipeline: Pipeline, source: AsyncIterator[Batch], context: RunContext, *, from_leading: bool = False
) -> AsyncGenerator[Batch, None]:
    """Run a pipeline.

    Args:
        pipeline: The pipeline.
        source: Batches of normalised documents, which are not changed. It is closed at the end, on errors and when the
            pipeline is closed, and as soon as a ``$limit`` wants no more.
        context: Other collections, the time, the limits.
        from_leading: True when the source has done ``pipeline.leading`` already.

    Yields:
        Batches of documents that share nothing with the source, with each other or with the pipeline; none is empty.

    Raises:
        NoSQLError: A stage cannot be carried out.
        MemoryLimitError: A stage would hold more than it may.
    """
    if from_leading:
        pipeline = pipeline.rest
    variables = {"NOW": context.now, **pipeline.metadata(), **pipeline.variables, **pipeline.constants}
    reads = pipeline.collections_read
    owned = pipeline.owned(context.shares_documents)
    batches = _closing(source)
    if not pipeline.reads_source:
        await batches.aclose()
        batches = nothing()
    async with aclosing(run_over(batches, pipeline.plan, Run(context, variables, reads))) as results:
        async for batch in results:
            if owned is Owned.NOTHING:
                yield list(map(copy_document, batch))
            elif owned is Owned.TOP:
                if not _HOLD_NONE(map(type, chain.from_iterable(map(dict.values, batch)))):
                    for document in batch:
                        _own(document)
                yield batch
            else:
                yield batch


def _own(document: Document) -> None:
    """Copy what the values of a document hold; the document itself is the run's."""
    for name, value in document.items():
        cls = type(value)
        if cls is dict or cls is list:
            document[name] = copy_value(value)


def _closing(source: AsyncIterator[Batch]) -> AsyncGenerator[Batch, None]:
    """A source as a generator, whose closing closes the source."""
    if isinstance(source, AsyncGenerator):
        return source
    return _generate(source)


async def _generate(source: AsyncIterator[Batch]) -> AsyncGenerator[Batch, None]:
    try:
        async for batch in source:
            yield batch
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
