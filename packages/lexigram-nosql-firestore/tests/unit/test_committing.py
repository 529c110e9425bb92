"""Writes happen once, also where the answer to a commit is lost; faults that no emulator makes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from grpc import ChannelConnectivity, StatusCode, aio
from lexigram.nosql.backends.firestore import FirestoreConfig, FirestoreDocumentStore
from lexigram.nosql.backends.firestore.catalogue import make_record
from lexigram.nosql.backends.firestore.codec import messages
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DuplicateKeyError,
    NoSQLConnectionError,
    NoSQLTimeoutError,
    TransactionError,
    WriteConflictError,
)
from lexigram.nosql.indexes import parse_index
from lexigram.nosql.session import Session

LOST = StatusCode.UNAVAILABLE


@pytest_asyncio.fixture
async def store(service: Any) -> AsyncIterator[FirestoreDocumentStore]:
    """Return a store on a server that does as it is told."""
    config = FirestoreConfig(
        project_id="shop",
        emulator_host=service.place,
        retry_initial_ms=1,
        retry_max_ms=2,
        retry_attempts=3,
        index_refresh_ms=3_600_000,
        scan_policy="allow",
    )
    async with FirestoreDocumentStore(config) as opened:
        service.calls.clear()
        yield opened


REFUSED = [
    StatusCode.ALREADY_EXISTS,
    StatusCode.FAILED_PRECONDITION,
    StatusCode.NOT_FOUND,
    StatusCode.PERMISSION_DENIED,
]


def holding(service: Any, seconds: int = 3_000_000_000) -> None:
    """Let the server hold every document that is asked for, changed at a time."""

    def document(name: str) -> Any:
        found = messages.Document(name=name)
        found.fields["n"].integer_value = 1
        found.update_time.seconds = seconds
        return found

    service.answers["GetDocument"] = lambda request: document(request.name)
    service.answers["BatchGetDocuments"] = lambda request: [
        messages.BatchGetDocumentsResponse(found=document(name)) for name in request.documents
    ]


WRITES: dict[str, Callable[[Any], Any]] = {
    "insert": lambda things: things.insert_one({"_id": "a", "n": 1}),
    "insert many": lambda things: things.insert_many([{"_id": "a", "n": 1}, {"_id": "b", "n": 1}]),
    "update": lambda things: things.update_one({"_id": "a"}, {"$inc": {"n": 1}}),
    "update many": lambda things: things.update_many({"_id": {"$in": ["a", "b"]}}, {"$inc": {"n": 1}}),
    "find and delete": lambda things: things.find_one_and_delete({"_id": "a"}),
}


@pytest.mark.parametrize("code", REFUSED)
@pytest.mark.parametrize("write", WRITES)
async def test_nobody_knows_where_an_answer_was_lost_and_the_same_write_is_refused(
    store: FirestoreDocumentStore, service: Any, write: str, code: StatusCode
) -> None:
    """Also where what is stored is what was sent: another writer may have written the same."""
    holding(service)
    service.faults["Commit"] = [LOST, code]
    with pytest.raises(NoSQLConnectionError, match="cannot be told") as caught:
        await WRITES[write](store.collection("things"))
    assert not caught.value.retryable
    assert len(service.sent("Commit")) == 2


BLIND: dict[str, Callable[[Any], Any]] = {
    "delete": lambda things: things.delete_one({"_id": "a"}),
    "replace": lambda things: things.replace_one({"_id": "a"}, {"n": 5}),
    "replace or insert": lambda things: things.replace_one({"_id": "a"}, {"n": 5}, upsert=True),
    "unset": lambda things: things.update_one({"_id": "a"}, {"$unset": {"n": ""}}),
}


@pytest.mark.parametrize("lost", [LOST, StatusCode.DEADLINE_EXCEEDED, StatusCode.INTERNAL])
@pytest.mark.parametrize("write", BLIND)
async def test_a_write_that_asks_nothing_of_its_document_does_not_undo_what_came_after_it(
    store: FirestoreDocumentStore, service: Any, write: str, lost: StatusCode
) -> None:
    """The first one may have been made, and another writer may have changed the document since."""
    holding(service)
    service.faults["Commit"] = [lost]
    with pytest.raises(NoSQLConnectionError, match="cannot be told") as caught:
        await BLIND[write](store.collection("things"))
    assert not caught.value.retryable
    assert len(service.sent("Commit")) == 1


@pytest.mark.parametrize("write", BLIND)
async def test_nobody_knows_where_a_document_is_gone_after_its_write_was_not_answered(
    store: FirestoreDocumentStore, service: Any, write: str
) -> None:
    service.faults["Commit"] = [LOST]
    service.faults["GetDocument"] = [StatusCode.NOT_FOUND]
    with pytest.raises(NoSQLConnectionError, match="cannot be told") as caught:
        await BLIND[write](store.collection("things"))
    assert not caught.value.retryable
    assert len(service.sent("Commit")) == 1


@pytest.mark.parametrize("write", BLIND)
async def test_a_write_that_asks_nothing_of_its_document_is_made_on_a_condition_where_it_was_not_made(
    store: FirestoreDocumentStore, service: Any, write: str
) -> None:
    """What is stored is older than the request."""
    holding(service, seconds=0)
    service.faults["Commit"] = [LOST]
    await BLIND[write](store.collection("things"))
    first, second = [request.writes[0].current_document for request in service.sent("Commit")]
    assert (first.exists, first.HasField("update_time")) == (True, False)
    assert second.HasField("update_time")


@pytest.mark.parametrize(
    "act",
    [
        lambda things: things.replace_one({"_id": "a"}, {"n": 1}),
        lambda things: things.update_one({"_id": "a"}, {"$unset": {"other": ""}}),
    ],
)
async def test_a_document_that_is_as_it_should_be_needs_no_second_write(
    store: FirestoreDocumentStore, service: Any, act: Callable[[Any], Any]
) -> None:
    holding(service)
    service.faults["Commit"] = [LOST]
    assert (await act(store.collection("things"))).matched_count == 1
    assert len(service.sent("Commit")) == 1


async def test_the_end_of_a_batch_that_was_not_answered_is_told_by_place(service: Any) -> None:
    config = FirestoreConfig(
        project_id="shop", emulator_host=service.place, retry_attempts=1, max_writes=2, scan_policy="allow"
    )
    async with FirestoreDocumentStore(config) as small:
        made = service.answers["Commit"]

        def first_only(request: Any) -> Any:
            service.faults["Commit"] = [LOST]
            return made(request)

        service.answers["Commit"] = first_only
        unknown = [(2, True, False), (3, True, False)]
        for ordered, expected in ((True, unknown), (False, [*unknown, (4, False, True)])):
            with pytest.raises(BulkWriteError) as caught:
                await small.collection("things").insert_many([{"_id": n} for n in range(5)], ordered=ordered)
            assert caught.value.result.inserted_count == 2
            assert [
                (failure.index, "cannot be told" in failure.error.message, failure.error.retryable)
                for failure in caught.value.failures
            ] == expected


async def test_a_duplicate_is_one_at_once_where_no_answer_was_lost(store: FirestoreDocumentStore, service: Any) -> None:
    service.faults["Commit"] = [StatusCode.ALREADY_EXISTS]
    holding(service)
    with pytest.raises(DuplicateKeyError):
        await store.collection("things").insert_one({"_id": "a", "n": 1})
    assert len(service.sent("Commit")) == 1


async def test_nobody_knows_when_no_answer_comes_at_all(store: FirestoreDocumentStore, service: Any) -> None:
    service.faults["Commit"] = [LOST] * 9
    with pytest.raises(NoSQLConnectionError, match="cannot be told") as caught:
        await store.collection("things").insert_one({"_id": "a"})
    assert not caught.value.retryable
    assert len(service.sent("Commit")) == 3


async def test_a_write_that_is_not_answered_in_time_is_not_to_be_repeated(
    store: FirestoreDocumentStore, service: Any
) -> None:
    service.faults["Commit"] = [StatusCode.DEADLINE_EXCEEDED]
    with pytest.raises(NoSQLTimeoutError, match="cannot be told") as caught:
        await store.collection("things").insert_one({"_id": "a"})
    assert not caught.value.retryable
    assert len(service.sent("Commit")) == 1


@pytest.mark.parametrize("code", [*REFUSED, StatusCode.ABORTED])
async def test_a_transaction_whose_answer_was_lost_is_not_run_again(
    store: FirestoreDocumentStore, service: Any, code: StatusCode
) -> None:
    # A commit that is aborted is sent again by itself, for a while.
    service.faults["Commit"] = [LOST, *[code] * 20]
    runs: list[Session] = []

    async def body(session: Session) -> None:
        runs.append(session)
        await store.collection("things").insert_one({"_id": "a", "n": 1})

    with pytest.raises(TransactionError, match="nobody knows") as caught:
        await store.run_transaction(body)
    assert not caught.value.retryable
    assert len(runs) == 1


async def test_a_transaction_says_when_nobody_knows(store: FirestoreDocumentStore, service: Any) -> None:
    service.faults["Commit"] = [LOST] * 9
    with pytest.raises(TransactionError, match="nobody knows") as caught:
        async with store.transaction():
            await store.collection("things").insert_one({"_id": "a"})
    assert not caught.value.retryable


@pytest.mark.parametrize("code", [StatusCode.FAILED_PRECONDITION, StatusCode.NOT_FOUND, StatusCode.ALREADY_EXISTS])
async def test_a_transaction_that_lost_may_run_again(
    store: FirestoreDocumentStore, service: Any, code: StatusCode
) -> None:
    service.faults["Commit"] = [code]
    with pytest.raises(WriteConflictError) as caught:
        async with store.transaction():
            await store.collection("things").insert_one({"_id": "a"})
    assert caught.value.retryable


async def test_a_stream_that_breaks_before_its_first_document_begins_again(
    store: FirestoreDocumentStore, service: Any
) -> None:
    service.faults["RunQuery"] = [LOST, StatusCode.INTERNAL]
    assert await store.collection("things").find({"n": 1}).to_list() == []
    assert len(service.sent("RunQuery")) == 3


async def test_reads_of_a_transaction_ask_for_one_time(store: FirestoreDocumentStore, service: Any) -> None:
    def answer(request: Any) -> list[Any]:
        response = messages.BatchGetDocumentsResponse(missing=request.documents[0])
        response.read_time.seconds = 77
        return [response]

    service.answers["BatchGetDocuments"] = answer
    things = store.collection("things")
    async with store.transaction():
        await things.find_one({"_id": "a"})
        await things.find_one({"_id": "b"})
        await things.find({"n": 1}).to_list()
    asked = [*service.sent("BatchGetDocuments"), *service.sent("RunQuery")]
    assert [request.HasField("read_time") for request in asked] == [False, True, True]
    assert asked[2].read_time.seconds == 77


def told(seconds: int, *names: str) -> Any:
    """Return what answers a query: documents, each read at a time, or that time alone."""

    def answer(_: Any) -> list[Any]:
        responses = [messages.RunQueryResponse(document=messages.Document(name=name)) for name in names]
        responses = responses or [messages.RunQueryResponse()]
        for response in responses:
            response.read_time.seconds = seconds
        return responses

    return answer


@pytest.mark.parametrize("names", [(), ("a",), ("a", "b")])
async def test_a_short_first_query_fixes_the_time_of_a_transaction(
    store: FirestoreDocumentStore, service: Any, names: tuple[str, ...]
) -> None:
    prefix = "projects/shop/databases/(default)/documents/things/"
    service.answers["RunQuery"] = told(77, *[prefix + name for name in names])
    things = store.collection("things")
    async with store.transaction():
        assert len(await things.find({"n": {"$exists": False}}).to_list()) == len(names)
        await things.find({"n": {"$exists": False}}).to_list()
    first, second = service.sent("RunQuery")
    assert not first.HasField("read_time")
    assert second.read_time.seconds == 77


async def test_several_queries_of_one_read_are_read_at_one_time(service: Any) -> None:
    """A document that goes from what one selects to what another does is not missed in between."""
    service.answers["RunQuery"] = told(77)
    config = FirestoreConfig(
        project_id="shop", emulator_host=service.place, scan_policy="allow", fields={"things": {"b": "number"}}
    )
    async with FirestoreDocumentStore(config) as hinted:
        service.calls.clear()
        await hinted.collection("things").find({"$or": [{"a": 1}, {"b": {"$gt": 5}}]}).to_list()
        asked = service.sent("RunQuery")
    assert len(asked) > 1
    assert [request.HasField("read_time") for request in asked] == [False] + [True] * (len(asked) - 1)
    assert {request.read_time.seconds for request in asked[1:]} == {77}


async def test_a_get_is_sent_as_often_as_was_set(store: FirestoreDocumentStore, service: Any) -> None:
    service.faults["GetDocument"] = [LOST] * 9
    with pytest.raises(NoSQLConnectionError):
        await store.collection("things").find_one({"_id": "a"})
    assert len(service.sent("GetDocument")) == 3


async def test_the_time_of_a_get_does_not_start_anew_when_it_is_sent_again(
    store: FirestoreDocumentStore, service: Any
) -> None:
    driver: Any = store.driver
    client, ends = driver.client, []
    client.left = lambda end: ends.append(end) or 5.0
    service.faults["GetDocument"] = [LOST, LOST]
    assert await store.collection("things").find_one({"_id": "a"}) == {"_id": "a"}
    assert len(ends) == 3
    assert len(set(ends)) == 1


async def test_the_service_is_asked_for_the_time_where_it_has_long_not_told_it(
    store: FirestoreDocumentStore, service: Any
) -> None:
    driver: Any = store.driver
    client, day, now = driver.client, 86_400_000_000, 1_800_000_000
    tick = client.tick()
    client._seen = now * 1_000_000 - day, tick - day
    assert not client.is_current
    assert client.now() < now * 1_000_000 - 40_000_000
    service.answers["RunQuery"] = told(now)
    assert await client.time_of(tick) > now * 1_000_000 - 10_000_000
    assert client.is_current


async def test_every_read_tells_the_time(store: FirestoreDocumentStore, service: Any) -> None:
    driver: Any = store.driver
    things = store.collection("things")

    def missing(request: Any) -> list[Any]:
        responses = [messages.BatchGetDocumentsResponse(missing=name) for name in request.documents]
        for response in responses:
            response.read_time.seconds = 3_000_000_000
        return responses

    service.answers["RunQuery"] = told(2_000_000_000)
    await things.find({"n": {"$exists": False}}).to_list()
    assert driver.client.now() >= 2_000_000_000_000_000
    service.answers["BatchGetDocuments"] = missing
    await things.find({"_id": {"$in": ["a", "b"]}}).to_list()
    assert driver.client.now() >= 3_000_000_000_000_000


async def test_nobody_knows_of_a_write_that_is_under_way_when_its_store_is_closed(
    store: FirestoreDocumentStore, service: Any
) -> None:
    service.hold.add("Commit")
    task = asyncio.ensure_future(store.collection("things").insert_one({"_id": "a"}))
    async with asyncio.timeout(10):
        while not service.sent("Commit"):  # noqa: ASYNC110 - the server tells nobody of what it has been sent
            await asyncio.sleep(0.001)
    await store.disconnect()
    with pytest.raises(NoSQLConnectionError, match="cannot be told") as caught:
        await task
    assert not caught.value.retryable


async def test_where_the_service_cannot_be_reached_nothing_was_written_and_the_call_may_be_repeated(
    store: FirestoreDocumentStore, service: Any
) -> None:
    driver: Any = store.driver
    await service.stop()
    async with asyncio.timeout(10):
        while (state := driver.client.channel.get_state()) is ChannelConnectivity.READY:
            await driver.client.channel.wait_for_state_change(state)
    for act in (
        lambda: store.collection("things").insert_one({"_id": "a"}),
        lambda: store.collection("things").insert_many([{"_id": "a"}, {"_id": "b"}]),
        lambda: store.collection("things").replace_one({"_id": "a"}, {}),
        lambda: store.collection("things").delete_one({"_id": "a"}),
    ):
        with pytest.raises(NoSQLConnectionError) as caught:
            await act()
        assert caught.value.retryable
        assert isinstance(caught.value.__cause__, aio.AioRpcError)
    assert service.sent("Commit") == []


async def test_what_is_read_of_indexes_does_not_undo_a_change_made_meanwhile(
    store: FirestoreDocumentStore, service: Any
) -> None:
    """The list of records may be as old as the beginning of its reading."""
    driver: Any = store.driver
    catalogue, listed = driver.catalogue, driver.client.list_documents

    async def changing(*given: Any) -> Any:
        page = await listed(*given)
        service.faults["GetDocument"] = [StatusCode.NOT_FOUND]
        await catalogue.change("things", lambda _: [make_record(parse_index("k"))], None)
        return page

    driver.client.list_documents = changing
    await catalogue.load(None)
    assert catalogue.names() == ["things"]
    driver.client.list_documents = listed
    await catalogue.load(None)
    assert catalogue.names() == []
