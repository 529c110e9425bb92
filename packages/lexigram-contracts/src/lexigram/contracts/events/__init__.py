"""Publishing events and handling them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.events.outbox import (
        OutboxBackendProtocol,
        OutboxEntryProtocol,
        OutboxRelayProtocol,
        OutboxStatus,
    )
    from lexigram.contracts.events.protocols import (
        EventBusProtocol,
        EventError,
        EventHandler,
        EventHandlerError,
        EventHandlerProtocol,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "protocols": (
                "EventBusProtocol",
                "EventError",
                "EventHandler",
                "EventHandlerError",
                "EventHandlerProtocol",
            ),
            "outbox": (
                "OutboxBackendProtocol",
                "OutboxEntryProtocol",
                "OutboxRelayProtocol",
                "OutboxStatus",
            ),
        },
    )

__all__ = [
    "EventBusProtocol",
    "EventError",
    "EventHandler",
    "EventHandlerError",
    "EventHandlerProtocol",
    "OutboxBackendProtocol",
    "OutboxEntryProtocol",
    "OutboxRelayProtocol",
    "OutboxStatus",
]
