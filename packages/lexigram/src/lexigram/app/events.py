"""What an application tells of its life: as events on the bus, and as ``payload`` of the hooks of the same names.

=============================  ========================
event                          hook
=============================  ========================
:class:`ApplicationStarting`   ``app.starting``
:class:`ApplicationStarted`    ``app.started``
:class:`ApplicationStopping`   ``app.stopping``
:class:`ApplicationStopped`    ``app.stopped``
:class:`ProviderRegistered`    ``provider.registered``
:class:`ProviderBooted`        ``provider.booted``
:class:`ProviderFailed`        ``provider.failed``
:class:`HealthCheckCompleted`  ``app.health_checked``
=============================  ========================
"""

from __future__ import annotations

from typing import Final

from lexigram.contracts.domain.events import DomainEvent

__all__ = [
    "HOOKS",
    "ApplicationStarted",
    "ApplicationStarting",
    "ApplicationStopped",
    "ApplicationStopping",
    "HealthCheckCompleted",
    "LifecycleEvent",
    "ProviderBooted",
    "ProviderFailed",
    "ProviderRegistered",
]


class LifecycleEvent(DomainEvent):
    """Base of what an application tells of its life.

    Attributes:
        app_name: The application's name.
    """

    app_name: str


class ApplicationStarting(LifecycleEvent):
    """The application begins to start; nothing is registered yet."""


class ApplicationStarted(LifecycleEvent):
    """All providers have booted."""


class ApplicationStopping(LifecycleEvent):
    """The application begins to stop; everything still works."""


class ApplicationStopped(LifecycleEvent):
    """Everything that had started has stopped."""


class ProviderRegistered(LifecycleEvent):
    """A provider has said how its services are made.

    Attributes:
        provider: Its name.
    """

    provider: str


class ProviderBooted(LifecycleEvent):
    """A provider has started.

    Attributes:
        provider: Its name.
        duration_ms: How long its boot took, in milliseconds.
    """

    provider: str
    duration_ms: float


class ProviderFailed(LifecycleEvent):
    """A provider has failed.

    Attributes:
        provider: Its name.
        phase: ``register``, ``boot`` or ``shutdown``.
        error: What was raised.
    """

    provider: str
    phase: str
    error: BaseException


class HealthCheckCompleted(LifecycleEvent):
    """The health of the providers was checked.

    Attributes:
        status: What came of it, as the value of a ``HealthStatus``.
        components: The status of each provider, by name.
    """

    status: str
    components: dict[str, str]


HOOKS: Final[dict[type[LifecycleEvent], str]] = {
    ApplicationStarting: "app.starting",
    ApplicationStarted: "app.started",
    ApplicationStopping: "app.stopping",
    ApplicationStopped: "app.stopped",
    ProviderRegistered: "provider.registered",
    ProviderBooted: "provider.booted",
    ProviderFailed: "provider.failed",
    HealthCheckCompleted: "app.health_checked",
}
"""The hook of each event."""
