"""What transactions read, which scans they may make, and how their refusals are told."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from dynamodb.conftest import Opener
from dynamodb.raw import request
from lexigram.nosql.backends.dynamodb import DynamoDBDocumentStore
from lexigram.nosql.exceptions import (
    AuthenticationFailedError,
    DocumentTooLargeError,
    DocumentValidationError,
    DuplicateKeyError,
    ScanDeniedError,
    ThrottledError,
    WriteConflictError,
)
from servers import Server


def _count_requests(monkeypatch: pytest.MonkeyPatch, store: DynamoDBDocumentStore) -> list[tuple[str, Any]]:
    client = store.driver.client
    real = client.call
    sent: list[tuple[str, Any]] = []

    async def call(operation: str, asked: Any, *more: Any) -> Any:
        sent.append((operation, asked))
        return await real(operation, asked, *more)

    monkeypatch.setattr(client, "call", call)
    return sent


async def test_a_document_is_read_consistently_on_request(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await open_store(schema_lease_seconds=60)
    things = store.collection("things")
    await things.insert_one({"_id": 1, "n": 1})
    await things.find_one({"_id": 1})
    sent = _count_requests(monkeypatch, store)
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 1}
    async with store.transaction():
        assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 1}
    told = [(operation, asked.get("ConsistentRead", False)) for operation, asked in sent]
    assert told == [("GetItem", False), ("GetItem", True)]


async def test_a_transaction_keeps_an_index_that_was_made_since_it_began(open_store: Opener, layout: str) -> None:
    one, other = await open_store(layout=layout), await open_store(layout=layout)
    things = one.collection("things")
    await things.insert_many([{"_id": number, "k": number} for number in range(3)])
    async with one.transaction():
        await things.update_one({"_id": 1}, {"$set": {"k": 10}})
        await things.insert_one({"_id": 5, "k": 50})
        await other.collection("things").create_index("k", unique=True)
    for key in (10, 50):
        assert await other.collection("things").count_documents({"k": key}) == 1
        with pytest.raises(DuplicateKeyError):
            await other.collection("things").insert_one({"_id": 7, "k": key})


async def test_a_read_with_a_limit_does_not_count_all_matches_as_read(store: DynamoDBDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "s": "x"} for number in range(150)])
    async with store.transaction():
        found = await things.find_one({"s": "x"})
        assert found is not None
        await things.update_one({"_id": found["_id"]}, {"$set": {"s": "y"}})
        assert len(await things.find({"s": "x"}, limit=3).to_list()) == 3
    assert await things.count_documents({"s": "y"}) == 1


async def test_a_read_whose_filter_the_service_cannot_test_counts_no_more_as_read(store: DynamoDBDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "s": f"x{number}y"} for number in range(150)])
    chosen = {"s": {"$regex": "^x.*[0-9]y$"}}
    assert (await things.find(chosen).explain()).residue is not None
    async with store.transaction():
        found = await things.find_one(chosen)
        assert found is not None
        await things.update_one(chosen, {"$set": {"s": "z"}})
        assert len(await things.find(chosen, skip=1, limit=3).to_list()) == 3
    assert await things.count_documents({"s": "z"}) == 1


async def test_documents_may_be_written_while_they_are_read(store: DynamoDBDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "n": 0} for number in range(8)])
    async with store.transaction():
        seen: list[Any] = []
        async for document in things.find({"n": 0}, batch_size=2):
            seen.append(document["_id"])
            await things.update_one({"_id": document["_id"]}, {"$set": {"n": 1}})
            if len(seen) == 1:
                await things.insert_one({"_id": "new", "n": 0})
        assert sorted(seen) == list(range(8))
    assert await things.count_documents({"n": 1}) == 8


async def test_a_read_with_a_limit_asks_for_no_more_than_it(
    store: DynamoDBDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number} for number in range(20)])
    async with store.transaction():
        sent = _count_requests(monkeypatch, store)
        assert len(await things.find({}, skip=1, limit=2).to_list()) == 2
        assert [asked.get("Limit") for operation, asked in sent if operation == "Scan"] == [3]


async def test_a_read_with_a_limit_sees_what_the_transaction_wrote(store: DynamoDBDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "s": "x"} for number in range(3)])
    async with store.transaction():
        for number in range(3):
            await things.update_one({"_id": number}, {"$set": {"s": "y"}})
        assert await things.find_one({"s": "x"}) is None
        await things.insert_one({"_id": "new", "s": "x"})
        assert await things.find({"s": "x"}, limit=1).to_list() == [{"_id": "new", "s": "x"}]
        assert len(await things.find({"s": "y"}, skip=1, limit=2).to_list()) == 2


async def test_what_a_limit_left_unread_may_change(open_store: Opener) -> None:
    store, other = await open_store(), await open_store()
    things = store.collection("things")
    await things.insert_many([{"_id": number, "s": "x"} for number in range(3)])
    async with store.transaction():
        found = await things.find_one({"s": "x"})
        assert found is not None
        rest = {0, 1, 2} - {found["_id"]}
        for number in rest:
            await other.collection("things").delete_one({"_id": number})
        await other.collection("things").insert_one({"_id": 9, "s": "x"})
        await things.update_one({"_id": found["_id"]}, {"$set": {"s": "y"}})
    assert await things.count_documents({"s": "y"}) == 1


async def test_a_read_that_found_less_than_its_limit_notices_newcomers(open_store: Opener) -> None:
    store, other = await open_store(), await open_store()
    things = store.collection("things")
    await things.insert_one({"_id": 1, "s": "x"})

    async def work() -> None:
        async with store.transaction():
            assert len(await things.find({"s": "x"}, limit=5).to_list()) == 1
            await other.collection("things").insert_one({"_id": 2, "s": "x"})
            await things.insert_one({"_id": 3})

    with pytest.raises(WriteConflictError):
        await work()
    assert await things.find_one({"_id": 3}) is None


@pytest.mark.parametrize("more", [0, 150], ids=["few", "more than one request holds"])
async def test_a_transaction_that_only_reads_has_seen_one_time(open_store: Opener, more: int) -> None:
    store, other = await open_store(), await open_store()
    accounts = store.collection("accounts")
    await accounts.insert_many([{"_id": 1, "v": 50}, {"_id": 2, "v": 50}])
    if more:
        await accounts.insert_many([{"_id": f"more{number}", "more": True} for number in range(more)])

    async def move(amount: int) -> None:
        async with other.transaction():
            await other.collection("accounts").update_one({"_id": 1}, {"$inc": {"v": -amount}})
            await other.collection("accounts").update_one({"_id": 2}, {"$inc": {"v": amount}})

    async def total(between: int) -> Any:
        async with store.transaction():
            if more:
                assert len(await accounts.find({"more": True}).to_list()) == more
            one = await accounts.find_one({"_id": 1})
            if between:
                await move(between)
            two = await accounts.find_one({"_id": 2})
            assert one is not None
            assert two is not None
            return one["v"] + two["v"]

    with pytest.raises(WriteConflictError) as caught:
        await total(50)
    assert caught.value.retryable
    assert await total(0) == 100


async def test_a_transaction_that_only_reads_notices_newcomers(open_store: Opener) -> None:
    store, other = await open_store(), await open_store()
    things = store.collection("things")
    await things.insert_one({"_id": 1, "s": "x"})

    async def work() -> None:
        async with store.transaction():
            assert await things.count_documents({"s": "x"}) == 1
            await other.collection("things").insert_one({"_id": 2, "s": "x"})
            await things.find_one({"_id": 3})

    with pytest.raises(WriteConflictError):
        await work()


async def test_a_transaction_that_reads_one_item_needs_no_other_request(
    store: DynamoDBDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": 1})
    sent = _count_requests(monkeypatch, store)
    async with store.transaction():
        assert await things.find_one({"_id": 1}) == {"_id": 1}
    assert not [operation for operation, _ in sent if operation == "TransactWriteItems"]


async def test_a_transaction_may_read_a_collection_that_is_not_there(store: DynamoDBDocumentStore) -> None:
    async with store.transaction():
        assert await store.collection("nothing").find_one({"_id": 1}) is None
        assert await store.collection("nothing").find_one({"_id": 2}) is None
        assert await store.collection("nothing").find({"a": 1}).to_list() == []


async def test_a_transaction_that_only_reads_finds_nothing_in_a_table_that_is_gone(
    store: DynamoDBDocumentStore, either_server: Server, prefix: str
) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": 1})
    await request(either_server.endpoint, "DeleteTable", {"TableName": f"{prefix}-things"})
    async with store.transaction():
        assert await things.find_one({"_id": 1}) is None
        assert await things.find_one({"_id": 2}) is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ValidationError", DocumentValidationError),
        ("ThrottlingError", ThrottledError),
        ("ItemCollectionSizeLimitExceeded", DocumentTooLargeError),
        ("AccessDenied", AuthenticationFailedError),
        ("TransactionConflict", WriteConflictError),
        ("ConditionalCheckFailed", WriteConflictError),
    ],
)
async def test_a_cancelled_transaction_tells_its_reason(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch, code: str, kind: type[Exception]
) -> None:
    store = await open_store(batch_attempts=1)
    things = store.collection("things")
    await things.insert_one({"_id": 1})
    client = store.driver.client
    real = client.call

    async def call(operation: str, asked: Any, *more: Any) -> Any:
        if operation != "TransactWriteItems":
            return await real(operation, asked, *more)
        told: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
            "CancellationReasons": [{"Code": code, "Message": "why"}],
            "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0},
        }
        raise ClientError(told, operation)

    async def work() -> None:
        async with store.transaction():
            await things.insert_one({"_id": 2})

    monkeypatch.setattr(client, "call", call)
    with pytest.raises(kind) as caught:
        await work()
    assert isinstance(caught.value, WriteConflictError) == (kind is WriteConflictError)


async def test_a_transaction_does_not_scan_where_scans_are_denied(open_store: Opener, layout: str) -> None:
    store = await open_store(layout=layout, scan_policy="deny")
    things = store.collection("things")
    await things.create_index("k")
    await things.insert_many([{"_id": number, "k": number % 3} for number in range(9)])
    assert len(await things.find({"k": 1}).to_list()) == 3

    async def work() -> None:
        async with store.transaction():
            await things.find({"k": 1}).to_list()

    with pytest.raises(ScanDeniedError) as caught:
        await work()
    assert "global indexes" in str(caught.value)
    async with store.transaction():
        assert len(await things.find({"_id": {"$in": [1, 4, 7]}}).to_list()) == 3
        assert len(await things.find().to_list()) == 9


async def test_a_hint_at_a_global_index_is_taken_in_a_transaction(open_store: Opener, layout: str) -> None:
    store = await open_store(layout=layout)
    things = store.collection("things")
    await things.create_index("k")
    await things.insert_many([{"_id": number, "k": number % 3} for number in range(9)])
    async with store.transaction():
        await things.insert_one({"_id": "new", "k": 1})
        found = await things.find({"k": 1}, hint="k_1").to_list()
        assert {document["_id"] for document in found} == {1, 4, 7, "new"}
