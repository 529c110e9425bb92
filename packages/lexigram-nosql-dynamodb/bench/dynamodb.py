"""Measures the store on DynamoDB beside aioboto3's client by itself, aiodynamo and PynamoDB.

``hatch run bench:dynamodb`` prints times, ratios, counted requests and targets, and saves ``reports/dynamodb.json`` and
``reports/dynamodb.png``. The server is that of ``LEXIGRAM_TEST_DYNOXIDE_URL``, else Dynoxide, started for it as the
integration tests start theirs: the quickest server shows best what clients cost. ``--server dynamodb`` takes DynamoDB
Local. Who is measured is in ``clients.py``, how in ``tools/sidebyside``.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[3]
sys.path += [str(_ROOT / "tools"), str(_ROOT / "tests-integration")]

from clients import CONTENDERS, OPERATIONS, OPTIMUM  # noqa: E402 - the folders above must be known first
from servers.dynamodb import DYNAMODB, DYNOXIDE  # noqa: E402
from sidebyside import Benchmark, Check, Results, common_checks, run  # noqa: E402

_READS = frozenset({"get", "batch_100", "query_100", "concurrent_16"})
_NOT_OF_THE_DOCUMENT = frozenset({"_id", "pk", "sk", "updates"})
_MOST = {"put": 0.75, "get": 0.75, "query_100": 0.6}
"""Most time that we may take, as a part of aioboto3's."""


def _shown(operation: str, answer: Any) -> Any:
    """A read's answer in whatever order, numbers as floats."""
    if operation not in _READS:
        return None
    if isinstance(answer, list):
        return sorted((_shown(operation, item) for item in answer), key=lambda item: str(item["sku"]))
    return {name: _plain(value) for name, value in sorted(answer.items()) if name not in _NOT_OF_THE_DOCUMENT}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, int | float | Decimal) else value


def _checks(results: Results) -> list[Check]:
    return common_checks(results, CONTENDERS[-1], _MOST, OPTIMUM)


if __name__ == "__main__":
    servers = {"dynoxide": DYNOXIDE, "dynamodb": DYNAMODB}
    sys.exit(run(Benchmark("dynamodb", "DynamoDB", servers, OPERATIONS, CONTENDERS, _shown, _checks), sys.argv[1:]))
