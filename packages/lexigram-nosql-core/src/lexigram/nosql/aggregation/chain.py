"""Stages in a row: what one gives is pushed into the next.

Stages that never wait are driven by plain generators; only where a stage reads or writes a collection, or makes many
documents of one for others to work on, does a chain become asynchronous. So a pipeline over documents at hand costs no
await per batch, and none keeps the event loop for long.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Protocol

from lexigram.nosql.aggregation.stages.base import Batch, Run, Runner, Stage

__all__ = ["AsyncChain", "SyncChain", "collect", "open_chain"]


class SyncChain:
    """Runners that never wait, in a row.

    Args:
        runners: The runners, in order.
    """

    __slots__ = ("_runners",)

    def __init__(self, runners: Sequence[Runner]) -> None:
        self._runners = runners

    @property
    def done(self) -> bool:
        """True when further input is of no use."""
        return self._last_done() >= 0

    def _last_done(self) -> int:
        """Position of the last runner that wants no more, or -1: what stands before it may be forgotten."""
        for index in range(len(self._runners) - 1, -1, -1):
            if self._runners[index].done:
                return index
        return -1

    def push(self, batch: Batch) -> Iterator[Batch]:
        """Take a batch and give what comes out at the end."""
        return self._feed(0, batch)

    def _feed(self, index: int, batch: Batch) -> Iterator[Batch]:
        if not batch:
            return
        if index == len(self._runners):
            yield batch
            return
        runner = self._runners[index]
        if runner.done:
            return
        for out in runner.push(batch):
            yield from self._feed(index + 1, out)
            if self._last_done() > index:
                return

    def finish(self) -> Iterator[Batch]:
        """Give what the runners held back."""
        index = max(self._last_done(), 0)
        while index < len(self._runners):
            for out in self._runners[index].finish():
                yield from self._feed(index + 1, out)
                if self._last_done() > index:
                    break
            index = max(index + 1, self._last_done())

    def collect(self, documents: Batch) -> Batch:
        """Run documents that are at hand through the whole chain, once."""
        result: Batch = []
        for out in self.push(documents):
            result += out
        for out in self.finish():
            result += out
        return result


class _Link(Protocol):
    """What a chain that waits is made of: runners that wait, and rows of runners that do not."""

    @property
    def done(self) -> bool: ...
    def push(self, batch: Batch) -> AsyncGenerator[Batch, None]: ...
    def finish(self) -> AsyncGenerator[Batch, None]: ...


class AsyncChain:
    """Links some of which wait, in a row.

    Args:
        links: Rows of synchronous runners, and runners that wait.
        run: The run, for pauses.
    """

    __slots__ = ("_links", "_run")

    def __init__(self, links: Sequence[_Link], run: Run) -> None:
        self._links = links
        self._run = run

    @property
    def done(self) -> bool:
        """True when further input is of no use."""
        return self._last_done() >= 0

    def _last_done(self) -> int:
        for index in range(len(self._links) - 1, -1, -1):
            if self._links[index].done:
                return index
        return -1

    def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        """Take a batch and give what comes out at the end."""
        return self._feed(0, batch)

    async def _feed(self, index: int, batch: Batch) -> AsyncGenerator[Batch, None]:
        if not batch:
            return
        if index == len(self._links):
            yield batch
            return
        link = self._links[index]
        if link.done:
            return
        async with aclosing(self._pass(link.push(batch), index)) as results:
            async for result in results:
                yield result

    async def finish(self) -> AsyncGenerator[Batch, None]:
        """Give what the links held back."""
        index = max(self._last_done(), 0)
        while index < len(self._links):
            async with aclosing(self._pass(self._links[index].finish(), index)) as results:
                async for result in results:
                    yield result
            index = max(index + 1, self._last_done())

    async def _pass(self, outputs: AsyncGenerator[Batch, None], index: int) -> AsyncGenerator[Batch, None]:
        """Push what one link gives into the next, as long as the following ones want it."""
        async with aclosing(outputs):
            async for out in outputs:
                if self._run.tired(len(out)):
                    await self._run.pause()
                async with aclosing(self._feed(index + 1, out)) as results:
                    async for result in results:
                        yield result
                if self._last_done() > index:
                    return


class _Row:
    """A row of synchronous runners as a link of a chain that waits."""

    __slots__ = ("_chain",)

    def __init__(self, runners: Sequence[Runner]) -> None:
        self._chain = SyncChain(runners)

    @property
    def done(self) -> bool:
        return self._chain.done

    async def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        for out in self._chain.push(batch):
            yield out

    async def finish(self) -> AsyncGenerator[Batch, None]:
        for out in self._chain.finish():
            yield out


def open_chain(stages: Sequence[Stage], run: Run) -> SyncChain | AsyncChain:
    """Begin a run of several stages.

    Args:
        stages: The stages.
        run: The run.

    Returns:
        The chain, synchronous if every stage is and none but the last multiplies documents.
    """
    links: list[_Link] = []
    row: list[Runner] = []
    for position, stage in enumerate(stages):
        runner = stage.open(run)
        if isinstance(runner, Runner):
            row.append(runner)
            if stage.multiplies and position + 1 < len(stages):
                links.append(_Row(row))
                row = []
            continue
        if row:
            links.append(_Row(row))
            row = []
        links.append(runner)
    if not links:
        return SyncChain(row)
    if row:
        links.append(_Row(row))
    return AsyncChain(links, run)


async def collect(chain: SyncChain | AsyncChain, documents: Batch) -> Batch:
    """Run documents that are at hand through a chain to its end.

    Args:
        chain: A chain that was just opened.
        documents: The documents.

    Returns:
        All that comes out.
    """
    if isinstance(chain, SyncChain):
        return chain.collect(documents)
    result: Batch = []
    async with aclosing(chain.push(documents)) as outputs:
        async for out in outputs:
            result += out
    async with aclosing(chain.finish()) as outputs:
        async for out in outputs:
            result += out
    return result
