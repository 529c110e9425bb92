"""Decorators for methods of repositories and services: how long one takes, and what it returns kept for a while."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar, cast

from lexigram.sql.exceptions import ProtocolValidationError

__all__ = ["cacheable", "timed"]

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("lexigram.sql.repositories")


def timed(
    name: str | None = None, *, slow: float = 0.0, report: Callable[[str, float, bool], object] | None = None
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Tell how long each call of a coroutine function takes, whether it returns or raises.

    Args:
        name: What it is called; the function's own name when None.
        slow: Seconds below which nothing is told.
        report: Told the name, the seconds, and whether it returned; Python's logging when None.
    """

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        called = name or str(getattr(function, "__qualname__", function))

        @functools.wraps(function)
        async def run(*args: P.args, **keywords: P.kwargs) -> R:
            started = time.perf_counter()
            returned = False
            try:
                result = await function(*args, **keywords)
                returned = True
                return result
            finally:
                seconds = time.perf_counter() - started
                if seconds >= slow:
                    if report is None:
                        _log.info("%s took %.1f ms%s", called, seconds * 1000, "" if returned else ", and failed")
                    else:
                        report(called, seconds, returned)

        return run

    return decorate


def cacheable(
    ttl: int = 300, key_prefix: str | None = None
) -> Callable[[Callable[..., Awaitable[R]]], Callable[..., Awaitable[R]]]:
    """Keep what a method returns in its object's cache (the attribute ``cache`` or ``_cache``) for a while.

    Calls with equal arguments share it, also those at the same time, of which one asks. In a transaction of the task
    nothing is kept or taken, since it may see what others must not. For reads that must show writes at once use
    :class:`~lexigram.sql.repositories.cached.CachedRepository`.

    Args:
        ttl: Seconds that a result is kept.
        key_prefix: Begins the keys; the method's module and name when None.

    Raises:
        ProtocolValidationError: (by the call) The object has no cache, or is a guarded repository.
    """

    def decorate(method: Callable[..., Awaitable[R]]) -> Callable[..., Awaitable[R]]:
        prefix = key_prefix or f"{method.__module__}.{method.__qualname__}"
        asking: dict[tuple[int, str], asyncio.Lock] = {}

        @functools.wraps(method)
        async def run(self: Any, *args: Any, **keywords: Any) -> R:
            cache = getattr(self, "cache", None) or getattr(self, "_cache", None)
            if cache is None:
                raise ProtocolValidationError(
                    f"{type(self).__name__} has no cache for {method.__name__}", hint="Set self.cache."
                )
            if getattr(self, "rls_policy", None) is not None or getattr(self, "multi_tenant", False):
                raise ProtocolValidationError(
                    "a guarded repository is not cached: what one tenant reads could reach another",
                    hint="Cache above the service that knows the tenant.",
                )
            held = getattr(getattr(self, "provider", None), "get_scoped_connection", None)
            if held is not None and held() is not None:
                return await method(self, *args, **keywords)
            described = repr((args, sorted(keywords.items())))
            key = f"{prefix}:{hashlib.sha256(described.encode()).hexdigest()}"
            place = (id(self), key)
            lock = asking.setdefault(place, asyncio.Lock())
            try:
                async with lock:
                    found = await cache.get(key)
                    if found is not None:
                        return cast("R", found[0])
                    result = await method(self, *args, **keywords)
                    await cache.set(key, [result], ttl=ttl)
                    return result
            finally:
                if not lock.locked():
                    asking.pop(place, None)

        return run

    return decorate
