"""The kit on the driver with every ability: what runs natively gives what the engine gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from lexigram.nosql.backend import BACKENDS, BackendConfig
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing import Harness, suites
from lexigram.nosql.testing.able import SPEC, AbleDocumentStore


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    """It has no entry point."""
    undo = BACKENDS.register(SPEC.name, SPEC)
    yield
    undo()


class Able(Harness):
    """Each store is a database of its own."""

    spec = SPEC

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[DocumentStore]:
        async with AbleDocumentStore(BackendConfig(**settings)) as store:
            yield store


class TestAggregation(suites.Aggregation):
    harness = Able


class TestArrays(suites.Arrays):
    harness = Able


class TestBulk(suites.Bulk):
    harness = Able


class TestChangeFeed(suites.ChangeFeed):
    harness = Able


class TestConcurrency(suites.Concurrency):
    harness = Able


class TestCrud(suites.Crud):
    harness = Able


class TestDiscovery(suites.Discovery):
    harness = Able


class TestErrors(suites.Errors):
    harness = Able


class TestExplain(suites.Explain):
    harness = Able


class TestFilters(suites.Filters):
    harness = Able


class TestIds(suites.Ids):
    harness = Able


class TestIndexes(suites.Indexes):
    harness = Able


class TestLifecycle(suites.Lifecycle):
    harness = Able


class TestLimits(suites.Limits):
    harness = Able


class TestPagination(suites.Pagination):
    harness = Able


class TestParity(suites.Parity):
    harness = Able


class TestProjection(suites.Projection):
    harness = Able


class TestSorting(suites.Sorting):
    harness = Able


class TestTransactions(suites.Transactions):
    harness = Able


class TestUpdates(suites.Updates):
    harness = Able


class TestValues(suites.Values):
    harness = Able
