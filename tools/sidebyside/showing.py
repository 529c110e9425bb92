"""Shows measurements: tables, the targets and whether they are met, a plot, and everything as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from sidebyside.measuring import Contender, Results

__all__ = ["Check", "common_checks", "print_results", "save_json", "save_plot"]


@dataclass(frozen=True, slots=True)
class Check:
    """A target and what was measured."""

    text: str
    measured: str
    met: bool


def common_checks(
    results: Results, ours: type[Contender], most: Mapping[str, float], optimum: Mapping[str, int]
) -> list[Check]:
    """Judge time and requests beside the client by itself.

    Args:
        results: What was measured.
        ours: Who is judged; it names the client that it is compared with.
        most: The most time that each operation may take, as a part of that client's.
        optimum: The requests that the hand-written way sends, by operation.

    Returns:
        The targets of the operations that were measured.
    """
    found: list[Check] = []
    for operation, limit in most.items():
        ratio = None if ours.raw is None else results.ratio(operation, ours.name, ours.raw, "wall")
        if ratio is not None:
            found.append(
                Check(f"{operation}: at most {limit}x the time of {ours.raw}", f"{ratio:.3f}x", ratio <= limit)
            )
    for operation, requests in optimum.items():
        measured = results.find(operation, ours.name)
        if measured is not None and measured.requests is not None:
            text = f"{operation}: as many requests as written by hand, {requests}"
            found.append(Check(text, str(measured.requests), measured.requests == requests))
    return found


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if seconds < 1e-2 else f"{seconds * 1e3:,.1f} ms"


def _table(
    results: Results,
    operations: Mapping[str, str],
    contenders: Sequence[type[Contender]],
    text: Callable[[str, type[Contender]], str | None],
    title: str,
) -> Table:
    table = Table(title=title)
    table.add_column("operation")
    for kind in contenders:
        table.add_column(kind.name, justify="right")
    for operation, name in operations.items():
        cells = [text(operation, kind) for kind in contenders if results.find(operation, kind.name) is not None]
        if cells:
            table.add_row(name, *(cell or "" for cell in cells))
    return table


def print_results(
    console: Console,
    results: Results,
    operations: Mapping[str, str],
    contenders: Sequence[type[Contender]],
    checks: Sequence[Check],
    server: str,
) -> None:
    """Print times, ratios, requests and targets.

    Args:
        console: Where to.
        results: What was measured.
        operations: What the tables call each operation.
        contenders: Who was measured, in the order of the columns.
        checks: The targets.
        server: What it was measured on.
    """

    def timed(clock: str) -> Callable[[str, type[Contender]], str]:
        def text(operation: str, kind: type[Contender]) -> str:
            found = results.find(operation, kind.name)
            told = "" if found is None else _time(median(getattr(found, clock)))
            ratio = None if kind.raw is None else results.ratio(operation, kind.name, kind.raw, clock)
            return told if ratio is None else f"{told} ({ratio:.2f}x)"

        return text

    def requests(operation: str, kind: type[Contender]) -> str | None:
        found = results.find(operation, kind.name)
        return None if found is None or found.requests is None else str(found.requests)

    wall = f"Median time of a call on {server} (in brackets: to the client by itself)"
    console.print(_table(results, operations, contenders, timed("wall"), wall))
    console.print(_table(results, operations, contenders, timed("cpu"), "Processor time of this process"))
    if any(one.requests is not None for one in results.measurements):
        console.print(_table(results, operations, contenders, requests, "Requests of a call"))
    table = Table(title="Targets")
    for heading in ("target", "measured", "met"):
        table.add_column(heading)
    for check in checks:
        table.add_row(check.text, check.measured, "yes" if check.met else "[bold red]no[/]")
    console.print(table)


def save_json(
    results: Results, contenders: Sequence[type[Contender]], checks: Sequence[Check], server: str, file: Path
) -> None:
    """Save every measured time, with what it was measured on.

    Args:
        results: What was measured.
        contenders: Who was measured; the versions of their packages are noted.
        checks: The targets.
        server: What it was measured on.
        file: Where to.
    """
    data = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "server": server,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "versions": {kind.package: version(kind.package) for kind in contenders},
        "measurements": [asdict(one) for one in results.measurements],
        "targets": [asdict(check) for check in checks],
    }
    file.write_text(json.dumps(data, indent=1), encoding="utf-8")


def save_plot(
    results: Results, operations: Mapping[str, str], contenders: Sequence[type[Contender]], file: Path
) -> None:
    """Plot time and processor time of each contender, as ratios to the first.

    Args:
        results: What was measured.
        operations: What the axis calls each operation.
        contenders: Who was measured.
        file: Where to, as PNG.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    subplots: Callable[..., Any] = pyplot.subplots
    figure, axes = subplots(2, 1, figsize=(12, 8), layout="constrained")
    base = contenders[0].name
    shown = [name for name in operations if results.find(name, base) is not None]
    width = 0.8 / len(contenders)
    for plot, clock, title in zip(axes, ("wall", "cpu"), ("time", "processor time of the client"), strict=True):
        for position, kind in enumerate(contenders):
            ratios = [results.ratio(name, kind.name, base, clock) or 0.0 for name in shown]
            plot.bar([place + position * width for place in range(len(shown))], ratios, width, label=kind.name)
        plot.set_ylabel(f"{title}, x of {base}")
        plot.set_xticks([place + 0.4 - width / 2 for place in range(len(shown))])
        plot.set_xticklabels([operations[name] for name in shown])
        plot.axhline(1.0, color="black", linewidth=0.8)
        plot.grid(axis="y", alpha=0.3)
        plot.set_axisbelow(True)
    axes[0].legend(ncols=len(contenders), loc="upper center", fontsize="small")
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
