"""What stands outside the program: state stores and resilience."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.infra.resilience import (
        CircuitBreakerConfig,
        CircuitBreakerProtocol,
        CircuitState,
        ResiliencePipelineFactoryProtocol,
        ResiliencePipelineProtocol,
        RetryConfig,
        RetryPolicyProtocol,
        TimeoutConfig,
    )
    from lexigram.contracts.infra.state import (
        StateStoreProtocol,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "state": ("StateStoreProtocol",),
            "resilience": (
                "CircuitBreakerConfig",
                "CircuitBreakerProtocol",
                "CircuitState",
                "ResiliencePipelineFactoryProtocol",
                "ResiliencePipelineProtocol",
                "RetryConfig",
                "RetryPolicyProtocol",
                "TimeoutConfig",
            ),
        },
    )

__all__ = [
    "CircuitBreakerConfig",
    "CircuitBreakerProtocol",
    "CircuitState",
    "ResiliencePipelineFactoryProtocol",
    "ResiliencePipelineProtocol",
    "RetryConfig",
    "RetryPolicyProtocol",
    "StateStoreProtocol",
    "TimeoutConfig",
]
