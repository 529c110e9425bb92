"""Measures contenders side by side.

The contenders take turns within every round, so that what else the machine does falls on all of them alike, and the
median of the rounds is what counts. A round of a fast operation is many calls, enough for a few milliseconds. A slow
contender stops taking part when it has used up its time; the number of its rounds is reported. Before anything is
timed, every contender must give the loop's answer.

The garbage collector rests while a round is timed and runs between rounds, for all contenders alike, as with Python's
``timeit``: when it runs depends on what the whole process has allocated, so one contender would pay for another.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from contenders import CONTENDERS, Contender, Limit
from workload import OPERATIONS, Operation, Workload

__all__ = ["AWAIT", "Budget", "Measurement", "WrongAnswerError", "measure"]

AWAIT = "asyncio.sleep(0)"
_LONGEST = 120.0


class WrongAnswerError(Exception):
    """A contender's answer is not the loop's."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long measuring may take.

    Attributes:
        rounds: Rounds of a contender that is fast enough.
        round_seconds: About how long one round of a fast operation takes.
        contender_seconds: Time after which a contender takes no part in further rounds of an operation.
        clock: Tells the time: ``perf_counter``, or ``process_time`` where others use the machine.
    """

    rounds: int = 21
    round_seconds: float = 0.02
    contender_seconds: float = 5.0
    clock: Callable[[], float] = perf_counter


@dataclass(slots=True)
class Measurement:
    """The times of one contender at one operation.

    Attributes:
        size: How many documents there were.
        operation: Name of the operation.
        contender: Name of the contender.
        calls: Calls in each round.
        seconds: Time per call, for each round.
        cannot: Why it was not measured, or None.
    """

    size: int
    operation: str
    contender: str
    calls: int = 0
    seconds: list[float] = field(default_factory=list[float])
    cannot: str | None = None

    @property
    def median(self) -> float:
        """The median time of a call, in seconds."""
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """The distance between the quartiles as a part of the median."""
        if len(self.seconds) < 4:
            return 0.0
        low, _, high = quantiles(self.seconds, n=4)
        return (high - low) / self.median


class _Runner:
    """Runs one operation of one contender.

    Args:
        measurement: Where the times go.
        call: The contender's method.
        budget: How long it may take.
    """

    def __init__(self, measurement: Measurement, call: Callable[[int], Any], budget: Budget) -> None:
        self.measurement = measurement
        self._call = call
        self._is_async = inspect.iscoroutinefunction(call)
        self._position = 0
        self._budget = budget
        self.used = 0.0

    async def answer(self) -> Any:
        """Call once; where that takes all of the contender's time, it is its only round."""
        clock = self._budget.clock
        start = clock()
        result = self._call(0)
        if self._is_async:
            result = await result
        taken = clock() - start
        if taken > self._budget.contender_seconds:
            self.used = taken
            self.measurement.calls = 1
            self.measurement.seconds.append(taken)
        return result

    async def run(self, calls: int) -> float:
        """Call so often, and say how long it took."""
        call, clock, numbers = self._call, self._budget.clock, range(self._position, self._position + calls)
        self._position += calls
        gc.collect(1)
        gc.disable()
        try:
            if self._is_async:
                start = clock()
                for number in numbers:
                    await call(number)
                return clock() - start
            start = clock()
            for number in numbers:
                call(number)
            return clock() - start
        finally:
            gc.enable()

    async def settle(self) -> None:
        """Find out how many calls make a round."""
        if self.measurement.calls:
            return
        calls, round_seconds = 1, self._budget.round_seconds
        while True:
            taken = await self.run(calls)
            self.used += taken
            if taken >= round_seconds / 4 or calls >= 10_000:
                break
            calls *= 4
        self.measurement.calls = max(1, min(20_000, round(calls * round_seconds / max(taken, 1e-9))))

    async def take_round(self) -> None:
        """Time one round."""
        taken = await self.run(self.measurement.calls)
        self.used += taken
        self.measurement.seconds.append(taken / self.measurement.calls)


async def _bare_await(_: int) -> None:
    await asyncio.sleep(0)


def _shown(answer: Any) -> str:
    text = repr(answer)
    return text if len(text) < 300 else f"{text[:300]}... ({len(text)} characters)"


def _too_slow(size: int, operation: str, contender: str, before: Sequence[Measurement]) -> str | None:
    """Why something is not tried: at a smaller size it was so slow that, if its time is quadratic, it takes minutes."""
    for one in before:
        if (one.operation, one.contender) == (operation, contender) and one.seconds and one.median > 1:
            expected = one.median * (size / one.size) ** 2
            if expected > _LONGEST:
                return f"not tried: {one.median:.0f} s at {one.size:,}"
    return None


async def _measure_operation(
    operation: Operation, size: int, contenders: Sequence[Contender], budget: Budget, before: Sequence[Measurement]
) -> list[Measurement]:
    measurements: list[Measurement] = []
    runners: list[_Runner] = []
    expected: Any = None
    for contender in contenders:
        reason = contender.cannot.get(operation.name) or _too_slow(size, operation.name, contender.name, before)
        measurement = Measurement(size, operation.name, contender.name, cannot=reason)
        measurements.append(measurement)
        if reason is not None:
            continue
        runner = _Runner(measurement, getattr(contender, operation.name), budget)
        answer = await runner.answer()
        if isinstance(contender, Limit):
            expected = answer
        elif answer != expected:
            raise WrongAnswerError(
                f"{operation.name}: {contender.name} says {_shown(answer)}, the loop says {_shown(expected)}"
            )
        runners.append(runner)
    if operation.single:
        measurement = Measurement(size, operation.name, AWAIT)
        measurements.append(measurement)
        runners.append(_Runner(measurement, _bare_await, budget))
    for runner in runners:
        await runner.settle()
    for _ in range(budget.rounds):
        for runner in runners:
            if runner.measurement.seconds and runner.used > budget.contender_seconds:
                continue
            await runner.take_round()
    return measurements


async def measure(
    work: Workload,
    names: Sequence[str],
    budget: Budget,
    before: Sequence[Measurement],
    tell: Callable[[str], None],
) -> list[Measurement]:
    """Measure operations on one size of data.

    Args:
        work: The documents and requests.
        names: The operations.
        budget: How long it may take.
        before: What was measured on smaller sizes; what was hopeless there is left out.
        tell: Told what is being done.

    Returns:
        A measurement for each operation and contender, and of a bare await beside the operations on one document.

    Raises:
        WrongAnswerError: A contender's answer is not the loop's.
    """
    contenders = [contender(work) for contender in CONTENDERS]
    for contender in contenders:
        tell(f"{work.size} documents: loading {contender.name}")
        await contender.load()
    # What is loaded stays: the collector need not look at it again during everybody's turns.
    gc.collect()
    gc.freeze()
    measurements: list[Measurement] = []
    try:
        for operation in OPERATIONS:
            if operation.name in names:
                tell(f"{work.size} documents: {operation.name}")
                measurements += await _measure_operation(operation, work.size, contenders, budget, before)
    finally:
        gc.unfreeze()
        for contender in contenders:
            await contender.close()
    return measurements
