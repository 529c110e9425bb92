"""Publishing events and handling them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        },
    )

__all__ = [
    "EventBusProtocol",
    "EventError",
    "EventHandler",
    "EventHandlerError",
    "EventHandlerProtocol",
]
