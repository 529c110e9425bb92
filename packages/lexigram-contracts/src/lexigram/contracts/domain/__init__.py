"""The domain's vocabulary: events, aggregates, specifications, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.domain.aggregates import (
        AggregateRootProtocol,
    )
    from lexigram.contracts.domain.events import (
        DomainEvent,
        DomainEventPublisherProtocol,
    )
    from lexigram.contracts.domain.pagination import (
        CursorPage,
        Page,
    )
    from lexigram.contracts.domain.specification import (
        SpecificationProtocol,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "aggregates": ("AggregateRootProtocol",),
            "events": (
                "DomainEvent",
                "DomainEventPublisherProtocol",
            ),
            "pagination": (
                "CursorPage",
                "Page",
            ),
            "specification": ("SpecificationProtocol",),
        },
    )

__all__ = [
    "AggregateRootProtocol",
    "CursorPage",
    "DomainEvent",
    "DomainEventPublisherProtocol",
    "Page",
    "SpecificationProtocol",
]
