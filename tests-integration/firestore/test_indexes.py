"""Unique and expiring indexes hold whoever writes, and at whatever moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lexigram.nosql.backends.firestore import FirestoreDocumentStore
from lexigram.nosql.exceptions import BulkWriteError, DuplicateKeyError, NoSQLError, WriteConflictError

Opener = Callable[..., Any]


async def guards(store: FirestoreDocumentStore) -> set[str]:
    """Paths of the documents that have guards."""
    return {found.get("document").path async for found in store.native.collection("~guards").stream()}


async def test_stores_that_know_nothing_of_each_other_keep_one_index(open_store: Opener) -> None:
    first, second = await open_store(), await open_store()
    await first.collection("things").create_index("k", unique=True)
    await first.collection("things").insert_one({"_id": 1, "k": "a"})
    with pytest.raises(DuplicateKeyError) as caught:
        await second.collection("things").insert_one({"_id": 2, "k": "a"})
    assert (caught.value.index, caught.value.key) == ("k_1", {"k": "a"})


async def test_of_many_writers_exactly_one_wins_each_key(open_store: Opener) -> None:
    stores = [await open_store(), await open_store()]
    await stores[0].collection("things").create_index("k", unique=True)

    async def write(number: int) -> bool:
        things = stores[number % 2].collection("things")
        return (await things.attempt.insert_one({"_id": number, "k": number % 4})).is_ok()

    won = await asyncio.gather(*map(write, range(24)))
    assert sum(won) == 4
    found = await stores[0].collection("things").find({}).to_list()
    assert sorted(document["k"] for document in found) == [0, 1, 2, 3]
    assert len(await guards(stores[0])) == 4


async def test_keys_that_are_swapped_and_freed_stay_right(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.create_index("k", unique=True)
    await things.insert_many([{"_id": number, "k": number} for number in range(5)])
    assert (await things.update_many({}, {"$inc": {"k": 10}})).modified_count == 5
    await things.replace_one({"_id": 0}, {"k": 0})
    await things.delete_one({"_id": 1})
    assert (await things.delete_many({"k": {"$gte": 13}})).deleted_count == 2
    async with store.transaction():
        await things.delete_one({"_id": 2})
        await things.insert_one({"_id": 9, "k": 12})
    assert await guards(store) == {"things/~n0", "things/~n9"}
    for free in (1, 10, 11, 13, 14):
        await things.insert_one({"k": free})
    for taken in (0, 12):
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"k": taken})


async def test_an_index_is_made_while_others_write(open_store: Opener) -> None:
    """None of them gets through with a key that stands twice, and what was there before has guards."""
    first, second = await open_store(), await open_store()
    await first.collection("things").insert_many([{"_id": number, "k": number} for number in range(40)])
    going = True

    async def write() -> int:
        number = 1000
        while going:
            number += 1
            await second.collection("things").attempt.insert_one({"_id": number, "k": number})
            await second.collection("things").attempt.update_one({"_id": number % 40}, {"$inc": {"n": 1}})
        return number

    writer = asyncio.create_task(write())
    await first.collection("things").create_index("k", unique=True)
    going = False
    await writer
    documents = await first.collection("things").find({}).to_list()
    assert len(await guards(first)) == len(documents)
    for document in documents[::7]:
        with pytest.raises(DuplicateKeyError):
            await second.collection("things").insert_one({"k": document["k"]})


async def test_nothing_is_left_of_an_index_that_cannot_be_made(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "k": number // 2} for number in range(10)])
    with pytest.raises(DuplicateKeyError):
        await things.create_index("k", unique=True)
    assert await guards(store) == set()
    await things.insert_one({"k": 0})
    await things.delete_many({})
    await things.create_index("k", unique=True)
    await things.drop_index("k_1")
    assert await guards(store) == set()


async def test_failures_of_a_batch_are_told_by_place(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.create_index("k", unique=True)
    await things.insert_many([{"_id": "a", "k": 1}, {"_id": "b", "k": 2}])
    batch = [{"_id": "c", "k": 3}, {"_id": "a"}, {"_id": "d", "k": 2}, {"_id": "e", "k": 4}, {"_id": "f", "k": 4}]
    with pytest.raises(BulkWriteError) as caught:
        await things.insert_many(batch, ordered=False)
    told = {failure.index: failure.error for failure in caught.value.failures}
    assert sorted(told) == [1, 2, 4]
    assert [getattr(told[place], "index", None) for place in (1, 2, 4)] == ["_id_", "k_1", "k_1"]
    assert await things.count_documents({}) == 4
    with pytest.raises(BulkWriteError) as caught:
        await things.insert_many([{"_id": "g", "k": 7}, {"_id": "g", "k": 8}, {"_id": "h", "k": 9}], ordered=True)
    assert [failure.index for failure in caught.value.failures] == [1]
    assert await things.count_documents({}) == 5


async def test_what_is_due_is_hidden_at_once_and_marked_for_firestores_policy(open_store: Opener) -> None:
    store = await open_store()
    sessions = store.collection("sessions")
    now = datetime.now(UTC)
    await sessions.insert_one({"_id": "before", "at": now - timedelta(hours=2)})
    await sessions.create_index("at", expire_after_seconds=3600)
    await sessions.insert_many(
        [
            {"_id": "due", "at": now - timedelta(hours=2)},
            {"_id": "soon", "at": now},
            {"_id": "never", "at": "text"},
            {"_id": "several", "at": [now, now - timedelta(days=1)]},
        ]
    )
    assert sorted([document["_id"] for document in await sessions.find({}).to_list()]) == ["never", "soon"]
    assert await sessions.count_documents({}) == 2
    assert await sessions.find_one({"_id": "due"}) is None
    assert (await sessions.update_many({}, {"$set": {"seen": True}})).modified_count == 2
    native = store.native.collection("sessions")
    for name in ("before", "due", "soon", "several"):
        assert "~ttl" in (await native.document(name).get()).to_dict()
    assert "~ttl" not in (await native.document("never").get()).to_dict()
    await sessions.update_one({"_id": "soon"}, {"$unset": {"at": 1}})
    assert "~ttl" not in (await native.document("soon").get()).to_dict()


async def test_other_stores_learn_of_an_index_in_time(open_store: Opener) -> None:
    """Whoever makes it waits as long as others may know nothing of it."""
    first, second = await open_store(index_refresh_ms=300), await open_store(index_refresh_ms=300)
    await second.collection("things").insert_one({"_id": 0, "k": 0})
    errors: list[NoSQLError] = []

    async def write(number: int) -> None:
        outcome = await second.collection("things").attempt.insert_one({"_id": number, "k": number % 3})
        if outcome.is_err():
            errors.append(outcome.unwrap_err())

    made = asyncio.create_task(first.collection("things").attempt.create_index("k", unique=True))
    number = 0
    while not made.done():
        number += 1
        await write(number)
        await asyncio.sleep(0.02)
    outcome = await made
    kept = await first.collection("things").find({}).to_list()
    if outcome.is_ok():
        assert len({document["k"] for document in kept}) == len(kept)
    else:
        assert isinstance(outcome.unwrap_err(), DuplicateKeyError)
        assert await guards(first) == set()


async def test_a_key_is_free_when_its_document_was_removed_from_outside(store: FirestoreDocumentStore) -> None:
    """As Firestore's policy of expiry does it, which knows no guards."""
    codes = store.collection("codes")
    await codes.create_index("email", unique=True)
    await codes.insert_many([{"_id": "1", "email": "a@x"}, {"_id": "2", "email": "b@x"}, {"_id": "3", "email": "c@x"}])
    await store.native.collection("codes").document("1").delete()
    await store.native.collection("codes").document("2").update({"email": "d@x"})
    await codes.insert_one({"_id": "4", "email": "a@x"})
    assert (await codes.update_one({"_id": "3"}, {"$set": {"email": "b@x"}})).modified_count == 1
    for held in ("a@x", "b@x"):
        with pytest.raises(DuplicateKeyError):
            await codes.insert_one({"_id": "5", "email": held})
    await codes.insert_one({"_id": "5", "email": "c@x"})
    assert await guards(store) == {"codes/3", "codes/4", "codes/5"}


