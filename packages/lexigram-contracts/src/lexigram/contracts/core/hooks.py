"""Hooks: named points where others may act, or change a value.

Actions are told and their errors kept apart; filters hand a value from one to the next and their errors propagate.
Handlers may be sync or async.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Protocol, runtime_checkable

__all__ = ["HookHandler", "HookPriority", "HookRegistryProtocol"]

HookHandler = Callable[..., Any]


class HookPriority(IntEnum):
    """When a handler runs: the lowest first. Any int between two names works as well."""

    EARLIEST = 0
    EARLY = 50
    NORMAL = 100
    LATE = 200
    LATEST = 300


@runtime_checkable
class HookRegistryProtocol(Protocol):
    """Where handlers are registered, and hooks fired."""

    def register_action(self, hook_name: str, handler: HookHandler, priority: int = 100, *, once: bool = False) -> None:
        """Run *handler* whenever the action is called; with *once*, only the first time."""
        ...

    def register_filter(self, hook_name: str, handler: HookHandler, priority: int = 100, *, once: bool = False) -> None:
        """Let *handler* change the value whenever the filter is applied; with *once*, only the first time."""
        ...

    def unregister_action(self, hook_name: str, handler: HookHandler) -> bool:
        """Take an action's handler away; True when it was there."""
        ...

    def unregister_filter(self, hook_name: str, handler: HookHandler) -> bool:
        """Take a filter's handler away; True when it was there."""
        ...

    async def call_action(self, hook_name: str, **kwargs: Any) -> None:
        """Run the action's handlers in order. An error in one is logged and does not stop the others."""
        ...

    async def apply_filter(self, hook_name: str, value: Any, **kwargs: Any) -> Any:
        """Hand *value* through the filter's handlers in order and return what comes out. Errors propagate."""
        ...
