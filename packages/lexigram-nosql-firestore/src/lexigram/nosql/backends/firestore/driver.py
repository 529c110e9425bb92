"""An open connection to one Firestore database."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from google.cloud.firestore_v1 import AsyncClient
from lexigram.nosql.backends.firestore.catalogue import Catalogue
from lexigram.nosql.backends.firestore.client import Client, open_channel
from lexigram.nosql.backends.firestore.codec import messages
from lexigram.nosql.backends.firestore.collection import FirestoreCollection
from lexigram.nosql.backends.firestore.config import FirestoreConfig
from lexigram.nosql.backends.firestore.credentials import emulator_of, load_credentials, make_sdk_client
from lexigram.nosql.backends.firestore.errors import classify
from lexigram.nosql.backends.firestore.naming import Scope, is_own, name_of, public_name, scope_of
from lexigram.nosql.backends.firestore.planning import Planner
from lexigram.nosql.backends.firestore.planning.hints import NO_HINTS, CollectionHints, parse_hints
from lexigram.nosql.backends.firestore.recording import IndexRecorder
from lexigram.nosql.backends.firestore.transactions import Transaction
from lexigram.nosql.backends.firestore.writing.guards import GUARDS, MARK_FIELD
from lexigram.nosql.backends.firestore.writing.orphans import FreeingCommitter
from lexigram.nosql.exceptions import DocumentNotFoundError, NoSQLConnectionError, NoSQLError
from lexigram.nosql.finishing import to_the_end

__all__ = ["FirestoreDriver", "connect"]


_MOST_PLANNERS: Final = 1000

_PAGE: Final = 10_000
"""Names of documents that are asked for in one request."""


async def connect(config: FirestoreConfig) -> FirestoreDriver:
    """Open a connection, on the running event loop, and see that the database answers.

    Args:
        config: The configuration.

    Raises:
        NoSQLConnectionError: Nothing answers in time, or there is no such database.
        AuthenticationFailedError: The credentials cannot be used.
    """
    try:
        # Files of credentials are read, and perhaps a server of metadata is asked, which no event loop should wait for.
        credentials = await asyncio.to_thread(load_credentials, config)
    except NoSQLError:
        raise
    except Exception as error:
        found = classify(error)
        if found is None:
            raise
        # Its text may show parts of the credentials.
        raise found from None
    driver = FirestoreDriver(config, credentials)
    try:
        deadline = asyncio.get_running_loop().time() + config.connect_timeout_ms / 1000
        # The time is told so that a change feed can begin where it is asked for.
        await asyncio.gather(driver.catalogue.load(deadline), driver.client.ask_time(deadline))
    except Exception as error:
        await to_the_end(driver.close())
        found = classify(error)
        if isinstance(found, DocumentNotFoundError):
            raise NoSQLConnectionError(
                f"there is no database {config.database_id!r} in the project {config.project_id!r}", retryable=False
            ) from error
        if found is None:
            raise
        raise found from error
    except BaseException:
        await to_the_end(driver.close())
        raise
    return driver


class FirestoreDriver:
    """An open connection.

    Args:
        config: The configuration.
        credentials: Credentials of ``google.auth``.

    Attributes:
        config: The configuration.
        client: What sends requests.
        catalogue: The indexes.
        committer: What sends writes.
        recorder: What notes the indexes that queries need; None where nothing is recorded.
    """

    shares_documents = False

    def __init__(self, config: FirestoreConfig, credentials: Any) -> None:
        self.config = config
        self.client = Client(open_channel(config, credentials), config)
        self.catalogue = Catalogue(self.client, config.index_refresh_ms / 1000)
        self.committer = FreeingCommitter(self.client, config.max_writes, config.retry_attempts, self.catalogue)
        self._credentials = credentials
        self.recorder = None if config.index_recording is None else IndexRecorder(config.index_recording)
        self._hints = parse_hints(config.fields)
        self._planners: dict[str, Planner] = {}
        self._native: AsyncClient | None = None

    @property
    def native(self) -> AsyncClient:
        """The SDK's own ``AsyncClient``, with the same address and credentials; it connects when it is first used."""
        if self._native is None:
            self._native = make_sdk_client(self.config, self._credentials)
        return self._native

    def collection(self, name: str) -> FirestoreCollection:
        """A handle on a collection; makes no call."""
        return FirestoreCollection(self, scope_of(name, self.client.root), self._hints.get(name, NO_HINTS))

    def planner(self, scope: Scope, hints: CollectionHints) -> Planner:
        """What compiles requests to a collection; kept, since it knows requests of shapes that it has seen."""
        found = self._planners.get(scope.name)
        if found is None:
            if len(self._planners) >= _MOST_PLANNERS:
                self._planners.clear()
            found = self._planners[scope.name] = Planner(scope.place, hints)
        return found

    async def ping(self) -> Mapping[str, Any]:
        """Ask for a sign of life."""
        request = messages.ListDocumentsRequest(parent=self.client.root, collection_id="~ping", page_size=1)
        await self.client.list_documents(request, None)
        emulator = emulator_of(self.config)
        facts = {"project": self.config.project_id, "database": self.config.database_id}
        return facts if emulator is None else {**facts, "emulator": emulator}

    async def list_collections(self) -> list[str]:
        """Names of the database's own collections, and of those below documents that have indexes."""
        found = await self.client.list_collection_ids(self.client.root, None)
        await self.catalogue.load(None)
        names = {public_name(name) for name in found if not is_own(name)}
        return list(names.union(self.catalogue.names()))

    async def list_nested(self) -> list[str]:
        """Names of the collections below documents, also of those that are not there.

        No request tells them, so the names of all documents are read.
        """
        found: set[str] = set()
        request = messages.RunQueryRequest(parent=self.client.root)
        query = request.structured_query
        query.from_.add().all_descendants = True
        query.select.fields.add().field_path = "__name__"
        query.order_by.add(direction=1).field.field_path = "__name__"
        query.limit.value = _PAGE
        while True:
            seen, last = 0, ""
            async for documents, _ in self.client.query(request, None, _PAGE):
                for document in documents:
                    seen, last = seen + 1, document.name
                    path = last[len(self.client.root) + 1 :].rpartition("/")[0]
                    if "/" in path:
                        found.add(path)
            if seen < _PAGE:
                return [name for name in map(name_of, found) if name is not None]
            del query.start_at.values[:]
            query.start_at.values.add().reference_value = last

    async def drop_collection(self, name: str) -> None:
        """Remove the documents of a collection, what keeps its indexes, and their records.

        Of a group, those of all its collections.
        """
        scope = scope_of(name, self.client.root)
        await self._remove_all(scope.parent, scope.collection_id, group=scope.is_group)
        paths = [scope.name]
        if scope.is_group:
            await self.catalogue.load(None)
            known = [scope_of(path, self.client.root) for path in self.catalogue.names()]
            paths = [each.name for each in known if each.collection_id == scope.collection_id]
        for path in paths:
            for record in await self.catalogue.forget(path, None):
                if record.spec.unique:
                    await self.remove_guards(record.mark)

    async def remove_guards(self, mark: str) -> None:
        """Remove the guards of an index.

        Args:
            mark: That of its record.
        """
        request = _names_query(self.client.root, GUARDS)
        own = request.structured_query.where.field_filter
        own.field.field_path = MARK_FIELD
        own.op = 5  # equal
        own.value.string_value = mark
        await self._remove(request)

    async def _remove_all(self, parent: str, collection_id: str, *, group: bool) -> None:
        request = _names_query(parent, collection_id)
        request.structured_query.from_[0].all_descendants = group
        await self._remove(request)

    async def _remove(self, request: Any) -> None:
        async for documents, _ in self.client.query(request, None, self.config.max_writes):
            if documents:
                writes = [messages.Write(delete=document.name) for document in documents]
                await self.client.commit(writes, None, again=True)

    async def close(self) -> None:
        """Close every connection."""
        await self.catalogue.close()
        native, self._native = self._native, None
        # AsyncClient has no close() of its own, and makes its transport when it first needs one.
        api: Any = getattr(native, "_firestore_api_internal", None)
        if api is not None:
            await api.transport.close()
        await self.client.close()

    def classify(self, error: BaseException) -> NoSQLError | None:
        """Translate an error of the SDK by its code; it is the cause of what comes out."""
        found = classify(error)
        if found is not None:
            found.__cause__ = error
        return found

    # --- transactions

    async def begin(self) -> Transaction:
        """Start a transaction; makes no call."""
        self.client.check_loop()
        return Transaction(self)

    async def commit(self, session: Transaction) -> None:
        """Make the transaction's writes visible, all or none."""
        await session.commit()

    async def rollback(self, session: Transaction) -> None:
        """Drop the transaction's writes; the service knows nothing of them."""
        session.forget()


def _names_query(parent: str, collection_id: str) -> Any:
    """A query for the names of all documents of a collection."""
    request = messages.RunQueryRequest(parent=parent)
    query = request.structured_query
    query.from_.add().collection_id = collection_id
    query.select.fields.add().field_path = "__name__"
    return request
