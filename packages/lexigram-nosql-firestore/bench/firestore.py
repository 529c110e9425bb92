"""Measures the store on Firestore beside Google's ``AsyncClient``.

``hatch run bench:firestore`` prints times, processor times, ratios, numbers of requests and targets, and saves
``reports/firestore.json``. The emulator is that of ``LEXIGRAM_TEST_FIRESTORE_HOST``, else one that is started as the
integration tests start theirs. Who is measured is in ``clients.py``.

The contenders take turns within every round, another one first each time, so that what else the machine does falls on
both alike; a ratio is the median of those of the rounds. Before anything is timed, both must give the same answer.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from clients import CONTENDERS, OPERATIONS, Contender, Ours, Sdk
from rich.console import Console
from rich.table import Table

_ROOT = Path(__file__).resolve().parents[3]


class WrongAnswerError(Exception):
    """The contenders' answers differ, or one sends more requests than needed."""


@dataclass(slots=True)
class Measurement:
    """The times of one contender at one operation, in seconds of a call, for each round.

    Attributes:
        operation: Name of the operation.
        contender: Name of the contender.
        calls: Calls in each round.
        requests: Requests of one call.
        wall: Times on the clock.
        cpu: Processor times of this process.
    """

    operation: str
    contender: str
    calls: int
    requests: float
    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


async def _round(contender: Contender, operation: str, first: int, calls: int) -> tuple[float, float]:
    call: Callable[[int], Any] = getattr(contender, operation)
    wall, cpu = perf_counter(), process_time()
    for number in range(first, first + calls):
        await call(number)
    return (perf_counter() - wall) / calls, (process_time() - cpu) / calls


def _by_id(answer: Any) -> Any:
    return sorted(answer, key=lambda found: found["_id"]) if isinstance(answer, list) else answer


async def _compare(operation: str, contenders: Sequence[Contender]) -> dict[str, float]:
    """See that the answers are the same, and count the requests of one call of each."""
    answers: list[Any] = []
    counts: dict[str, float] = {}
    for contender in contenders:
        await getattr(contender, operation)(0)
        before = contender.requests
        answers.append(_by_id(await getattr(contender, operation)(1)))
        counts[contender.name] = contender.requests - before
    if any(answer != answers[0] for answer in answers):
        raise WrongAnswerError(f"{operation}: the answers differ")
    if counts[Ours.name] != OPERATIONS[operation].requests:
        raise WrongAnswerError(f"{operation}: {counts[Ours.name]} requests, {OPERATIONS[operation].requests} would do")
    return counts


async def measure(
    place: str, names: Sequence[str], rounds: int, seconds: float, tell: Callable[[str], None]
) -> list[Measurement]:
    """Measure operations.

    Args:
        place: Where the emulator is.
        names: The operations.
        rounds: Rounds of each.
        seconds: About how long a round of one contender takes.
        tell: Told what is being done.

    Raises:
        WrongAnswerError: See there.
    """
    contenders = [kind(place) for kind in CONTENDERS]
    measured: list[Measurement] = []
    try:
        for contender in contenders:
            await contender.open()
        number = 1000
        for operation in (name for name in OPERATIONS if name in names):
            counts = await _compare(operation, contenders)
            slowest = max([(await _round(contender, operation, 2, 3))[0] for contender in contenders])
            calls = max(1, min(2000, round(seconds / slowest)))
            found = {
                contender.name: Measurement(operation, contender.name, calls, counts[contender.name])
                for contender in contenders
            }
            for turn in range(rounds):
                tell(f"{operation}: round {turn + 1} of {rounds}")
                for contender in contenders if turn % 2 else contenders[::-1]:
                    gc.collect()
                    wall, cpu = await _round(contender, operation, number, calls)
                    found[contender.name].wall.append(wall)
                    found[contender.name].cpu.append(cpu)
                    number += calls + 16
            measured += found.values()
    finally:
        for contender in contenders:
            await contender.close()
    return measured


def _ratio(found: dict[tuple[str, str], Measurement], operation: str, clock: str) -> float:
    ours, theirs = found[operation, Ours.name], found[operation, Sdk.name]
    return median([a / b for a, b in zip(getattr(ours, clock), getattr(theirs, clock), strict=True)])


def _show(console: Console, measured: Sequence[Measurement], product: str) -> list[dict[str, Any]]:
    found = {(one.operation, one.contender): one for one in measured}
    table = Table(title=f"Median of a call on {product}; in brackets: to AsyncClient")
    headings = ("operation", "AsyncClient", "Lexigram", "AsyncClient, CPU", "Lexigram, CPU", "requests", "target")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "operation" else "right")
    targets: list[dict[str, Any]] = []
    for name, operation in OPERATIONS.items():
        if (name, Sdk.name) not in found:
            continue
        theirs, ours = found[name, Sdk.name], found[name, Ours.name]
        wall, cpu = _ratio(found, name, "wall"), _ratio(found, name, "cpu")
        told = ""
        if operation.target is not None:
            met = wall <= operation.target
            targets.append({"operation": name, "most": operation.target, "wall": wall, "cpu": cpu, "met": met})
            told = f"{operation.target}x: {'met' if met else 'not met'}"
        table.add_row(
            operation.title,
            f"{median(theirs.wall) * 1e3:.2f} ms",
            f"{median(ours.wall) * 1e3:.2f} ms ({wall:.2f}x)",
            f"{median(theirs.cpu) * 1e3:.2f} ms",
            f"{median(ours.cpu) * 1e3:.2f} ms ({cpu:.2f}x)",
            f"{theirs.requests:.0f} / {ours.requests:.0f}",
            told,
        )
    console.print(table)
    return targets


def main(arguments: Sequence[str]) -> int:
    """Measure, show and save.

    Args:
        arguments: The command line without the program's name.

    Returns:
        0; 1 when the answers differ or more requests are sent than needed.
    """
    sys.path.insert(0, str(_ROOT / "tests-integration"))
    from servers.finding import find
    from servers.firestore import FIRESTORE

    parser = argparse.ArgumentParser(prog="bench:firestore", description="Measure the store on Firestore.")
    parser.add_argument("--only", action="append", choices=list(OPERATIONS), metavar="OPERATION")
    parser.add_argument("--rounds", type=int, default=31, help="rounds of each operation")
    parser.add_argument("--seconds", type=float, default=0.2, help="about how long one round takes")
    parser.add_argument("--quick", action="store_true", help="few short rounds")
    parser.add_argument("--servers", default="auto", choices=("auto", "docker", "process", "env"))
    parser.add_argument("--output", type=Path, default=_ROOT / "reports", help="folder for the JSON")
    asked = parser.parse_args(arguments)
    rounds, seconds = (5, 0.1) if asked.quick else (asked.rounds, asked.seconds)
    console = Console()
    with ExitStack() as stack:
        server = find(FIRESTORE, asked.servers, stack)
        with console.status("") as status:
            try:
                measured = asyncio.run(
                    measure(server.endpoint, asked.only or list(OPERATIONS), rounds, seconds, status.update)
                )
            except WrongAnswerError as error:
                console.print(f"[bold red]{error}[/]")
                return 1
    targets = _show(console, measured, str(server.product))
    asked.output.mkdir(parents=True, exist_ok=True)
    data = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "server": str(server.product),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "versions": {name: version(name) for name in ("google-cloud-firestore", "grpcio", "protobuf")},
        "measurements": [asdict(one) for one in measured],
        "targets": targets,
    }
    file = asked.output / "firestore.json"
    file.write_text(json.dumps(data, indent=1), encoding="utf-8")
    console.print(f"Saved {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
