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
from lexigram.nosql.testing.checking import expect_failure
from lexigram.nosql.testing.shrinking import shrink
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

        Check what ran natively: the request that is shown means something else to the service than to the engine. Of a
        new case the smallest request is shown that differs; the case is seen again with
        ``--conformance-examples 1 --conformance-seed N``.
        """
        drawn = isinstance(case, int)
        if isinstance(case, int):
            # Drawing reads files.
            case = await asyncio.to_thread(draw, case)
        async with InMemoryDocumentStore() as memory:
            theirs, ours = store.collection("things"), memory.collection("things")
            found = await compare(case, theirs, ours)
            if drawn and found:
                found = [await shrink(each, theirs, ours) for each in found]
                known = [self.hooks.known_difference(each) for each in found]
                found = [each for each, fault in zip(found, known, strict=True) if fault is None] or found
                faults = [fault for fault in known if fault is not None]
                if len(faults) == len(known):
                    for fault in dict.fromkeys(faults):
                        expect_failure(self._node, fault)
        assert not found, "\n".join(map(str, found))


def _new_seeds(config: pytest.Config) -> list[int]:
    """The seeds of new cases; with pytest-xdist every worker must name the same."""
    count = int(config.getoption("--conformance-examples", default=0) or 0)
    first = cast("int | None", config.getoption("--conformance-seed", default=None))
    if first is None:
        told: Any = getattr(config, "workerinput", None)
        chosen = random.Random(told["testrunuid"]) if told is not None else random.SystemRandom()  # noqa: S311 - no secret
        first = chosen.randrange(10**6, 10**9)
    return list(range(first, first + count))
