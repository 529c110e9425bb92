"""What every stage is: a compiled description, and a runner for each run.

A :class:`Stage` is made once by the parser, never changes, and may be shared by many runs. ``open`` makes a
:class:`Runner`, which holds the state of one run and works in batches: ``push`` takes a batch and gives what comes of
it at once, ``finish`` gives what was held back. Stages that read or write collections make an :class:`AsyncRunner`.

Documents that come in belong to somebody else, so no stage changes one. A stage that changes fields makes a new dict
that shares the values below; the pipeline's last step copies what leaves, once.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, Final, TypeAlias

from lexigram.nosql.aggregation.context import RunContext
from lexigram.nosql.aggregation.limits import CHUNK, YIELD_EVERY, Meter
from typing_extensions import override

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "AsyncRunner",
    "Batch",
    "Document",
    "Fields",
    "MapStage",
    "Output",
    "Owned",
    "Run",
    "Runner",
    "Stage",
    "Transform",
    "chunks",
]

Document: TypeAlias = dict[str, Any]
Batch: TypeAlias = list[Document]
Transform: TypeAlias = Callable[[Document, Mapping[str, Any]], Document]

NOTHING: Final[frozenset[str]] = frozenset()


class Output(Enum):
    """What a stage's output documents are, for the copies at the end."""

    SAME = "same"
    """The documents that came in, unchanged."""

    NEW = "new"
    """Dicts of their own whose values may belong to others."""

    PARTS = "parts"
    """Dicts that may belong to others, such as a part of a document that came in."""


class Owned(IntEnum):
    """How much of a document belongs to the run, and so need not be copied before it leaves."""

    NOTHING = 0
    TOP = 1
    """The dict itself, but not what its values hold."""
    ALL = 2


@dataclass(frozen=True, slots=True)
class Fields:
    """Which top-level fields a stage reads and changes.

    Attributes:
        reads: Names read to compute something; None for the whole document.
        sets: Names whose old value does not matter, since it is replaced or removed; None when that may be any.
        keeps: True when every other field goes through.
    """

    reads: frozenset[str] | None = NOTHING
    sets: frozenset[str] | None = NOTHING
    keeps: bool = True

    def needed(self, after: frozenset[str] | None) -> frozenset[str] | None:
        """The fields a stage needs to be given so that the fields *after* come out right."""
        if self.reads is None:
            return None
        if not self.keeps:
            return self.reads
        if after is None:
            return None
        return self.reads | (after - self.sets if self.sets is not None else after)


EVERYTHING: Final = Fields(reads=None)


class Run:
    """One run of a pipeline, or of a pipeline within it.

    Attributes:
        context: The surroundings.
        variables: Values of the variables by name, ``NOW`` among them.
        reads: Names of the collections that the whole pipeline reads.
    """

    __slots__ = ("_work", "context", "reads", "variables")

    def __init__(
        self,
        context: RunContext,
        variables: Mapping[str, Any],
        reads: frozenset[str] = NOTHING,
        work: list[int] | None = None,
    ) -> None:
        self.context = context
        self.variables = variables
        self.reads = reads
        self._work = [0] if work is None else work  # shared with the runs within this one

    def within(self, variables: Mapping[str, Any]) -> Run:
        """A run inside this one with more variables."""
        known = {**self.variables, **variables} if variables else self.variables
        return Run(self.context, known, self.reads, self._work)

    def meter(self, stage: str) -> Meter:
        """A count of the memory that a stage of this run holds."""
        return Meter(stage, self.context.memory_limit_bytes)

    def tired(self, documents: int) -> bool:
        """Count work; True when the event loop should have a turn: ``if run.tired(n): await run.pause()``."""
        self._work[0] += documents
        return self._work[0] >= YIELD_EVERY

    async def turn(self, documents: int) -> None:
        """Count work, and let other tasks run if there was much of it."""
        if self.tired(documents):
            await self.pause()

    async def pause(self) -> None:
        """Let other tasks run."""
        self._work[0] = 0
        await asyncio.sleep(0)


