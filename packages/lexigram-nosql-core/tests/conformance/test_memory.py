"""The kit on the memory backend, which is also what the kit compares others with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
from lexigram.nosql.backends.memory.spec import SPEC
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing import Harness, suites


class Memory(Harness):
    """Each store is a database of its own."""

    spec = SPEC

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[DocumentStore]:
        async with InMemoryDocumentStore(MemoryConfig(**settings)) as store:
            yield store


class TestAggregation(suites.Aggregation):
    harness = Memory


class TestArrays(suites.Arrays):
    harness = Memory


class TestBulk(suites.Bulk):
    harness = Memory


class TestChangeFeed(suites.ChangeFeed):
    harness = Memory


class TestConcurrency(suites.Concurrency):
    harness = Memory


class TestCrud(suites.Crud):
    harness = Memory


class TestDiscovery(suites.Discovery):
    harness = Memory


class TestErrors(suites.Errors):
    harness = Memory


class TestExplain(suites.Explain):
    harness = Memory


class TestFilters(suites.Filters):
    harness = Memory


class TestIds(suites.Ids):
    harness = Memory


class TestIndexes(suites.Indexes):
    harness = Memory


class TestLifecycle(suites.Lifecycle):
    harness = Memory


class TestLimits(suites.Limits):
    harness = Memory


class TestPagination(suites.Pagination):
    harness = Memory


class TestParity(suites.Parity):
    harness = Memory


class TestProjection(suites.Projection):
    harness = Memory


class TestSorting(suites.Sorting):
    harness = Memory


class TestTransactions(suites.Transactions):
    harness = Memory


class TestUpdates(suites.Updates):
    harness = Memory


class TestValues(suites.Values):
    harness = Memory
