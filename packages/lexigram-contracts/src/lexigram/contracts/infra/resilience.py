"""Retries, circuit breakers and time limits: their settings, and who puts them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

__all__ = [
    "CircuitBreakerConfig",
    "CircuitBreakerProtocol",
    "CircuitState",
    "ResiliencePipelineFactoryProtocol",
    "ResiliencePipelineProtocol",
    "RetryConfig",
    "RetryPolicyProtocol",
    "TimeoutConfig",
]


class CircuitState(StrEnum):
    """What a circuit breaker does with calls.

    Attributes:
        CLOSED: It lets them through.
        OPEN: It refuses them.
        HALF_OPEN: It lets single ones through as a trial.
    """

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryConfig:
    """How often a call is tried again, and when.

    Attributes:
        max_attempts: The most attempts in all, the first included.
        base_delay: Seconds before the second attempt.
        max_delay: The most seconds between two attempts.
        exponential_base: By how much the delay grows each time.
        jitter: Whether the delay is a random part of what it could be.
        retryable_exceptions: What is worth another attempt; without any, every ``Exception`` is.
    """

    max_attempts: int = 3
    base_delay: float = 0.5
    max_delay: float = 30.0
    exponential_base: float = 2.0
    jitter: bool = True
    retryable_exceptions: tuple[type[Exception], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreakerConfig:
    """When a circuit breaker opens and closes.

    Attributes:
        failure_threshold: Failures in a row that open it.
        recovery_timeout: Seconds it stays open before a trial.
        success_threshold: Trials in a row that close it.
    """

    failure_threshold: int = 5
    recovery_timeout: float = 30.0
    success_threshold: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutConfig:
    """How long a call may take.

    Attributes:
        timeout: The most seconds of one attempt.
    """

    timeout: float = 30.0


@runtime_checkable
class CircuitBreakerProtocol(Protocol):
    """Refuses calls to a service that failed too often of late."""

    @property
    def state(self) -> str:
        """What it does with calls now; see :class:`CircuitState`."""
        ...

    async def call(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call *func*, or refuse.

        Raises:
            CircuitOpenError: The circuit is open.
        """
        ...

    def reset(self) -> None:
        """Let calls through again."""
        ...


@runtime_checkable
class RetryPolicyProtocol(Protocol):
    """Tries a call again where that is worth it."""

    async def execute(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call *func* until it succeeds.

        Raises:
            RetryExhaustedError: Every attempt failed.
        """
        ...


@runtime_checkable
class ResiliencePipelineProtocol(Protocol):
    """Several policies around one call."""

    async def execute(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call *func* under all of them."""
        ...


@runtime_checkable
class ResiliencePipelineFactoryProtocol(Protocol):
    """Puts a retry, a circuit breaker and a time limit together."""

    def __call__(
        self, retry_config: RetryConfig, circuit_config: CircuitBreakerConfig, timeout_config: TimeoutConfig
    ) -> ResiliencePipelineProtocol:
        """A pipeline with these settings."""
        ...
