"""Shows measurements: tables, the targets and whether they are met, a plot, and everything as JSON."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from contenders import CONTENDERS, Lexigram, Limit, Mongomock
from measuring import AWAIT, Measurement
from rich.console import Console
from rich.table import Table
from workload import OPERATIONS, Operation

__all__ = ["Check", "Results", "print_results", "save_json", "save_plot"]

_TO_LIMIT = {
    "insert_many": 3.0,
    "find_by_field": 2.0,
    "range_sort": 2.0,
    "or_count": 2.0,
    "group": 2.0,
    "lookup": 2.0,
}
_TO_MONGOMOCK = {
    "insert_many": 4.0,
    "or_count": 8.0,
    "find_by_field": 10.0,
    "range_sort": 25.0,
    "group": 80.0,
    "find_by_id": 200.0,
}
_OVER_AWAIT = {"find_by_id": 25e-6, "update_by_id": 25e-6}
_TARGET_SIZE = 10_000
_NOISE = 1.25
"""What growth may exceed its law by."""


@dataclass(frozen=True, slots=True)
class Check:
    """A target and what was measured.

    Attributes:
        text: The target.
        measured: What was measured, in words.
        met: Whether it holds.
    """

    text: str
    measured: str
    met: bool


class Results:
    """All measurements of a run.

    Args:
        measurements: What was measured.
    """

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        self.measurements = list(measurements)
        self._found = {(one.size, one.operation, one.contender): one for one in self.measurements}
        self.sizes = sorted({one.size for one in self.measurements})

    def operations(self) -> list[Operation]:
        """The operations that were measured."""
        measured = {one.operation for one in self.measurements}
        return [operation for operation in OPERATIONS if operation.name in measured]

    def find(self, size: int, operation: str, contender: str) -> Measurement | None:
        """A measurement with times, or None."""
        found = self._found.get((size, operation, contender))
        return found if found is not None and found.seconds else None

    def cannot(self, size: int, operation: str, contender: str) -> str | None:
        """Why a contender was not measured."""
        found = self._found.get((size, operation, contender))
        return None if found is None else found.cannot

    def ratio(self, size: int, operation: str, contender: str, to: str) -> float | None:
        """How many times as long a contender takes as another."""
        one, other = self.find(size, operation, contender), self.find(size, operation, to)
        return None if one is None or other is None else one.median / other.median

    def over_await(self, size: int, operation: str) -> float | None:
        """Seconds that ours takes beyond the event loop's own await."""
        ours, bare = self.find(size, operation, Lexigram.name), self.find(size, operation, AWAIT)
        return None if ours is None or bare is None else ours.median - bare.median

    def growth(self, operation: str, contender: str) -> float | None:
        """How many times as long an operation takes at the largest size as at the smallest."""
        small, large = (self.find(size, operation, contender) for size in (self.sizes[0], self.sizes[-1]))
        return None if small is None or large is None else large.median / small.median

    def checks(self) -> list[Check]:
        """The targets that this run can judge."""
        checks: list[Check] = []
        for operation, most in _TO_LIMIT.items():
            ratio = self.ratio(_TARGET_SIZE, operation, Lexigram.name, Limit.name)
            if ratio is not None:
                checks.append(Check(f"{operation}: at most {most:g}x the loop", f"{ratio:.2f}x", ratio <= most))
        for operation, seconds in _OVER_AWAIT.items():
            over = self.over_await(_TARGET_SIZE, operation)
            if over is not None:
                text = f"{operation}: within {seconds * 1e6:g} µs of a bare await"
                checks.append(Check(text, f"{over * 1e6:.1f} µs", over <= seconds))
        for operation, least in _TO_MONGOMOCK.items():
            ratio = self.ratio(_TARGET_SIZE, operation, Mongomock.name, Lexigram.name)
            if ratio is not None:
                text = f"{operation}: at least {least:g}x as fast as mongomock"
                checks.append(Check(text, f"{ratio:.1f}x", ratio >= least))
        return checks + self._growth()

    def _growth(self) -> list[Check]:
        if len(self.sizes) < 2:
            return []
        small, large = self.sizes[0], self.sizes[-1]
        factor = large / small
        laws = {"flat": 1.0, "sorting": factor * math.log(large) / math.log(small)}
        names = {"flat": "flat", "sorting": "n log n"}
        checks: list[Check] = []
        for operation in self.operations():
            grown, loop = (self.growth(operation.name, contender.name) for contender in (Lexigram, Limit))
            if grown is None:
                continue
            law, name = laws[operation.growth], names[operation.growth]
            # More documents than the processor's caches hold slow the loop down as well.
            if loop is not None and loop > law:
                law, name = loop, f"{name}, or as the loop grows,"
            text = f"{operation.name}: {name} from {small} to {large} documents, at most {law * _NOISE:.2f}x"
            checks.append(Check(text, f"{grown:.2f}x", grown <= law * _NOISE))
        return checks


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _factor(ratio: float | None) -> str:
    if ratio is None:
        return "-"
    return f"{ratio:.2f}x" if ratio < 10 else f"{ratio:,.0f}x"


def _times_table(results: Results, size: int, rounds: int) -> Table:
    table = Table(title=f"Median time of a call, {size:,} documents ({rounds} rounds where nothing else is said)")
    table.add_column("operation")
    names = [contender.name for contender in CONTENDERS]
    for name in names:
        table.add_column(name, justify="right")
    for operation in results.operations():
        row = [operation.title]
        for name in names:
            found = results.find(size, operation.name, name)
            if found is None:
                row.append(results.cannot(size, operation.name, name) or "-")
            else:
                fewer = "" if len(found.seconds) >= rounds else f" ({len(found.seconds)})"
                row.append(_time(found.median) + fewer)
        table.add_row(*row)
    return table


