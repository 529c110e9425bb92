"""The conformance kit: on DynamoDB Local with a table for each collection, on Dynoxide with one table for all."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from dynamodb.conftest import settings_for
from dynamodb.known_faults import faults_of
from dynamodb.raw import drop_tables
from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore
from lexigram.nosql.backends.dynamodb.spec import SPEC
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing import ExpectedFailure, Harness, suites
from servers import Server
from servers.finding import FOUND
from servers.processes import free_port


class _OnServer(Harness):
    """Each store has tables of its own on the one server of the run."""

    spec = SPEC
    sdk = ("aioboto3", "aiobotocore", "boto3", "botocore")
    server: ClassVar[str]
    layout: ClassVar[str]

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[DocumentStore]:
        server: Server = self.request.getfixturevalue(f"{self.server}_server")
        prefix = f"kit{uuid.uuid4().hex[:12]}"
        given = {**settings_for(server), "table_name": prefix, "layout": self.layout, **settings}
        try:
            async with DynamoDBDocumentStore(DynamoDBConfig(**given)) as store:
                yield store
        finally:
            await drop_tables(server.endpoint, prefix)

    def unreachable(self) -> DynamoDBConfig:
        return DynamoDBConfig(
            endpoint_url=f"http://127.0.0.1:{free_port()}",
            access_key="lexigram",
            secret_key="lexigram",
            connect_timeout=1,
            max_attempts=1,
        )

    async def break_connection(self, store: DocumentStore) -> bool:
        for session in store.native._endpoint.http_session._sessions.values():
            for waiting in session.connector._conns.values():
                for protocol, _ in waiting:
                    if protocol.transport is not None:
                        protocol.transport.abort()
        return True

    @classmethod
    def expected_failures(cls, config: pytest.Config) -> Mapping[str, ExpectedFailure]:
        found = config.stash.get(FOUND, {}).get(cls.server)
        return faults_of(found.product if isinstance(found, Server) else None)


class OnDynamoDBLocal(_OnServer):
    server = "dynamodb"
    layout = "table-per-collection"


class OnDynoxide(_OnServer):
    server = "dynoxide"
    layout = "single-table"


for _harness in (OnDynamoDBLocal, OnDynoxide):
    for _topic in suites.__all__:
        _name = f"Test{_topic}{_harness.__name__}"
        globals()[_name] = type(_name, (getattr(suites, _topic),), {"harness": _harness, "__module__": __name__})
