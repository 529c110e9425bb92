"""Lets others see what a store does: spans, metrics, logs.

An observer is told of each operation when it starts and when it ends. Without observers an operation pays one test of
an empty tuple. Names follow the OpenTelemetry semantic conventions for database clients
(``db.client.operation.duration`` in seconds, ``db.system.name``, ``db.collection.name``, ``db.operation.name``,
``error.type``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.observability.tracing import TracerProtocol

__all__ = ["Command", "MetricsObserver", "Observation", "Observer", "TracingObserver"]

Finish = Callable[[BaseException | None], None]


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
    """Someone who wants to know of operations. It must not raise and must not block."""

    def start(self, command: Command) -> Finish:
        """Called when an operation starts.

        Returns:
            A function that is called once when it ends, with its error or None.
        """
        ...


class Observation:
    """A context for one operation.

    Args:
        observers: Who is told.
        command: The operation.
    """

    __slots__ = ("_command", "_finishes", "_observers")

    def __init__(self, observers: tuple[Observer, ...], command: Command) -> None:
        self._observers = observers
        self._command = command
        self._finishes: list[Finish] = []

    def __enter__(self) -> None:
        for observer in self._observers:
            self._finishes.append(observer.start(self._command))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for finish in reversed(self._finishes):
            finish(error)


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
