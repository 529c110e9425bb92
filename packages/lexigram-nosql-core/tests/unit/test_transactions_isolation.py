"""What a transaction sees, what it refuses, and that it is all or nothing."""

# ruff: noqa: PT012 - it is the block of a transaction or cursor that raises

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lexigram.nosql import DeleteOne, InsertOne, UpdateOne
from lexigram.nosql.backend import BackendConfig, BackendSpec
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.backends.memory.driver import MemoryDriver
from lexigram.nosql.backends.memory.spec import SPEC, MemoryConfig
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    BulkWriteError,
    CursorError,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLError,
    NoSQLFilterError,
    NoSQLIndexError,
    PageTokenError,
    PipelineError,
    QueryOptionError,
    ScanDeniedError,
    TransactionError,
    UpdateError,
    WriteConflictError,
)
from lexigram.nosql.session import Session
from lexigram.nosql.store import DocumentStore


async def outside(work: Any) -> Any:
    """Run something in a task of its own, so outside of this task's transaction."""
    return await asyncio.ensure_future(work)


async def ids(collection: Collection) -> list[Any]:
    return [document["_id"] for document in await collection.find(sort=[("_id", 1)]).to_list()]


async def test_nothing_is_seen_before_the_commit(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """No dirty reads: inserts, updates and deletes of others are not there yet."""
    await kept.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 1}])
    async with memory.transaction():
        await kept.insert_one({"_id": 3})
        await kept.update_one({"_id": 1}, {"$set": {"a": 2}})
        await kept.delete_one({"_id": 2})
        assert await outside(kept.find().to_list()) == [{"_id": 1, "a": 1}, {"_id": 2, "a": 1}]
        assert await kept.find().to_list() == [{"_id": 1, "a": 2}, {"_id": 3}]
    assert await kept.find().to_list() == [{"_id": 1, "a": 2}, {"_id": 3}]


@pytest.mark.parametrize("indexed", [False, True], ids=["plain", "indexed"])
async def test_what_is_read_twice_is_the_same(memory: InMemoryDocumentStore, kept: Collection, indexed: bool) -> None:
    """No non-repeatable and no phantom reads, whichever way the documents are reached."""
    if indexed:
        await kept.create_index("a")
        await kept.create_index([("b", 1)])
    await kept.insert_many([{"_id": index, "a": index % 3, "b": index} for index in range(9)])
    filters: list[Any] = [{}, {"a": 1}, {"a": {"$gte": 1}}, {"_id": 4}, {"_id": {"$in": [1, 3, 20]}}, {"b": {"$lt": 5}}]

    async def look() -> list[Any]:
        seen: list[Any] = []
        for given in filters:
            seen += [
                await kept.find(given, sort=[("b", 1)]).to_list(),
                await kept.find(given, sort=[("b", -1)], skip=1, limit=2).to_list(),
                await kept.count_documents(given),
                await kept.find_one(given, sort=[("a", 1), ("b", 1)]),
                sorted(await kept.distinct("a", given)),
                await kept.exists(given),
                await kept.aggregate([{"$match": given}, {"$group": {"_id": None, "n": {"$sum": "$b"}}}]).to_list(),
                (await kept.find_page(given, sort=[("b", 1)], size=3)).items,
            ]
        return [*seen, await kept.find(sort=[("$natural", -1)]).to_list(), await kept.find().to_list()]

    async with memory.transaction():
        before = await look()
        await outside(kept.insert_many([{"_id": 20, "a": 1, "b": 2}, {"_id": 21, "a": 2, "b": 30}]))
        await outside(kept.update_many({"a": 1}, {"$inc": {"a": 1, "b": 100}}))
        await outside(kept.delete_many({"_id": {"$in": [0, 5]}}))
        await outside(kept.replace_one({"_id": 4}, {"a": 7}))
        await outside(kept.insert_one({"_id": 5, "a": 1}))
        await outside(kept.delete_one({"_id": 20}))
        after = await look()
    assert after == before
    assert await look() != before


