"""Metrics and traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.observability.metrics import (
        MetricsCollectorProtocol,
    )
    from lexigram.contracts.observability.tracing import (
        SpanProtocol,
        TracerProtocol,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "metrics": ("MetricsCollectorProtocol",),
            "tracing": (
                "SpanProtocol",
                "TracerProtocol",
            ),
        },
    )

__all__ = [
    "MetricsCollectorProtocol",
    "SpanProtocol",
    "TracerProtocol",
]
