"""Things that are started and stopped: connections, consumers, schedulers.

::

    class Consumer(Service):
        async def _open(self) -> None:
            self._connection = await connect()

        async def _close(self) -> None:
            await self._connection.close()

    consumer = Consumer("orders")
    await consumer.start()
    await consumer.wait_ready(timeout=5)
    print(await consumer.health())
    await consumer.stop()

* :class:`Service` keeps the state, and makes starting and stopping safe for callers at the same time and for
  cancellations.
* :class:`ServiceGroup` starts several at once, all or none.
* :class:`ReadinessRegistry` says whether everything that was registered is ready, for a ``/readyz`` route; an
  application asks its own in ``readiness_check()``.

A provider (``lexigram.di.provider``) belongs to an application and lives once; a service may be started again.
"""

from __future__ import annotations

from lexigram.services.exceptions import (
    ServiceDisabledError,
    ServiceError,
    ServiceStateError,
    ServiceTimeoutError,
)
from lexigram.services.group import ServiceGroup
from lexigram.services.readiness import (
    ReadinessCheckProtocol,
    ReadinessRegistry,
    ReadinessStatus,
    ServiceReadinessCheck,
)
from lexigram.services.service import Service, ServiceProtocol, ServiceState

__all__ = [
    "ReadinessCheckProtocol",
    "ReadinessRegistry",
    "ReadinessStatus",
    "Service",
    "ServiceDisabledError",
    "ServiceError",
    "ServiceGroup",
    "ServiceProtocol",
    "ServiceReadinessCheck",
    "ServiceState",
    "ServiceStateError",
    "ServiceTimeoutError",
]
