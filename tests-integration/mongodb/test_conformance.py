"""The conformance kit on a real server, on both clients."""

from __future__ import annotations

import contextlib
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Literal

import pytest
from lexigram.nosql.backends.mongodb import MongoDBConfig, MongoDBDocumentStore
from lexigram.nosql.backends.mongodb.spec import SPEC
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing import ExpectedFailure, Harness, ServerFault, suites
from lexigram.nosql.testing.cases import Difference
from mongodb.known_faults import faults_of
from mongodb.known_shapes import known_fault
from pymongo import AsyncMongoClient
from servers import Product, Server
from servers.finding import FOUND
from servers.processes import free_port


def _product(config: pytest.Config) -> Product | None:
    """What the run has found; None where nothing answered."""
    found = config.stash.get(FOUND, {}).get("mongodb")
    return found.product if isinstance(found, Server) else None


class _OnServer(Harness):
    """Each store is a database of its own on the one server of the run."""

    spec = SPEC
    sdk = ("pymongo", "motor", "bson")
    client: ClassVar[Literal["motor", "pymongo"]]

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[DocumentStore]:
        server: Server = self.request.getfixturevalue("mongodb_server")
        database = f"lexigram_kit_{uuid.uuid4().hex[:12]}"
        config = MongoDBConfig(uri=server.endpoint, database=database, client=self.client, min_pool_size=0, **settings)
        try:
            async with MongoDBDocumentStore(config) as store:
                yield store
        finally:
            async with AsyncMongoClient[dict[str, Any]](server.endpoint) as client:
                await client.drop_database(database)

    def unreachable(self) -> MongoDBConfig:
        uri = f"mongodb://127.0.0.1:{free_port()}"
        return MongoDBConfig(uri=uri, client=self.client, server_selection_timeout_ms=1000)

    async def break_connection(self, store: DocumentStore) -> bool:
        native = store.native.client
        is_async = isinstance(native, AsyncMongoClient)
        core = native if is_async else native.delegate
        for server in core._topology._servers.values():
            for connection in server.pool.conns:
                if is_async:
                    connection.conn.conn[0].abort()
                else:
                    with contextlib.suppress(OSError):
                        connection.conn.sock.shutdown(socket.SHUT_RDWR)
        return True

    def known_difference(self, difference: Difference) -> ServerFault | None:
        return known_fault(_product(self.request.config), difference)

    @classmethod
    def expected_failures(cls, config: pytest.Config) -> Mapping[str, ExpectedFailure]:
        return faults_of(_product(config))


class OnMotor(_OnServer):
    client = "motor"


class OnPyMongo(_OnServer):
    client = "pymongo"


for _harness in (OnMotor, OnPyMongo):
    for _topic in suites.__all__:
        _name = f"Test{_topic}{_harness.__name__}"
        globals()[_name] = type(_name, (getattr(suites, _topic),), {"harness": _harness, "__module__": __name__})
