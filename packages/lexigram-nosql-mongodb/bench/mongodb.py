"""Measures the store on MongoDB beside the clients underneath it, and beside Beanie.

``hatch run bench:mongodb`` prints times, ratios and targets, and saves ``reports/mongodb.json`` and
``reports/mongodb.png``. The server is that of ``LEXIGRAM_TEST_MONGODB_URI``, else one that is started for it as the
integration tests start theirs. Who is measured is in ``clients.py``, how in ``tools/sidebyside``.

All clients have the same options. Writes are not retried: the stand-in server slows down with the number of retryable
writes. The time limit of sockets is the store's default; it costs AsyncMongoClient a task for each request.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[3]
sys.path += [str(_ROOT / "tools"), str(_ROOT / "tests-integration")]

from clients import CONTENDERS, OPERATIONS, Client  # noqa: E402 - the folders above must be known first
from servers.mongodb import MONGODB  # noqa: E402
from sidebyside import Benchmark, Check, Results, run  # noqa: E402

_OPTIONS = "retryWrites=false&w=1&directConnection=true&socketTimeoutMS=30000&waitQueueTimeoutMS=10000"
_MOST_WALL = 1.05
_MOST_CPU = 1.10
_SINGLE = ("insert_one", "find_one")
_OURS = ("Lexigram on AsyncMongoClient", "Lexigram on motor")


def _made(kind: type[Client], endpoint: str) -> Client:
    """A contender on the server, with the options that all have."""
    return kind(endpoint.partition("?")[0].rstrip("/") + f"/?{_OPTIONS}")


def _shown(operation: str, answer: Any) -> Any:
    """A read's answer as plain documents."""
    if operation.startswith("insert"):
        return None
    if isinstance(answer, list):
        return [_shown(operation, item) for item in answer]
    if hasattr(answer, "model_dump"):
        dumped = answer.model_dump()
        return {"_id": dumped.pop("id"), **{name: value for name, value in dumped.items() if name != "revision_id"}}
    return answer


def _checks(results: Results) -> list[Check]:
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


if __name__ == "__main__":
    contenders = [partial(_made, kind) for kind in CONTENDERS]
    benchmark = Benchmark("mongodb", "MongoDB", {"mongodb": MONGODB}, OPERATIONS, contenders, _shown, _checks)
    sys.exit(run(benchmark, sys.argv[1:]))
