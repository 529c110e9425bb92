"""Measures the engine beside its peers, and beside a hand-written loop over plain dicts, which is the limit.

``hatch run bench:engine`` prints medians, ratios and the targets, and saves ``reports/engine.json`` and
``reports/engine.png``. What is measured is in ``workload.py``, who in ``contenders.py``, how in ``measuring.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time

from measuring import Budget, Measurement, WrongAnswerError, measure
from reporting import Results, print_results, save_json, save_plot
from rich.console import Console
from workload import OPERATIONS, Workload

_REPORTS = Path(__file__).resolve().parents[3] / "reports"
_SIZES = (10_000, 100_000)
_QUICK = Budget(rounds=5, round_seconds=0.01, contender_seconds=1.0)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    names = [operation.name for operation in OPERATIONS]
    parser = argparse.ArgumentParser(prog="bench:engine", description="Measure the engine beside its peers.")
    parser.add_argument(
        "--documents", type=int, action="append", metavar="N", help="size of the collection, may be repeated"
    )
    parser.add_argument("--only", action="append", choices=names, metavar="OPERATION", help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and 10,000 documents only")
    parser.add_argument("--rounds", type=int, help="rounds of each operation")
    parser.add_argument("--cpu", action="store_true", help="count this process's time only, on a busy machine")
    parser.add_argument("--flat", action="store_true", help="documents without a nested object and a list")
    parser.add_argument("--output", type=Path, default=_REPORTS, help="folder for the JSON and the plot")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure, show and save.

    Args:
        arguments: The command line without the program's name.

    Returns:
        0; 1 when a contender gave a wrong answer.
    """
    asked = _arguments(arguments)
    console = Console()
    budget = _QUICK if asked.quick else Budget()
    if asked.rounds:
        budget = replace(budget, rounds=asked.rounds)
    if asked.cpu:
        budget = replace(budget, clock=process_time)
    sizes = sorted(asked.documents or (_SIZES[:1] if asked.quick else _SIZES))
    names = asked.only or [operation.name for operation in OPERATIONS]
    measurements: list[Measurement] = []
    with console.status("") as status:
        for size in sizes:
            try:
                work = Workload(size, flat=asked.flat)
                measurements += asyncio.run(measure(work, names, budget, measurements, status.update))
            except WrongAnswerError as error:
                console.print(f"[bold red]{error}[/]")
                return 1
    results = Results(measurements)
    print_results(console, results, budget.rounds)
    asked.output.mkdir(parents=True, exist_ok=True)
    save_json(results, asked.output / "engine.json")
    save_plot(results, asked.output / "engine.png")
    console.print(f"Saved engine.json and engine.png in {asked.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