async def test_a_snapshot_covers_collections_that_are_made_later(memory: InMemoryDocumentStore) -> None:
    """They are empty in it."""
    async with memory.transaction():
        await outside(memory.collection("new").insert_one({"_id": 1}))
        assert await memory.collection("new").find().to_list() == []
    assert await memory.collection("new").count_documents() == 1


async def test_several_collections_change_together(memory: InMemoryDocumentStore) -> None:
    """All of it or none of it."""
    accounts, log = memory.collection("accounts"), memory.collection("log")
    await accounts.insert_many([{"_id": "a", "n": 10}, {"_id": "b", "n": 0}])
    await log.create_index("k", unique=True)
    await log.insert_one({"k": 1})
    with pytest.raises(DuplicateKeyError):
        async with memory.transaction():
            await accounts.update_one({"_id": "a"}, {"$inc": {"n": -5}})
            await accounts.update_one({"_id": "b"}, {"$inc": {"n": 5}})
            await log.insert_one({"k": 1})
    assert await accounts.distinct("n") == [10, 0]
    async with memory.transaction():
        await accounts.update_one({"_id": "a"}, {"$inc": {"n": -5}})
        await accounts.update_one({"_id": "b"}, {"$inc": {"n": 5}})
        await log.insert_one({"k": 2})
    assert await accounts.distinct("n") == [5]
    assert await log.count_documents() == 2


async def test_a_document_changed_since_the_snapshot_cannot_be_written(
    memory: InMemoryDocumentStore, kept: Collection
) -> None:
    """Update, replace, delete, insert: the other was first."""
    await kept.insert_many([{"_id": index} for index in range(4)])
    writes: list[tuple[Any, Any]] = [
        (kept.update_one, ({"_id": 0}, {"$set": {"mine": 1}})),
        (kept.replace_one, ({"_id": 1}, {"mine": 1})),
        (kept.delete_one, ({"_id": 2},)),
        (kept.insert_one, ({"_id": 9},)),
        (kept.update_many, ({}, {"$set": {"mine": 1}})),
        (kept.delete_many, ({},)),
    ]
    for write, arguments in writes:
        with pytest.raises(WriteConflictError) as caught:
            async with memory.transaction():
                await kept.find().to_list()
                await outside(kept.update_many({"_id": {"$lte": 1}}, {"$inc": {"theirs": 1}}))
                await outside(kept.delete_one({"_id": 2}))
                await outside(kept.insert_one({"_id": 9}))
                await write(*arguments)
        assert caught.value.retryable
        assert caught.value.mongo_code == 112
        assert caught.value.collection == "things"
        await kept.delete_one({"_id": 9})
        await kept.insert_one({"_id": 2})
    assert await kept.count_documents({"mine": 1}) == 0


