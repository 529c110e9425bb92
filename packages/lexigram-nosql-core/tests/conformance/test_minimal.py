"""The kit on the least driver: what every backend gives before it has any ability of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from lexigram.nosql.backend import BACKENDS, BackendConfig
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing import Harness, suites
from lexigram.nosql.testing.minimal import SPEC, MinimalDocumentStore


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    """It has no entry point."""
    undo = BACKENDS.register(SPEC.name, SPEC)
    yield
    undo()


class Minimal(Harness):
    """Each store is a database of its own."""

    spec = SPEC

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[DocumentStore]:
        async with MinimalDocumentStore(BackendConfig(**settings)) as store:
            yield store


class TestAggregation(suites.Aggregation):
    harness = Minimal


class TestArrays(suites.Arrays):
    harness = Minimal


class TestBulk(suites.Bulk):
    harness = Minimal


class TestChangeFeed(suites.ChangeFeed):
    harness = Minimal


class TestConcurrency(suites.Concurrency):
    harness = Minimal


class TestCrud(suites.Crud):
    harness = Minimal


class TestDiscovery(suites.Discovery):
    harness = Minimal


class TestErrors(suites.Errors):
    harness = Minimal


class TestExplain(suites.Explain):
    harness = Minimal


class TestFilters(suites.Filters):
    harness = Minimal


class TestIds(suites.Ids):
    harness = Minimal


class TestIndexes(suites.Indexes):
    harness = Minimal


class TestLifecycle(suites.Lifecycle):
    harness = Minimal


class TestLimits(suites.Limits):
    harness = Minimal


class TestPagination(suites.Pagination):
    harness = Minimal


class TestParity(suites.Parity):
    harness = Minimal


class TestProjection(suites.Projection):
    harness = Minimal


class TestSorting(suites.Sorting):
    harness = Minimal


class TestTransactions(suites.Transactions):
    harness = Minimal


class TestUpdates(suites.Updates):
    harness = Minimal


class TestValues(suites.Values):
    harness = Minimal
