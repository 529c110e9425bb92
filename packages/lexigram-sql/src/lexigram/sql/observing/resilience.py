"""What is tried again when a database fails, and when it is left alone for a while.

The policies are the application's: it binds a ``ResiliencePipelineFactoryProtocol``. Two things go through them, both
of which may be done again without harm: connecting (``connect``), and statements that only read, outside of
transactions (``read``). A transaction is the application's to repeat, with ``transactional(retries=…)``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from lexigram.contracts.infra.resilience import (
    CircuitBreakerConfig,
    ResiliencePipelineFactoryProtocol,
    ResiliencePipelineProtocol,
    RetryConfig,
    TimeoutConfig,
)
from lexigram.sql.exceptions import (
    ConnectionPoolError,
    ConnectionTimeoutError,
    DatabaseConnectionError,
    DeadlockError,
    SerializationError,
)

__all__ = ["RETRYABLE", "DatabaseResilienceHandler"]

R = TypeVar("R")

RETRYABLE: Final = (
    DatabaseConnectionError,
    ConnectionTimeoutError,
    ConnectionPoolError,
    DeadlockError,
    SerializationError,
)
"""What is worth another attempt."""


class _Straight:
    """A pipeline without policies."""

    async def execute(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await func(*args, **kwargs)


class DatabaseResilienceHandler:
    """Keeps the pipelines of one database, by name.

    Args:
        pipeline_factory: Makes them; without one, everything is done once.
        retry_config: How often something is tried again.
        circuit_config: When it is not tried any more for a while.
        timeout_config: How long one attempt may take.
    """

    def __init__(
        self,
        pipeline_factory: ResiliencePipelineFactoryProtocol | None = None,
        *,
        retry_config: RetryConfig | None = None,
        circuit_config: CircuitBreakerConfig | None = None,
        timeout_config: TimeoutConfig | None = None,
    ) -> None:
        self._factory = pipeline_factory
        self._retry = retry_config or RetryConfig(max_attempts=4, retryable_exceptions=RETRYABLE)
        self._circuit = circuit_config or CircuitBreakerConfig()
        self._timeout = timeout_config or TimeoutConfig()
        self._pipelines: dict[str, ResiliencePipelineProtocol] = {}

    @property
    def is_active(self) -> bool:
        """False when there is no factory, so that everything is done once."""
        return self._factory is not None

    def get_pipeline(self, name: str) -> ResiliencePipelineProtocol:
        """The pipeline of this name; each has a circuit breaker of its own."""
        if name not in self._pipelines:
            factory = self._factory
            made = _Straight() if factory is None else factory(self._retry, self._circuit, self._timeout)
            self._pipelines[name] = made
        return self._pipelines[name]

    async def execute(self, name: str, work: Callable[..., Awaitable[R]], *args: Any) -> R:
        """Do something under the policies of a pipeline.

        Args:
            name: The pipeline.
            work: What is done, perhaps several times.
            *args: Its arguments.
        """
        done: R = await self.get_pipeline(name).execute(work, *args)
        return done
