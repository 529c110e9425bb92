"""The backends among which things are swapped, each with a place of this test's own."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from dynamodb.conftest import settings_for
from servers import Server

CATALOGUE = Path(__file__).parents[2] / "packages" / "lexigram-nosql" / "examples" / "catalogue"
# The demo's modules import each other by name, as they do when it runs.
sys.path.append(str(CATALOGUE))

BACKENDS = ("memory", "mongodb", "dynamodb", "firestore")

Section = Callable[[str], dict[str, Any]]


@pytest.fixture
def section(server: Callable[[str], Server]) -> Iterator[Section]:
    """What the configuration says of a backend: a place that nobody else uses, on the server of the run."""
    with ExitStack() as stack:

        def of(backend: str) -> dict[str, Any]:
            mark = f"swap{uuid.uuid4().hex[:12]}"
            if backend == "memory":
                return {}
            place = server(backend)
            if backend == "mongodb":
                return {"uri": place.endpoint, "database": mark, "scan_policy": "allow"}
            if backend == "dynamodb":
                stack.callback(_drop, place.endpoint, mark)
                return {**settings_for(place), "table_name": mark, "scan_policy": "allow"}
            return {"project_id": mark, "emulator_host": place.endpoint, "index_refresh_ms": 0, "scan_policy": "allow"}

        yield of


def _drop(endpoint: str, prefix: str) -> None:
    import asyncio

    from dynamodb.raw import drop_tables

    asyncio.run(drop_tables(endpoint, prefix))
