"""Lexigram: one async way to data for Python services.

The names below are imported when they are first used, so that ``import lexigram`` costs next to nothing and
``import lexigram.contracts`` does not load the kernel. Where each lives is said in the ``TYPE_CHECKING`` block.
"""

from pkgutil import extend_path
from typing import TYPE_CHECKING

__path__ = extend_path(__path__, __name__)

if TYPE_CHECKING:
    from lexigram._app import Application as Application
    from lexigram._app import create_app as create_app
    from lexigram.app.core_module import CoreModule as CoreModule
    from lexigram.app.running import run_application as run_application
    from lexigram.app.running import serve as serve
    from lexigram.app.states import ApplicationStateError as ApplicationStateError
    from lexigram.app.states import AppState as AppState
    from lexigram.config import BaseConfig as BaseConfig
    from lexigram.config import LexigramConfig as LexigramConfig
    from lexigram.context import Context as Context
    from lexigram.context import ContextKey as ContextKey
    from lexigram.contracts.core.health import AggregateHealthResult as AggregateHealthResult
    from lexigram.contracts.core.health import HealthCheckResult as HealthCheckResult
    from lexigram.contracts.core.health import HealthStatus as HealthStatus
    from lexigram.contracts.core.hooks import HookRegistryProtocol as HookRegistryProtocol
    from lexigram.contracts.core.provider import ProviderPriority as ProviderPriority
    from lexigram.contracts.core.provider import ProviderState as ProviderState
    from lexigram.contracts.domain.events import DomainEvent as DomainEvent
    from lexigram.contracts.exceptions.base import LexigramError as LexigramError
    from lexigram.di.binding import Injectable as Injectable
    from lexigram.di.builder import ContainerBuilder as ContainerBuilder
    from lexigram.di.container import Container as Container
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
    from lexigram.di.module.base import DynamicModule as DynamicModule
    from lexigram.di.module.base import Module as Module
    from lexigram.di.module.base import create_module as create_module
    from lexigram.di.module.base import global_module as global_module
    from lexigram.di.module.base import module as module
    from lexigram.di.provider import Provider as Provider
    from lexigram.di.scope import Scope as Scope
    from lexigram.events import EventBus as EventBus
    from lexigram.exceptions import LexigramException as LexigramException
    from lexigram.hooks import HookPriority as HookPriority
    from lexigram.hooks import HookRegistry as HookRegistry
    from lexigram.logs import get_logger as get_logger
    from lexigram.plugins import PluginGroup as PluginGroup
    from lexigram.result import Err as Err
    from lexigram.result import Ok as Ok
    from lexigram.result import Result as Result
    from lexigram.result import ResultPipeline as ResultPipeline
    from lexigram.result import as_result as as_result
    from lexigram.result import as_result_sync as as_result_sync
    from lexigram.result import collect as collect
    from lexigram.result import partition as partition
    from lexigram.result import try_catch as try_catch
    from lexigram.result import try_catch_sync as try_catch_sync
else:
    from lexigram.contracts.lazy import lazy_exports

    _EXPORTS = {
        "_app": ("Application", "create_app"),
        "app.core_module": ("CoreModule",),
        "app.running": ("run_application", "serve"),
        "app.states": ("AppState", "ApplicationStateError"),
        "config": ("BaseConfig", "LexigramConfig"),
        "context": ("Context", "ContextKey"),
        "lexigram.contracts.core.health": ("AggregateHealthResult", "HealthCheckResult", "HealthStatus"),
        "lexigram.contracts.core.hooks": ("HookRegistryProtocol",),
        "lexigram.contracts.core.provider": ("ProviderPriority", "ProviderState"),
        "lexigram.contracts.domain.events": ("DomainEvent",),
        "lexigram.contracts.exceptions.base": ("LexigramError",),
        "di.binding": ("Injectable",),
        "di.builder": ("ContainerBuilder",),
        "di.container": ("Container",),
        "di.decorators": ("inject", "injectable", "scoped", "singleton", "transient"),
        "di.markers": ("Inject", "Named", "OptionalDep", "Qualifier", "named"),
        "di.module.base": ("DynamicModule", "Module", "create_module", "global_module", "module"),
        "di.provider": ("Provider",),
        "di.scope": ("Scope",),
        "events": ("EventBus",),
        "exceptions": ("LexigramException",),
        "hooks": ("HookPriority", "HookRegistry"),
        "logs": ("get_logger",),
        "plugins": ("PluginGroup",),
        "result": (
            "Err",
            "Ok",
            "Result",
            "ResultPipeline",
            "as_result",
            "as_result_sync",
            "collect",
            "partition",
            "try_catch",
            "try_catch_sync",
        ),
    }
    __getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)

__all__ = [
    "AggregateHealthResult",
    "AppState",
    "Application",
    "ApplicationStateError",
    "BaseConfig",
    "Container",
    "ContainerBuilder",
    "Context",
    "ContextKey",
    "CoreModule",
    "DomainEvent",
    "DynamicModule",
    "Err",
    "EventBus",
    "HealthCheckResult",
    "HealthStatus",
    "HookPriority",
    "HookRegistry",
    "HookRegistryProtocol",
    "Inject",
    "Injectable",
    "LexigramConfig",
    "LexigramError",
    "LexigramException",
    "Module",
    "Named",
    "Ok",
    "OptionalDep",
    "PluginGroup",
    "Provider",
    "ProviderPriority",
    "ProviderState",
    "Qualifier",
    "Result",
    "ResultPipeline",
    "Scope",
    "as_result",
    "as_result_sync",
    "collect",
    "create_app",
    "create_module",
    "get_logger",
    "global_module",
    "inject",
    "injectable",
    "module",
    "named",
    "partition",
    "run_application",
    "scoped",
    "serve",
    "singleton",
    "transient",
    "try_catch",
    "try_catch_sync",
]