async def test_the_first_of_two_transactions_wins(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """The second is refused at its write, not at its commit."""
    await kept.insert_one({"_id": 1, "n": 0})
    second_failed = asyncio.Event()
    first_wrote = asyncio.Event()

    async def first() -> None:
        async with memory.transaction():
            await kept.update_one({"_id": 1}, {"$inc": {"n": 1}})
            first_wrote.set()
            await second_failed.wait()

    async def second() -> None:
        try:
            async with memory.transaction():
                await first_wrote.wait()
                await kept.update_one({"_id": 1}, {"$inc": {"n": 10}})
        finally:
            second_failed.set()

    results = await asyncio.gather(first(), second(), return_exceptions=True)
    assert results[0] is None
    assert isinstance(results[1], WriteConflictError)
    assert await kept.find_one() == {"_id": 1, "n": 1}


async def test_a_claim_ends_with_its_transaction(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """After a rollback, others write the document."""
    await kept.insert_one({"_id": 1})
    with pytest.raises(RuntimeError):
        async with memory.transaction():
            await kept.update_one({"_id": 1}, {"$set": {"a": 1}})
            raise RuntimeError
    async with memory.transaction():
        await kept.update_one({"_id": 1}, {"$set": {"a": 2}})
    assert await kept.find_one() == {"_id": 1, "a": 2}


async def test_a_write_outside_is_not_held_up(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """It goes through; the transaction fails at its commit, with nothing of it stored."""
    await kept.insert_many([{"_id": 1, "n": 0}, {"_id": 2, "n": 0}])
    with pytest.raises(WriteConflictError) as caught:
        async with memory.transaction():
            await kept.update_many({}, {"$inc": {"n": 1}})
            await outside(kept.update_one({"_id": 2}, {"$inc": {"n": 10}}))
    assert caught.value.operation == "transaction"
    assert await kept.find().to_list() == [{"_id": 1, "n": 0}, {"_id": 2, "n": 10}]


async def test_unique_indexes_hold_inside_a_transaction(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Against what it sees and against its own writes; a key that is given up is free."""
    await kept.create_index("k", unique=True)
    await kept.insert_many([{"_id": 1, "k": "a"}, {"_id": 2, "k": "b"}])
    for given, key in (({"_id": 1}, "b"), ({"_id": 3}, "a")):
        with pytest.raises(DuplicateKeyError) as caught:
            async with memory.transaction():
                await kept.update_one(given, {"$set": {"k": key}}, upsert=True)
        assert (caught.value.index, caught.value.key) == ("k_1", {"k": key})
    with pytest.raises(DuplicateKeyError):
        async with memory.transaction():
            await kept.insert_one({"_id": 3, "k": "c"})
            await kept.insert_one({"_id": 4, "k": "c"})
    async with memory.transaction():
        await kept.update_one({"_id": 1}, {"$set": {"k": "x"}})
        await kept.update_one({"_id": 2}, {"$set": {"k": "a"}})
        await kept.update_one({"_id": 1}, {"$set": {"k": "b"}})
        await kept.insert_one({"_id": 3, "k": "c"})
        await kept.update_one({"_id": 3}, {"$set": {"k": "d"}})
        await kept.insert_one({"_id": 4, "k": "c"})
        await kept.delete_one({"_id": 4})
        await kept.insert_one({"_id": 5, "k": "c"})
    assert await kept.find(projection={"k": 1}, sort=[("_id", 1)]).to_list() == [
        {"_id": 1, "k": "b"},
        {"_id": 2, "k": "a"},
        {"_id": 3, "k": "d"},
        {"_id": 5, "k": "c"},
    ]
    assert await kept.find_one({"k": "a"}, hint="k_1") == {"_id": 2, "k": "a"}


async def test_a_key_taken_by_others_since_is_a_conflict(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Not a duplicate: on the next try the transaction sees it. At the write or at the commit."""
    await kept.create_index("k", unique=True)
    with pytest.raises(WriteConflictError):
        async with memory.transaction():
            await kept.find_one()
            await outside(kept.insert_one({"_id": 1, "k": "a"}))
            await kept.insert_one({"_id": 2, "k": "a"})
    with pytest.raises(WriteConflictError) as caught:
        async with memory.transaction():
            await kept.insert_one({"_id": 3, "k": "b"})
            await outside(kept.insert_one({"_id": 4, "k": "b"}))
    assert isinstance(caught.value.__cause__, DuplicateKeyError)
    assert await ids(kept) == [1, 4]


async def test_documents_that_cannot_be_indexed_are_refused_at_the_write(
    memory: InMemoryDocumentStore, kept: Collection
) -> None:
    """Inside a transaction as outside."""
    await kept.create_index([("a", 1), ("b", 1)])
    with pytest.raises(NoSQLIndexError) as caught:
        async with memory.transaction():
            await kept.insert_one({"a": [1], "b": [2]})
    assert caught.value.mongo_code == 171
    with pytest.raises(NoSQLIndexError):
        await kept.insert_one({"a": [1], "b": [2]})
    assert await kept.count_documents() == 0


async def test_an_insert_that_is_deleted_again_was_never_there(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """No document, no event."""
    async with kept.watch() as feed:
        async with memory.transaction():
            await kept.insert_one({"_id": 1})
            await kept.delete_one({"_id": 1})
            assert await kept.find_one({"_id": 1}) is None
            await kept.insert_one({"_id": 2})
            await kept.update_one({"_id": 2}, {"$set": {"a": 1}})
        event = await anext(feed)
        assert (event.operation, event.document) == ("insert", {"_id": 2, "a": 1})
    assert await ids(kept) == [2]


async def test_changes_of_one_document_are_one_event(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """As they end: a deletion, a replacement, an update."""
    await kept.insert_many([{"_id": index, "a": 0} for index in range(4)])
    async with kept.watch() as feed:
        async with memory.transaction():
            await kept.update_one({"_id": 0}, {"$set": {"a": 1}})
            await kept.update_one({"_id": 0}, {"$set": {"b": 1}})
            await kept.replace_one({"_id": 1}, {"x": 1})
            await kept.update_one({"_id": 1}, {"$set": {"y": 1}})
            await kept.update_one({"_id": 2}, {"$set": {"a": 5}})
            await kept.delete_one({"_id": 2})
            await kept.delete_one({"_id": 3})
            await kept.insert_one({"_id": 3, "new": True})
        events = [await anext(feed) for _ in range(4)]
    assert [(event.operation, event.document_id) for event in events] == [
        ("update", 0),
        ("replace", 1),
        ("delete", 2),
        ("replace", 3),
    ]
    assert events[0].updated_fields == {"a": 1, "b": 1}
    assert events[1].document == {"_id": 1, "x": 1, "y": 1}
    assert events[3].document == {"_id": 3, "new": True}


async def test_insert_many_in_a_transaction_stops_at_its_first_failure(
    memory: InMemoryDocumentStore, kept: Collection
) -> None:
    """Unordered too, since the transaction is over."""
    with pytest.raises(BulkWriteError) as caught:
        async with memory.transaction():
            await kept.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}, {"_id": 2}], ordered=False)
    assert [failure.index for failure in caught.value.failures] == [1]
    with pytest.raises(BulkWriteError) as caught:
        async with memory.transaction():
            await kept.bulk_write(
                [InsertOne({"_id": 1}), InsertOne({"_id": 1}), DeleteOne({"_id": 5}), InsertOne({"_id": 1})],
                ordered=False,
            )
    assert len(caught.value.failures) == 1
    assert await kept.count_documents() == 0


async def test_bulks_and_upserts_take_part(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """And are rolled back with the rest."""
    with pytest.raises(RuntimeError):
        async with memory.transaction():
            await kept.bulk_write([InsertOne({"_id": 1}), UpdateOne({"_id": 2}, {"$set": {"a": 1}}, upsert=True)])
            await kept.find_one_and_update({"_id": 3}, {"$set": {"a": 1}}, upsert=True)
            assert await ids(kept) == [1, 2, 3]
            raise RuntimeError
    assert await ids(kept) == []


async def test_out_replaces_a_collection_at_once(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """In a transaction of its own; when it fails, the old one stands."""
    await kept.insert_many([{"_id": 1, "k": 1}, {"_id": 2, "k": 1}])
    copy = memory.collection("copy")
    await copy.create_index("k", unique=True)
    await copy.insert_one({"_id": 9, "k": 9})
    with pytest.raises(NoSQLError):
        await kept.aggregate([{"$out": "copy"}]).to_list()
    assert await ids(copy) == [9]
    await kept.aggregate([{"$match": {"_id": 1}}, {"$out": "copy"}]).to_list()
    assert await ids(copy) == [1]
    assert len(await copy.list_indexes()) == 2
    async with memory.session():
        await kept.aggregate([{"$match": {"_id": 2}}, {"$out": "copy"}]).to_list()
    assert await ids(copy) == [2]


async def test_a_collection_dropped_meanwhile_ends_the_transaction(
    memory: InMemoryDocumentStore, kept: Collection
) -> None:
    """Its snapshot is gone: reads, writes and the commit are a conflict; other collections are not concerned."""
    other = memory.collection("other")
    for use in (
        lambda: kept.find().to_list(),
        lambda: kept.count_documents(),
        lambda: kept.insert_one({"_id": 5}),
        lambda: kept.find_one({"_id": 1}),
    ):
        await kept.insert_one({"_id": 1})
        with pytest.raises(WriteConflictError):
            async with memory.transaction():
                await other.find_one()
                await outside(memory.drop_collection("things"))
                await use()
    await kept.insert_one({"_id": 1})
    with pytest.raises(WriteConflictError):
        async with memory.transaction():
            await kept.update_one({"_id": 1}, {"$set": {"a": 1}})
            await outside(memory.drop_collection("things"))
    async with memory.transaction():
        await outside(memory.drop_collection("things"))
        await other.insert_one({"_id": 1})
    async with memory.transaction():
        await kept.insert_one({"_id": 7})
    assert await ids(kept) == [7]


async def test_versions_are_forgotten_when_nobody_can_see_them(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """No transaction leaves anything behind, in whatever order they end."""
    await kept.insert_many([{"_id": index, "n": 0} for index in range(5)])
    driver: Any = memory.driver
    table = driver.existing("things")
    async with memory.session() as session, session.transaction():
        await outside(kept.update_many({}, {"$inc": {"n": 1}}))

        async def later() -> None:
            async with memory.transaction():
                await outside(kept.update_many({}, {"$inc": {"n": 1}}))
                assert await kept.distinct("n") == [1]

        await outside(later())
        assert await kept.distinct("n") == [0]
        assert len(list(table.keys_with_past())) == 5
    assert list(table.keys_with_past()) == []
    assert not table.changed_since(0, 0)
    assert table.claims == {}
    assert await kept.distinct("n") == [2]


async def test_run_transaction_tries_again_after_a_conflict(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """And gives what the work returned."""
    await kept.insert_one({"_id": 1, "n": 0})
    tries = 0

    async def work(session: Session) -> str:
        nonlocal tries
        tries += 1
        assert session.in_transaction
        document = await kept.find_one({"_id": 1})
        assert document is not None
        if tries < 3:
            await outside(kept.update_one({"_id": 1}, {"$inc": {"n": 1}}))
        await kept.update_one({"_id": 1}, {"$set": {"n": document["n"] + 100}})
        return "done"

    assert await memory.run_transaction(work) == "done"
    assert tries == 3
    assert await kept.find_one() == {"_id": 1, "n": 102}


async def test_run_transaction_gives_up(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """After the attempts it was given; and at once for what no repetition mends."""
    await kept.insert_one({"_id": 1})
    tries = 0

    async def losing(session: Session) -> None:
        nonlocal tries
        tries += 1
        await kept.find_one({"_id": 1})
        await outside(kept.update_one({"_id": 1}, {"$inc": {"n": 1}}))
        await kept.update_one({"_id": 1}, {"$set": {"mine": True}})

    with pytest.raises(WriteConflictError):
        await memory.run_transaction(losing, attempts=2)
    assert tries == 2

    async def failing(session: Session) -> None:
        nonlocal tries
        tries += 1
        raise TransactionError("no")

    tries = 0
    with pytest.raises(TransactionError):
        await memory.run_transaction(failing)
    assert tries == 1
    for wrong in (0, -1, "3", True):
        with pytest.raises(QueryOptionError):
            await memory.run_transaction(failing, attempts=wrong)  # type: ignore[arg-type]


async def test_a_swallowed_conflict_is_tried_again_too(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """The commit that is refused for it says that it may be repeated."""
    await kept.insert_one({"_id": 1, "n": 0})
    tries = 0

    async def work(session: Session) -> None:
        nonlocal tries
        tries += 1
        await kept.find_one()
        if tries == 1:
            await outside(kept.update_one({"_id": 1}, {"$inc": {"n": 1}}))
            with pytest.raises(WriteConflictError):
                await kept.update_one({"_id": 1}, {"$inc": {"n": 1}})
        else:
            await kept.update_one({"_id": 1}, {"$inc": {"n": 1}})

    await memory.run_transaction(work)
    assert tries == 2
    assert await kept.find_one() == {"_id": 1, "n": 2}


async def test_run_transaction_inside_a_transaction_is_a_part_of_it(
    memory: InMemoryDocumentStore, kept: Collection
) -> None:
    """It is not repeated by itself: the whole has to be."""
    tries = 0

    async def work(session: Session) -> None:
        nonlocal tries
        tries += 1
        await kept.insert_one({"_id": tries})
        if tries == 1:
            raise WriteConflictError("again")

    with pytest.raises(WriteConflictError):
        async with memory.transaction():
            await memory.run_transaction(work)
    assert tries == 1
    async with memory.transaction() as outer:

        async def same(session: Session) -> bool:
            return session is outer

        assert await memory.run_transaction(same)


class Slow(MemoryDriver):
    """A driver whose commit and rollback can be held, or fail."""

    def __init__(self, config: MemoryConfig) -> None:
        super().__init__(config)
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()
        self.ended: list[str] = []
        self.failing: Exception | None = None

    async def commit(self, session: Any) -> None:
        self.reached.set()
        await self.gate.wait()
        if self.failing is not None:
            raise self.failing
        await super().commit(session)
        self.ended.append("commit")

    async def rollback(self, session: Any) -> None:
        self.reached.set()
        await self.gate.wait()
        await super().rollback(session)
        self.ended.append("rollback")
        if self.failing is not None:
            raise self.failing

    def classify(self, error: BaseException) -> NoSQLError | None:
        return TransactionError("the server said no") if isinstance(error, OSError) else None


async def slow_store() -> tuple[DocumentStore, Slow]:
    driver = Slow(MemoryConfig())

    async def connect(config: BackendConfig) -> Slow:
        return driver

    spec = BackendSpec(
        name="slow",
        api=SPEC.api,
        config=MemoryConfig,
        capabilities=SPEC.capabilities,
        connect=connect,
        distribution="none",
    )
    store = DocumentStore(spec)
    await store.connect()
    return store, driver


async def _body(store: DocumentStore, error: Exception | None = None) -> None:
    async with store.transaction():
        await store.collection("things").insert_one({"_id": 1})
        if error is not None:
            raise error


async def test_a_commit_that_has_begun_is_finished_though_the_task_is_cancelled() -> None:
    """The caller learns of its cancellation, the data of the commit."""
    store, driver = await slow_store()
    task = asyncio.create_task(_body(store))
    await driver.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    driver.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert driver.ended[0] == "commit"
    assert await store.collection("things").count_documents() == 1
    assert (await driver.ping())["transactions"] == 0


async def test_a_rollback_that_has_begun_is_finished_though_the_task_is_cancelled() -> None:
    """Nothing stays open."""
    store, driver = await slow_store()
    task = asyncio.create_task(_body(store, RuntimeError()))
    await driver.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    driver.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert driver.ended == ["rollback"]
    assert (await driver.ping())["transactions"] == 0


async def test_a_commit_that_fails_is_rolled_back() -> None:
    """With the server's error, translated."""
    store, driver = await slow_store()
    driver.gate.set()
    driver.failing = OSError("gone")
    with pytest.raises(TransactionError, match="the server said no") as caught:
        await _body(store)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.operation == "transaction"
    assert driver.ended == ["rollback"]
    assert await store.collection("things").count_documents() == 0


async def test_the_errors_of_a_rollback_do_not_hide_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    """They are logged; the block's own error goes on."""
    store, driver = await slow_store()
    driver.gate.set()
    driver.failing = OSError("gone")
    with pytest.raises(ValueError, match="mine"):
        await _body(store, ValueError("mine"))
    assert "rollback on slow failed" in caplog.text


async def test_a_cursor_of_a_transaction_reads_no_more_after_its_end(memory: DocumentStore) -> None:
    """Not even what it has fetched already; one that had come to its end stays ended."""
    things = memory.collection("things")
    await things.insert_many([{"_id": n} for n in range(5)])
    async with memory.transaction():
        half_read = things.find(batch_size=2)
        assert (await anext(half_read))["_id"] == 0
        piped = things.aggregate([{"$match": {}}])
        assert (await anext(piped))["_id"] == 0
        ended = things.find()
        assert len(await ended.to_list()) == 5

    for cursor in (half_read, piped):
        with pytest.raises(CursorError, match="the transaction in which this cursor reads has ended") as caught:
            await anext(cursor)
        assert "inside the block" in str(caught.value.hint)
        with pytest.raises(CursorError, match="has ended"):
            await cursor.to_list()
    assert await ended.to_list() == []


async def test_a_cursor_ends_with_a_transaction_that_is_rolled_back(memory: DocumentStore) -> None:
    """What it would read on was never there."""
    things = memory.collection("things")

    async def work() -> None:
        nonlocal cursor
        async with memory.transaction():
            await things.insert_many([{"_id": n} for n in range(3)])
            await anext(cursor)
            raise KeyError("changed my mind")

    cursor = things.find(batch_size=1)
    with pytest.raises(KeyError):
        await work()

    with pytest.raises(CursorError, match="has ended"):
        await anext(cursor)


async def test_a_cursor_outlives_a_session_without_a_transaction(memory: DocumentStore) -> None:
    """And one of a block that joined a transaction lives until the outermost end."""
    things = memory.collection("things")
    await things.insert_many([{"_id": n} for n in range(4)])
    async with memory.session():
        free = things.find(batch_size=1)
        await anext(free)
    assert len(await free.to_list()) == 3

    async with memory.transaction():
        async with memory.transaction():
            inner = things.find(batch_size=1)
            await anext(inner)
        assert (await anext(inner))["_id"] == 1


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (lambda things: things.find_page(size=0), QueryOptionError),
        (lambda things: things.find_page(token="nonsense"), PageTokenError),
        (lambda things: things.find_page({"$bad": 1}), NoSQLFilterError),
        (lambda things: things.bulk_write([InsertOne({"a": object()})]), DocumentValidationError),
        (lambda things: things.bulk_write([UpdateOne({}, {"$bad": 1})]), UpdateError),
        (lambda things: things.bulk_write([3]), DocumentValidationError),
        (lambda things: things.explain(None), QueryOptionError),
    ],
    ids=["size", "token", "filter", "document", "update", "operation", "explain"],
)
async def test_a_wrong_argument_does_not_abort_a_transaction(
    memory: DocumentStore, operation: Any, error: type[NoSQLError]
) -> None:
    """Nothing was sent, so what was written before is committed."""
    things = memory.collection("things")
    async with memory.transaction():
        await things.insert_one({"_id": 1})
        with pytest.raises(error):
            await operation(things)

    assert await things.count_documents() == 1


async def test_a_denied_scan_does_not_abort_a_transaction() -> None:
    """It is refused before anything is sent."""
    async with InMemoryDocumentStore(MemoryConfig(scan_policy="deny")) as store:
        things = store.collection("things")
        async with store.transaction():
            await things.insert_one({"_id": 1, "a": 1})
            with pytest.raises(ScanDeniedError):
                await things.find_one({"a": 1})
            with pytest.raises(ScanDeniedError):
                await things.find({"a": 1}).to_list()

        assert await things.count_documents() == 1


@pytest.mark.parametrize("stage", [{"$out": "copy"}, {"$merge": "copy"}, {"$merge": {"into": "things", "on": "_id"}}])
async def test_a_pipeline_that_writes_is_refused_in_a_transaction(kept: Collection, stage: dict[str, Any]) -> None:
    """With MongoDB's code, as every error ends a transaction; nothing is written."""
    await kept.insert_one({"_id": 1})
    with pytest.raises(PipelineError) as caught:
        async with kept.store.transaction():
            await kept.insert_one({"_id": 2})
            await kept.aggregate([{"$set": {"x": 1}}, stage]).to_list()
    assert caught.value.mongo_code == 263
    assert await kept.find().to_list() == [{"_id": 1}]
    assert await kept.store.collection("copy").count_documents() == 0
