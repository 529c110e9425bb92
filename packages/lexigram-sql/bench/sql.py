"""Measures tables beside the drivers underneath, and beside what others write with, on SQLite and PostgreSQL.

``hatch run bench:sql`` prints times, ratios and targets, and saves ``reports/sql.json`` and ``reports/sql.png``. The
PostgreSQL server is that of ``LEXIGRAM_TEST_POSTGRES_URL``, else one that is started for it as the integration tests
start theirs. Who is measured is in ``contenders.py``, how in ``rounds.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from contenders import CONTENDERS, OPERATIONS, Place
from rich.console import Console
from rich.table import Table
from rounds import Times, WrongAnswerError, measure, ratio

_ROOT = Path(__file__).resolve().parents[3]
_REPOSITORY = "Lexigram repository"
_MOST = {"select_one": 1.0, "insert_one": 1.0, "select_100": 1.4, "insert_1000": 1.2}
"""The most that the repository may take, as a multiple of the driver by itself."""


@dataclass(frozen=True, slots=True)
class Check:
    """A target and what was measured."""

    text: str
    measured: str
    met: bool


class Results:
    """All times of a run.

    Args:
        times: What was measured.
        servers: What each database is.
    """

    def __init__(self, times: Sequence[Times], servers: dict[str, str]) -> None:
        self.times = list(times)
        self.servers = servers
        self._found = {(one.database, one.operation, one.contender): one for one in times}

    def find(self, database: str, operation: str, contender: str) -> Times | None:
        """The times of one contender, or None."""
        return self._found.get((database, operation, contender))

    def ratio(self, database: str, operation: str, one: str, to: str, clock: str = "wall") -> float | None:
        """How many times as long one contender takes as another, or None."""
        mine, theirs = self.find(database, operation, one), self.find(database, operation, to)
        return None if mine is None or theirs is None else ratio(mine, theirs, clock)

    def checks(self) -> list[Check]:
        """The targets that this run can judge."""
        found: list[Check] = []
        for database, kinds in CONTENDERS.items():
            for operation, name in OPERATIONS.items():
                measured = self.ratio(database, operation, _REPOSITORY, kinds[0].name)
                if measured is None:
                    continue
                most = _MOST.get(operation)
                if most is not None:
                    text = f"{database}, {name}: repository at most {most}x the driver"
                    found.append(Check(text, f"{measured:.2f}x", measured <= most))
                peers = [kind.name for kind in kinds[1:] if not kind.ours]
                ratios = {peer: self.ratio(database, operation, _REPOSITORY, peer) or 0.0 for peer in peers}
                closest = max(ratios, key=lambda peer: ratios[peer])
                text = f"{database}, {name}: repository ahead of every peer; closest is {closest}"
                found.append(Check(text, f"{ratios[closest]:.2f}x", ratios[closest] < 1.0))
        return found


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if seconds < 1e-2 else f"{seconds * 1e3:,.1f} ms"


def _table(results: Results, database: str, clock: str, title: str) -> Table:
    kinds = CONTENDERS[database]
    table = Table(title=title)
    table.add_column("operation")
    for kind in kinds:
        table.add_column(kind.name, justify="right")
    for operation, name in OPERATIONS.items():
        row = [name]
        for kind in kinds:
            times = results.find(database, operation, kind.name)
            if times is not None:
                of = results.ratio(database, operation, kind.name, kinds[0].name, clock)
                row.append(f"{_time(median(getattr(times, clock)))} ({of:.2f}x)")
        if len(row) > 1:
            table.add_row(*row)
    return table


def _print(console: Console, results: Results) -> None:
    for database, server in results.servers.items():
        console.print(_table(results, database, "wall", f"Median time of a call on {server} (to the driver)"))
        console.print(_table(results, database, "cpu", f"Processor time of this process on {server}"))
    table = Table(title="Targets")
    for heading in ("target", "measured", "met"):
        table.add_column(heading)
    for check in results.checks():
        table.add_row(check.text, check.measured, "yes" if check.met else "[bold red]no[/]")
    console.print(table)


def _save(results: Results, folder: Path) -> None:
    """Save every measured time with what it was measured on, and a plot of the ratios."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "servers": results.servers,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "contenders": {name: [kind.described() for kind in kinds] for name, kinds in CONTENDERS.items()},
        "times": [asdict(one) for one in results.times],
        "targets": [asdict(check) for check in results.checks()],
    }
    (folder / "sql.json").write_text(json.dumps(data, indent=1), encoding="utf-8")
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(results.servers), 1, figsize=(12, 9), layout="constrained", squeeze=False)
    for (database, server), plot in zip(results.servers.items(), axes[:, 0], strict=True):
        _plot(results, database, server, plot)
    axes[0, 0].legend(ncols=4, loc="upper right", fontsize="small")
    figure.savefig(folder / "sql.png", dpi=120)
    pyplot.close(figure)


