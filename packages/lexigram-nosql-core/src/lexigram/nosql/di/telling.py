"""What a provider of stores does with each: repositories, observers, and word of its connecting and closing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.contracts.core.hooks import HookRegistryProtocol
from lexigram.contracts.events import EventBusProtocol
from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.observability.tracing import TracerProtocol
from lexigram.nosql.events import NoSQLConnectedEvent, NoSQLDisconnectedEvent
from lexigram.nosql.hooks import CONNECTED, DISCONNECTED, NoSQLConnectedHook, NoSQLDisconnectedHook
from lexigram.nosql.observing import MetricsObserver, TracingObserver
from lexigram.nosql.repository.base import DocumentRepository
from lexigram.nosql.store import DocumentStore

__all__ = ["StoreNews", "observe", "repositories_in"]

_log = logging.getLogger("lexigram.nosql")


def repositories_in(store: DocumentStore) -> Callable[..., DocumentRepository[Any, Any]]:
    """What makes ``DocumentRepositoryProtocol[Product]``: a repository of ``Product`` in one store."""

    def make(arguments: tuple[Any, ...], resolver: ContainerResolverProtocol) -> DocumentRepository[Any, Any]:
        return DocumentRepository(store, entity=arguments[0])

    return make


def observe(store: DocumentStore, tracer: TracerProtocol | None, metrics: MetricsCollectorProtocol | None) -> None:
    """Let the application's tracer and metrics see a store's operations."""
    if tracer is not None:
        store.observe(TracingObserver(tracer))
    if metrics is not None:
        store.observe(MetricsObserver(metrics))


@dataclass(frozen=True, slots=True)
class StoreNews:
    """Tells hooks (``nosql.connected``, ``nosql.disconnected``) and the event bus of stores.

    Attributes:
        hooks: The application's hooks, or None.
        events: The application's event bus, or None.
    """

    hooks: HookRegistryProtocol | None
    events: EventBusProtocol | None

    async def connected(self, store: DocumentStore) -> None:
        """A store has connected."""
        await self._tell(
            CONNECTED,
            NoSQLConnectedHook(backend=store.name),
            NoSQLConnectedEvent(database=store.name, host=store.backend),
        )

    async def disconnected(self, store: DocumentStore) -> None:
        """A store has closed."""
        await self._tell(
            DISCONNECTED, NoSQLDisconnectedHook(backend=store.name), NoSQLDisconnectedEvent(database=store.name)
        )

    async def _tell(self, hook: str, payload: Any, event: Any) -> None:
        if self.hooks is not None:
            await self.hooks.call_action(hook, payload=payload)
        if self.events is not None:
            result = await self.events.publish(event)
            if result.is_err():
                _log.error("a handler of %s failed", type(event).__name__, exc_info=result.unwrap_err())
