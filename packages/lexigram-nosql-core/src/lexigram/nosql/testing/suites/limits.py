"""What is too large is refused by name before it is sent."""

# ruff: noqa: S101, PT017 - these are tests, not every backend raises

from __future__ import annotations

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentTooLargeError,
    NoSQLError,
    UnsupportedFeatureError,
    WriteConflictError,
)
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite, needs

__all__ = ["Limits"]


class Limits(Suite, topic="limits"):
    """The service's limits, as the spec declares them."""

    async def test_a_document_under_the_limit_is_stored(self, things: Collection) -> None:
        """It comes back whole. Check ``Capabilities.max_document_bytes`` and chunks of requests.

        Nine tenths of the limit, or a megabyte where there is none.
        """
        limit = self.capabilities.max_document_bytes
        size = 1_000_000 if limit is None else limit * 9 // 10
        await things.insert_one({"_id": 1, "s": "x" * size})
        found = await things.find_one({"_id": 1})
        assert found is not None
        assert len(found["s"]) == size
        self.observe("max_document_bytes", native=True)

    async def test_a_document_over_the_limit_is_refused(self, things: Collection) -> None:
        """DocumentTooLargeError with size and limit, before anything is sent.

        Check that every way of writing measures: insert, update, replacement, upsert.
        """
        limit = self.capabilities.max_document_bytes
        large = "x" * (20_000_000 if limit is None else limit)
        if limit is None:
            await things.insert_one({"_id": 1, "s": large})
            assert await things.count_documents() == 1
            return
        await things.insert_one({"_id": 1, "s": "small"})
        for write in (
            lambda: things.insert_one({"_id": 2, "s": large}),
            lambda: things.update_one({"_id": 1}, {"$set": {"s": large}}),
            lambda: things.replace_one({"_id": 1}, {"s": large}),
            lambda: things.update_one({"_id": 3}, {"$set": {"s": large}}, upsert=True),
            lambda: things.find_one_and_update({"_id": 1}, {"$set": {"s": large}}),
        ):
            with pytest.raises(DocumentTooLargeError) as caught:
                await write()
            assert caught.value.limit == limit
            assert caught.value.size > limit
            assert large not in str(caught.value)
        assert await things.find().to_list() == [{"_id": 1, "s": "small"}]

    async def test_a_document_that_grows_over_the_limit_is_refused(self, things: Collection) -> None:
        """By a small update of a large document. Check that what an update makes is measured."""
        limit = self.capabilities.max_document_bytes
        if limit is None:
            await things.insert_one({"_id": 1, "l": []})
            await things.update_one({"_id": 1}, {"$push": {"l": {"$each": ["x" * 100_000] * 30}}})
            return
        half = "x" * (limit * 6 // 10)
        await things.insert_one({"_id": 1, "l": [half]})
        with pytest.raises(DocumentTooLargeError):
            await things.update_one({"_id": 1}, {"$push": {"l": half}})
        found = await things.find_one({"_id": 1})
        assert found == {"_id": 1, "l": [half]}

    async def test_one_too_large_of_many_is_named(self, things: Collection) -> None:
        """Nothing is inserted, or the failure has its position. Check ``insert`` with several documents."""
        limit = self.capabilities.max_document_bytes
        if limit is None:
            assert (await things.insert_many([{"s": "x" * 300_000} for _ in range(5)])).inserted_count == 5
            return
        with pytest.raises(NoSQLError) as caught:
            await things.insert_many([{"_id": 1}, {"_id": 2, "s": "x" * limit}, {"_id": 3}], ordered=False)
        if isinstance(caught.value, BulkWriteError):
            assert [failure.index for failure in caught.value.failures] == [1]
            assert isinstance(caught.value.failures[0].error, DocumentTooLargeError)
        else:
            assert isinstance(caught.value, DocumentTooLargeError)
            assert (caught.value.details or {})["document_index"] == 1
            assert await things.count_documents() == 0

    async def test_many_large_documents_are_split(self, things: Collection) -> None:
        """Over requests and pages of the service. Check chunks by bytes, not by number only."""
        limit = self.capabilities.max_document_bytes or 400_000
        size = min(limit * 8 // 10, 400_000)
        await things.insert_many([{"_id": number, "s": str(number % 10) * size} for number in range(12)])
        found = await things.find(sort=[("_id", 1)]).to_list()
        assert [(document["_id"], document["s"][:1], len(document["s"])) for document in found] == [
            (number, str(number % 10), size) for number in range(12)
        ]
        assert (await things.delete_many({})).deleted_count == 12

    @needs("transactions")
    async def test_a_large_transaction_is_whole_or_refused(self, things: Collection, store: DocumentStore) -> None:
        """150 writes are all there, or none is and an error says so.

        Check the service's limit of a transaction: it is refused before anything is written.
        """
        await things.insert_one({"_id": "first"})
        try:
            async with store.transaction():
                await things.insert_many([{"_id": number} for number in range(150)])
        except UnsupportedFeatureError:
            raise
        except NoSQLError as error:
            assert not isinstance(error, WriteConflictError)
            assert not error.retryable
            assert await things.count_documents() == 1
        else:
            assert await things.count_documents() == 151

    async def test_a_transaction_holds_as_many_writes_as_declared(
        self, things: Collection, store: DocumentStore
    ) -> None:
        """All of them are there; with one more none is, and repeating would not help.

        Check ``Capabilities.max_transaction_writes``, or what else the driver writes in a transaction. Where there is
        no limit, a thousand writes stand for any number.
        """
        limit = self.capabilities.max_transaction_writes

        async def write(count: int) -> None:
            async with store.transaction():
                await things.insert_many([{"_id": number} for number in range(count)])

        if not self.capabilities.transactions:
            assert limit is None, "a limit is declared of transactions that are not"
            with pytest.raises(UnsupportedFeatureError):
                await write(1)
            self.refused("max_transaction_writes")
            return
        if limit is not None:
            with pytest.raises(NoSQLError) as caught:
                await write(limit + 1)
            assert not caught.value.retryable
            assert await things.count_documents() == 0
        await write(limit or 1000)
        assert await things.count_documents() == (limit or 1000)
        self.observe("max_transaction_writes", native=True)

    async def test_a_long_field_name_is_kept(self, things: Collection) -> None:
        """So long that services begin to refuse. Check limits of the service on names."""
        name = "n" * 1000
        await things.insert_one({"_id": 1, name: {name: 1}})
        assert await things.find_one({f"{name}.{name}": 1}) == {"_id": 1, name: {name: 1}}
