"""The documented names around ``db.transaction()``: a manager, a function and a decorator.

They add nothing but a form: a transaction belongs to the task that opened it, whichever way it was opened, and one
inside another is a savepoint.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from lexigram.contracts.data.sql.database import IsolationLevel
from lexigram.sql.exceptions import DeadlockError, ProtocolValidationError, SerializationError

__all__ = ["SimpleTransactionManager", "transaction", "transactional"]

P = ParamSpec("P")
R = TypeVar("R")


class _Transacts(Protocol):
    def transaction(self, isolation_level: IsolationLevel | str | None = None) -> AbstractAsyncContextManager[Any]: ...

    def get_scoped_connection(self) -> Any: ...


class SimpleTransactionManager:
    """Transactions of one database.

    Args:
        provider: The database.
    """

    def __init__(self, provider: _Transacts) -> None:
        self._provider = provider

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._provider!r}>"

    def transaction(self, isolation_level: IsolationLevel | str | None = None) -> AbstractAsyncContextManager[Any]:
        """A transaction of the task that runs; yields its connection. See ``DatabaseService.transaction``."""
        return self._provider.transaction(isolation_level)

    def get_current_connection(self) -> Any | None:
        """The connection of the transaction that the task is in, or None."""
        return self._provider.get_scoped_connection()


def transaction(
    manager: _Transacts | SimpleTransactionManager, isolation_level: IsolationLevel | str | None = None
) -> AbstractAsyncContextManager[Any]:
    """A transaction of *manager*; ``async with manager.transaction():`` in another form."""
    return manager.transaction(isolation_level)


def transactional(
    provider: _Transacts | None = None,
    *,
    retries: int = 0,
    backoff_factor: float = 0.5,
    max_backoff: float = 10.0,
    retryable_exceptions: tuple[type[Exception], ...] = (DeadlockError, SerializationError),
    isolation_level: IsolationLevel | str | None = None,
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Run each call of a coroutine function in a transaction, and again when another one was first.

    Args:
        provider: The database; that of the first argument (its ``provider`` or ``db``) when None.
        retries: How often to run it again. Inside another transaction it is never run again: that is the outer's to do.
        backoff_factor: Seconds before the second attempt, doubled for each further one, and shortened at random.
        max_backoff: The most seconds between two attempts.
        retryable_exceptions: What to try again after.
        isolation_level: What it sees of others; None for the database's default.

    Raises:
        ProtocolValidationError: (by the call) There is no database.
    """

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        async def run(*args: P.args, **keywords: P.kwargs) -> R:
            database = provider or _database_of(args[0] if args else None)
            inside = database.get_scoped_connection() is not None
            attempt = 0
            while True:
                try:
                    async with database.transaction(None if inside else isolation_level):
                        return await function(*args, **keywords)
                except retryable_exceptions:
                    if inside or attempt >= retries:
                        raise
                pause = min(max_backoff, backoff_factor * 2**attempt)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - to part those that met, no secret
                attempt += 1

        return run

    return decorate


def _database_of(owner: Any) -> _Transacts:
    for name in ("provider", "db", "_provider", "_db"):
        found = getattr(owner, name, None)
        if found is not None and hasattr(found, "transaction"):
            return cast("_Transacts", found)
    if owner is not None and hasattr(owner, "transaction") and hasattr(owner, "get_scoped_connection"):
        return cast("_Transacts", owner)
    raise ProtocolValidationError(
        "there is no database to begin a transaction on", hint="Give transactional(db), or set self.provider."
    )
