"""The document store that an application holds.

One concrete class serves every backend: it does validation, ids, planning, error translation, sessions, timeouts,
events and observation once, on top of a small :class:`~lexigram.nosql.driver.Driver`. ``InMemoryDocumentStore`` and its
siblings in the backend packages only choose the :class:`~lexigram.nosql.backend.BackendSpec`.
"""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakValueDictionary

from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.nosql.backend import BackendConfig, BackendSpec
from lexigram.nosql.collection import Collection
from lexigram.nosql.driver import Document, Driver
from lexigram.nosql.exceptions import (
    DocumentValidationError,
    NoSQLConnectionError,
    NoSQLError,
    QueryOptionError,
    StoreNotConnectedError,
    TransactionError,
    UnsupportedFeatureError,
)
from lexigram.nosql.ids import random_id, time_ordered_id, time_ordered_ids
from lexigram.nosql.observing import Command, Observation, Observer
from lexigram.nosql.paging import PageTokens
from lexigram.nosql.query.numbers import parse_count
from lexigram.nosql.query.plan import ScanGuard
from lexigram.nosql.query.suggest import shown
from lexigram.nosql.session import Session, current_session, open_session, open_transaction
from lexigram.nosql.sizes import size_check
from lexigram.nosql.translating import Translating
from lexigram.nosql.values.normalise import DocumentLimits, normalise_document
from lexigram.nosql.values.passing import ID_CLASSES, all_pass
from lexigram.nosql.writing import backoff

__all__ = ["DocumentStore"]

T = TypeVar("T")

_FEWEST_PASSED = 8
_MOST_PASSED = 1000
"""How many documents are looked at together; so few go out in one message, unless they are very large."""
_MISSING: Any = object()


