"""Generated documents and requests: the backend and the memory store must say the same."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.cases import Case, compare, draw, recorded
from lexigram.nosql.testing.suite import Suite

__all__ = ["Parity"]


class Parity(Suite, topic="parity"):
    """One meaning, whoever computes."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of each recorded case, and of as many new ones as are asked for."""
        if "case" not in metafunc.fixturenames:
            return
        cases: list[Case | int] = [*recorded(), *_new_seeds(metafunc.config)]
        metafunc.parametrize(
            "case", cases, ids=[f"new {case}" if isinstance(case, int) else f"recorded {case.seed}" for case in cases]
        )

    async def test_generated_requests_agree(self, store: DocumentStore, case: Case | int) -> None:
        """Answers, refusals and documents are the same to the last bit.

        Check what ran natively: the request that is shown means something else to the service than to the engine. A new
        case is seen again with ``--conformance-examples 1 --conformance-seed N``.
        """
        if isinstance(case, int):
            # Drawing reads files.
            case = await asyncio.to_thread(draw, case)
        async with InMemoryDocumentStore() as memory:
            told = await compare(case, store.collection("things"), memory.collection("things"))
        assert not told, "\n".join(told)


def _new_seeds(config: pytest.Config) -> list[int]:
    """The seeds of new cases; with pytest-xdist every worker must name the same."""
    count = int(config.getoption("--conformance-examples", default=0) or 0)
    first = cast("int | None", config.getoption("--conformance-seed", default=None))
    if first is None:
        told: Any = getattr(config, "workerinput", None)
        chosen = random.Random(told["testrunuid"]) if told is not None else random.SystemRandom()  # noqa: S311 - no secret
        first = chosen.randrange(10**6, 10**9)
    return list(range(first, first + count))
