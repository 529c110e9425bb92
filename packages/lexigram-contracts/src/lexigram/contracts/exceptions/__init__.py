"""The error tree; each module draws its branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.exceptions.base import (
        LexigramError as LexigramError,
    )
    from lexigram.contracts.exceptions.config import (
        ConfigurationError as ConfigurationError,
    )
    from lexigram.contracts.exceptions.container import (
        CircularDependencyError as CircularDependencyError,
    )
    from lexigram.contracts.exceptions.container import (
        ContainerBuildError as ContainerBuildError,
    )
    from lexigram.contracts.exceptions.container import (
        ContainerError as ContainerError,
    )
    from lexigram.contracts.exceptions.container import (
        ContainerValidationError as ContainerValidationError,
    )
    from lexigram.contracts.exceptions.container import (
        DependencyError as DependencyError,
    )
    from lexigram.contracts.exceptions.container import (
        ProtocolValidationError as ProtocolValidationError,
    )
    from lexigram.contracts.exceptions.container import (
        RegistrationError as RegistrationError,
    )
    from lexigram.contracts.exceptions.container import (
        ScopedResolutionError as ScopedResolutionError,
    )
    from lexigram.contracts.exceptions.container import (
        UnresolvableDependencyError as UnresolvableDependencyError,
    )
    from lexigram.contracts.exceptions.domain import (
        AuthenticationError as AuthenticationError,
    )
    from lexigram.contracts.exceptions.domain import (
        AuthorizationError as AuthorizationError,
    )
    from lexigram.contracts.exceptions.domain import (
        ConflictError as ConflictError,
    )
    from lexigram.contracts.exceptions.domain import (
        DomainError as DomainError,
    )
    from lexigram.contracts.exceptions.domain import (
        FieldError as FieldError,
    )
    from lexigram.contracts.exceptions.domain import (
        NotFoundError as NotFoundError,
    )
    from lexigram.contracts.exceptions.domain import (
        PermissionDeniedError as PermissionDeniedError,
    )
    from lexigram.contracts.exceptions.domain import (
        RateLimitError as RateLimitError,
    )
    from lexigram.contracts.exceptions.domain import (
        ValidationError as ValidationError,
    )
    from lexigram.contracts.exceptions.events import (
        EventError as EventError,
    )
    from lexigram.contracts.exceptions.events import (
        EventHandlerError as EventHandlerError,
    )
    from lexigram.contracts.exceptions.infra import (
        ConstraintError as ConstraintError,
    )
    from lexigram.contracts.exceptions.infra import (
        DatabaseError as DatabaseError,
    )
    from lexigram.contracts.exceptions.infra import (
        DataError as DataError,
    )
    from lexigram.contracts.exceptions.infra import (
        DataNotFoundError as DataNotFoundError,
    )
    from lexigram.contracts.exceptions.infra import (
        DataValidationError as DataValidationError,
    )
    from lexigram.contracts.exceptions.infra import (
        DuplicateKeyError as DuplicateKeyError,
    )
    from lexigram.contracts.exceptions.infra import (
        InfrastructureError as InfrastructureError,
    )
    from lexigram.contracts.exceptions.infra import (
        IntegrityError as IntegrityError,
    )
    from lexigram.contracts.exceptions.infra import (
        InvalidIdentifierError as InvalidIdentifierError,
    )
    from lexigram.contracts.exceptions.infra import (
        LockConflictError as LockConflictError,
    )
    from lexigram.contracts.exceptions.infra import (
        LockError as LockError,
    )
    from lexigram.contracts.exceptions.infra import (
        MigrationError as MigrationError,
    )
    from lexigram.contracts.exceptions.infra import (
        NoPrimaryBackendError as NoPrimaryBackendError,
    )
    from lexigram.contracts.exceptions.infra import (
        UnitOfWorkError as UnitOfWorkError,
    )
    from lexigram.contracts.exceptions.provider import (
        ModuleCycleError as ModuleCycleError,
    )
    from lexigram.contracts.exceptions.provider import (
        ModuleDuplicateError as ModuleDuplicateError,
    )
    from lexigram.contracts.exceptions.provider import (
        ModuleError as ModuleError,
    )
    from lexigram.contracts.exceptions.provider import (
        ModuleExportError as ModuleExportError,
    )
    from lexigram.contracts.exceptions.provider import (
        ModuleImportError as ModuleImportError,
    )
    from lexigram.contracts.exceptions.provider import (
        ModuleVisibilityError as ModuleVisibilityError,
    )
    from lexigram.contracts.exceptions.provider import (
        ProviderError as ProviderError,
    )
    from lexigram.contracts.exceptions.provider import (
        ProviderTimeoutError as ProviderTimeoutError,
    )
    from lexigram.contracts.exceptions.resilience import (
        BulkheadError as BulkheadError,
    )
    from lexigram.contracts.exceptions.resilience import (
        CircuitBreakerError as CircuitBreakerError,
    )
    from lexigram.contracts.exceptions.resilience import (
        CircuitOpenError as CircuitOpenError,
    )
    from lexigram.contracts.exceptions.resilience import (
        FallbackError as FallbackError,
    )
    from lexigram.contracts.exceptions.resilience import (
        ResilienceError as ResilienceError,
    )
    from lexigram.contracts.exceptions.resilience import (
        ResilienceTimeoutError as ResilienceTimeoutError,
    )
    from lexigram.contracts.exceptions.resilience import (
        RetryError as RetryError,
    )
    from lexigram.contracts.exceptions.resilience import (
        RetryExhaustedError as RetryExhaustedError,
    )
    from lexigram.contracts.exceptions.result import (
        ResultError as ResultError,
    )
    from lexigram.contracts.exceptions.result import (
        UnwrapError as UnwrapError,
    )
else:
    from lexigram.contracts._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "base": ("LexigramError",),
            "config": ("ConfigurationError",),
            "container": (
                "CircularDependencyError",
                "ContainerBuildError",
                "ContainerError",
                "ContainerValidationError",
                "DependencyError",
                "ProtocolValidationError",
                "RegistrationError",
                "ScopedResolutionError",
                "UnresolvableDependencyError",
            ),
            "domain": (
                "AuthenticationError",
                "AuthorizationError",
                "ConflictError",
                "DomainError",
                "FieldError",
                "NotFoundError",
                "PermissionDeniedError",
                "RateLimitError",
                "ValidationError",
            ),
            "events": (
                "EventError",
                "EventHandlerError",
            ),
            "infra": (
                "ConstraintError",
                "DataError",
                "DataNotFoundError",
                "DataValidationError",
                "DatabaseError",
                "DuplicateKeyError",
                "InfrastructureError",
                "IntegrityError",
                "InvalidIdentifierError",
                "LockConflictError",
                "LockError",
                "MigrationError",
                "NoPrimaryBackendError",
                "UnitOfWorkError",
            ),
            "provider": (
                "ModuleCycleError",
                "ModuleDuplicateError",
                "ModuleError",
                "ModuleExportError",
                "ModuleImportError",
                "ModuleVisibilityError",
                "ProviderError",
                "ProviderTimeoutError",
            ),
            "resilience": (
                "BulkheadError",
                "CircuitBreakerError",
                "CircuitOpenError",
                "FallbackError",
                "ResilienceError",
                "ResilienceTimeoutError",
                "RetryError",
                "RetryExhaustedError",
            ),
            "result": (
                "ResultError",
                "UnwrapError",
            ),
        },
    )

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "BulkheadError",
    "CircuitBreakerError",
    "CircuitOpenError",
    "CircularDependencyError",
    "ConfigurationError",
    "ConflictError",
    "ConstraintError",
    "ContainerBuildError",
    "ContainerError",
    "ContainerValidationError",
    "DataError",
    "DataNotFoundError",
    "DataValidationError",
    "DatabaseError",
    "DependencyError",
    "DomainError",
    "DuplicateKeyError",
    "EventError",
    "EventHandlerError",
    "FallbackError",
    "FieldError",
    "InfrastructureError",
    "IntegrityError",
    "InvalidIdentifierError",
    "LexigramError",
    "LockConflictError",
    "LockError",
    "MigrationError",
    "ModuleCycleError",
    "ModuleDuplicateError",
    "ModuleError",
    "ModuleExportError",
    "ModuleImportError",
    "ModuleVisibilityError",
    "NoPrimaryBackendError",
    "NotFoundError",
    "PermissionDeniedError",
    "ProtocolValidationError",
    "ProviderError",
    "ProviderTimeoutError",
    "RateLimitError",
    "RegistrationError",
    "ResilienceError",
    "ResilienceTimeoutError",
    "ResultError",
    "RetryError",
    "RetryExhaustedError",
    "ScopedResolutionError",
    "UnitOfWorkError",
    "UnresolvableDependencyError",
    "UnwrapError",
    "ValidationError",
]
