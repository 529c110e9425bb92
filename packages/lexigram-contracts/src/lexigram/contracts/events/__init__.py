"""Publishing events and handling them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.events.outbox import (
        OutboxBackendProtocol as OutboxBackendProtocol,
    )
    from lexigram.contracts.events.outbox import (
        OutboxEntryProtocol as OutboxEntryProtocol,
    )
    from lexigram.contracts.events.outbox import (
        OutboxRelayProtocol as OutboxRelayProtocol,
    )
    from lexigram.contracts.events.outbox import (
        OutboxStatus as OutboxStatus,
    )
    from lexigram.contracts.events.protocols import (
        EventBusProtocol as EventBusProtocol,
    )
    from lexigram.contracts.events.protocols import (
        EventError as EventError,
    )
    from lexigram.contracts.events.protocols import (
        EventHandler as EventHandler,
    )
    from lexigram.contracts.events.protocols import (
        EventHandlerError as EventHandlerError,
    )
    from lexigram.contracts.events.protocols import (
        EventHandlerProtocol as EventHandlerProtocol,
    )
else:
    from lexigram.contracts._lazy import lazy_exports

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
