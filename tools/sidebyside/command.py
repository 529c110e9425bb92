"""The command line of a benchmark: what is measured on which server, how long, and where the results go."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from servers import Kind
from servers.finding import CHOICES, find
from workspace import ROOT

from sidebyside.measuring import Contender, Results, WrongAnswerError, measure
from sidebyside.showing import Check, print_results, save_json, save_plot

__all__ = ["Benchmark", "run"]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a benchmark measures.

    Attributes:
        name: Its name, also that of its files.
        product: What is measured, for the help.
        servers: The servers it can run on, by name; the first is the default.
        operations: Methods of the contenders, and how the tables call them.
        contenders: Who is measured, made from the endpoint of the server; the first is what the plot compares with.
        shown: Gets an operation and an answer; gives it in the form that all contenders have in common.
        checks: The targets that a run can judge.
    """

    name: str
    product: str
    servers: Mapping[str, Kind]
    operations: Mapping[str, str]
    contenders: Sequence[Callable[[str], Contender]]
    shown: Callable[[str, Any], Any]
    checks: Callable[[Results], Sequence[Check]]


def _arguments(benchmark: Benchmark, arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"bench:{benchmark.name}", description=f"Measure the store on {benchmark.product}."
    )
    parser.add_argument("--only", action="append", choices=list(benchmark.operations), metavar="OPERATION")
    parser.add_argument("--rounds", type=int, default=31, help="rounds of each operation")
    parser.add_argument("--seconds", type=float, default=0.15, help="about how long one round takes")
    parser.add_argument("--quick", action="store_true", help="few short rounds")
    names = list(benchmark.servers)
    parser.add_argument("--server", default=names[0], choices=names, help="which one to run on")
    parser.add_argument("--servers", default="auto", choices=CHOICES, help="how it comes about")
    parser.add_argument("--output", type=Path, default=ROOT / "reports", help="folder for the JSON and the plot")
    return parser.parse_args(arguments)


def run(benchmark: Benchmark, arguments: Sequence[str]) -> int:
    """Measure, show and save.

    Args:
        benchmark: What is measured.
        arguments: The command line without the program's name.

    Returns:
        0; 1 when a contender gave a wrong answer.
    """
    asked = _arguments(benchmark, arguments)
    rounds, seconds = (5, 0.05) if asked.quick else (asked.rounds, asked.seconds)
    operations = [name for name in benchmark.operations if not asked.only or name in asked.only]
    console = Console()
    with ExitStack() as stack:
        server = find(benchmark.servers[asked.server], asked.servers, stack)
        contenders = [make(server.endpoint) for make in benchmark.contenders]
        with console.status("") as status:
            try:
                found = asyncio.run(measure(contenders, operations, benchmark.shown, rounds, seconds, status.update))
            except WrongAnswerError as error:
                console.print(f"[bold red]{error}[/]")
                return 1
    results, kinds, product = Results(found), [type(contender) for contender in contenders], str(server.product)
    checks = benchmark.checks(results)
    print_results(console, results, benchmark.operations, kinds, checks, product)
    asked.output.mkdir(parents=True, exist_ok=True)
    files = [asked.output / f"{benchmark.name}.{ending}" for ending in ("json", "png")]
    save_json(results, kinds, checks, product, files[0])
    save_plot(results, benchmark.operations, kinds, files[1])
    console.print(f"Saved {files[0].name} and {files[1].name} in {asked.output}")
    return 0
