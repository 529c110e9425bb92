"""The change feed of a collection, or of a group of collections.

Google's listener for Python works in threads and starts anew after every fault. This one is the ``Listen`` request
itself, on the event loop: the service's messages are read when the reader asks for more (gRPC holds the service back
meanwhile), so nothing has to be buffered and nothing is dropped. After a fault it goes on from the last moment that was
told; a resume token names a moment and a place in it, and is good for as long as Firestore keeps its past.

What Firestore does not tell:

* how a document came to be what it is: a change that leaves no field of the old document is told as a replacement;
* when exactly a document was deleted, and what had become of it between two moments before that;
* documents that came and went between two moments.

While a feed runs, moments are a few milliseconds apart. After a fault, or with a resume token, everything since the
last moment that was told is a single one, however long that was: a document that was inserted, updated and deleted
meanwhile is not told at all, and of one that was there before and was updated and deleted, only the deletion. All
changes of documents that are still there are told, from when they were last created.

A feed without a token begins where it was asked for: after the service's time as far as this client can tell it, which
is later than everything it has written, and earlier than everything it is going to write.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from grpc import StatusCode, aio
from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.firestore.errors import code_of, status_error
from lexigram.nosql.backends.firestore.following.history import Happening, History, lost
from lexigram.nosql.backends.firestore.following.listening import (
    TARGET,
    ListenRequest,
    ListenResponse,
    Moment,
    Moments,
    TargetRefused,
    put_micros,
)
from lexigram.nosql.backends.firestore.following.tokens import Token, decode_token, encode_token
from lexigram.nosql.update.diff import describe_change
from lexigram.nosql.values.order import equal
from lexigram.nosql.writing import backoff

if TYPE_CHECKING:
    from lexigram.nosql.backends.firestore.collection import FirestoreCollection

__all__ = ["follow"]

_LISTEN: Final = "/google.firestore.v1.Firestore/Listen"
_RESUMABLE: Final = frozenset(
    {
        StatusCode.OK,
        StatusCode.UNAVAILABLE,
        StatusCode.INTERNAL,
        StatusCode.UNKNOWN,
        StatusCode.ABORTED,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.CANCELLED,
        StatusCode.UNAUTHENTICATED,
    }
)
"""Codes after which Google's own clients listen again."""
_TOO_OLD: Final = frozenset({StatusCode.FAILED_PRECONDITION, StatusCode.INVALID_ARGUMENT, StatusCode.OUT_OF_RANGE})


def follow(
    collection: FirestoreCollection, resume_after: str | None, full_document: bool
) -> AsyncGenerator[ChangeEvent]:
    """Yield the changes of a collection. No request is made before the first is read.

    Args:
        collection: The collection.
        resume_after: Token of the last event that is not wanted; None to begin now.
        full_document: Bring the document of an update.

    Raises:
        CursorError: The token is not valid, or what follows it is no longer kept.
    """
    collection.client.check_loop()
    if resume_after is not None:
        return _resumed(collection, decode_token(resume_after, collection.scope.name), full_document)
    client = collection.client
    # After long without an answer that tells the time, what is known of it is far behind.
    return _events(collection, client.now() if client.is_current else None, full_document, client.tick())


async def _resumed(collection: FirestoreCollection, token: Token, full_document: bool) -> AsyncGenerator[ChangeEvent]:
    if not token.last:
        history = History(collection)
        moment = await history.state(token.moment)
        happenings = await history.between(token.base, moment)
        rest = [happening for happening in happenings if happening.key > token.key]
        for event in _told(collection, token.base, token.moment, rest, full_document):
            yield event
    async with aclosing(_events(collection, token.moment, full_document)) as events:
        async for event in events:
            yield event