async def test_a_transaction_frees_keys_of_documents_that_were_removed_from_outside(
    store: FirestoreDocumentStore,
) -> None:
    codes = store.collection("codes")
    await codes.create_index("email", unique=True)
    await codes.insert_many([{"_id": str(number), "email": f"{number}@x"} for number in range(4)])
    await store.native.collection("codes").document("0").delete()
    await store.native.collection("codes").document("1").update({"email": "other@x"})
    async with store.transaction():
        await codes.insert_one({"_id": "4", "email": "0@x"})
        assert (await codes.update_one({"_id": "2"}, {"$set": {"email": "1@x"}})).modified_count == 1
        await codes.insert_one({"_id": "5", "email": "2@x"})
    for held in ("0@x", "1@x", "2@x", "3@x"):
        with pytest.raises(DuplicateKeyError):
            async with store.transaction():
                await codes.insert_one({"_id": "6", "email": held})
    assert await guards(store) == {"codes/2", "codes/3", "codes/4", "codes/5"}


async def test_of_two_that_want_a_key_whose_document_is_gone_one_gets_it(store: FirestoreDocumentStore) -> None:
    codes = store.collection("codes")
    await codes.create_index("email", unique=True)
    await codes.insert_one({"_id": "1", "email": "a@x"})
    await store.native.collection("codes").document("1").delete()

    async def outside() -> None:
        await codes.insert_one({"_id": "outside", "email": "a@x"})

    with pytest.raises(WriteConflictError):  # noqa: PT012 - the end of the block is what fails
        async with store.transaction():
            await codes.insert_one({"_id": "inside", "email": "a@x"})
            await asyncio.create_task(outside())
    assert [document["_id"] for document in await codes.find({}).to_list()] == ["outside"]
    assert await guards(store) == {"codes/outside"}


