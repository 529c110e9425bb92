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

from clients import CONTENDERS, OPERATIONS, OPTIMUM  # noqa: E402 - the folders above must be known first
from servers.firestore import FIRESTORE  # noqa: E402
from sidebyside import Benchmark, Check, Results, common_checks, run  # noqa: E402

_MOST = {"get": 0.75, "query_100": 0.6}
"""Most time that we may take, as a part of AsyncClient's."""


def _shown(operation: str, answer: Any) -> Any:
    """Documents in the order of their ids."""
    return sorted(answer, key=lambda found: found["_id"]) if isinstance(answer, list) else answer


def _checks(results: Results) -> list[Check]:
    return common_checks(results, CONTENDERS[-1], _MOST, OPTIMUM)


if __name__ == "__main__":
    benchmark = Benchmark("firestore", "Firestore", {"firestore": FIRESTORE}, OPERATIONS, CONTENDERS, _shown, _checks)
    sys.exit(run(benchmark, sys.argv[1:]))
