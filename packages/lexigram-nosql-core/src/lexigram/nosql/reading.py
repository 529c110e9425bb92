"""Runs a planned read: batches come from the driver, the engine does what is left.

Order of work, as in MongoDB: filter, sort, skip, limit, projection. Documents that the driver keeps for itself (the
memory backend's) are copied here, once, and only what the projection keeps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from lexigram.nosql.driver import Batch, Call, Document, DriverCollection
from lexigram.nosql.exceptions import MemoryLimitError
from lexigram.nosql.query.plan import ReadPlan
from lexigram.nosql.values.copying import copy_document
from lexigram.nosql.values.size import bson_size

__all__ = ["closable", "finisher", "read_batches", "read_matching"]

_SAMPLE = 16
"""One document in so many is measured, so that the limit costs next to nothing."""


def finisher(plan: ReadPlan, shares_documents: bool) -> Callable[[Document], Document] | None:
    """What is done to each document that leaves: project, copy, or nothing."""
    if plan.projection is not None:
        return plan.projection.apply
    return copy_document if shares_documents else None


async def read_matching(target: DriverCollection, plan: ReadPlan, call: Call) -> AsyncGenerator[Batch, None]:
    """Batches whose documents all match, with their revisions; order, skip and limit are not applied."""
    matches = plan.residue.matches if plan.residue is not None else None
    async with aclosing(closable(target.read(plan.read, call))) as batches:
        async for batch in batches:
            documents = batch.documents
            plan.fetched += len(documents)
            plan.examined += len(documents) if batch.examined is None else batch.examined
            if not documents:
                continue
            if matches is None:
                yield batch
            elif batch.revisions is None:
                kept = [document for document in documents if matches(document)]
                if kept:
                    yield Batch(kept)
            else:
                pairs = [
                    (document, revision)
                    for document, revision in zip(documents, batch.revisions, strict=True)
                    if matches(document)
                ]
                if pairs:
                    yield Batch([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def read_batches(
    target: DriverCollection,
    plan: ReadPlan,
    call: Call,
    *,
    finish: Callable[[Document], Document] | None,
    memory_limit: int,
) -> AsyncGenerator[list[Document], None]:
    """The documents a read returns, in order, in batches that are never empty.

    Args:
        target: The backend's collection.
        plan: The split between backend and engine.
        call: Session and deadline.
        finish: Applied to each document that leaves; see :func:`finisher`.
        memory_limit: Most bytes that a sort in the engine may hold.

    Raises:
        MemoryLimitError: The sort holds more.
    """
    if plan.direct and not plan.limit:
        return _passed_on(target, plan, call, finish)
    return _finished(target, plan, call, finish, memory_limit)


async def _passed_on(
    target: DriverCollection, plan: ReadPlan, call: Call, finish: Callable[[Document], Document] | None
) -> AsyncGenerator[list[Document], None]:
    """What the backend returns, where that is the answer but for the projection.

    The long way gives the same; this one costs a generator instead of three.
    """
    batches = closable(target.read(plan.read, call))
    try:
        async for batch in batches:
            documents = batch.documents
            count = len(documents)
            plan.fetched += count
            plan.examined += count if batch.examined is None else batch.examined
            if count:
                plan.returned += count
                yield documents if finish is None else [finish(document) for document in documents]
    except BaseException:
        # One that came to its end holds nothing.
        await batches.aclose()
        raise


async def _finished(
    target: DriverCollection,
    plan: ReadPlan,
    call: Call,
    finish: Callable[[Document], Document] | None,
    memory_limit: int,
) -> AsyncGenerator[list[Document], None]:
    """The same where the engine filters, sorts, skips or limits."""
    skip, limit = plan.skip, plan.limit
    async with aclosing(_ordered(target, plan, call, memory_limit)) as batches:
        async for documents in batches:
            chosen = documents
            if skip:
                dropped = min(skip, len(chosen))
                chosen = chosen[dropped:]
                skip -= dropped
            if limit:
                chosen = chosen[: limit - plan.returned]
            if chosen:
                plan.returned += len(chosen)
                yield chosen if finish is None else [finish(document) for document in chosen]
            if limit and plan.returned >= limit:
                return


async def _ordered(
    target: DriverCollection, plan: ReadPlan, call: Call, memory_limit: int
) -> AsyncGenerator[list[Document], None]:
    """Matching documents in the order asked, sorted here where the backend did not."""
    async with aclosing(read_matching(target, plan, call)) as batches:
        if plan.sort is None:
            async for batch in batches:
                yield batch.documents
            return
        # The reverse of the stored order is known only at its end, so nothing can be dropped on the way.
        keep = plan.skip + plan.limit if plan.limit and not plan.sort.natural else 0
        held: list[Document] = []
        size = 0
        async for batch in batches:
            held += batch.documents
            if keep:
                # Holding a few times what is wanted keeps the selection linear in what is read.
                if len(held) > 4 * keep + 1000:
                    held = plan.sort.top(held, keep)
            elif memory_limit:
                sample = batch.documents[::_SAMPLE]
                size += sum(map(bson_size, sample)) * len(batch.documents) // len(sample)
                if size > memory_limit:
                    raise MemoryLimitError(
                        f"sorting holds more than {memory_limit} bytes",
                        hint="Add an index that serves the sort, a limit, or raise memory_limit_bytes.",
                    )
        if held:
            yield plan.sort.top(held, keep) if keep else plan.sort.sorted(held)


def closable(batches: AsyncIterator[Batch]) -> Any:
    """A driver may return any async iterator; only generators need closing."""
    return batches if hasattr(batches, "aclose") else _generate(batches)


async def _generate(batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    async for batch in batches:
        yield batch