async def test_dropping_a_group_frees_the_keys_of_all_its_collections(store: FirestoreDocumentStore) -> None:
    orders, others = store.collection("users/u1/orders"), store.collection("users/u1/others")
    for each in (orders, others):
        await each.create_index("sku", unique=True)
        await each.insert_one({"_id": "1", "sku": "A"})
    await store.drop_collection("**/orders")
    assert await guards(store) == {"users/u1/others/1"}
    assert [index["name"] for index in await orders.list_indexes()] == ["_id_"]
    assert len(await others.list_indexes()) == 2
    await orders.insert_one({"_id": "2", "sku": "A"})
    with pytest.raises(DuplicateKeyError):
        await others.insert_one({"_id": "2", "sku": "A"})


async def test_what_an_index_wrote_for_the_policy_goes_with_it(store: FirestoreDocumentStore) -> None:
    sessions, native = store.collection("sessions"), store.native.collection("sessions").document("1")
    due = datetime(2999, 1, 1, tzinfo=UTC)
    await sessions.create_index("at", expire_after_seconds=0, name="at")
    await sessions.insert_one({"_id": "1", "at": due})
    await sessions.create_index("other", expire_after_seconds=0, name="other")
    assert (await native.get()).get("`~ttl`") == due
    await sessions.update_one({"_id": "1"}, {"$set": {"other": due - timedelta(days=1)}})
    assert (await native.get()).get("`~ttl`") == due - timedelta(days=1)
    await sessions.drop_index("other")
    assert (await native.get()).get("`~ttl`") == due
    await sessions.drop_index("at")
    assert (await native.get()).to_dict() == {"at": due, "other": due - timedelta(days=1)}


async def test_an_update_takes_away_what_an_index_that_is_gone_has_left(store: FirestoreDocumentStore) -> None:
    native = store.native.collection("sessions").document("1")
    await native.set({"n": 1, "~ttl": datetime(2020, 1, 1, tzinfo=UTC)})
    await store.collection("sessions").update_one({"_id": "1"}, {"$inc": {"n": 1}})
    assert (await native.get()).to_dict() == {"n": 2}
