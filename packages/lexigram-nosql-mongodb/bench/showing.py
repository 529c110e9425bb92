"""Shows measurements: tables, the targets and whether they are met, a plot, and everything as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from clients import CONTENDERS, OPERATIONS
from rich.console import Console
from rich.table import Table
from timing import Results

__all__ = ["Check", "checks", "print_results", "save_json", "save_plot"]

_MOST_WALL = 1.05
_MOST_CPU = 1.10
_SINGLE = ("insert_one", "find_one")
_OURS = ("Lexigram on AsyncMongoClient", "Lexigram on motor")


@dataclass(frozen=True, slots=True)
class Check:
    """A target and what was measured."""

    text: str
    measured: str
    met: bool


def checks(results: Results) -> list[Check]:
    """The targets that a run can judge."""
    found: list[Check] = []

    def check(text: str, operation: str, one: str, other: str, clock: str, most: float) -> None:
        ratio = results.ratio(operation, one, other, clock)
        if ratio is not None:
            found.append(Check(text, f"{ratio:.3f}x", ratio <= most))

    raw = {kind.name: kind.raw or "" for kind in CONTENDERS}
    for operation in OPERATIONS:
        for ours in _OURS:
            if operation != "concurrent_32":
                text = f"{operation}: {ours}, at most {_MOST_WALL}x the time of {raw[ours]}"
                check(text, operation, ours, raw[ours], "wall", _MOST_WALL)
            text = f"{operation}: {ours}, at most {_MOST_CPU}x the processor time of {raw[ours]}"
            check(text, operation, ours, raw[ours], "cpu", _MOST_CPU)
    for operation in _SINGLE:
        check(f"{operation}: {_OURS[0]} faster than motor by itself", operation, _OURS[0], "motor", "wall", 1.0)
    for operation in OPERATIONS:
        check(f"{operation}: {_OURS[0]} ahead of Beanie 2", operation, _OURS[0], "Beanie 2", "wall", 1.0)
    return found


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if seconds < 1e-2 else f"{seconds * 1e3:,.1f} ms"


def _table(results: Results, clock: str, title: str) -> Table:
    table = Table(title=title)
    table.add_column("operation")
    for kind in CONTENDERS:
        table.add_column(kind.name, justify="right")
    for operation, name in OPERATIONS.items():
        row = [name]
        for kind in CONTENDERS:
            found = results.find(operation, kind.name)
            if found is None:
                continue
            text = _time(median(getattr(found, clock)))
            ratio = None if kind.raw is None else results.ratio(operation, kind.name, kind.raw, clock)
            row.append(text if ratio is None else f"{text} ({ratio:.2f}x)")
        if len(row) > 1:
            table.add_row(*row)
    return table


def print_results(console: Console, results: Results, server: str) -> None:
    """Print times, ratios and targets.

    Args:
        console: Where to.
        results: What was measured.
        server: What it was measured on.
    """
    console.print(_table(results, "wall", f"Median time of a call on {server} (in brackets: to the client underneath)"))
    console.print(_table(results, "cpu", "Processor time of this process"))
    table = Table(title="Targets")
    for heading in ("target", "measured", "met"):
        table.add_column(heading)
    for check in checks(results):
        table.add_row(check.text, check.measured, "yes" if check.met else "[bold red]no[/]")
    console.print(table)


def save_json(results: Results, server: str, file: Path) -> None:
    """Save every measured time, with what it was measured on."""
    data = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "server": server,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "versions": {kind.package: version(kind.package) for kind in CONTENDERS},
        "measurements": [asdict(one) for one in results.measurements],
        "targets": [asdict(check) for check in checks(results)],
    }
    file.write_text(json.dumps(data, indent=1), encoding="utf-8")


def save_plot(results: Results, file: Path) -> None:
    """Plot time and processor time of each contender, as ratios to AsyncMongoClient by itself.

    Args:
        results: What was measured.
        file: Where to, as PNG.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    subplots: Callable[..., Any] = pyplot.subplots
    figure, axes = subplots(2, 1, figsize=(12, 8), layout="constrained")
    base = CONTENDERS[0].name
    shown = [name for name in OPERATIONS if results.find(name, base) is not None]
    width = 0.8 / len(CONTENDERS)
    for plot, clock, title in zip(axes, ("wall", "cpu"), ("time", "processor time of the client"), strict=True):
        for position, kind in enumerate(CONTENDERS):
            ratios = [results.ratio(name, kind.name, base, clock) or 0.0 for name in shown]
            plot.bar([place + position * width for place in range(len(shown))], ratios, width, label=kind.name)
        plot.set_ylabel(f"{title}, x of {base}")
        plot.set_xticks([place + 0.4 - width / 2 for place in range(len(shown))])
        plot.set_xticklabels([OPERATIONS[name] for name in shown])
        plot.axhline(1.0, color="black", linewidth=0.8)
        plot.grid(axis="y", alpha=0.3)
        plot.set_axisbelow(True)
    axes[0].legend(ncols=len(CONTENDERS), loc="upper center", fontsize="small")
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
