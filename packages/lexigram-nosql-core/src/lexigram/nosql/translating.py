"""Turns the errors of a backend's SDK into Lexigram's, once, at the driver's edge, and tells the observers."""

from __future__ import annotations

from types import TracebackType

from lexigram.nosql.driver import Driver
from lexigram.nosql.exceptions import BulkWriteError, NoSQLError
from lexigram.nosql.observing import Observation

__all__ = ["Translating"]


class Translating:
    """A context for one call of a driver.

    A :class:`~lexigram.nosql.exceptions.NoSQLError` passes with the names of backend, collection and operation filled
    in; an SDK's error is raised as the one its driver classifies it to, with the original as ``__cause__``; anything
    else (a cancellation, an error of the caller's own code) passes as it is.

    Args:
        driver: The open connection, or None where there is none.
        backend: Name of the driver.
        collection: Name of the collection, or None.
        operation: Method name.
        observation: Who is told of the call and of how it ended, or None.
    """

    __slots__ = ("_backend", "_collection", "_driver", "_observation", "_operation")

    def __init__(
        self,
        driver: Driver | None,
        backend: str,
        collection: str | None,
        operation: str,
        observation: Observation | None = None,
    ) -> None:
        self._driver = driver
        self._backend = backend
        self._collection = collection
        self._operation = operation
        self._observation = observation

    def __enter__(self) -> None:
        if self._observation is not None:
            self._observation.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            if self._observation is not None:
                self._observation.finish(None)
            return
        translated: NoSQLError | None = None
        if isinstance(error, NoSQLError):
            self._fill(error)
        elif isinstance(error, Exception) and self._driver is not None:
            translated = self._driver.classify(error)
            if translated is not None:
                self._fill(translated)
        if self._observation is not None:
            self._observation.finish(translated or error)
        if translated is not None:
            raise translated from error

    def _fill(self, error: NoSQLError) -> None:
        error.backend = error.backend or self._backend
        error.collection = error.collection or self._collection
        error.operation = error.operation or self._operation
        if isinstance(error, BulkWriteError):
            for failure in error.failures:
                self._fill(failure.error)
