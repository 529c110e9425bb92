"""Measures the store on Firestore beside Google's ``AsyncClient``.

``hatch run bench:firestore`` prints times, processor times, ratios, numbers of requests and targets, and saves
``reports/firestore.json`` and ``reports/firestore.png``. The emulator is that of ``LEXIGRAM_TEST_FIRESTORE_HOST``, else
one that is started as the integration tests start theirs. Who is measured is in ``clients.py``, how in
``tools/sidebyside``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[3]
sys.path += [str(_ROOT / "tools"), str(_ROOT / "tests-integration")]

from clients import CONTENDERS, OPERATIONS, OPTIMUM, RAW  # noqa: E402 - the folders above must be known first
from servers.firestore import FIRESTORE  # noqa: E402
from sidebyside import Benchmark, Check, Results, run  # noqa: E402

_OURS = "Lexigram"
_MOST = {"get": 0.75, "query_100": 0.6}
"""Most time that we may take, as a part of AsyncClient's."""


def _shown(operation: str, answer: Any) -> Any:
    """Documents in the order of their ids."""
    return sorted(answer, key=lambda found: found["_id"]) if isinstance(answer, list) else answer


def _checks(results: Results) -> list[Check]:
    found: list[Check] = []
    for operation, most in _MOST.items():
        ratio = results.ratio(operation, _OURS, RAW, "wall")
        if ratio is not None:
            found.append(Check(f"{operation}: at most {most}x the time of {RAW}", f"{ratio:.3f}x", ratio <= most))
    for operation, optimum in OPTIMUM.items():
        ours = results.find(operation, _OURS)
        if ours is not None:
            text = f"{operation}: as many requests as written by hand, {optimum}"
            found.append(Check(text, str(ours.requests), ours.requests == optimum))
    return found


if __name__ == "__main__":
    benchmark = Benchmark("firestore", "Firestore", {"firestore": FIRESTORE}, OPERATIONS, CONTENDERS, _shown, _checks)
    sys.exit(run(benchmark, sys.argv[1:]))
