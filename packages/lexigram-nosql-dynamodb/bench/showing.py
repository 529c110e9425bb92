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

from clients import CONTENDERS, OPERATIONS, OPTIMUM, RAW
from rich.console import Console
from rich.table import Table
from timing import Results

__all__ = ["Check", "checks", "print_results", "save_json", "save_plot"]

_OURS = "Lexigram"
_MOST = {"put": 0.75, "get": 0.75, "query_100": 0.6}
"""Most time that we may take, as a part of aioboto3's."""


@dataclass(frozen=True, slots=True)
class Check:
    """A target and what was measured."""

    text: str
    measured: str
    met: bool


def checks(results: Results) -> list[Check]:
    """The targets that a run can judge."""
    found: list[Check] = []
    for operation, most in _MOST.items():
        ratio = results.ratio(operation, _OURS, RAW, "wall")
        if ratio is not None:
            found.append(Check(f"{operation}: at most {most}x the time of {RAW}", f"{ratio:.3f}x", ratio <= most))
    for operation, optimum in OPTIMUM.items():
        ours = results.find(operation, _OURS)
        if ours is not None and ours.requests is not None:
            text = f"{operation}: as many requests as written by hand, {optimum}"
            found.append(Check(text, str(ours.requests), ours.requests == optimum))
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
            ratio = None if kind.name == RAW else results.ratio(operation, kind.name, RAW, clock)
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
    console.print(_table(results, "wall", f"Median time of a call on {server} (in brackets: to {RAW} by itself)"))
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
    """Plot time and processor time of each contender, as ratios to aioboto3 by itself.

    Args:
        results: What was measured.
        file: Where to, as PNG.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    subplots: Callable[..., Any] = pyplot.subplots
    figure, axes = subplots(2, 1, figsize=(12, 8), layout="constrained")
    shown = [name for name in OPERATIONS if results.find(name, RAW) is not None]
    width = 0.8 / len(CONTENDERS)
    for plot, clock, title in zip(axes, ("wall", "cpu"), ("time", "processor time of the client"), strict=True):
        for position, kind in enumerate(CONTENDERS):
            ratios = [results.ratio(name, kind.name, RAW, clock) or 0.0 for name in shown]
            plot.bar([place + position * width for place in range(len(shown))], ratios, width, label=kind.name)
        plot.set_ylabel(f"{title}, x of {RAW}")
        plot.set_xticks([place + 0.4 - width / 2 for place in range(len(shown))])
        plot.set_xticklabels([OPERATIONS[name] for name in shown])
        plot.axhline(1.0, color="black", linewidth=0.8)
        plot.grid(axis="y", alpha=0.3)
        plot.set_axisbelow(True)
    axes[0].legend(ncols=len(CONTENDERS), loc="upper center", fontsize="small")
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
