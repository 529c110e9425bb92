"""Sessions, and transactions that many documents share."""

# ruff: noqa: S101, PT012 - these are tests, a block is what fails

from __future__ import annotations

import asyncio

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    DuplicateKeyError,
    NoSQLError,
    PipelineError,
    QueryOptionError,
    TransactionError,
    WriteConflictError,
)
from lexigram.nosql.session import Session
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite, ids_of, needs

__all__ = ["Transactions"]


class _Stop(Exception):  # noqa: N818 - not an error
    """Leaves a block."""


class Transactions(Suite, topic="transactions"):
    """All writes of a block, or none."""

    async def test_a_session_sees_its_own_writes(self, things: Collection, store: DocumentStore) -> None:
        """Outside of a transaction every write counts at once. Check reads after writes of one session."""
        async with store.session() as session:
            await things.insert_one({"_id": 1})
            assert await things.find_one({"_id": 1}, session=session) == {"_id": 1}
            assert not session.in_transaction
        assert session.closed
        assert await things.count_documents() == 1

    async def test_a_session_that_ended_refuses(self, things: Collection, store: DocumentStore) -> None:
        """It raises TransactionError. Check that the session is the portable one."""
        async with store.session() as session:
            pass
        with pytest.raises(TransactionError):
            await things.find_one({}, session=session)

    async def test_a_session_of_another_store_is_refused(self, things: Collection) -> None:
        """It raises QueryOptionError. Check that the session is the portable one."""
        async with self.opened() as other, other.session() as session:
            with pytest.raises(QueryOptionError):
                await things.find_one({}, session=session)

    @needs("transactions")
    async def test_a_clean_end_commits(self, things: Collection, store: DocumentStore) -> None:
        """All writes are there afterwards. Check ``commit()``."""
        await things.insert_one({"_id": 1, "n": 1})
        async with store.transaction():
            await things.insert_one({"_id": 2})
            await things.update_one({"_id": 1}, {"$inc": {"n": 1}})
            await store.collection("others").insert_one({"_id": 3})
        assert await things.find(sort=[("_id", 1)]).to_list() == [{"_id": 1, "n": 2}, {"_id": 2}]
        assert await store.collection("others").count_documents() == 1

    @needs("transactions")
    async def test_an_error_rolls_back(self, things: Collection, store: DocumentStore) -> None:
        """No write is left, and the error is the caller's own. Check ``rollback()``."""
        await things.insert_one({"_id": 1, "n": 1})
        with pytest.raises(_Stop):
            async with store.transaction():
                await things.insert_one({"_id": 2})
                await things.update_one({"_id": 1}, {"$inc": {"n": 1}})
                await things.delete_one({"_id": 1})
                raise _Stop
        assert await things.find().to_list() == [{"_id": 1, "n": 1}]

    @needs("transactions")
    async def test_a_cancellation_rolls_back(self, things: Collection, store: DocumentStore) -> None:
        """Nothing is left open. Check ``rollback()`` of a task that is cancelled."""
        await things.insert_one({"_id": 1})
        inside = asyncio.Event()

        async def work() -> None:
            async with store.transaction():
                await things.insert_one({"_id": 2})
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.ensure_future(work())
        entered = asyncio.ensure_future(inside.wait())
        await asyncio.wait({task, entered}, return_when=asyncio.FIRST_COMPLETED)
        entered.cancel()
        if task.done():
            await task
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ids_of(await things.find().to_list()) == [1]
        await things.update_one({"_id": 1}, {"$set": {"free": True}})

    @needs("transactions")
    async def test_a_transaction_sees_its_own_writes(self, things: Collection, store: DocumentStore) -> None:
        """Reads, counts and pipelines. Check that reads carry the session."""
        await things.insert_one({"_id": 1, "n": 1})
        async with store.transaction():
            await things.insert_one({"_id": 2, "n": 2})
            await things.update_many({}, {"$inc": {"n": 10}})
            assert await things.find(sort=[("_id", 1)]).to_list() == [{"_id": 1, "n": 11}, {"_id": 2, "n": 12}]
            assert await things.count_documents({"n": {"$gt": 10}}) == 2
            assert await things.aggregate([{"$group": {"_id": None, "n": {"$sum": "$n"}}}]).to_list() == [
                {"_id": None, "n": 23}
            ]

    @needs("transactions")
    async def test_others_see_nothing_before_the_commit(self, things: Collection, store: DocumentStore) -> None:
        """Another task is outside. Check that only the task that opened a transaction joins it."""
        await things.insert_one({"_id": 1, "n": 1})

        async def outside() -> object:
            return await things.find(sort=[("_id", 1)]).to_list()

        async with store.transaction():
            await things.insert_one({"_id": 2})
            await things.update_one({"_id": 1}, {"$set": {"n": 5}})
            assert await asyncio.ensure_future(outside()) == [{"_id": 1, "n": 1}]
        assert await things.count_documents() == 2

    @needs("transactions")
    async def test_reads_of_a_transaction_are_repeatable(self, things: Collection, store: DocumentStore) -> None:
        """What others commit meanwhile is not seen. Check the isolation of the service's transactions."""
        await things.insert_one({"_id": 1, "n": 1})

        async def outside() -> None:
            await things.insert_one({"_id": 2})

        try:
            async with store.transaction():
                assert await things.count_documents() == 1
                await asyncio.ensure_future(outside())
                assert await things.count_documents() == 1
        except WriteConflictError:
            pass  # a service that locks or validates what was read refuses instead
        assert await things.count_documents() == 2

    @needs("transactions")
    async def test_two_writers_of_one_document_conflict(self, things: Collection, store: DocumentStore) -> None:
        """One wins, the other gets WriteConflictError or waits; no increment is lost.

        Check how the service's conflict is classified.
        """
        await things.insert_one({"_id": 1, "n": 0})

        async def add() -> None:
            async def work(session: Session) -> None:
                found = await things.find_one({"_id": 1})
                assert found is not None
                await asyncio.sleep(0)
                await things.update_one({"_id": 1}, {"$set": {"n": found["n"] + 1}})

            await store.run_transaction(work, attempts=50)

        await asyncio.wait_for(asyncio.gather(*(add() for _ in range(4))), self.hooks.settle_seconds)
        assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 4}

    @needs("transactions")
    async def test_gathered_tasks_do_not_join(self, things: Collection, store: DocumentStore) -> None:
        """A task started inside writes at once, unless it is given the session. Check the ContextVar's owner."""
        await things.insert_one({"_id": 0})

        async def write(identity: int, session: Session | None) -> None:
            await things.insert_one({"_id": identity}, session=session)

        with pytest.raises(_Stop):
            async with store.transaction() as session:
                await asyncio.gather(write(1, None))
                await asyncio.gather(write(2, session))
                raise _Stop
        assert sorted(ids_of(await things.find().to_list())) == [0, 1]

    @needs("transactions")
    async def test_two_tasks_have_two_transactions(self, things: Collection, store: DocumentStore) -> None:
        """One rolls back, the other commits. Check that sessions of the driver are apart."""

        async def write(identity: int, fail: bool) -> None:
            async with store.transaction():
                await things.insert_one({"_id": identity})
                await asyncio.sleep(0)
                if fail:
                    raise _Stop

        await things.insert_one({"_id": 0})
        results = await asyncio.gather(write(1, False), write(2, True), return_exceptions=True)
        refusals = [result for result in results if isinstance(result, NoSQLError)]
        if refusals:
            raise refusals[0]
        assert results[0] is None
        assert isinstance(results[1], _Stop)
        assert sorted(ids_of(await things.find().to_list())) == [0, 1]

    @needs("transactions")
    async def test_a_transaction_in_a_transaction_joins(self, things: Collection, store: DocumentStore) -> None:
        """There is one commit, at the outermost end. Check that ``begin()`` is called once."""
        await things.insert_one({"_id": 0})
        with pytest.raises(_Stop):
            async with store.transaction():
                async with store.transaction():
                    await things.insert_one({"_id": 1})
                raise _Stop
        assert ids_of(await things.find().to_list()) == [0]

    @needs("transactions")
    async def test_a_failed_operation_aborts(self, things: Collection, store: DocumentStore) -> None:
        """Though its error is swallowed, nothing is committed. Check that the session is the portable one."""
        await things.insert_one({"_id": 1})
        with pytest.raises(TransactionError):
            async with store.transaction():
                await things.insert_one({"_id": 2})
                with pytest.raises(DuplicateKeyError):
                    await things.insert_one({"_id": 1})
        assert ids_of(await things.find().to_list()) == [1]

    @needs("transactions", "indexes", "unique_indexes")
    async def test_a_unique_index_holds_in_a_transaction(self, things: Collection, store: DocumentStore) -> None:
        """At the write or at the commit. Check unique indexes of transactions."""
        await things.create_index("k", unique=True)
        await things.insert_one({"_id": 1, "k": 1})
        with pytest.raises(DuplicateKeyError):
            async with store.transaction():
                await things.insert_one({"_id": 2, "k": 1})
        assert await things.count_documents() == 1

    @needs("transactions")
    async def test_collections_are_not_dropped_in_a_transaction(self, things: Collection, store: DocumentStore) -> None:
        """It is refused. Check that the store is the portable one."""
        await things.insert_one({"_id": 1})
        with pytest.raises(TransactionError):
            async with store.transaction():
                await store.drop_collection("things")
        assert await things.count_documents() == 1

    @needs("transactions")
    @pytest.mark.parametrize("last", ["$out", "$merge"])
    async def test_a_pipeline_that_writes_is_refused(self, things: Collection, store: DocumentStore, last: str) -> None:
        """PipelineError with MongoDB's code 263, and nothing is written. Check that aggregate() is the portable one."""
        await things.insert_one({"_id": 1})
        with pytest.raises(PipelineError) as caught:
            async with store.transaction():
                await things.aggregate([{last: "written"}]).to_list()
        assert caught.value.mongo_code == 263
        assert await store.collection("written").count_documents() == 0

    @needs("transactions")
    async def test_work_is_repeated_after_a_conflict(self, things: Collection, store: DocumentStore) -> None:
        """Until it commits, as often as asked; the last error is raised. Check ``retryable`` of conflicts."""
        tried: list[int] = []

        async def work(session: Session) -> str:
            tried.append(len(tried))
            await things.insert_one({"_id": len(tried)})
            if len(tried) < 3:
                raise WriteConflictError("lost")
            return "done"

        assert await store.run_transaction(work) == "done"
        assert ids_of(await things.find().to_list()) == [3]
        tried.clear()
        with pytest.raises(WriteConflictError):
            await store.run_transaction(work, attempts=2)

    @needs("transactions")
    async def test_a_transaction_without_work_commits(self, things: Collection, store: DocumentStore) -> None:
        """Nothing happens. Check ``commit()`` without writes."""
        async with store.transaction() as session:
            assert session.in_transaction
        assert not session.in_transaction
        assert await things.count_documents() == 0
