"""Where change feeds go on, with a stream that is told here: real ones cut off after a day."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import zlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.changes import follow
from lexigram.nosql.backends.dynamodb.driver import DynamoDBDriver
from lexigram.nosql.backends.dynamodb.feed.positions import Place, Positions
from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.backends.dynamodb.layouts.records import CollectionRecord
from lexigram.nosql.backends.dynamodb.layouts.shapes import own_primary, table_shape
from lexigram.nosql.exceptions import CursorError

_STREAM = "arn:stream"
_NOW = int(time.time())
_DAY = 24 * 60 * 60


def _record(identity: str, number: int, moment: int = _NOW) -> dict[str, Any]:
    item = {"_id": {"S": identity}}
    return {
        "eventName": "INSERT",
        "dynamodb": {
            "Keys": item,
            "NewImage": item,
            "SequenceNumber": str(number),
            "ApproximateCreationDateTime": moment,
        },
    }


class _Stream:
    """Answers as DynamoDB Streams does, for shards that are told: each its parent and its records."""

    def __init__(self, shards: Mapping[str, tuple[str | None, list[dict[str, Any]]]]) -> None:
        self.shards = shards

    async def streams_call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeStream":
            listed = [
                {"ShardId": shard} if parent is None else {"ShardId": shard, "ParentShardId": parent}
                for shard, (parent, _) in self.shards.items()
            ]
            return {"StreamDescription": {"Shards": listed}}
        if operation == "GetShardIterator":
            shard = request["ShardId"]
            if shard not in self.shards:
                raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no shard"}}, operation)
            after = int(request.get("SequenceNumber", 0))
            return {"ShardIterator": f"{shard}:{after}"}
        shard, _, after = request["ShardIterator"].partition(":")
        records = [each for each in self.shards[shard][1] if int(each["dynamodb"]["SequenceNumber"]) > int(after)]
        return {"Records": records, "NextShardIterator": f"{shard}:{10**9}"}


def _driver(stream: _Stream) -> DynamoDBDriver:
    shape = table_shape("c", own_primary("t-c", "_id"), CollectionRecord(), None, foreign=False, segments=1)
    home = Home("c", shape, CollectionRecord(), "t", "_id", "_lxe", exists=True, stream=_STREAM, described={})

    async def find(_: str) -> Home:
        return home

    homes = SimpleNamespace(find=find, guess=lambda _: home, forget=lambda _: None)
    config = SimpleNamespace(feed_poll_seconds=0.0)
    return cast("DynamoDBDriver", SimpleNamespace(client=stream, homes=homes, config=config))


async def _take(stream: _Stream, positions: Positions, count: int) -> list[Any]:
    feed = follow(_driver(stream), "c", positions.to_token(), full_document=True)
    try:
        return [(await anext(feed)).document_id for _ in range(count)]
    finally:
        await feed.aclose()


@pytest.mark.parametrize("kind", ["start", "since", "after"])
async def test_a_token_whose_shard_is_no_longer_kept_is_refused(kind: Any) -> None:
    value = {"start": "", "since": str(_NOW - 60), "after": "5"}[kind]
    stream = _Stream({"child": ("gone", [_record("a", 9)])})
    with pytest.raises(CursorError):
        await _take(stream, Positions(_STREAM, {"gone": Place(kind, value)}, moment=_NOW), 1)


async def test_a_token_whose_shard_and_its_children_are_no_longer_kept_is_refused() -> None:
    stream = _Stream({"grandchild": ("child", [_record("a", 9)])})
    with pytest.raises(CursorError):
        await _take(stream, Positions(_STREAM, {"gone": Place("end")}, moment=_NOW), 1)


async def test_a_shard_that_was_read_to_its_end_may_be_gone() -> None:
    stream = _Stream({"child": ("gone", [_record("a", 9)])})
    assert await _take(stream, Positions(_STREAM, {"gone": Place("end")}, moment=_NOW), 1) == ["a"]


async def test_parents_that_were_read_before_are_no_loss() -> None:
    stream = _Stream({"old": ("older", []), "here": ("old", [_record("a", 1), _record("b", 2)])})
    assert await _take(stream, Positions(_STREAM, {"here": Place("after", "1")}, moment=_NOW), 1) == ["b"]


@pytest.mark.parametrize("kind", ["start", "since"])
async def test_a_shard_not_begun_may_have_lost_records_after_a_day(kind: Any) -> None:
    stream = _Stream({"here": (None, [_record("a", 9)])})

    def positions(age: int) -> Positions:
        return Positions(_STREAM, {"here": Place(kind, str(_NOW - age) if kind == "since" else "")}, moment=_NOW - age)

    assert await _take(stream, positions(60), 1) == ["a"]
    with pytest.raises(CursorError):
        await _take(stream, positions(_DAY + 60), 1)


async def test_a_token_tells_when_its_change_was_made() -> None:
    stream = _Stream({"here": (None, [_record("a", 9, _NOW - 7)])})
    feed = follow(_driver(stream), "c", Positions(_STREAM, {"here": Place("start")}).to_token(), full_document=True)
    token = (await anext(feed)).resume_token
    await feed.aclose()
    assert Positions.from_token(token or "").moment == _NOW - 7


def test_a_token_of_an_earlier_version_is_taken() -> None:
    text = json.dumps([_STREAM, {"here": ["after", "5"]}])
    token = base64.urlsafe_b64encode(zlib.compress(text.encode())).decode().rstrip("=")
    assert Positions.from_token(token).places == {"here": Place("after", "5")}


async def test_records_of_one_shard_keep_their_order_whatever_their_times() -> None:
    stream = _Stream(
        {"one": (None, [_record("a", 1, _NOW), _record("b", 2, _NOW - 5)]), "two": (None, [_record("c", 5, _NOW - 2)])}
    )
    places = {"one": Place("start"), "two": Place("start")}
    assert await _take(stream, Positions(_STREAM, places), 3) == ["c", "a", "b"]


class _Vanishing(_Stream):
    """Lists a shard that is cut off before it can be read."""

    def __init__(self, code: str) -> None:
        super().__init__({"gone": (None, []), "child": ("gone", [_record("a", 9)]), "other": (None, [_record("b", 3)])})
        self.code = code

    async def streams_call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "GetRecords" and request["ShardIterator"].startswith("gone"):
            raise ClientError({"Error": {"Code": self.code, "Message": "cut off"}}, operation)
        return await super().streams_call(operation, request)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "TrimmedDataAccessException"])
async def test_a_shard_that_is_cut_off_before_it_is_read_ends_the_feed(code: str) -> None:
    places = {"gone": Place("start"), "other": Place("start")}
    with pytest.raises(CursorError):
        await _take(_Vanishing(code), Positions(_STREAM, places, moment=_NOW), 2)


async def test_a_stream_that_has_no_shards_yet_is_read_from_the_first_one_on() -> None:
    stream = _Stream({})
    feed = follow(_driver(stream), "c", None, full_document=True)
    first = asyncio.ensure_future(anext(feed))
    for _ in range(20):
        await asyncio.sleep(0)
    stream.shards = {"here": (None, [_record("a", 5)])}
    assert (await first).document_id == "a"
    await feed.aclose()


class _EmptyAtFirst(_Stream):
    """Refuses iterators of a shard that were given out while it was empty, as DynamoDB Local does."""

    def __init__(self, moment: int = _NOW) -> None:
        super().__init__({"here": (None, [])})
        self.moment = moment
        self.refused = 0

    async def streams_call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeStream":
            return await super().streams_call(operation, request)
        records = self.shards["here"][1]
        if operation == "GetShardIterator":
            answer = await super().streams_call(operation, request)
            return {"ShardIterator": f"{answer['ShardIterator']}:{len(records)}"}
        iterator, _, held = request["ShardIterator"].rpartition(":")
        if held == "0" and records:
            self.refused += 1
            raise ClientError({"Error": {"Code": "TrimmedDataAccessException", "Message": "cut off"}}, operation)
        answer = await super().streams_call(operation, {**request, "ShardIterator": iterator})
        if not records:
            records += [_record("a", 5, self.moment), _record("b", 6, self.moment)]
            return {"Records": [], "NextShardIterator": request["ShardIterator"]}
        return {**answer, "NextShardIterator": f"{answer['NextShardIterator']}:1"}


@pytest.mark.parametrize("kind", ["start", "since"])
async def test_a_shard_that_was_empty_is_read_from_its_first_record(kind: Any) -> None:
    stream = _EmptyAtFirst()
    place = Place(kind, str(_NOW) if kind == "since" else "")
    assert await _take(stream, Positions(_STREAM, {"here": place}, moment=_NOW), 2) == ["a", "b"]
    assert stream.refused == 1


async def test_a_shard_that_was_empty_when_a_feed_began_is_read_whole_whatever_the_times_of_its_records() -> None:
    stream = _EmptyAtFirst(_NOW - 3600)
    feed = follow(_driver(stream), "c", None, full_document=True)
    assert [(await anext(feed)).document_id for _ in range(2)] == ["a", "b"]
    await feed.aclose()
    assert stream.refused == 1


async def test_what_is_cut_off_behind_the_place_of_a_feed_is_told() -> None:
    stream = _Vanishing("TrimmedDataAccessException")
    places = {"gone": Place("after", "5"), "child": Place("start")}
    with pytest.raises(CursorError):
        await _take(stream, Positions(_STREAM, places, moment=_NOW), 1)


async def test_a_shard_that_nobody_has_read_for_a_day_may_have_lost_records(monkeypatch: pytest.MonkeyPatch) -> None:
    late, real_time = _EmptyAtFirst(), time.time
    feed = follow(_driver(late), "c", Positions(_STREAM, {"here": Place("start")}).to_token(), full_document=True)
    real = late.streams_call

    async def streams_call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if late.shards["here"][1]:
            monkeypatch.setattr(time, "time", lambda: real_time() + _DAY + 60)
        return await real(operation, request)

    monkeypatch.setattr(late, "streams_call", streams_call)
    with pytest.raises(CursorError):
        await anext(feed)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "TrimmedDataAccessException"])
async def test_what_is_cut_off_from_before_the_feed_is_no_loss(code: str) -> None:
    places = {"gone": Place("since", str(_NOW - 60)), "other": Place("start")}
    assert await _take(_Vanishing(code), Positions(_STREAM, places, moment=_NOW), 1) == ["b"]
