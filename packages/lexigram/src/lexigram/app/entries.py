"""What an application is made of: its providers and services, from wherever they were listed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeGuard, get_origin

from lexigram.app.states import ApplicationError
from lexigram.contracts.exceptions.provider import ProviderError
from lexigram.di.binding import Owner
from lexigram.di.keys import type_name
from lexigram.di.module.graph import ModuleGraph
from lexigram.di.provider import Provider, ProviderFactory, ProviderState

__all__ = ["DuplicateProviderError", "Entry", "Parts", "collect_parts"]


class DuplicateProviderError(ProviderError, ValueError):
    """Two providers have the same name."""


@dataclass(eq=False)
class Entry:
    """A provider in its application.

    Attributes:
        provider: The provider.
        owner: The module that listed it; None for the application.
        position: Its place in the order of listing.
        failure: Why it does not run, though the application does.
    """

    provider: Provider
    owner: Owner
    position: int
    failure: BaseException | None = None

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name

    @property
    def booted(self) -> bool:
        """True while it runs."""
        return self.provider.state is ProviderState.BOOTED


@dataclass(frozen=True)
class Parts:
    """Everything listed, by kind, imported modules first.

    Attributes:
        entries: The providers.
        services: Classes that become services, each with its owner.
    """

    entries: list[Entry] = field(default_factory=list[Entry])
    services: list[tuple[Owner, Any]] = field(default_factory=list[tuple[Owner, Any]])


def collect_parts(own: Iterable[Any], modules: ModuleGraph) -> Parts:
    """Collect providers and services.

    Args:
        own: What the application lists itself.
        modules: Its modules.

    Returns:
        What was listed; a provider that is listed twice by the same owner counts once.

    Raises:
        DuplicateProviderError: Two providers have the same name.
        ProviderError: A provider's class cannot be called without arguments.
        ApplicationError: Something is neither provider nor class.
    """
    parts = Parts()
    names: dict[str, Entry] = {}
    made: dict[int, Provider] = {}
    listed: list[tuple[Owner, Any]] = []
    listed += [(node.module, item) for node in modules for item in node.providers]
    listed += [(None, item) for item in own]
    for owner, item in listed:
        if _is_service(item):
            parts.services.append((owner, item))
            continue
        if isinstance(item, ProviderFactory):
            if id(item) not in made:
                made[id(item)] = item.make()
            item = made[id(item)]
        provider = _provider(item, modules.name_of(owner))
        other = names.get(provider.name)
        if other is not None:
            if other.provider is provider or (isinstance(item, type) and type(other.provider) is item):
                continue
            raise DuplicateProviderError(
                f"two providers are named {provider.name!r}: {type_name(type(other.provider))} "
                f"and {type_name(type(provider))}",
                provider=provider.name,
                hint="Remove one of them, or give it another name.",
            )
        names[provider.name] = entry = Entry(provider, owner, len(parts.entries))
        parts.entries.append(entry)
    return parts


def _is_service(item: Any) -> TypeGuard[type[Any]]:
    cls = get_origin(item) or item
    return isinstance(cls, type) and not issubclass(cls, Provider)


def _is_provider_class(item: Any) -> TypeGuard[type[Provider]]:
    return isinstance(item, type) and issubclass(item, Provider)


def _provider(item: Any, where: str) -> Provider:
    if isinstance(item, Provider):
        return item
    if not _is_provider_class(item):
        raise ApplicationError(
            f"{item!r}, listed in {where}, is no provider",
            hint="List providers, or classes; objects are registered in a provider's register().",
        )
    try:
        return item()
    except TypeError as error:
        raise ProviderError(
            f"the provider {type_name(item)}, listed in {where}, cannot be made without arguments: {error}",
            provider=item.name,
            hint=f"List an object: {type_name(item)}(...).",
        ) from error
