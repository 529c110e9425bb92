"""What the kernel offers: results, container, providers, modules, configuration, hooks, health, time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.core.clock import (
        ClockProtocol as ClockProtocol,
    )
    from lexigram.contracts.core.clock import (
        Duration as Duration,
    )
    from lexigram.contracts.core.config import (
        ConfigIssue as ConfigIssue,
    )
    from lexigram.contracts.core.config import (
        ConfigProtocol as ConfigProtocol,
    )
    from lexigram.contracts.core.config import (
        Environment as Environment,
    )
    from lexigram.contracts.core.di import (
        ContainerProtocol as ContainerProtocol,
    )
    from lexigram.contracts.core.di import (
        ContainerRegistrarProtocol as ContainerRegistrarProtocol,
    )
    from lexigram.contracts.core.di import (
        ContainerResolverProtocol as ContainerResolverProtocol,
    )
    from lexigram.contracts.core.health import (
        AggregateHealthResult as AggregateHealthResult,
    )
    from lexigram.contracts.core.health import (
        HealthCheckCategory as HealthCheckCategory,
    )
    from lexigram.contracts.core.health import (
        HealthCheckProtocol as HealthCheckProtocol,
    )
    from lexigram.contracts.core.health import (
        HealthCheckResult as HealthCheckResult,
    )
    from lexigram.contracts.core.health import (
        HealthStatus as HealthStatus,
    )
    from lexigram.contracts.core.hooks import (
        HookHandler as HookHandler,
    )
    from lexigram.contracts.core.hooks import (
        HookPriority as HookPriority,
    )
    from lexigram.contracts.core.hooks import (
        HookRegistryProtocol as HookRegistryProtocol,
    )
    from lexigram.contracts.core.identity import (
        IdGeneratorProtocol as IdGeneratorProtocol,
    )
    from lexigram.contracts.core.lifecycle import (
        OnApplicationBootstrapProtocol as OnApplicationBootstrapProtocol,
    )
    from lexigram.contracts.core.lifecycle import (
        OnApplicationShutdownProtocol as OnApplicationShutdownProtocol,
    )
    from lexigram.contracts.core.lifecycle import (
        OnBeforeShutdownProtocol as OnBeforeShutdownProtocol,
    )
    from lexigram.contracts.core.lifecycle import (
        OnConfigReloadProtocol as OnConfigReloadProtocol,
    )
    from lexigram.contracts.core.lifecycle import (
        OnModuleInitProtocol as OnModuleInitProtocol,
    )
    from lexigram.contracts.core.logging import (
        LoggerFactoryProtocol as LoggerFactoryProtocol,
    )
    from lexigram.contracts.core.logging import (
        LoggerProtocol as LoggerProtocol,
    )
    from lexigram.contracts.core.logging import (
        RedactorProtocol as RedactorProtocol,
    )
    from lexigram.contracts.core.module import (
        DynamicModuleProtocol as DynamicModuleProtocol,
    )
    from lexigram.contracts.core.module import (
        ModuleProtocol as ModuleProtocol,
    )
    from lexigram.contracts.core.provider import (
        ProviderPriority as ProviderPriority,
    )
    from lexigram.contracts.core.provider import (
        ProviderProtocol as ProviderProtocol,
    )
    from lexigram.contracts.core.provider import (
        ProviderState as ProviderState,
    )
    from lexigram.contracts.core.result import (
        Err as Err,
    )
    from lexigram.contracts.core.result import (
        Ok as Ok,
    )
    from lexigram.contracts.core.result import (
        Result as Result,
    )
    from lexigram.contracts.core.result import (
        ResultError as ResultError,
    )
    from lexigram.contracts.core.result import (
        UnwrapError as UnwrapError,
    )
    from lexigram.contracts.core.result import (
        is_err as is_err,
    )
    from lexigram.contracts.core.result import (
        is_ok as is_ok,
    )
    from lexigram.contracts.core.result import (
        is_result as is_result,
    )
    from lexigram.contracts.core.result_utils import (
        ResultPipeline as ResultPipeline,
    )
    from lexigram.contracts.core.result_utils import (
        as_result as as_result,
    )
    from lexigram.contracts.core.result_utils import (
        as_result_sync as as_result_sync,
    )
    from lexigram.contracts.core.result_utils import (
        collect as collect,
    )
    from lexigram.contracts.core.result_utils import (
        from_exception as from_exception,
    )
    from lexigram.contracts.core.result_utils import (
        partition as partition,
    )
    from lexigram.contracts.core.result_utils import (
        pipeline as pipeline,
    )
    from lexigram.contracts.core.result_utils import (
        try_catch as try_catch,
    )
    from lexigram.contracts.core.result_utils import (
        try_catch_sync as try_catch_sync,
    )
    from lexigram.contracts.core.scopes import (
        ServiceScope as ServiceScope,
    )
    from lexigram.contracts.core.stores import (
        LockStoreProtocol as LockStoreProtocol,
    )
else:
    from lexigram.contracts._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "clock": (
                "ClockProtocol",
                "Duration",
            ),
            "config": (
                "ConfigIssue",
                "ConfigProtocol",
                "Environment",
            ),
            "di": (
                "ContainerProtocol",
                "ContainerRegistrarProtocol",
                "ContainerResolverProtocol",
            ),
            "health": (
                "AggregateHealthResult",
                "HealthCheckCategory",
                "HealthCheckProtocol",
                "HealthCheckResult",
                "HealthStatus",
            ),
            "hooks": (
                "HookHandler",
                "HookPriority",
                "HookRegistryProtocol",
            ),
            "identity": ("IdGeneratorProtocol",),
            "lifecycle": (
                "OnApplicationBootstrapProtocol",
                "OnApplicationShutdownProtocol",
                "OnBeforeShutdownProtocol",
                "OnConfigReloadProtocol",
                "OnModuleInitProtocol",
            ),
            "logging": (
                "LoggerFactoryProtocol",
                "LoggerProtocol",
                "RedactorProtocol",
            ),
            "module": (
                "DynamicModuleProtocol",
                "ModuleProtocol",
            ),
            "provider": (
                "ProviderPriority",
                "ProviderProtocol",
                "ProviderState",
            ),
            "result": (
                "Err",
                "Ok",
                "Result",
                "ResultError",
                "UnwrapError",
                "is_err",
                "is_ok",
                "is_result",
            ),
            "result_utils": (
                "ResultPipeline",
                "as_result",
                "as_result_sync",
                "collect",
                "from_exception",
                "partition",
                "pipeline",
                "try_catch",
                "try_catch_sync",
            ),
            "scopes": ("ServiceScope",),
            "stores": ("LockStoreProtocol",),
        },
    )

__all__ = [
    "AggregateHealthResult",
    "ClockProtocol",
    "ConfigIssue",
    "ConfigProtocol",
    "ContainerProtocol",
    "ContainerRegistrarProtocol",
    "ContainerResolverProtocol",
    "Duration",
    "DynamicModuleProtocol",
    "Environment",
    "Err",
    "HealthCheckCategory",
    "HealthCheckProtocol",
    "HealthCheckResult",
    "HealthStatus",
    "HookHandler",
    "HookPriority",
    "HookRegistryProtocol",
    "IdGeneratorProtocol",
    "LockStoreProtocol",
    "LoggerFactoryProtocol",
    "LoggerProtocol",
    "ModuleProtocol",
    "Ok",
    "OnApplicationBootstrapProtocol",
    "OnApplicationShutdownProtocol",
    "OnBeforeShutdownProtocol",
    "OnConfigReloadProtocol",
    "OnModuleInitProtocol",
    "ProviderPriority",
    "ProviderProtocol",
    "ProviderState",
    "RedactorProtocol",
    "Result",
    "ResultError",
    "ResultPipeline",
    "ServiceScope",
    "UnwrapError",
    "as_result",
    "as_result_sync",
    "collect",
    "from_exception",
    "is_err",
    "is_ok",
    "is_result",
    "partition",
    "pipeline",
    "try_catch",
    "try_catch_sync",
]
