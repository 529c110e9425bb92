"""What an application asks of modules: groups of providers with a border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["DynamicModuleProtocol", "ModuleProtocol"]


@runtime_checkable
class DynamicModuleProtocol(Protocol):
    """A module with its configuration, as ``configure()``, ``scope()`` and ``stub()`` return it."""

    @property
    def module(self) -> type[Any]:
        """The module's class, which is its identity."""
        ...

    @property
    def providers(self) -> Sequence[Any]:
        """Providers, and classes to be registered as services."""
        ...

    @property
    def imports(self) -> Sequence[Any]:
        """The modules whose exports this one may use."""
        ...

    @property
    def exports(self) -> Sequence[Any]:
        """The keys that importing modules may use."""
        ...

    @property
    def is_global(self) -> bool:
        """True when every module may use the exports without importing it."""
        ...


@runtime_checkable
class ModuleProtocol(Protocol):
    """A module's class."""

    @classmethod
    def configure(cls, *args: Any, **kwargs: Any) -> DynamicModuleProtocol:
        """The module with its configuration, for real use."""
        ...

    @classmethod
    def scope(cls, *types: type[Any], **kwargs: Any) -> DynamicModuleProtocol:
        """A part of the module that adds services, such as repositories, to one configured elsewhere."""
        ...

    @classmethod
    def stub(cls, config: Any = None) -> DynamicModuleProtocol:
        """The module with embedded parts that need no service outside the process, for tests."""
        ...
