"""Which error for which fault, and what it carries."""

# ruff: noqa: S101, PT017, S106 - these are tests, not every backend raises, a page token is no password

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from lexigram.contracts.exceptions import infra
from lexigram.nosql.collection import Collection
from lexigram.nosql.driver import Batch, Call, NativeRead
from lexigram.nosql.exceptions import (
    CursorError,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLConnectionError,
    NoSQLError,
    NoSQLFilterError,
    NoSQLIndexError,
    NoSQLTimeoutError,
    PageTokenError,
    PipelineError,
    QueryOptionError,
    UpdateError,
)
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite

__all__ = ["Errors"]

Act = Callable[[Collection], Awaitable[Any]]

FAULTS: dict[str, tuple[type[NoSQLError], Act]] = {
    "duplicate id": (DuplicateKeyError, lambda things: things.insert_one({"_id": 1})),
    "filter": (NoSQLFilterError, lambda things: things.find_one({"a": {"$foo": 1}})),
    "filter of an update": (NoSQLFilterError, lambda things: things.update_one({"a": {"$in": 1}}, {"$set": {"a": 1}})),
    "filter of a delete": (NoSQLFilterError, lambda things: things.delete_many({"$foo": 1})),
    "update": (UpdateError, lambda things: things.update_one({}, {"$foo": {"a": 1}})),
    "update of a wrong type": (UpdateError, lambda things: things.update_one({"_id": 1}, {"$inc": {"s": 1}})),
    "update of many": (UpdateError, lambda things: things.update_many({}, {"$push": {"s": 1}})),
    "changed id": (UpdateError, lambda things: things.update_one({"_id": 1}, {"$set": {"_id": 2}})),
    "upsert that is there": (
        DuplicateKeyError,
        lambda things: things.update_one({"_id": 1, "s": "no"}, {"$set": {"a": 1}}, upsert=True),
    ),
    "pipeline": (PipelineError, lambda things: things.aggregate([{"$foo": 1}]).to_list()),
    "expression": (PipelineError, lambda things: things.aggregate([{"$set": {"a": {"$size": "$s"}}}]).to_list()),
    "sort": (QueryOptionError, lambda things: things.find(sort=[("a", 5)]).to_list()),
    "projection": (QueryOptionError, lambda things: things.find(projection={"a": 1, "b": 0}).to_list()),
    "distinct": (QueryOptionError, lambda things: things.distinct("$a")),
    "value": (DocumentValidationError, lambda things: things.insert_one({"a": {1}})),
    "value in a filter": (NoSQLFilterError, lambda things: things.find_one({"a": object()})),
    "page token": (PageTokenError, lambda things: things.find_page(token="nonsense")),
    "index": (NoSQLIndexError, lambda things: things.create_index([("a", 7)])),
    "hint": (NoSQLIndexError, lambda things: things.find({}, hint="nothing_1").to_list()),
    "timeout": (QueryOptionError, lambda things: things.find_one({}, timeout=-1)),
}


@contextmanager
def _waiting_reads(store: DocumentStore) -> Generator[None]:
    """Let reads wait a little for each batch, as those of a server do; a store in memory never waits."""
    target: Any = type(store.driver.collection("things"))
    read = target.read

    async def waiting(self: Any, asked: NativeRead, call: Call) -> AsyncIterator[Batch]:
        async for batch in read(self, asked, call):
            for _ in range(3):
                await asyncio.sleep(0)
            yield batch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, "read", waiting)
        yield


