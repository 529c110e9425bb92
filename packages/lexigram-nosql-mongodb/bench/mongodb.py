"""Measures the store on MongoDB beside the clients underneath it, and beside Beanie.

``hatch run bench:mongodb`` prints times, ratios and targets, and saves ``reports/mongodb.json`` and
``reports/mongodb.png``. The server is that of ``LEXIGRAM_TEST_MONGODB_URI``, else one that is started for it as the
integration tests start theirs. Who is measured is in ``clients.py``, how in ``timing.py``.

All clients have the same options. Writes are not retried: the stand-in server slows down with the number of retryable
writes. The time limit of sockets is the store's default; it costs AsyncMongoClient a task for each request.
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
_OPTIONS = "retryWrites=false&w=1&directConnection=true&socketTimeoutMS=30000&waitQueueTimeoutMS=10000"


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench:mongodb", description="Measure the store on MongoDB.")
    parser.add_argument("--only", action="append", choices=list(OPERATIONS), metavar="OPERATION")
    parser.add_argument("--rounds", type=int, default=31, help="rounds of each operation")
    parser.add_argument("--seconds", type=float, default=0.15, help="about how long one round takes")
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
    from servers.mongodb import MONGODB

    asked = _arguments(arguments)
    rounds, seconds = (5, 0.05) if asked.quick else (asked.rounds, asked.seconds)
    console = Console()
    with ExitStack() as stack:
        server = find(MONGODB, asked.servers, stack)
        uri = server.endpoint.partition("?")[0].rstrip("/") + f"/?{_OPTIONS}"
        with console.status("") as status:
            try:
                found = asyncio.run(measure(uri, asked.only or list(OPERATIONS), rounds, seconds, status.update))
            except WrongAnswerError as error:
                console.print(f"[bold red]{error}[/]")
                return 1
    results = Results(found)
    print_results(console, results, str(server.product))
    asked.output.mkdir(parents=True, exist_ok=True)
    save_json(results, str(server.product), asked.output / "mongodb.json")
    save_plot(results, asked.output / "mongodb.png")
    console.print(f"Saved mongodb.json and mongodb.png in {asked.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
