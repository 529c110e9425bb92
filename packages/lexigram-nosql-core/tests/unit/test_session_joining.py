"""Who takes part in a session or transaction, and who does not."""

# ruff: noqa: PT012 - it is the block of a transaction or cursor that raises

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator

import pytest
from lexigram.contracts.data.nosql.nosql import SessionProtocol
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    DuplicateKeyError,
    NoSQLFilterError,
    QueryOptionError,
    StoreNotConnectedError,
    TransactionError,
    UnsupportedFeatureError,
)
from lexigram.nosql.session import Session, current_session
from lexigram.nosql.testing.minimal import MinimalDocumentStore


async def running(store: InMemoryDocumentStore) -> int:
    count: int = (await store.driver.ping())["transactions"]
    return count


async def test_a_session_without_transaction_changes_nothing(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Operations join it, and are visible at once."""
    async with memory.session() as session:
        assert isinstance(session, SessionProtocol)
        assert not session.in_transaction
        assert current_session(memory) is session
        await kept.insert_one({"_id": 1})
        assert await asyncio.create_task(kept.count_documents()) == 1
        async with memory.session() as inner:
            assert inner is session
        assert not session.closed
    assert session.closed
    assert current_session(memory) is None
    assert repr(session) == "<Session of 'memory', ended>"


async def test_operations_of_the_task_join_its_transaction(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Without being told, on every collection, through every function called."""

    async def service() -> None:
        await kept.insert_one({"_id": 1})
        await memory.collection("other").insert_one({"_id": 2})

    async with memory.transaction() as session:
        assert session.in_transaction
        assert "transaction" in repr(session)
        await service()
        assert await kept.count_documents() == 1
        assert await asyncio.create_task(kept.count_documents()) == 0
    assert not session.in_transaction
    assert await kept.count_documents() == 1
    assert await memory.collection("other").count_documents() == 1


async def test_gathered_tasks_do_not_share_a_transaction(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Each of them works outside of it, and outlives its rollback."""
    with pytest.raises(RuntimeError):
        async with memory.transaction():
            await kept.insert_one({"_id": "inside"})
            await asyncio.gather(*(kept.insert_one({"_id": index}) for index in range(3)))
            raise RuntimeError
    assert await kept.distinct("_id") == [0, 1, 2]


async def test_two_tasks_have_two_transactions(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Neither sees the other's writes."""
    ready = asyncio.Barrier(2)
    seen: dict[str, list[str]] = {}

    async def work(name: str) -> None:
        async with memory.transaction():
            await kept.insert_one({"_id": name})
            await ready.wait()
            seen[name] = await kept.distinct("_id")
            await ready.wait()

    await asyncio.gather(work("a"), work("b"))
    assert seen == {"a": ["a"], "b": ["b"]}
    assert sorted(await kept.distinct("_id")) == ["a", "b"]


async def test_a_task_takes_part_when_it_is_given_the_session(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """session= says which, on methods and cursors."""
    with pytest.raises(RuntimeError):
        async with memory.transaction() as session:
            await asyncio.create_task(kept.insert_one({"_id": 1}, session=session))
            assert await kept.find({}, session=session).to_list() == [{"_id": 1}]
            assert await asyncio.create_task(kept.find({}, session=session).to_list()) == [{"_id": 1}]
            assert await asyncio.create_task(kept.aggregate([{"$count": "n"}], session=session).to_list()) == [{"n": 1}]
            assert await asyncio.create_task(kept.find().to_list()) == []
            raise RuntimeError
    assert await kept.count_documents() == 0


async def test_a_session_of_another_store_is_refused(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """And does not join by itself."""
    async with InMemoryDocumentStore() as other, other.transaction() as session:
        with pytest.raises(QueryOptionError, match="another store"):
            await kept.insert_one({"_id": 1}, session=session)
        await kept.insert_one({"_id": 1})
        assert current_session(memory) is None
        assert await asyncio.create_task(kept.count_documents()) == 1
        async with memory.transaction():
            assert current_session(other) is session
            await other.collection("things").insert_one({"_id": 1})
        assert current_session(other) is session


async def test_a_session_that_has_ended_is_refused(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Given explicitly; and no transaction starts in it."""
    async with memory.session() as session:
        pass
    with pytest.raises(TransactionError, match="ended"):
        await kept.find_one(session=session)
    with pytest.raises(TransactionError, match="ended"):
        async with session.transaction():
            pass


async def test_nested_transactions_are_one(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """One commit, at the outermost end."""
    async with memory.transaction() as outer:
        await kept.insert_one({"_id": 1})
        async with memory.transaction() as inner:
            assert inner is outer
            await kept.insert_one({"_id": 2})
        assert await asyncio.create_task(kept.count_documents()) == 0
    assert await kept.count_documents() == 2
    with pytest.raises(RuntimeError):
        async with memory.transaction():
            async with memory.transaction():
                await kept.insert_one({"_id": 3})
            raise RuntimeError
    assert await kept.count_documents() == 2


async def test_a_failed_inner_block_dooms_the_transaction(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Swallowing its error does not save the outer one."""
    with pytest.raises(TransactionError, match="aborted by an earlier error: ValueError") as caught:
        async with memory.transaction():
            await kept.insert_one({"_id": 1})
            with pytest.raises(ValueError, match="inner"):
                async with memory.transaction():
                    raise ValueError("inner")
    assert isinstance(caught.value.__cause__, ValueError)
    assert await kept.count_documents() == 0
    assert await running(memory) == 0


async def test_an_operation_that_fails_aborts_the_transaction(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """As in MongoDB: the next operation and the commit are refused, also when the error was swallowed."""
    await kept.insert_one({"_id": 1})
    with pytest.raises(TransactionError, match="DuplicateKeyError") as caught:
        async with memory.transaction():
            await kept.insert_one({"_id": 2})
            with pytest.raises(DuplicateKeyError):
                await kept.insert_one({"_id": 1})
            with pytest.raises(TransactionError):
                await kept.find_one()
            with pytest.raises(TransactionError):
                await kept.find().to_list()
    assert caught.value.mongo_code == 251
    assert isinstance(caught.value.__cause__, DuplicateKeyError)
    assert await kept.distinct("_id") == [1]


async def test_a_mistake_in_the_call_does_not_abort(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """A filter that is refused before anything is sent leaves the transaction as it is."""
    async with memory.transaction():
        await kept.insert_one({"_id": 1})
        with pytest.raises(NoSQLFilterError):
            await kept.find_one({"a": {"$foo": 1}})
        with pytest.raises(NoSQLFilterError):
            kept.find({"a": {"$foo": 1}})
    assert await kept.count_documents() == 1


async def test_a_read_that_fails_aborts_as_well(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Through a cursor too."""
    await kept.insert_one({"_id": 1, "a": "x"})
    with pytest.raises(TransactionError):
        async with memory.transaction():
            with pytest.raises(Exception, match="abs"):
                await kept.aggregate([{"$set": {"b": {"$abs": "$a"}}}]).to_list()
    with pytest.raises(TransactionError):
        async with memory.transaction():
            with pytest.raises(Exception, match="no index"):
                await kept.find_one(hint="nope")


async def test_a_session_can_have_several_transactions(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """One after the other; an aborted one does not stop the next."""
    async with memory.session() as session:
        async with session.transaction():
            await kept.insert_one({"_id": 1})
        with pytest.raises(DuplicateKeyError):
            async with session.transaction():
                await kept.insert_one({"_id": 2})
                await kept.insert_one({"_id": 1})
        assert not session.in_transaction
        async with session.transaction():
            await kept.insert_one({"_id": 3})
    assert await kept.distinct("_id") == [1, 3]


async def test_another_task_cannot_open_a_transaction_in_a_session_that_runs_one(
    memory: InMemoryDocumentStore,
) -> None:
    """Its end would be the end of the other's."""

    async def join(session: Session) -> None:
        async with session.transaction():
            pass

    async with memory.transaction() as session:
        with pytest.raises(TransactionError, match="another task"):
            await asyncio.create_task(join(session))
    async with memory.session() as session:
        await asyncio.create_task(join(session))


async def test_a_cancelled_body_rolls_back(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """And leaves no transaction behind."""
    inside = asyncio.Event()

    async def work() -> None:
        async with memory.transaction():
            await kept.insert_one({"_id": 1})
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    assert await running(memory) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await running(memory) == 0
    assert await kept.count_documents() == 0
    await kept.insert_one({"_id": 1})


async def test_an_operation_that_is_cut_off_by_its_time_aborts(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Nobody knows how far it came."""
    await kept.insert_many([{"_id": index} for index in range(5000)])
    with pytest.raises(TransactionError, match="aborted"):
        async with memory.transaction():
            with pytest.raises(TimeoutError):
                await kept.update_many({}, {"$set": {"a": 1}}, timeout=1e-6)
    assert await kept.count_documents({"a": 1}) == 0
    assert await running(memory) == 0


async def test_indexes_and_collections_are_not_made_in_a_transaction(
    memory: InMemoryDocumentStore, kept: Collection
) -> None:
    """Refused by name, with MongoDB's code; the transaction goes on."""
    await kept.create_index("a")
    async with memory.transaction():
        await kept.insert_one({"_id": 1})
        for call in (kept.create_index("b"), kept.drop_index("a_1"), memory.drop_collection("things")):
            with pytest.raises(TransactionError, match="cannot run in a transaction") as caught:
                await call
            assert caught.value.mongo_code == 263
    assert await kept.count_documents() == 1
    assert [index["name"] for index in await kept.list_indexes()] == ["_id_", "a_1"]


async def test_metadata_is_read_outside_of_the_transaction(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Indexes, names and the estimated count are those of everybody."""
    await kept.create_index("a")
    async with memory.transaction():
        await kept.insert_one({"_id": 1})
        assert await kept.estimated_document_count() == 0
        assert await kept.count_documents() == 1
        assert len(await kept.list_indexes()) == 2
        await memory.collection("new").insert_one({})
        assert await memory.list_collections() == ["things"]
    assert await memory.list_collections() == ["new", "things"]
    async with memory.session():
        assert await kept.estimated_document_count() == 1
        assert await kept.create_index("b") == "b_1"


async def test_a_store_that_was_disconnected_ends_its_transactions(memory: InMemoryDocumentStore) -> None:
    """Nothing is committed to what is gone, and nothing is read of what came after."""
    kept = memory.collection("things")
    with pytest.raises(StoreNotConnectedError):
        async with memory.transaction():
            await kept.insert_one({"_id": 1})
            await memory.disconnect()
            await kept.insert_one({"_id": 2})
    await memory.connect()
    with pytest.raises(TransactionError, match="disconnected"):
        async with memory.transaction():
            await memory.disconnect()
            await memory.connect()
            await kept.find_one()
    with pytest.raises(TransactionError, match="disconnected"):
        async with memory.transaction():
            await kept.insert_one({"_id": 1})
            await memory.disconnect()
            await memory.connect()
    assert await kept.count_documents() == 0


async def test_a_backend_without_transactions_says_so() -> None:
    """By the name of the capability; sessions work."""
    async with MinimalDocumentStore() as store:
        with pytest.raises(UnsupportedFeatureError, match="transactions") as caught:
            async with store.transaction():
                pass
        assert caught.value.feature == "transactions"
        async with store.session():
            await store.collection("things").insert_one({"_id": 1})
            assert await store.collection("things").count_documents() == 1
            with pytest.raises(UnsupportedFeatureError):
                async with store.transaction():
                    pass
            assert await store.collection("things").count_documents() == 1


async def test_a_store_is_not_kept_alive_by_its_sessions() -> None:
    """What the context variable holds goes with the block."""
    store = InMemoryDocumentStore()
    await store.connect()
    async with store.transaction():
        await store.collection("things").insert_one({})
    await store.disconnect()
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None


async def test_a_session_may_be_finished_in_another_context(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """As a test's fixture is, whose parts run in contexts of their own."""

    async def fixture() -> AsyncIterator[Session]:
        async with memory.session() as session:
            yield session

    generator = fixture()
    session = await asyncio.create_task(anext(generator))
    await kept.insert_one({"_id": 1}, session=session)
    with pytest.raises(StopAsyncIteration):
        await asyncio.create_task(anext(generator))
    assert session.closed
