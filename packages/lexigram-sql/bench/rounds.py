"""Takes the times of contenders in turns, so that what else the machine does falls on all alike.

Another contender is first in every round. A ratio is taken between times of the same round; the median of these says
more than the ratio of two medians. Before anything is timed, everyone must give the same answer.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from statistics import median
from time import perf_counter, process_time
from typing import Any

from contenders import CONTENDERS, OPERATIONS, Contender, Place, clear, create_table

__all__ = ["Times", "WrongAnswerError", "measure", "ratio"]

_NAMES = ("id", "sku", "name", "price", "quantity", "active")


class WrongAnswerError(Exception):
    """A contender's answer is not that of the driver."""


@dataclass(slots=True)
class Times:
    """What one contender took for one operation.

    Attributes:
        database: ``sqlite`` or ``postgres``.
        operation: Which operation.
        contender: Whose times these are.
        calls: Calls in each round.
        wall: Seconds of a call, for each round.
        cpu: Seconds of this process's processor time of a call, threads of drivers included.
    """

    database: str
    operation: str
    contender: str
    calls: int
    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


def ratio(one: Times, to: Times, clock: str) -> float:
    """How many times as long one takes as another, by ``wall`` or ``cpu``."""
    return median([mine / theirs for mine, theirs in zip(getattr(one, clock), getattr(to, clock), strict=True)])


def _plain(answer: Any) -> Any:
    """An answer as tuples, whatever kind of row it is of."""
    if isinstance(answer, list | tuple) and answer and not isinstance(answer[0], str | int | float):
        return [_plain(one) for one in answer]
    if is_dataclass(answer) and not isinstance(answer, type):
        answer = asdict(answer)
    if hasattr(answer, "keys"):
        answer = [answer[name] for name in _NAMES]
    elif not isinstance(answer, list | tuple):
        answer = [getattr(answer, name) for name in _NAMES]
    return (*answer[:-1], bool(answer[-1]))


async def _check(operation: str, contenders: Sequence[Contender]) -> None:
    expected: Any = None
    for contender in contenders:
        given = await getattr(contender, operation)(6)
        answer = _plain(given) if operation.startswith("select") else isinstance(given, int)
        if operation not in ("select_one", "select_100", "insert_one"):
            continue
        if expected is None:
            expected = answer
        elif answer != expected:
            raise WrongAnswerError(f"{operation}: {contender.name} says {answer!r:.200}, not {expected!r:.200}")


async def _round(contender: Contender, operation: str, first: int, calls: int) -> tuple[float, float]:
    call: Callable[[int], Any] = getattr(contender, operation)
    wall, cpu = perf_counter(), process_time()
    for number in range(first, first + calls):
        await call(number)
    return (perf_counter() - wall) / calls, (process_time() - cpu) / calls


async def measure(
    place: Place, names: Sequence[str], rounds: int, seconds: float, tell: Callable[[str], None]
) -> list[Times]:
    """Measure operations on one database.

    Args:
        place: Where it is.
        names: The operations.
        rounds: Rounds of each.
        seconds: About how long a round of the slowest contender takes.
        tell: Told what is being done.

    Raises:
        WrongAnswerError: A contender's answer is not that of the first.
    """
    await create_table(place)
    contenders = [kind(place) for kind in CONTENDERS[place.kind]]
    opened: list[Contender] = []
    found: list[Times] = []
    try:
        for contender in contenders:
            tell(f"{place.kind}: opening {contender.name}")
            await contender.open()
            opened.append(contender)
        for operation in (name for name in OPERATIONS if name in names):
            found += await _measure(place, operation, contenders, rounds, seconds, tell)
    finally:
        for contender in opened:
            await contender.close()
    return found


async def _measure(
    place: Place,
    operation: str,
    contenders: Sequence[Contender],
    rounds: int,
    seconds: float,
    tell: Callable[[str], None],
) -> list[Times]:
    await _check(operation, contenders)
    slowest = max([(await _round(contender, operation, 1, 3))[0] for contender in contenders])
    calls = max(1, min(1000, round(seconds / slowest)))
    found = [Times(place.kind, operation, contender.name, calls) for contender in contenders]
    turns = list(zip(contenders, found, strict=True))
    number = 1000
    for turn in range(rounds):
        tell(f"{place.kind}: {OPERATIONS[operation]}, round {turn + 1} of {rounds}")
        start = turn % len(turns)
        for contender, times in (*turns[start:], *turns[:start]):
            gc.collect()
            wall, cpu = await _round(contender, operation, number, calls)
            times.wall.append(wall)
            times.cpu.append(cpu)
            number += calls
            if operation == "insert_1000":
                await clear(place)
        await clear(place)
    return found
