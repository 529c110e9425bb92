"""What almost every service wants from outside of itself, ready to be injected: time, identifiers, loggers."""

from __future__ import annotations

from lexigram.clock import SystemClock, UuidGenerator
from lexigram.contracts.core.clock import ClockProtocol
from lexigram.contracts.core.di import ContainerRegistrarProtocol
from lexigram.contracts.core.identity import IdGeneratorProtocol
from lexigram.contracts.core.logging import LoggerFactoryProtocol
from lexigram.di.module.base import DynamicModule, Module, global_module
from lexigram.di.provider import Provider, ProviderPriority
from lexigram.logs import LoggerFactory

__all__ = ["CoreModule", "CoreProvider"]


class CoreProvider(Provider):
    """Binds clock, identifiers and loggers."""

    name = "core"
    priority = ProviderPriority.CRITICAL

    async def register(self, container: ContainerRegistrarProtocol) -> None:
        """Bind them."""
        container.singleton(ClockProtocol, SystemClock)
        container.singleton(IdGeneratorProtocol, UuidGenerator)
        container.singleton(LoggerFactoryProtocol, LoggerFactory)


@global_module(
    name="core", providers=[CoreProvider], exports=[ClockProtocol, IdGeneratorProtocol, LoggerFactoryProtocol]
)
class CoreModule(Module):
    """``ClockProtocol``, ``IdGeneratorProtocol`` and ``LoggerFactoryProtocol`` for all modules.

    In tests, ``app.container.override(ClockProtocol, …)`` says when now is.
    """

    @classmethod
    def stub(cls, config: object = None) -> DynamicModule:
        """The same: nothing in it needs a service outside the process."""
        del config
        return DynamicModule(module=cls)
