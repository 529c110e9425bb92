"""The change feed of a collection, on MongoDB's change streams.

Each event is delivered once, in order. A resume token is the server's own, as text. Where the connection is lost, the
stream is opened again after the last event that was delivered, so nothing is lost and nothing comes twice; PyMongo does
so once by itself, and this module goes on for ``feed_resume_seconds``. A feed without a token begins where it was asked
for, not where it is first read: after the latest moment of the cluster that any answer to this client has told. So what
this client writes afterwards is in it, and what it wrote before is not.

The document of an update is the one that stands when the event is read (``updateLookup``), and None where it has been
deleted since.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Final

import bson
from bson.errors import InvalidBSON
from bson.timestamp import Timestamp
from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.mongodb.cancellation import insisting
from lexigram.nosql.backends.mongodb.codecs import configure_codecs
from lexigram.nosql.driver import NO_CALL
from lexigram.nosql.exceptions import CursorError, UnsupportedFeatureError
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.writing import backoff
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

if TYPE_CHECKING:
    from lexigram.nosql.backends.mongodb.collection import MongoDBCollection
    from pymongo.asynchronous.change_stream import AsyncChangeStream

__all__ = ["decode_token", "encode_token", "follow", "is_resumable"]

_INVALID_TOKEN: Final = 260
_RESUMABLE: Final = frozenset(
    {6, 7, 43, 63, 89, 91, 133, 150, 189, 234, 262, 9001, 10107, 11600, 11602, 13388, 13435, 13436}
)
"""Codes after which a stream can be opened again (driver specification, "Change Streams", resumable errors)."""
_OPERATIONS: Final = frozenset({"insert", "update", "replace", "delete", "drop"})


def encode_token(token: Mapping[str, Any]) -> str:
    """A resume token of the server as text."""
    return base64.urlsafe_b64encode(bson.encode(token)).decode().rstrip("=")


def decode_token(text: str) -> dict[str, Any]:
    """The server's resume token.

    Args:
        text: What :func:`encode_token` gave.

    Raises:
        CursorError: It is no such text.
    """
    try:
        decoded: dict[str, Any] = bson.decode(
            base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        )
    except (binascii.Error, InvalidBSON, ValueError) as error:
        raise CursorError(
            "the resume token is not of a change feed of MongoDB",
            hint="Watch from now on, without a token.",
            mongo_code=_INVALID_TOKEN,
        ) from error
    return decoded


def follow(collection: MongoDBCollection, resume_after: str | None, full_document: bool) -> AsyncGenerator[ChangeEvent]:
    """Yield the changes of a collection until it is dropped. No request is made before the first is read.

    Args:
        collection: The collection.
        resume_after: Token of the last event that is not wanted; None to begin now.
        full_document: Look up the document of an update.

    Raises:
        UnsupportedFeatureError: The server is not a member of a replica set.
        CursorError: The token is not valid, or what follows it is no longer kept.
    """
    driver = collection.driver
    driver.check_loop()
    if not driver.server.has_transactions:
        raise UnsupportedFeatureError(
            "change feeds need a replica set, and this server stands alone",
            hint="Start mongod with --replSet and run rs.initiate() once; a single member is enough.",
            feature="change_streams",
        )
    options: dict[str, Any] = {"full_document": "updateLookup"} if full_document else {}
    if resume_after is not None:
        return _events(collection, options, {"resume_after": decode_token(resume_after)})
    seen = driver.client.cluster_time
    start = {} if seen is None else {"start_at_operation_time": Timestamp(seen.time, seen.inc + 1)}
    return _events(collection, options, start)


def is_resumable(error: PyMongoError) -> bool:
    """True where the stream was lost, but can be opened again after the last event.

    Args:
        error: What ended it, or kept it from being opened again.
    """
    if isinstance(error, OperationFailure):
        return error.has_error_label("ResumableChangeStreamError") or error.code in _RESUMABLE
    return isinstance(error, ConnectionFailure)


async def _events(
    collection: MongoDBCollection, options: Mapping[str, Any], start: Mapping[str, Any]
) -> AsyncGenerator[ChangeEvent]:
    driver = collection.driver
    loop = asyncio.get_running_loop()
    give_up: float | None = None
    attempt = 0
    while True:
        stream: AsyncChangeStream[dict[str, Any]] | None = None
        try:
            with driver.within(NO_CALL):
                stream = await driver.openings.first(
                    driver.client.watch(configure_codecs(collection.native), **options, **start), _close
                )
            while True:
                change = await insisting(stream.try_next())
                give_up, attempt = None, 0
                if stream.resume_token is not None:
                    start = {"resume_after": stream.resume_token}
                if change is not None:
                    event = _event(collection.name, change)
                    if event is not None:
                        yield event
                    if change["operationType"] in {"drop", "rename", "dropDatabase", "invalidate"}:
                        return
                elif not stream.alive:
                    return
        except PyMongoError as error:
            if not is_resumable(error):
                raise
            now = loop.time()
            give_up = now + driver.config.feed_resume_seconds if give_up is None else give_up
            if now >= give_up:
                raise
        finally:
            if stream is not None:
                await to_the_end(_close(stream))
        await asyncio.sleep(backoff(attempt))
        attempt += 1


async def _close(stream: AsyncChangeStream[dict[str, Any]]) -> None:
    try:
        await stream.close()
    except PyMongoError:
        # The server forgets a cursor that nobody reads.
        return


def _event(collection: str, change: Mapping[str, Any]) -> ChangeEvent | None:
    operation = change["operationType"]
    if operation not in _OPERATIONS:
        return None
    key: Mapping[str, Any] | None = change.get("documentKey")
    described: Mapping[str, Any] | None = change.get("updateDescription")
    updated = removed = None
    if described is not None:
        updated = dict(described.get("updatedFields") or {})
        removed = list(described.get("removedFields") or ())
    return ChangeEvent(
        operation=operation,
        collection=collection,
        document_id=None if key is None else key["_id"],
        document=change.get("fullDocument"),
        resume_token=encode_token(change["_id"]),
        updated_fields=updated,
        removed_fields=tuple(removed or ()),
    )
