"""Runs pipelines within stages, over another collection."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from lexigram.nosql.aggregation.ast import Leading
from lexigram.nosql.aggregation.chain import SyncChain, open_chain
from lexigram.nosql.aggregation.leading import split_leading
from lexigram.nosql.aggregation.limits import Meter
from lexigram.nosql.aggregation.stages.base import Batch, Run, Stage
from lexigram.nosql.aggregation.stages.parsing import Subpipeline
from lexigram.nosql.query.parse import Query

__all__ = ["nothing", "read_collection", "read_matching", "read_pipeline", "run_over"]


async def run_over(
    source: AsyncGenerator[Batch, None], stages: Sequence[Stage], run: Run
) -> AsyncGenerator[Batch, None]:
    """Run batches through stages to the end.

    Args:
        source: The batches; closed at the end, and as soon as no more are wanted.
        stages: The stages.
        run: The run.

    Yields:
        What comes out, in batches that are never empty.
    """
    chain = open_chain(stages, run)
    async with aclosing(source):
        if not chain.done:
            async for batch in source:
                if batch:
                    if isinstance(chain, SyncChain):
                        for out in chain.push(batch):
                            yield out
                    else:
                        async with aclosing(chain.push(batch)) as outputs:
                            async for out in outputs:
                                yield out
                if run.tired(len(batch)):
                    await run.pause()
                if chain.done:
                    break
    if isinstance(chain, SyncChain):
        for out in chain.finish():
            if run.tired(len(out)):
                await run.pause()
            yield out
    else:
        async with aclosing(chain.finish()) as outputs:
            async for out in outputs:
                yield out


async def read_collection(collection: str, stages: Sequence[Stage], run: Run) -> AsyncGenerator[Batch, None]:
    """Read a collection through a pipeline, of which the backend takes over what it can.

    Args:
        collection: Its name.
        stages: The pipeline.
        run: The run.

    Yields:
        What comes out.
    """
    leading, rest = split_leading(stages)
    async with aclosing(run_over(_found(collection, leading, run), rest, run)) as batches:
        async for batch in batches:
            yield batch


async def _found(collection: str, leading: Leading, run: Run) -> AsyncGenerator[Batch, None]:
    if leading.limit is None:
        return
    found = run.context.find(collection, leading)
    try:
        async for batch in found:
            yield batch
    finally:
        close = getattr(found, "aclose", None)
        if close is not None:
            await close()


async def read_matching(collection: str, query: Query, run: Run) -> Batch:
    """Read the documents of a collection that a filter selects.

    Args:
        collection: Its name.
        query: The filter.
        run: The run.

    Returns:
        The documents, in the collection's order.
    """
    documents: Batch = []
    async with aclosing(_found(collection, Leading(query), run)) as batches:
        async for batch in batches:
            documents += batch
            if run.tired(len(batch)):
                await run.pause()
    return documents


async def read_pipeline(
    collection: str, pipeline: Subpipeline, stages: Sequence[Stage], run: Run, meter: Meter | None = None
) -> Batch:
    """Read everything that the first stages of a pipeline within a stage give.

    Args:
        collection: The collection that it reads; not read where it begins with ``$documents``.
        pipeline: The pipeline.
        stages: Its first stages, or all of them.
        run: The run.
        meter: Counts what is held, or None.

    Returns:
        The documents.

    Raises:
        MemoryLimitError: They are too many for the meter.
    """
    documents: Batch = []
    batches = run_over(nothing(), stages, run) if pipeline.from_documents else read_collection(collection, stages, run)
    async with aclosing(batches):
        async for batch in batches:
            documents += batch
            if meter is not None:
                meter.documents(batch)
    return documents


async def nothing() -> AsyncGenerator[Batch, None]:
    """No batches at all: the source of a pipeline that begins with ``$documents``."""
    return
    yield []
