"""``$sample`` (manual, "$sample")."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.numbers import as_double, is_numeric
from lexigram.nosql.aggregation.stages.base import Batch, Fields, Run, Runner, Stage, chunks
from lexigram.nosql.aggregation.stages.parsing import Env
from typing_extensions import override

__all__ = ["Sample", "parse_sample"]


class Sample(Stage):
    """Chooses documents at random, each set of that size being as likely as any other, in random order.

    Args:
        size: How many.
    """

    name = "$sample"
    fields = Fields()
    volatile = True
    blocking = True

    def __init__(self, size: int) -> None:
        self.size = size

    @override
    def open(self, run: Run) -> Runner:
        return _Sampling(self.size, run)

    @override
    def describe(self) -> str:
        return f"$sample {self.size}"


class _Sampling(Runner):
    """A reservoir: each document of the source takes a place in it with the right probability."""

    __slots__ = ("_held", "_meter", "_seen", "_size")

    def __init__(self, size: int, run: Run) -> None:
        super().__init__()
        self._size = size
        self._seen = 0
        self._held: Batch = []
        self._meter = run.meter("$sample")

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        room = self._size - len(self._held)
        if room > 0:
            taken = batch[:room]
            self._meter.documents(taken)
            self._held += taken
            self._seen += len(taken)
            batch = batch[room:]
        for document in batch:
            self._seen += 1
            place = random.randrange(self._seen)  # noqa: S311 - a sample is no secret
            if place < self._size:
                self._held[place] = document
        return ()

    @override
    def finish(self) -> Iterable[Batch]:
        random.shuffle(self._held)
        return chunks(self._held)


def parse_sample(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$sample``.

    Args:
        specification: A document with ``size``.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is not a document (28745), has another option (28748), or its size is missing (28749), not a
            number (28746) or not positive (28747).
    """
    if not isinstance(specification, Mapping):
        raise fault(28745, "$sample takes a document with a size")
    size: Any = None
    for name, value in specification.items():  # pyright: ignore[reportUnknownVariableType] - anything
        if name != "size":
            raise fault(28748, f"$sample has no option {str(name)[:64]!r}")  # pyright: ignore[reportUnknownArgumentType]
        if not is_numeric(value):
            raise fault(28746, "the size of $sample must be a number")
        size = as_double(value)
    if size is None:
        raise fault(28749, "$sample needs a size")
    if not size >= 1:
        raise fault(28747, f"the size of $sample must be a positive whole number, not {size}")
    return [Sample(int(min(size, 2**62)))]
