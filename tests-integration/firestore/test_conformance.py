"""The conformance kit on Google's emulator."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from firestore.proxies import between
from lexigram.nosql.backends.firestore import FirestoreConfig, FirestoreDocumentStore
from lexigram.nosql.backends.firestore.spec import SPEC
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing import ExpectedFailure, Harness, suites
from servers import Server
from servers.processes import free_port


class OnEmulator(Harness):
    """Each store is a project of its own on the one emulator of the run."""

    spec = SPEC
    sdk = ("google.cloud.firestore", "grpc")

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[DocumentStore]:
        server: Server = self.request.getfixturevalue("firestore_server")
        project = f"kit-{uuid.uuid4().hex[:12]}"
        async with AsyncExitStack() as stack:
            place = server.endpoint
            if "broken_connection" in self.request.node.name:
                self._proxy = await stack.enter_async_context(between(place))
                place = self._proxy.place
            given = {"project_id": project, "emulator_host": place, "index_refresh_ms": 0}
            config = FirestoreConfig(**{**given, **settings})
            yield await stack.enter_async_context(FirestoreDocumentStore(config))

    async def break_connection(self, store: DocumentStore) -> bool:
        self._proxy.cut()
        return True

    def unreachable(self) -> FirestoreConfig:
        place = f"127.0.0.1:{free_port()}"
        return FirestoreConfig(project_id="nothing", emulator_host=place, connect_timeout_ms=1000)

    @classmethod
    def expected_failures(cls, config: pytest.Config) -> Mapping[str, ExpectedFailure]:
        return {}


for _topic in suites.__all__:
    globals()[f"Test{_topic}"] = type(
        f"Test{_topic}", (getattr(suites, _topic),), {"harness": OnEmulator, "__module__": __name__}
    )
