"""Measures the store on DynamoDB beside aioboto3's client by itself, aiodynamo and PynamoDB.

``hatch run bench:dynamodb`` prints times, ratios, counted requests and targets, and saves ``reports/dynamodb.json`` and
``reports/dynamodb.png``. The server is that of ``LEXIGRAM_TEST_DYNOXIDE_URL``, else Dynoxide, started for it as the
integration tests start theirs: the quickest server shows best what clients cost. ``--server dynamodb`` takes DynamoDB
Local. Who is measured is in ``clients.py``, how in ``timing.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from clients import OPERATIONS
from rich.console import Console
from showing import print_results, save_json, save_plot
from timing import Results, WrongAnswerError, measure

_ROOT = Path(__file__).resolve().parents[3]


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench:dynamodb", description="Measure the store on DynamoDB.")
    parser.add_argument("--only", action="append", choices=list(OPERATIONS), metavar="OPERATION")
    parser.add_argument("--rounds", type=int, default=31, help="rounds of each operation")
    parser.add_argument("--seconds", type=float, default=0.15, help="about how long one round takes")
    parser.add_argument("--quick", action="store_true", help="few short rounds")
    parser.add_argument("--server", default="dynoxide", choices=("dynoxide", "dynamodb"))
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
    from servers.dynamodb import DYNAMODB, DYNOXIDE
    from servers.finding import find

    asked = _arguments(arguments)
    rounds, seconds = (5, 0.05) if asked.quick else (asked.rounds, asked.seconds)
    console = Console()
    with ExitStack() as stack:
        server = find({"dynoxide": DYNOXIDE, "dynamodb": DYNAMODB}[asked.server], asked.servers, stack)
        with console.status("") as status:
            operations = asked.only or list(OPERATIONS)
            try:
                found = asyncio.run(measure(server.endpoint, operations, rounds, seconds, status.update))
            except WrongAnswerError as error:
                console.print(f"[bold red]{error}[/]")
                return 1
    results = Results(found)
    print_results(console, results, str(server.product))
    asked.output.mkdir(parents=True, exist_ok=True)
    save_json(results, str(server.product), asked.output / "dynamodb.json")
    save_plot(results, asked.output / "dynamodb.png")
    console.print(f"Saved dynamodb.json and dynamodb.png in {asked.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