class DocumentStore:
    """Documents in one database.

    Args:
        spec: The backend.
        config: Its settings; the model's defaults when missing.
        name: Name of this store in the configuration, for logs, health checks and observers.
        enable_ttl: False refuses indexes with ``expire_after_seconds``.
    """

    def __init__(
        self,
        spec: BackendSpec,
        config: BackendConfig | None = None,
        *,
        name: str = "default",
        enable_ttl: bool = True,
    ) -> None:
        self.spec = spec
        self.config = spec.config() if config is None else config
        self.name = name
        self.enable_ttl = enable_ttl
        self.scan_guard = ScanGuard(self.config.scan_policy, spec.name, indexes=spec.capabilities.indexes)
        self.page_tokens = PageTokens(self.config.page_token_secret)
        self.observers: tuple[Observer, ...] = ()
        self._driver: Driver | None = None
        # Handles live as long as somebody holds them, so names used once do not stay.
        self._collections: WeakValueDictionary[str, Collection] = WeakValueDictionary()
        self._changing = asyncio.Lock()
        self._limits = DocumentLimits(max_depth=spec.capabilities.max_nesting)
        # An encoder that checks values knows the size as well, and need not be told.
        self.fits = None if spec.capabilities.encoder_validates else size_check(spec, self.config)
        self.make_id: Callable[[], str] = random_id if spec.capabilities.random_ids else time_ordered_id

    def __repr__(self) -> str:
        state = "connected" if self.is_connected() else "not connected"
        return f"<{type(self).__name__} {self.name!r} on {self.backend}, {state}>"

    @property
    def backend(self) -> str:
        """Name of the driver, such as ``memory``."""
        return self.spec.name

    @property
    def driver(self) -> Driver:
        """The open connection.

        Raises:
            StoreNotConnectedError: The store is not connected.
        """
        if self._driver is None:
            raise StoreNotConnectedError(
                f"the document store {self.name!r} is not connected",
                hint="Await store.connect() first, or use `async with store:`.",
                backend=self.backend,
            )
        return self._driver

    @property
    def native(self) -> Any:
        """The SDK's own handle, for what the portable API does not offer.

        Raises:
            StoreNotConnectedError: The store is not connected.
        """
        return self.driver.native

    async def connect(self) -> None:
        """Open the connection. Connecting twice does nothing.

        Raises:
            NoSQLConnectionError: The database cannot be reached or refuses the credentials.
        """
        async with self._changing:
            if self._driver is not None:
                return
            try:
                self._driver = await self.spec.connect(self.config)
            except NoSQLError as error:
                error.backend = error.backend or self.backend
                raise
            except Exception as error:
                raise NoSQLConnectionError(
                    f"connecting the document store {self.name!r} failed: {type(error).__name__}",
                    backend=self.backend,
                    operation="connect",
                ) from error

    async def disconnect(self) -> None:
        """Close the connection. Disconnecting twice does nothing."""
        async with self._changing:
            driver, self._driver = self._driver, None
            if driver is not None:
                with Translating(driver, self.backend, None, "disconnect"):
                    await driver.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()

    def is_connected(self) -> bool:
        """True between a successful connect and disconnect."""
        return self._driver is not None

    def collection(self, name: str) -> Collection:
        """A handle on a collection; makes no call and works before :meth:`connect`.

        Args:
            name: Name of the collection, not empty, without NUL and not starting with ``$``.

        Raises:
            DocumentValidationError: The name is not valid.
        """
        # Callers are not all typed.
        if not isinstance(name, str) or not name or "\0" in name or name.startswith("$"):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DocumentValidationError(f"{shown(name)} cannot be the name of a collection", mongo_code=73)
        handle = self._collections.get(name)
        if handle is None:
            handle = self._collections[name] = Collection(self, name)
        return handle

    async def get_collection(self, name: str) -> Collection:
        """The same as :meth:`collection`, for code that awaits it."""
        return self.collection(name)

    def session(self) -> AbstractAsyncContextManager[Session]:
        """A session; operations of the same task join it. See :mod:`lexigram.nosql.session`."""
        return open_session(self)

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """A session with a transaction: commits on a clean exit, rolls back on an error or a cancellation.

        Raises:
            UnsupportedFeatureError: The backend has no transactions.
            WriteConflictError: Another writer was first; run the block again, or use :meth:`run_transaction`.
        """
        return open_transaction(self)

    async def run_transaction(self, work: Callable[[Session], Awaitable[T]], *, attempts: int = 5) -> T:
        """Run *work* in a transaction, again when it loses a race.

        Inside a transaction it runs as a part of that one, once.

        Args:
            work: Called with the session; may run several times, so it should touch nothing but the store.
            attempts: How often it is tried, 1 or more.

        Returns:
            What *work* returned.

        Raises:
            WriteConflictError: Every attempt lost.
        """
        if parse_count("attempts", attempts) < 1:
            raise QueryOptionError("run_transaction() takes 1 attempt or more")
        outer = current_session(self)
        if outer is not None and outer.in_transaction:
            attempts = 1
        for attempt in range(attempts - 1):
            try:
                async with self.transaction() as session:
                    return await work(session)
            except TransactionError as error:
                if not error.retryable:
                    raise
            await asyncio.sleep(backoff(attempt))
        async with self.transaction() as session:
            return await work(session)

    async def list_collections(self) -> list[str]:
        """The names of the collections, sorted."""
        driver = self.driver
        with self.translating("list_collections"):
            return sorted(await driver.list_collections())

    async def drop_collection(self, name: str) -> None:
        """Remove a collection with its documents and indexes. A missing one is not an error.

        Raises:
            TransactionError: A transaction of this store is running in this task.
        """
        name = self.collection(name).name
        driver = self.driver
        with self.translating("drop_collection", name):
            self.refuse_in_transaction("drop_collection")
            await driver.drop_collection(name)

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        """Whether the store answers, how fast, and what it is. What the store does is never raised.

        Args:
            timeout: Seconds to wait for the answer; with 0 or less there is no time for one, and the result is
                unhealthy.

        Returns:
            Healthy with the backend's facts, or unhealthy with the reason.

        Raises:
            QueryOptionError: *timeout* is not a number.
        """
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout != timeout:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise QueryOptionError(f"timeout is a number of seconds, not {shown(timeout)}", mongo_code=14)
        start = time.perf_counter()
        status, message, error, details = HealthStatus.HEALTHY, "the store answers", None, dict[str, Any]()
        try:
            with self.translating("health_check"):
                if timeout <= 0:
                    raise TimeoutError  # noqa: TRY301 - the same as one that passed
                async with asyncio.timeout(timeout):
                    details = dict(await self.driver.ping())
        except NoSQLError as caught:
            status, message, error = HealthStatus.UNHEALTHY, caught.message, caught.code
        except TimeoutError:
            status, message, error = HealthStatus.UNHEALTHY, f"no answer within {timeout} s", "timeout"
        except Exception as caught:  # noqa: BLE001 - a health check reports what is wrong, whatever it is
            # Its text may hold what an SDK was configured with.
            status, message, error = HealthStatus.UNHEALTHY, "asking failed", type(caught).__name__
        return HealthCheckResult(
            component=f"nosql:{self.name}",
            status=status,
            message=message,
            error=error,
            duration_ms=(time.perf_counter() - start) * 1000,
            details={"backend": self.backend, **details},
        )

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Tell *observer* of every operation from now on.

        Returns:
            A function that ends it.
        """
        self.observers = (*self.observers, observer)

        def stop() -> None:
            self.observers = tuple(other for other in self.observers if other is not observer)

        return stop

    def translating(self, operation: str, collection: str | None = None) -> Translating:
        """A context in which the backend's errors become Lexigram's."""
        return Translating(self._driver, self.spec.name, collection, operation)

    def operating(self, operation: str, collection: str) -> Translating:
        """The same, and the observers are told of the operation."""
        observation: Observation | None = None
        if self.observers:
            observation = Observation(self.observers, Command(operation, collection, self.backend, self.name))
        return Translating(self._driver, self.spec.name, collection, operation, observation)

    def refuse_in_transaction(self, operation: str) -> None:
        """Refuse what no transaction can hold.

        Raises:
            TransactionError: A transaction of this store is running in this task.
        """
        session = current_session(self)
        if session is not None and session.in_transaction:
            raise TransactionError(
                f"{operation}() cannot run in a transaction", hint="Call it before or after.", mongo_code=263
            )

    def prepare(self, document: Mapping[str, Any]) -> Document:
        """Check a document that is about to be stored and copy it, with an ``_id`` in front.

        Raises:
            DocumentValidationError: It holds what documents may not hold.
            DocumentTooLargeError: It is larger than the backend stores.
        """
        prepared = normalise_document(document, limits=self._limits)
        # MongoDB stores the _id in front, so every backend does.
        if next(iter(prepared), None) != "_id":
            prepared = {"_id": prepared.pop("_id") if "_id" in prepared else self.make_id(), **prepared}
        if self.fits is not None:
            self.fits(prepared)
        return prepared

    def prepare_many(self, documents: Sequence[Mapping[str, Any]]) -> list[Document]:
        """The same for several documents, together and without a walk where the backend's encoder refuses bad values.

        Raises:
            DocumentValidationError: One holds what documents may not hold; its details say which.
        """
        trusts = self.spec.capabilities.encoder_validates and _FEWEST_PASSED <= len(documents) <= _MOST_PASSED
        if trusts and not self.spec.capabilities.random_ids and all_pass(documents):
            given = [document.get("_id", _MISSING) for document in documents]
            if ID_CLASSES.issuperset(map(type, (identity for identity in given if identity is not _MISSING))):
                made = iter(time_ordered_ids(given.count(_MISSING)))
                return [
                    {"_id": next(made) if identity is _MISSING else identity, **document}
                    for identity, document in zip(given, documents, strict=True)
                ]
        prepared: list[Document] = []
        for index, document in enumerate(documents):
            try:
                prepared.append(self.prepare(document))
            except NoSQLError as error:
                error.with_details(document_index=index)
                raise
        return prepared

    def unsupported(self, feature: str) -> UnsupportedFeatureError:
        """The error for a capability that this backend does not have."""
        return UnsupportedFeatureError(
            f"the backend {self.backend!r} does not offer {feature.replace('_', ' ')}",
            feature=feature,
            backend=self.backend,
        )

    def require(self, feature: str, supported: bool) -> None:
        """Refuse what the backend does not offer, by name.

        Raises:
            UnsupportedFeatureError: It does not.
        """
        if not supported:
            raise self.unsupported(feature)