class Errors(Suite, topic="errors"):
    """The same class for the same fault, everywhere."""

    @pytest.mark.parametrize("fault", FAULTS)
    async def test_a_fault_is_told(self, things: Collection, fault: str) -> None:
        """By its class, with a stable code; it can be pickled, and nothing has changed.

        Check ``classify()`` of the driver: by the SDK's code, with the error given and not raised.
        """
        expected, act = FAULTS[fault]
        document = {"_id": 1, "s": "text"}
        await things.insert_one(document)
        with pytest.raises(NoSQLError) as caught:
            await act(things)
        error = caught.value
        assert isinstance(error, expected), f"{type(error).__name__}: {error}"
        assert error.code.startswith("LEX_ERR_NOSQL_")
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - written on the line itself
        assert type(copy) is type(error)
        assert (copy.code, str(copy), copy.mongo_code) == (error.code, str(error), error.mongo_code)
        assert await things.find().to_list() == [document]

    async def test_an_error_says_where_it_happened(self, things: Collection) -> None:
        """Backend, collection and operation. Check that errors of the driver leave them to the portable layer."""
        await things.insert_one({"_id": 1})
        with pytest.raises(DuplicateKeyError) as caught:
            await things.insert_one({"_id": 1})
        error = caught.value
        assert (error.backend, error.collection, error.operation) == (self.harness.spec.name, "things", "insert_one")

    async def test_an_error_of_the_sdk_is_the_cause(self, things: Collection) -> None:
        """The original is chained, if there is one. Check that ``insert`` gives it, and ``classify()`` knows it."""
        await things.insert_one({"_id": 1})
        with pytest.raises(DuplicateKeyError) as caught:
            await things.insert_one({"_id": 1})
        error = caught.value
        assert error.__cause__ is None or not isinstance(error.__cause__, NoSQLError)

    async def test_a_duplicate_is_caught_by_the_contracts_class(self, things: Collection) -> None:
        """Services know it as that. Check that the error is the tree's."""
        await things.insert_one({"_id": 1})
        with pytest.raises(infra.DuplicateKeyError):
            await things.insert_one({"_id": 1})

    async def test_a_duplicate_says_duplicate_key(self, things: Collection) -> None:
        """Users look for these words, and for the key. Check the message of the error."""
        await things.insert_one({"_id": "abc"})
        with pytest.raises(DuplicateKeyError) as caught:
            await things.insert_one({"_id": "abc"})
        assert "duplicate key" in str(caught.value).lower()
        assert caught.value.index == "_id_"
        assert caught.value.key == {"_id": "abc"}

    async def test_a_closed_cursor_is_told(self, things: Collection) -> None:
        """It raises CursorError. Check that the cursor is the portable one."""
        await things.insert_many([{"_id": number} for number in range(3)])
        cursor = things.find(batch_size=1)
        await anext(cursor)
        await cursor.aclose()
        with pytest.raises(CursorError):
            await anext(cursor)

    async def test_a_call_that_takes_too_long_is_a_timeout(self, things: Collection, store: DocumentStore) -> None:
        """Also a TimeoutError, with its limit, and it may be tried again. Check that ``read`` can be cancelled."""
        await things.insert_many([{"_id": number} for number in range(20)])
        with _waiting_reads(store), pytest.raises(NoSQLTimeoutError) as caught:
            await things.find(batch_size=1, timeout=0.000_001).to_list()
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.timeout == 0.000_001
        assert caught.value.retryable
        assert len(await things.find().to_list()) == 20

    async def test_the_time_limit_of_the_store_holds(self) -> None:
        """``operation_timeout`` is every call's. Check that the setting reaches the store."""
        async with self.opened(operation_timeout=0.000_001, scan_policy="allow") as store:
            things = store.collection("things")
            await things.insert_many([{"_id": number} for number in range(20)], timeout=30)
            with _waiting_reads(store), pytest.raises(NoSQLTimeoutError):
                await things.find(batch_size=1).to_list()
            assert await things.find_one({"_id": 1}, timeout=30) == {"_id": 1}

    async def test_a_broken_connection_is_told_and_mended(self, store: DocumentStore, things: Collection) -> None:
        """NoSQLConnectionError or a timeout with the SDK's error as cause; a new connection works.

        Check ``classify()`` for errors of the network.
        """
        await things.insert_one({"_id": 1})
        if not await self.hooks.break_connection(store):
            pytest.skip("the harness has no break_connection()")
        try:
            await things.find_one({"_id": 1}, timeout=self.hooks.settle_seconds)
        except NoSQLError as error:
            assert isinstance(error, NoSQLConnectionError | NoSQLTimeoutError)
            assert error.__cause__ is not None
        await store.disconnect()
        await store.connect()
        assert await things.find_one({"_id": 1}, timeout=self.hooks.settle_seconds) == {"_id": 1}

    async def test_no_error_shows_the_document(self, things: Collection) -> None:
        """Values may be secrets; a key that stands twice is the exception. Check the messages of errors."""
        await things.insert_one({"_id": 1, "password": "hunter2-secret"})
        acts: list[Callable[[], Awaitable[Any]]] = [
            lambda: things.insert_one({"_id": 1, "password": "hunter2-secret"}),
            lambda: things.update_one({"_id": 1, "password": "hunter2-secret"}, {"$inc": {"password": 1}}),
            lambda: things.insert_one({"password": "hunter2-secret", "other": {1}}),
        ]
        for act in acts:
            with pytest.raises(NoSQLError) as caught:
                await act()
            assert "hunter2-secret" not in str(caught.value)
            assert "hunter2-secret" not in repr(caught.value)
