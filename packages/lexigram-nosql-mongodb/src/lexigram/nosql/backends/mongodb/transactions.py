"""Starts, commits and aborts transactions as PyMongo's ``with_transaction`` does.

A commit whose answer was lost (label ``UnknownTransactionCommitResult``) is sent again, for up to two minutes, because
the server knows the transaction by number and commits it once. An error labelled ``TransientTransactionError`` means
that the whole transaction may be run again: :mod:`~lexigram.nosql.backends.mongodb.errors` makes it a retryable
``TransactionError``, which ``store.run_transaction()`` answers by another try.

Source: MongoDB manual, "Transactions"; driver specification, "Convenient API for Transactions".
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from lexigram.nosql.backends.mongodb.client import Client
from lexigram.nosql.writing import backoff
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_preferences import ReadPreference

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.read_concern import ReadConcern
    from pymongo.write_concern import WriteConcern

__all__ = ["COMMIT_SECONDS", "abort", "begin", "commit"]

COMMIT_SECONDS: Final = 120.0
"""How long a commit is repeated, as in the drivers' specification."""

_UNKNOWN: Final = "UnknownTransactionCommitResult"
_MAX_TIME_EXPIRED: Final = 50


async def begin(
    client: Client,
    session: AsyncClientSession,
    *,
    read_concern: ReadConcern | None = None,
    write_concern: WriteConcern | None = None,
) -> None:
    """Start a transaction; no request is made.

    Args:
        client: Whose session it is.
        session: A session without a transaction.
        read_concern: What its reads may see; the client's if missing.
        write_concern: How many members must have the commit; the client's if missing.
    """
    # The server takes no other preference in a transaction, whatever the client's is.
    await client.start_transaction(
        session, read_concern=read_concern, write_concern=write_concern, read_preference=ReadPreference.PRIMARY
    )


async def commit(session: AsyncClientSession) -> None:
    """Commit, again while nobody knows whether it arrived.

    Raises:
        PyMongoError: It was refused, or nobody knows after two minutes.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + COMMIT_SECONDS
    attempt = 0
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            if not error.has_error_label(_UNKNOWN) or _expired(error) or loop.time() >= end:
                raise
        else:
            return
        await asyncio.sleep(backoff(attempt))
        attempt += 1


async def abort(session: AsyncClientSession) -> None:
    """Abort what has not been committed; never fails for a transaction that is over."""
    if not session.in_transaction:
        return
    try:
        await session.abort_transaction()
    except PyMongoError:
        # The server drops what is never committed.
        return


def _expired(error: PyMongoError) -> bool:
    """True where the server gave up by itself, and would again."""
    return isinstance(error, OperationFailure) and error.code == _MAX_TIME_EXPIRED
