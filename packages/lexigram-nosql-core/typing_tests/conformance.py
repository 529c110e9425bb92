"""What a type checker sees of the conformance kit: a harness, a topic, expected failures."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, assert_type

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
from lexigram.nosql.backends.memory.spec import SPEC
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing import ExpectedFailure, Harness, ServerFault, Xfail, suites


class Memory(Harness):
    spec = SPEC

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncGenerator[DocumentStore]:
        async with InMemoryDocumentStore(MemoryConfig(**settings)) as store:
            yield store

    def unreachable(self) -> MemoryConfig:
        return MemoryConfig()

    @classmethod
    def expected_failures(cls, config: pytest.Config) -> Mapping[str, ExpectedFailure]:
        return {
            "values::test_a_value_comes_back[nan]": Xfail("max_nesting", "because"),
            "crud::test_delete_one_deletes_one": ServerFault("Fake 1", manual="Manual, delete", reason="deletes two"),
        }


class Wrong(Harness):
    spec = SPEC

    async def open(self, **settings: Any) -> DocumentStore:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return InMemoryDocumentStore(MemoryConfig(**settings))


class TestFilters(suites.Filters):
    harness = Memory


class TestIds(suites.Ids):
    harness = int  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def opened(topic: TestFilters) -> None:
    assert_type(topic.opened(), AbstractAsyncContextManager[DocumentStore, bool | None])
    assert_type(topic.hooks, Harness)