def _plot(results: Results, database: str, server: str, plot: Any) -> None:
    kinds = CONTENDERS[database]
    shown = [name for name in OPERATIONS if results.find(database, name, kinds[0].name) is not None]
    width = 0.8 / len(kinds)
    for position, kind in enumerate(kinds):
        ratios = [results.ratio(database, name, kind.name, kinds[0].name) or 0.0 for name in shown]
        plot.bar([place + position * width for place in range(len(shown))], ratios, width, label=kind.name)
    plot.set_title(server)
    plot.set_ylabel("time, x of the driver by itself")
    plot.set_yscale("log", base=2)
    plot.set_xticks([place + 0.4 - width / 2 for place in range(len(shown))])
    plot.set_xticklabels([OPERATIONS[name] for name in shown])
    plot.axhline(1.0, color="black", linewidth=0.8)
    plot.grid(axis="y", alpha=0.3)
    plot.set_axisbelow(True)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench:sql", description="Measure tables beside drivers and peers.")
    parser.add_argument("--only", action="append", choices=list(OPERATIONS), metavar="OPERATION")
    parser.add_argument("--database", action="append", choices=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=25, help="rounds of each operation")
    parser.add_argument("--seconds", type=float, default=0.15, help="about how long one round of the slowest takes")
    parser.add_argument("--quick", action="store_true", help="few short rounds")
    parser.add_argument("--servers", default="auto", choices=("auto", "docker", "process", "env"))
    parser.add_argument("--output", type=Path, default=_ROOT / "reports", help="folder for the JSON and the plot")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure, show and save.

    Args:
        arguments: The command line without the program's name.

    Returns:
        0; 1 when a contender gave a wrong answer.
    """
    sys.path.insert(0, str(_ROOT / "tests-integration"))
    from servers.finding import find
    from servers.postgres import POSTGRES

    asked = _arguments(arguments)
    rounds, seconds = (5, 0.03) if asked.quick else (asked.rounds, asked.seconds)
    console = Console()
    times: list[Times] = []
    servers: dict[str, str] = {}
    with ExitStack() as stack:
        for database in asked.database or list(CONTENDERS):
            if database == "sqlite":
                memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lexigram-bench-", dir=memory))
                place, servers[database] = Place(database, f"{folder}/bench.db"), _sqlite()
            else:
                server = find(POSTGRES, asked.servers, stack)
                place, servers[database] = Place(database, server.endpoint), str(server.product)
            with console.status("") as status:
                try:
                    chosen = asked.only or list(OPERATIONS)
                    times += asyncio.run(measure(place, chosen, rounds, seconds, status.update))
                except WrongAnswerError as error:
                    console.print(f"[bold red]{error}[/]")
                    return 1
    results = Results(times, servers)
    _print(console, results)
    _save(results, asked.output)
    console.print(f"Saved sql.json and sql.png in {asked.output}")
    return 0


def _sqlite() -> str:
    import sqlite3

    return f"SQLite {sqlite3.sqlite_version}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