def _ratios_table(results: Results, size: int) -> Table:
    table = Table(title=f"Ours beside the others, {size:,} documents")
    table.add_column("operation")
    table.add_column("to the loop", justify="right")
    peers = [contender.name for contender in CONTENDERS if contender not in (Limit, Lexigram)]
    for name in peers:
        table.add_column(f"faster than {name}", justify="right")
    table.add_column("beyond a bare await", justify="right")
    table.add_column("quartiles apart", justify="right")
    for operation in results.operations():
        over = results.over_await(size, operation.name)
        bare = results.find(size, operation.name, AWAIT)
        ours = results.find(size, operation.name, Lexigram.name)
        table.add_row(
            operation.title,
            _factor(results.ratio(size, operation.name, Lexigram.name, Limit.name)),
            *(_factor(results.ratio(size, operation.name, name, Lexigram.name)) for name in peers),
            "" if over is None or bare is None else f"{_time(over)} (await: {_time(bare.median)})",
            "-" if ours is None else f"{ours.spread:.0%}",
        )
    return table


def print_results(console: Console, results: Results, rounds: int) -> None:
    """Print times, ratios and targets.

    Args:
        console: Where to.
        results: What was measured.
        rounds: Rounds of those who were fast enough.
    """
    for size in results.sizes:
        console.print(_times_table(results, size, rounds))
        console.print(_ratios_table(results, size))
    checks = results.checks()
    if checks:
        table = Table(title="Targets", caption="The garbage collector rests in every timed round, whoever's it is.")
        for heading in ("target", "measured", "met"):
            table.add_column(heading)
        for check in checks:
            table.add_row(check.text, check.measured, "yes" if check.met else "[bold red]no[/]")
        console.print(table)


def save_json(results: Results, file: Path) -> None:
    """Save every measured time, with what it was measured on.

    Args:
        results: What was measured.
        file: Where to.
    """
    data = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "versions": {one.package: version(one.package) for one in CONTENDERS if one.package is not None},
        "measurements": [
            {**asdict(one), "median": one.median if one.seconds else None} for one in results.measurements
        ],
        "targets": [asdict(check) for check in results.checks()],
    }
    file.write_text(json.dumps(data, indent=1), encoding="utf-8")


_COLOURS = {
    "hand-written loop": "#9e9e9e",
    "lexigram": "#0b6e4f",
    "mongomock": "#e0a458",
    "mongomock-motor": "#c8553d",
    "montydb": "#7768ae",
}


def save_plot(results: Results, file: Path) -> None:
    """Plot the time of each contender at each operation, for each size, on a logarithmic scale.

    Args:
        results: What was measured.
        file: Where to, as PNG.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    subplots: Callable[..., Any] = pyplot.subplots
    operations: Sequence[Operation] = results.operations()
    figure, axes = subplots(
        len(results.sizes),
        1,
        figsize=(14, 1 + 4.5 * len(results.sizes)),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for row, size in enumerate(results.sizes):
        _plot_size(axes[row][0], results, size, operations)
    figure.suptitle("Time of a call, shorter is better; above our bar, how many times the loop's", fontsize="large")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=len(CONTENDERS), loc="outside lower center", frameon=False)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)


def _plot_size(plot: Any, results: Results, size: int, operations: Sequence[Operation]) -> None:
    """Draw the bars of one size."""
    width = 0.85 / len(CONTENDERS)
    for position, contender in enumerate(CONTENDERS):
        places, medians = list[float](), list[float]()
        for number, operation in enumerate(operations):
            place = number + position * width
            found = results.find(size, operation.name, contender.name)
            if found is not None:
                places.append(place)
                medians.append(found.median)
            else:
                # Axes coordinates upwards, so that the note stands at the foot of where the bar would be.
                where = plot.get_xaxis_transform()
                plot.text(
                    place, 0.02, "not measured", rotation=90, ha="center", fontsize=6, color="#777", transform=where
                )
            ratio = results.ratio(size, operation.name, contender.name, Limit.name)
            if contender is Lexigram and found is not None and ratio is not None:
                label = f"{ratio:.1f}x" if ratio < 10 else f"{ratio:.0f}x"
                plot.text(place, found.median * 1.15, label, ha="center", va="bottom", fontsize=7)
        plot.bar(places, medians, width * 0.95, label=contender.name, color=_COLOURS.get(contender.name))
    plot.set_yscale("log")
    low, high = plot.get_ylim()
    powers = [power for power in range(-7, 4) if low <= 10.0**power <= high]
    plot.set_yticks([10.0**power for power in powers], [_power(power) for power in powers])
    plot.minorticks_off()
    plot.set_title(f"{size:,} documents", loc="left")
    middles = [number + 0.425 - width / 2 for number in range(len(operations))]
    plot.set_xticks(middles, [operation.name.replace("_", " ") for operation in operations])
    plot.tick_params(axis="x", length=0)
    plot.grid(axis="y", alpha=0.3)
    plot.set_axisbelow(True)
    for side in ("top", "right"):
        plot.spines[side].set_visible(False)


def _power(power: int) -> str:
    """Ten to a power of seconds, in words."""
    thousands, rest = divmod(power, 3)
    return f"{10**rest} {({-3: 'ns', -2: 'µs', -1: 'ms', 0: 's'}).get(thousands, 'ks')}"