async def _events(
    collection: FirestoreCollection, base: int | None, full_document: bool, tick: int = 0
) -> AsyncGenerator[ChangeEvent]:
    if base is None:
        base = await collection.client.time_of(tick)
    history = History(collection)
    async with aclosing(_moments(collection, base)) as moments:
        async for moment in moments:
            happenings = await history.between(base, moment)
            for event in _told(collection, base, max(base, moment.time), happenings, full_document):
                yield event
            base = max(base, moment.time)


async def _moments(collection: FirestoreCollection, base: int) -> AsyncGenerator[Moment]:
    """The moments after one, across as many streams as it takes."""
    client = collection.client
    loop = asyncio.get_running_loop()
    resume = b""
    give_up: float | None = None
    attempt = 0
    while True:
        call, request = _open(collection, base, resume)
        moments = Moments()
        code: StatusCode | None = StatusCode.OK
        error: BaseException | None = None
        try:
            await call.write(request)
            async for response in call:
                moment = moments.add(response)
                if moment is None:
                    continue
                give_up, attempt = None, 0
                resume = moment.token or resume
                if moment.time > base or moment.documents or moment.gone:
                    base = max(base, moment.time)
                    yield moment
        except TargetRefused as refused:
            code, error = _code(refused.code), status_error(refused.code, refused.text)
        except aio.AioRpcError as failure:
            code, error = code_of(failure), failure
        except asyncio.CancelledError as cancelled:
            ended = client.ended()
            if ended is None:
                raise
            raise ended from cancelled
        finally:
            call.cancel()
        if error is not None and code in _TOO_OLD:
            if resume:  # the service no longer knows its token, but may still know the time
                resume = b""
                continue
            raise lost(collection.name) from error
        if error is not None and code not in _RESUMABLE:
            raise error
        now = loop.time()
        give_up = now + client.patience if give_up is None else give_up
        if error is not None and now >= give_up:
            raise error
        await asyncio.sleep(backoff(attempt))
        attempt += 1


def _open(collection: FirestoreCollection, base: int, resume: bytes) -> tuple[Any, Any]:
    """A stream, and what is to be written to it."""
    client, scope = collection.client, collection.scope
    request = ListenRequest(database=client.database)
    target = request.add_target
    target.target_id = TARGET
    target.query.parent = scope.parent
    source = target.query.structured_query.from_.add(collection_id=scope.collection_id)
    source.all_descendants = scope.is_group
    if resume:
        target.resume_token = resume
    else:
        put_micros(base, target.read_time)
    listen = client.channel.stream_stream(
        _LISTEN, request_serializer=ListenRequest.SerializeToString, response_deserializer=ListenResponse.FromString
    )
    return listen(metadata=client.metadata), request


def _code(number: int) -> StatusCode:
    return next((code for code in StatusCode if code.value[0] == number), StatusCode.UNKNOWN)


def _told(
    collection: FirestoreCollection, base: int, moment: int, happenings: list[Happening], full_document: bool
) -> list[ChangeEvent]:
    events: list[ChangeEvent] = []
    for place, happening in enumerate(happenings, 1):
        token = Token(
            collection.scope.name,
            base,
            moment,
            happening.time,
            happening.rank,
            happening.identity,
            place == len(happenings),
        )
        events.append(_event(collection.name, happening, encode_token(token), full_document))
    return events


def _event(name: str, happening: Happening, token: str, full_document: bool) -> ChangeEvent:
    before, after = happening.before, happening.after
    if before is None or after is None:
        return ChangeEvent(happening.kind, name, happening.identity, after, token)
    if _is_replaced(before, after):
        return ChangeEvent("replace", name, happening.identity, after, token)
    difference = describe_change(before, after)
    return ChangeEvent(
        "update",
        name,
        happening.identity,
        after if full_document else None,
        token,
        updated_fields=dict(difference.updated_fields),
        removed_fields=tuple(difference.removed_fields),
    )


def _is_replaced(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """True where no field of the old document is left, of which there were some."""
    return len(before) > 1 and len(after) > 1 and before.keys() & after.keys() <= {"_id"} and not equal(before, after)
