"""Lets others see what a store does: spans, metrics, logs.

An observer is told of each operation when it starts and when it ends; of a cursor, of the request and the wait for its
first batch. Without observers an operation pays one test of an empty tuple.

Names follow the OpenTelemetry semantic conventions for database clients (``db.client.operation.duration`` in seconds,
``db.system.name``, ``db.collection.name``, ``db.operation.name``, ``error.type``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.observability.tracing import TracerProtocol

__all__ = ["Command", "MetricsObserver", "Observation", "Observer", "TracingObserver"]

Finish = Callable[[BaseException | None], None]

_log = logging.getLogger("lexigram.nosql")


@dataclass(frozen=True, slots=True)
class Command:
    """One operation, as observers see it; no values, so no secrets.

    Attributes:
        operation: Method name, such as ``find_one``.
        collection: Name of the collection.
        backend: Name of the driver.
        store: Name of the store in the configuration, such as ``primary``.
    """

    operation: str
    collection: str
    backend: str
    store: str

    @property
    def attributes(self) -> dict[str, str]:
        """The operation in the names of the semantic conventions."""
        return {
            "db.system.name": self.backend,
            "db.namespace": self.store,
            "db.collection.name": self.collection,
            "db.operation.name": self.operation,
        }


class Observer(Protocol):
    """Someone who wants to know of operations. It must not block; its own errors are logged and go no further."""

    def start(self, command: Command) -> Finish:
        """Called when an operation starts.

        Returns:
            A function that is called once when it ends, with its error or None.
        """
        ...


class Observation:
    """Tells the observers of one operation.

    Args:
        observers: Who is told.
        command: The operation.
    """

    __slots__ = ("_command", "_finishes", "_observers")

    def __init__(self, observers: tuple[Observer, ...], command: Command) -> None:
        self._observers = observers
        self._command = command
        self._finishes: list[Finish] = []

    def start(self) -> None:
        """The operation starts."""
        for observer in self._observers:
            try:
                self._finishes.append(observer.start(self._command))
            except Exception:  # noqa: BLE001 - logged; watching must not break what is watched
                _log.exception("an observer failed at the start of %s", self._command.operation)

    def finish(self, error: BaseException | None) -> None:
        """The operation has ended, with *error* or well."""
        for finish in reversed(self._finishes):
            try:
                finish(error)
            except Exception:  # noqa: BLE001 - logged; watching must not break what is watched
                _log.exception("an observer failed at the end of %s", self._command.operation)


class TracingObserver:
    """Makes a span for each operation.

    Args:
        tracer: Begins the spans.
    """

    def __init__(self, tracer: TracerProtocol) -> None:
        self._tracer = tracer

    def start(self, command: Command) -> Finish:
        """Begin a span named ``operation collection``, as the conventions say."""
        scope = self._tracer.start_span(f"{command.operation} {command.collection}", command.attributes)
        span = scope.__enter__()

        def finish(error: BaseException | None) -> None:
            if error is not None:
                span.set_attribute("error.type", type(error).__name__)
                span.record_exception(error)
                span.set_status("error", type(error).__name__)
            scope.__exit__(None, None, None)

        return finish


class MetricsObserver:
    """Records how long each operation takes.

    Args:
        metrics: Takes the measurements.
    """

    def __init__(self, metrics: MetricsCollectorProtocol) -> None:
        self._metrics = metrics

    def start(self, command: Command) -> Finish:
        """Begin to measure."""
        begin = time.perf_counter()

        def finish(error: BaseException | None) -> None:
            tags = command.attributes
            if error is not None:
                tags["error.type"] = type(error).__name__
            self._metrics.histogram("db.client.operation.duration", time.perf_counter() - begin, tags)

        return finish
