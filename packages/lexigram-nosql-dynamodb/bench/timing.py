"""Measures contenders side by side, on one server.

The contenders take turns within every round, another one first each time, so that what else the machine does falls on
all alike. A ratio is that of the same round: the median of these says more than the ratio of two medians. Beside the
time on the clock, the processor time of this process is taken: what the client side costs, threads included. Before a
read is timed, every contender must give the same documents; and the requests of one call are counted where they can be.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from time import perf_counter, process_time
from typing import Any

from clients import CONTENDERS, OPERATIONS, Contender

__all__ = ["Measurement", "Results", "WrongAnswerError", "measure"]

_READS = frozenset({"get", "batch_100", "query_100", "concurrent_16"})
_NOT_OF_THE_DOCUMENT = frozenset({"_id", "pk", "sk", "updates"})


class WrongAnswerError(Exception):
    """A contender's answer differs."""


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


def _shown(answer: Any) -> Any:
    """An answer in a form that all contenders' have in common: in whatever order, numbers as floats."""
    if isinstance(answer, list):
        return sorted((_shown(item) for item in answer), key=lambda item: str(item["sku"]))
    return {name: _plain(value) for name, value in sorted(answer.items()) if name not in _NOT_OF_THE_DOCUMENT}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, int | float | Decimal) else value


async def _round(contender: Contender, operation: str, first: int, calls: int) -> tuple[float, float]:
    call: Callable[[int], Any] = getattr(contender, operation)
    wall, cpu = perf_counter(), process_time()
    for number in range(first, first + calls):
        await call(number)
    return (perf_counter() - wall) / calls, (process_time() - cpu) / calls


async def measure(
    url: str, names: Sequence[str], rounds: int, seconds: float, tell: Callable[[str], None]
) -> list[Measurement]:
    """Measure operations.

    Args:
        url: Where the server is.
        names: The operations.
        rounds: Rounds of each.
        seconds: About how long a round of one contender takes.
        tell: Told what is being done.

    Raises:
        WrongAnswerError: A contender's answer is not that of the first.
    """
    contenders = [kind(url) for kind in CONTENDERS]
    opened: list[Contender] = []
    measurements: list[Measurement] = []
    try:
        for contender in contenders:
            tell(f"opening {contender.name}")
            await contender.open()
            opened.append(contender)
        for operation in (name for name in OPERATIONS if name in names):
            measurements += await _measure(operation, contenders, rounds, seconds, tell)
    finally:
        for contender in opened:
            await contender.close()
    return measurements


async def _measure(
    operation: str, contenders: Sequence[Contender], rounds: int, seconds: float, tell: Callable[[str], None]
) -> list[Measurement]:
    tell(f"{operation}: first calls")
    expected: Any = None
    for place, contender in enumerate(contenders):
        given = await getattr(contender, operation)(1)
        answer = _shown(given) if operation in _READS else None
        if place == 0:
            expected = answer
        elif answer != expected:
            raise WrongAnswerError(f"{operation}: {contender.name} says {answer!r:.300}, not {expected!r:.300}")
    # The same number of calls for all, so that a round is the same piece of work.
    slowest = max([(await _round(contender, operation, 2, 3))[0] for contender in contenders])
    calls = max(1, min(2000, round(seconds / slowest)))
    found = {contender.name: Measurement(operation, contender.name, calls) for contender in contenders}
    for contender in contenders:
        before = contender.requests()
        await getattr(contender, operation)(999)
        after = contender.requests()
        if before is not None and after is not None:
            found[contender.name].requests = after - before
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
    return list(found.values())
