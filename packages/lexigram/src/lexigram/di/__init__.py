"""Dependency injection: the container, what is written beside a type, providers and modules.

Names are imported when they are first used, so that a provider's module costs no more than it needs. The decorator
``@module`` is in ``lexigram`` and in ``lexigram.di.module``, since here its name is that of the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.core.di import ContainerProtocol as ContainerProtocol
    from lexigram.contracts.core.di import ContainerRegistrarProtocol as ContainerRegistrarProtocol
    from lexigram.contracts.core.di import ContainerResolverProtocol as ContainerResolverProtocol
    from lexigram.contracts.core.provider import ProviderPriority as ProviderPriority
    from lexigram.contracts.core.provider import ProviderState as ProviderState
    from lexigram.contracts.core.scopes import ServiceScope as ServiceScope
    from lexigram.di.binding import Injectable as Injectable
    from lexigram.di.container import Container as Container
    from lexigram.di.container import ContainerView as ContainerView
    from lexigram.di.container import Override as Override
    from lexigram.di.decorators import inject as inject
    from lexigram.di.decorators import injectable as injectable
    from lexigram.di.decorators import scoped as scoped
    from lexigram.di.decorators import singleton as singleton
    from lexigram.di.decorators import transient as transient
    from lexigram.di.markers import Inject as Inject
    from lexigram.di.markers import Named as Named
    from lexigram.di.markers import OptionalDep as OptionalDep
    from lexigram.di.markers import Qualifier as Qualifier
    from lexigram.di.markers import named as named
    from lexigram.di.module import DynamicModule as DynamicModule
    from lexigram.di.module import Module as Module
    from lexigram.di.module import create_module as create_module
    from lexigram.di.module import global_module as global_module
    from lexigram.di.provider import Provider as Provider
    from lexigram.di.resolver import Resolver as Resolver
    from lexigram.di.scope import Scope as Scope
else:
    from lexigram.contracts.lazy import lazy_exports

    _EXPORTS = {
        "lexigram.contracts.core.di": ("ContainerProtocol", "ContainerRegistrarProtocol", "ContainerResolverProtocol"),
        "lexigram.contracts.core.provider": ("ProviderPriority", "ProviderState"),
        "lexigram.contracts.core.scopes": ("ServiceScope",),
        "binding": ("Injectable",),
        "container": ("Container", "ContainerView", "Override"),
        "decorators": ("inject", "injectable", "scoped", "singleton", "transient"),
        "markers": ("Inject", "Named", "OptionalDep", "Qualifier", "named"),
        "lexigram.di.module": ("DynamicModule", "Module", "create_module", "global_module"),
        "provider": ("Provider",),
        "resolver": ("Resolver",),
        "scope": ("Scope",),
    }
    __getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)

__all__ = [
    "Container",
    "ContainerProtocol",
    "ContainerRegistrarProtocol",
    "ContainerResolverProtocol",
    "ContainerView",
    "DynamicModule",
    "Inject",
    "Injectable",
    "Module",
    "Named",
    "OptionalDep",
    "Override",
    "Provider",
    "ProviderPriority",
    "ProviderState",
    "Qualifier",
    "Resolver",
    "Scope",
    "ServiceScope",
    "create_module",
    "global_module",
    "inject",
    "injectable",
    "named",
    "scoped",
    "singleton",
    "transient",
]
