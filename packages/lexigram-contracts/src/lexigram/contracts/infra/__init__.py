"""What stands outside the program: state stores and resilience."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.infra.resilience import (
        CircuitBreakerConfig as CircuitBreakerConfig,
    )
    from lexigram.contracts.infra.resilience import (
        CircuitBreakerProtocol as CircuitBreakerProtocol,
    )
    from lexigram.contracts.infra.resilience import (
        CircuitState as CircuitState,
    )
    from lexigram.contracts.infra.resilience import (
        ResiliencePipelineFactoryProtocol as ResiliencePipelineFactoryProtocol,
    )
    from lexigram.contracts.infra.resilience import (
        ResiliencePipelineProtocol as ResiliencePipelineProtocol,
    )
    from lexigram.contracts.infra.resilience import (
        RetryConfig as RetryConfig,
    )
    from lexigram.contracts.infra.resilience import (
        RetryPolicyProtocol as RetryPolicyProtocol,
    )
    from lexigram.contracts.infra.resilience import (
        TimeoutConfig as TimeoutConfig,
    )
    from lexigram.contracts.infra.state import (
        StateStoreProtocol as StateStoreProtocol,
    )
else:
    from lexigram.contracts._lazy import lazy_exports

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
