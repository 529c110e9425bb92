"""The change feed of a collection, on DynamoDB Streams.

Tables of ours are made with a stream of old and new images, so an event holds the document exactly as the change left
it. Changes of one document come in their order, each once. Changes of different documents come in about their order:
the service itself orders them only within a shard, and this module by the second at which they were made.

A feed without a token begins when it is first read. It follows shards through splits, children after their parents. A
token holds a place in every shard; one that is older than the stream keeps records (24 hours) is refused. When the
table goes, the feed tells ``drop`` and ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from heapq import merge
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.feed.positions import END, KEPT_SECONDS, START, Place, Positions, invalid_token
from lexigram.nosql.backends.dynamodb.feed.records import event_of
from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.exceptions import CursorError, UnsupportedFeatureError

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.driver import DynamoDBDriver

__all__ = ["follow"]

_HISTORY_LOST: Final = 286
_RECORDS: Final = 1000
_MOST_REFUSED: Final = 5
"""How often in turn a shard may refuse to be read where its iterator stands."""
_LIMITED: Final = frozenset({"LimitExceededException", "ThrottlingException", "InternalServerError"})

Record = Mapping[str, Any]


def follow(
    driver: DynamoDBDriver, collection: str, resume_after: str | None, full_document: bool
) -> AsyncGenerator[ChangeEvent]:
    """Yield the changes of a collection until its table is dropped. No request is made before the first is read.

    Args:
        driver: The connection.
        collection: Name of the collection.
        resume_after: Token of the last event that is not wanted; None to begin when the feed is first read.
        full_document: Give the document of an update.

    Raises:
        CursorError: The token is not valid, or what follows it is no longer kept.
        UnsupportedFeatureError: The table has no stream.
    """
    positions = None if resume_after is None else Positions.from_token(resume_after)
    return _Feed(driver, collection, full_document).events(positions)


class _Feed:
    """One reader of one collection's stream."""

    def __init__(self, driver: DynamoDBDriver, collection: str, full_document: bool) -> None:
        self._driver = driver
        self._collection = collection
        self._full_document = full_document
        self._iterators: dict[str, str | None] = {}
        self._entered: set[str] = set()
        self._waited = False
        self._trimmed: dict[str, int] = {}
        self._opened = time.time()
        self._read_at: dict[str, float] = {}

    async def events(self, positions: Positions | None) -> AsyncGenerator[ChangeEvent]:
        """The events from a place on."""
        home = await self._home(wait=positions is None)
        if positions is None:
            positions = await self._begin(home)
        elif positions.stream != home.stream:
            raise invalid_token()
        else:
            shards = await self._shards(positions)
            if positions.is_cut_off(shards, time.time()) and not await self._is_gone(positions):
                raise self._lost()
            positions.learn(shards)
        while True:
            batches = await self._read(positions)
            told = False
            for shard, record in _merged(batches):
                told = True
                positions.places[shard] = Place("after", record["dynamodb"]["SequenceNumber"])
                positions.moment = max(positions.moment, int(_moment(record)))
                home = self._driver.homes.guess(self._collection)
                event = event_of(home, record, positions.to_token(), full_document=self._full_document)
                if event is not None:
                    yield event
            ended = [shard for shard in batches if self._iterators.get(shard, "") is None]
            for shard in ended:
                positions.places[shard] = END
                del self._iterators[shard]
            if ended or not batches:
                shards = await self._shards(positions)
                if not positions.places:
                    # The stream had no shards yet when this feed began, so all of them are new.
                    positions.enter_all(shards)
                positions.learn(shards)
                if positions.at_end() and await self._is_gone(positions):
                    yield ChangeEvent("drop", self._collection, None, None, positions.to_token())
                    return
            if not told and not (ended and positions.readable()):
                await asyncio.sleep(self._driver.config.feed_poll_seconds)

    async def _home(self, *, wait: bool) -> Home:
        """Where the collection lies, once its table is there."""
        while True:
            home = await self._driver.homes.find(self._collection)
            if home.exists and home.stream is not None:
                return home
            if home.exists and (home.described or {}).get("TableStatus", "ACTIVE") == "ACTIVE":
                raise UnsupportedFeatureError(
                    f"the table {home.table!r} has no stream",
                    hint="Switch DynamoDB Streams on for it, with new and old images.",
                    feature="change_streams",
                )
            if not wait:
                raise invalid_token()
            self._waited = True
            self._driver.homes.forget(self._collection)
            await asyncio.sleep(self._driver.config.feed_poll_seconds)

    async def _begin(self, home: Home) -> Positions:
        positions = Positions(home.stream or "")
        now = time.time()
        shards = await self._shards(positions)
        if self._waited:
            # The table was made after this feed was opened, so all of it is new.
            positions.enter_all(shards)
            return positions
        positions.enter(shards, now)
        for shard in positions.readable():
            self._entered.add(shard)
            self._iterators[shard] = await self._iterator(positions.stream, shard, "LATEST", None)
        return positions

    async def _shards(self, positions: Positions) -> list[Mapping[str, Any]]:
        request: dict[str, Any] = {"StreamArn": positions.stream}
        shards: list[Mapping[str, Any]] = []
        while True:
            try:
                answer = await self._driver.client.streams_call("DescribeStream", request)
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
                return shards
            described = answer["StreamDescription"]
            shards += described.get("Shards", [])
            last = described.get("LastEvaluatedShardId")
            if not last:
                return shards
            request["ExclusiveStartShardId"] = last

    async def _read(self, positions: Positions) -> dict[str, Sequence[Record]]:
        """The next records of every shard that is to be read."""
        shards = positions.readable()
        found = await asyncio.gather(*(self._records(positions, shard) for shard in shards))
        return dict(zip(shards, found, strict=True))

    async def _records(self, positions: Positions, shard: str) -> Sequence[Record]:
        place = positions.places[shard]
        iterator = self._iterators.get(shard)
        fresh = iterator is None
        try:
            if iterator is None:
                iterator = await self._iterator_at(positions.stream, shard, place)
            answer = await self._driver.client.streams_call(
                "GetRecords", {"ShardIterator": iterator, "Limit": _RECORDS}
            )
        except ClientError as error:
            code = error_code(error)
            if code == "ExpiredIteratorException" and not fresh:
                self._iterators.pop(shard, None)
                self._entered.discard(shard)
                return ()
            if code in _LIMITED:
                return ()
            if code == "TrimmedDataAccessException":
                if self._has_lost(shard, place, fresh=fresh):
                    raise self._lost() from error
                # What was cut off was there before this feed began; or the iterator is of a time when the shard was
                # empty, which DynamoDB Local refuses from the first record on. A new one begins at the same place.
                if shard in self._entered:
                    # Nothing was there when this feed began. Times would not tell: Local has them by the minute.
                    positions.places[shard] = START
                self._iterators.pop(shard, None)
                self._entered.discard(shard)
                return ()
            if code == "ResourceNotFoundException":
                if _has_missed(place) and not await self._is_gone(positions):
                    raise self._lost() from error
                self._iterators[shard] = None
                return ()
            raise
        self._trimmed.pop(shard, None)
        self._read_at[shard] = time.time()
        self._iterators[shard] = answer.get("NextShardIterator")
        records: list[Record] = answer.get("Records", [])
        if place.kind == "since" and shard not in self._entered:
            # Times are rounded down to seconds, so one of the same second may have been before.
            since = int(place.value) - 1
            records = [
                record for record in records if float(record["dynamodb"]["ApproximateCreationDateTime"]) >= since
            ]
        return records

    def _has_lost(self, shard: str, place: Place, *, fresh: bool) -> bool:
        """True when a shard was cut off behind the place where it is to be read."""
        if place.kind == "after" and fresh:
            return True
        since = int(place.value) if place.kind == "since" else self._opened
        refused = self._trimmed[shard] = self._trimmed.get(shard, 0) + 1
        return refused > _MOST_REFUSED or time.time() - self._read_at.get(shard, since) > KEPT_SECONDS

    async def _iterator_at(self, stream: str, shard: str, place: Place) -> str:
        if place.kind == "after":
            return await self._iterator(stream, shard, "AFTER_SEQUENCE_NUMBER", place.value)
        return await self._iterator(stream, shard, "TRIM_HORIZON", None)

    async def _iterator(self, stream: str, shard: str, kind: str, number: str | None) -> str:
        request = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": kind}
        if number is not None:
            request["SequenceNumber"] = number
        answer = await self._driver.client.streams_call("GetShardIterator", request)
        iterator: str = answer["ShardIterator"]
        return iterator

    async def _is_gone(self, positions: Positions) -> bool:
        """Whether the table is no longer there, or is another one of the same name."""
        self._driver.homes.forget(self._collection)
        home = await self._driver.homes.find(self._collection)
        return home.stream != positions.stream

    def _lost(self) -> CursorError:
        return CursorError(
            f"changes of {self._collection!r} after this point are no longer kept: a stream keeps them for 24 hours",
            hint="Read the collection anew, and watch from now on.",
            mongo_code=_HISTORY_LOST,
        )


def _has_missed(place: Place) -> bool:
    """True when records that are no longer kept may have come after a place."""
    return place.kind != "since" or time.time() - int(place.value) > KEPT_SECONDS


def _merged(batches: Mapping[str, Sequence[Record]]) -> list[tuple[str, Record]]:
    """Records of several shards by the second at which they were made, those of one shard in their order."""
    shards = ([(shard, record) for record in records] for shard, records in batches.items())
    return list(merge(*shards, key=lambda pair: _moment(pair[1])))


def _moment(record: Record) -> float:
    """When a change was made, in seconds from 1970, as far as the service tells."""
    return float(record["dynamodb"].get("ApproximateCreationDateTime") or 0)