class Runner(ABC):
    """The state of one stage in one run.

    Attributes:
        done: True when no further input changes the output; the source is then read no more.
    """

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    @abstractmethod
    def push(self, batch: Batch) -> Iterable[Batch]:
        """Take a batch, which is never empty, and give what comes of it at once."""

    def finish(self) -> Iterable[Batch]:
        """Give what was held back, once, after the last batch."""
        return ()


class AsyncRunner(ABC):
    """The state of one stage that waits for collections.

    Attributes:
        done: As for :class:`Runner`.
    """

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    @abstractmethod
    def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        """Take a batch, which is never empty, and give what comes of it at once."""

    @abstractmethod
    def finish(self) -> AsyncGenerator[Batch, None]:
        """Give what was held back, once, after the last batch."""


class Stage(ABC):
    """A stage, compiled.

    Attributes:
        name: Its name, such as ``$match``.
        output: What its output documents are.
        fields: Which fields it reads and changes.
        collections: Names of the collections it reads.
        variables_needed: Names of the variables it reads.
        volatile: True when two runs on the same input may differ.
        one_to_one: True when each document gives exactly one, at once and in order.
        blocking: True when nothing comes out before everything went in.
        multiplies: True when one document may give very many, so that others must have a turn among them.
    """

    name: str
    output: Output = Output.SAME
    fields: Fields = EVERYTHING
    collections: frozenset[str] = NOTHING
    variables_needed: frozenset[str] = NOTHING
    volatile: bool = False
    one_to_one: bool = False
    blocking: bool = False
    multiplies: bool = False

    def leaves(self, names: frozenset[str]) -> bool:
        """Whether these top-level fields come out as they went in, or stay missing."""
        return self.output is Output.SAME

    def owned(self, before: Owned, source: Owned) -> Owned:
        """How much of the output documents belongs to the run.

        Args:
            before: The same for the input documents.
            source: The same for documents fresh from a collection.
        """
        return before if self.output is Output.SAME else Owned.TOP if self.output is Output.NEW else Owned.NOTHING

    @abstractmethod
    def open(self, run: Run) -> Runner | AsyncRunner:
        """Begin a run."""

    def describe(self) -> str:
        """One line for ``explain()``."""
        return self.name


class MapStage(Stage):
    """A stage that makes one document of each.

    Args:
        name: Its name.
        transform: Makes the new document; it may return the old one if nothing changes, but never changes it.
        fields: Which fields it reads and changes.
        variables_needed: Names of the variables it reads.
        volatile: Whether chance plays a part.
        output: What its output documents are.
        touches: Names of the top-level fields that may come out changed; None where those are not known.
        passes: Names of the top-level fields that come out unchanged, where all others change.
    """

    one_to_one = True

    def __init__(
        self,
        name: str,
        transform: Transform,
        *,
        fields: Fields = EVERYTHING,
        variables_needed: frozenset[str] = NOTHING,
        volatile: bool = False,
        output: Output = Output.NEW,
        touches: frozenset[str] | None = None,
        passes: frozenset[str] = NOTHING,
    ) -> None:
        self.name = name
        self.transform = transform
        self.fields = fields
        self.variables_needed = variables_needed
        self.volatile = volatile
        self.output = output
        self._touches = touches
        self._passes = passes

    @override
    def leaves(self, names: frozenset[str]) -> bool:
        return names <= self._passes if self._touches is None else names.isdisjoint(self._touches)

    @override
    def open(self, run: Run) -> Runner:
        return _Mapping(self.transform, run.variables)


class _Mapping(Runner):
    __slots__ = ("_transform", "_variables")

    def __init__(self, transform: Transform, variables: Mapping[str, Any]) -> None:
        super().__init__()
        self._transform = transform
        self._variables = variables

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        transform, variables = self._transform, self._variables
        return ([transform(document, variables) for document in batch],)


def chunks(documents: Batch) -> Iterator[Batch]:
    """Hand on many documents in batches."""
    for start in range(0, len(documents), CHUNK):
        yield documents[start : start + CHUNK]
