"""Telling services and providers of the application's life, those that want to know.

Whoever has one of the methods of ``lexigram.contracts.core.lifecycle`` is told: providers that have booted, and
singletons that exist by then, whether they were registered as objects or made while providers booted. A service that is
made later is not told of the start, but of the end.

``on_config_reload`` is for those who read the configuration anew; the application reads it once.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence
from typing import Any

from lexigram.app.entries import Entry
from lexigram.di.binding import Owner
from lexigram.di.container import Container

__all__ = ["listeners", "notify", "notify_all"]

_logger = logging.getLogger(__name__)


def listeners(container: Container, entries: Sequence[Entry]) -> list[tuple[Owner, Any]]:
    """Providers and singletons that exist now, each once, with their owners; providers first.

    Args:
        container: Where the singletons are.
        entries: The providers in the order of booting.
    """
    found: list[tuple[Owner, Any]] = []
    for owner, candidate in [*((e.owner, e.provider) for e in entries if e.booted), *container.existing()]:
        if not any(candidate is known for _, known in found):
            found.append((owner, candidate))
    return found


async def notify(listener: object, method: str, *arguments: Any) -> None:
    """Call a method that a listener may have; it is looked up on its class.

    Args:
        listener: The provider or service.
        method: The method's name.
        *arguments: What it is called with.
    """
    if callable(getattr(type(listener), method, None)):
        outcome = getattr(listener, method)(*arguments)
        if inspect.isawaitable(outcome):
            await outcome


async def notify_all(found: Sequence[tuple[Owner, Any]], method: str, *arguments: Any) -> None:
    """The same for several; a failure is logged and the others are told all the same.

    Args:
        found: What :func:`listeners` gave.
        method: The method's name.
        *arguments: What it is called with.
    """
    for _, listener in found:
        try:
            await notify(listener, method, *arguments)
        except Exception:
            _logger.exception("%s of %s failed", method, type(listener).__name__)
