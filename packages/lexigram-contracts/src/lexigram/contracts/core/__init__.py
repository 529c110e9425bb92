"""What the kernel offers: results, container, providers, modules, configuration, hooks, health, time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.core.clock import (
        ClockProtocol,
        Duration,
    )
    from lexigram.contracts.core.config import (
        ConfigIssue,
        ConfigProtocol,
        Environment,
    )
    from lexigram.contracts.core.di import (
        ContainerProtocol,
        ContainerRegistrarProtocol,
        ContainerResolverProtocol,
    )
    from lexigram.contracts.core.health import (
        AggregateHealthResult,
        HealthCheckCategory,
        HealthCheckProtocol,
        HealthCheckResult,
        HealthStatus,
    )
    from lexigram.contracts.core.hooks import (
        HookHandler,
        HookPriority,
        HookRegistryProtocol,
    )
    from lexigram.contracts.core.identity import (
        IdGeneratorProtocol,
    )
    from lexigram.contracts.core.lifecycle import (
        OnApplicationBootstrapProtocol,
        OnApplicationShutdownProtocol,
        OnBeforeShutdownProtocol,
        OnConfigReloadProtocol,
        OnModuleInitProtocol,
    )
    from lexigram.contracts.core.logging import (
        LoggerFactoryProtocol,
        LoggerProtocol,
        RedactorProtocol,
    )
    from lexigram.contracts.core.module import (
        DynamicModuleProtocol,
        ModuleProtocol,
    )
    from lexigram.contracts.core.provider import (
        ProviderPriority,
        ProviderProtocol,
        ProviderState,
    )
    from lexigram.contracts.core.result import (
        Err,
        Ok,
        Result,
        ResultError,
        UnwrapError,
        is_err,
        is_ok,
        is_result,
    )
    from lexigram.contracts.core.result_utils import (
        ResultPipeline,
        as_result,
        as_result_sync,
        collect,
        from_exception,
        partition,
        pipeline,
        try_catch,
        try_catch_sync,
    )
    from lexigram.contracts.core.scopes import (
        ServiceScope,
    )
    from lexigram.contracts.core.stores import (
        LockStoreProtocol,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

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
