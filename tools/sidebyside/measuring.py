"""Measures contenders in turns.

The contenders take turns within every round, another one first each time, so that what else the machine does falls on
all alike. A ratio is that of the same round: the median of these says more than the ratio of two medians. Beside the
time on the clock, the processor time of this process is taken: what the client side costs, threads included. Before
anything is timed, every contender must give the same answer; and the requests of one call are counted where they can
be.
"""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter, process_time
from typing import Any, ClassVar

__all__ = ["Contender", "Measurement", "Results", "WrongAnswerError", "measure"]


class WrongAnswerError(Exception):
    """A contender's answer differs."""


class Contender(ABC):
    """One of those measured. Each operation is a method that takes a number which no other call of it had.

    Attributes:
        name: How the tables call it.
        package: The distribution whose version is noted.
        raw: The name of the contender that it is compared with; None for those that others are compared with.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    raw: ClassVar[str | None] = None

    @abstractmethod
    async def open(self) -> None:
        """Connect, and store the documents that are read."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    async def clear(self) -> None:  # noqa: B027 - nothing to do is what most have to do
        """Remove what was inserted. A contender that does not mind how much there is does nothing."""

    def requests(self) -> int | None:
        """How many requests have been sent; None where they cannot be counted."""
        return None


@dataclass(slots=True)
class Measurement:
    """The times of one contender at one operation.

    Attributes:
        operation: Name of the operation.
        contender: Name of the contender.
        calls: Calls in each round.
        requests: Requests that one call sends; None where they cannot be counted.
        wall: Seconds of a call, for each round.
        cpu: Seconds of this process's processor time of a call, for each round.
    """

    operation: str
    contender: str
    calls: int
    requests: int | None = None
    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


class Results:
    """All measurements of a run.

    Args:
        measurements: What was measured.
    """

    def __init__(self, measurements: Sequence[Measurement]) -> None:
        self.measurements = list(measurements)
        self._found = {(one.operation, one.contender): one for one in measurements}

    def find(self, operation: str, contender: str) -> Measurement | None:
        """A measurement, or None."""
        return self._found.get((operation, contender))

    def ratio(self, operation: str, contender: str, to: str, clock: str) -> float | None:
        """How many times as long a contender takes as another, by ``wall`` or ``cpu``: the median over the rounds."""
        one, other = self.find(operation, contender), self.find(operation, to)
        if one is None or other is None:
            return None
        pairs = zip(getattr(one, clock), getattr(other, clock), strict=True)
        return median([a / b for a, b in pairs])


async def _round(contender: Contender, operation: str, first: int, calls: int) -> tuple[float, float]:
    call: Callable[[int], Any] = getattr(contender, operation)
    wall, cpu = perf_counter(), process_time()
    for number in range(first, first + calls):
        await call(number)
    return (perf_counter() - wall) / calls, (process_time() - cpu) / calls


async def measure(
    contenders: Sequence[Contender],
    operations: Sequence[str],
    shown: Callable[[str, Any], Any],
    rounds: int,
    seconds: float,
    tell: Callable[[str], None],
) -> list[Measurement]:
    """Measure operations.

    Args:
        contenders: Who is measured.
        operations: The names of their methods.
        shown: Gets an operation and an answer; gives it in the form that all contenders have in common.
        rounds: Rounds of each.
        seconds: About how long a round of one contender takes.
        tell: Told what is being done.

    Raises:
        WrongAnswerError: A contender's answer is not that of the first.
    """
    opened: list[Contender] = []
    measurements: list[Measurement] = []
    try:
        for contender in contenders:
            tell(f"opening {contender.name}")
            opened.append(contender)
            await contender.open()
        for operation in operations:
            tell(f"{operation}: first calls")
            counts = await _compare(operation, contenders, shown)
            measurements += await _measure(operation, contenders, counts, rounds, seconds, tell)
    finally:
        for contender in opened:
            await contender.close()
    return measurements


async def _compare(
    operation: str, contenders: Sequence[Contender], shown: Callable[[str, Any], Any]
) -> dict[str, int | None]:
    """See that the answers are the same, and count the requests of one call of each."""
    counts: dict[str, int | None] = {}
    expected: Any = None
    for place, contender in enumerate(contenders):
        call: Callable[[int], Any] = getattr(contender, operation)
        answer = shown(operation, await call(0))
        if place == 0:
            expected = answer
        elif answer != expected:
            raise WrongAnswerError(f"{operation}: {contender.name} says {answer!r:.300}, not {expected!r:.300}")
        before = contender.requests()
        await call(1)
        after = contender.requests()
        counts[contender.name] = None if before is None or after is None else after - before
    return counts


async def _measure(
    operation: str,
    contenders: Sequence[Contender],
    counts: dict[str, int | None],
    rounds: int,
    seconds: float,
    tell: Callable[[str], None],
) -> list[Measurement]:
    # The same number of calls for all, so that a round is the same piece of work.
    slowest = max([(await _round(contender, operation, 2, 3))[0] for contender in contenders])
    calls = max(1, min(2000, round(seconds / slowest)))
    found = {
        contender.name: Measurement(operation, contender.name, calls, counts[contender.name])
        for contender in contenders
    }
    number = 1000
    for turn in range(rounds):
        tell(f"{operation}: round {turn + 1} of {rounds}")
        start = turn % len(contenders)
        for contender in (*contenders[start:], *contenders[:start]):
            gc.collect()
            wall, cpu = await _round(contender, operation, number, calls)
            found[contender.name].wall.append(wall)
            found[contender.name].cpu.append(cpu)
            number += calls
        for contender in contenders:
            await contender.clear()
    return list(found.values())
