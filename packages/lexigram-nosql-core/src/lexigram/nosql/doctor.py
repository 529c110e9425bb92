"""What ``lexigram doctor`` asks of document stores: can every one that is configured be reached?

Registered under the entry point group ``lexigram.doctor``.
"""

from __future__ import annotations

import asyncio
import time

from lexigram.config import LexigramConfig
from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.nosql.config import NoSQLConfig
from lexigram.nosql.store import DocumentStore

__all__ = ["check", "check_store"]

_SECONDS = 5.0


async def check_store(store: DocumentStore, seconds: float = _SECONDS) -> HealthCheckResult:
    """Connect to a store, ask it for a sign of life, and close it.

    Args:
        store: The store, not connected yet.
        seconds: Time that connecting may take, and then the answer.

    Returns:
        What it says; a failure is a result as well.
    """
    start = time.perf_counter()
    try:
        try:
            async with asyncio.timeout(seconds):
                await store.connect()
            return await store.health_check(seconds)
        finally:
            await store.disconnect()
    except TimeoutError:
        message, error = f"no connection within {seconds:g} s", "timeout"
    except LexigramError as failure:
        message, error = failure.message, failure.code
    return HealthCheckResult(
        component=f"nosql:{store.name}",
        status=HealthStatus.UNHEALTHY,
        message=message,
        error=error,
        duration_ms=(time.perf_counter() - start) * 1000,
        details={"backend": store.backend},
    )


async def check(config: LexigramConfig) -> list[HealthCheckResult]:
    """Look at every configured store.

    Args:
        config: The application's configuration. Without a ``nosql`` section, or with one that is not enabled, there is
            nothing to look at.

    Returns:
        One result for each store.
    """
    # Reading sections loads plugins, and so files.
    stores, results = await asyncio.to_thread(_configured, config)
    return [*results, *await asyncio.gather(*map(check_store, stores))]


def _configured(config: LexigramConfig) -> tuple[list[DocumentStore], list[HealthCheckResult]]:
    """The stores that can be built, and why the others cannot."""
    stores: list[DocumentStore] = []
    failures: list[HealthCheckResult] = []
    settings = config.get_section("nosql", NoSQLConfig) if config.has_section("nosql") else None
    if settings is None or not settings.enabled:
        return stores, failures
    for name, _, entry in settings.entries():
        try:
            spec, section = entry.backend()
        except LexigramError as error:
            failures.append(
                HealthCheckResult(
                    component=f"nosql:{name}", status=HealthStatus.UNHEALTHY, message=error.message, error=error.code
                )
            )
        else:
            stores.append(DocumentStore(spec, section, name=name))
    return stores, failures
