"""The conformance kit on the backend that keeps documents in files: all that its author has to write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing import Harness, suites
from lexigram_jsonfiles import SPEC, JsonFilesConfig


class JsonFiles(Harness):
    """Each store has a folder of its own."""

    spec = SPEC
    sdk = ("lexigram_jsonfiles.driver",)

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[DocumentStore]:
        folder: Path = self.request.getfixturevalue("tmp_path_factory").mktemp("documents")
        async with DocumentStore(SPEC, JsonFilesConfig(folder=folder, **settings)) as store:
            yield store

    def unreachable(self) -> JsonFilesConfig:
        return JsonFilesConfig(folder=Path("/proc/nothing/can/be/made/here"))


class TestAggregation(suites.Aggregation):
    harness = JsonFiles


class TestArrays(suites.Arrays):
    harness = JsonFiles


class TestBulk(suites.Bulk):
    harness = JsonFiles


class TestChangeFeed(suites.ChangeFeed):
    harness = JsonFiles


class TestConcurrency(suites.Concurrency):
    harness = JsonFiles


class TestCrud(suites.Crud):
    harness = JsonFiles


class TestDiscovery(suites.Discovery):
    harness = JsonFiles


class TestErrors(suites.Errors):
    harness = JsonFiles


class TestExplain(suites.Explain):
    harness = JsonFiles


class TestFilters(suites.Filters):
    harness = JsonFiles


class TestIds(suites.Ids):
    harness = JsonFiles


class TestIndexes(suites.Indexes):
    harness = JsonFiles


class TestLifecycle(suites.Lifecycle):
    harness = JsonFiles


class TestLimits(suites.Limits):
    harness = JsonFiles


class TestPagination(suites.Pagination):
    harness = JsonFiles


class TestParity(suites.Parity):
    harness = JsonFiles


class TestProjection(suites.Projection):
    harness = JsonFiles


class TestSorting(suites.Sorting):
    harness = JsonFiles


class TestTransactions(suites.Transactions):
    harness = JsonFiles


class TestUpdates(suites.Updates):
    harness = JsonFiles


class TestValues(suites.Values):
    harness = JsonFiles
