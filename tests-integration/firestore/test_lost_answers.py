"""Writes that the server carries out, and whose answers are cut off: nothing is done twice, nor told wrongly.

What the server sends is held back until another store sees what was written, and then the connection is reset.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from firestore.proxies import Proxy, between
from lexigram.nosql import InsertOne, UpdateOne
from lexigram.nosql.backends.firestore import FirestoreDocumentStore
from lexigram.nosql.exceptions import BulkWriteError, NoSQLConnectionError, NoSQLError, TransactionError
from servers import Server

Opener = Callable[..., Any]
Documents = list[dict[str, Any]]

START: Documents = [{"_id": "a", "n": 1, "tags": ["x"]}, {"_id": "b", "n": 2, "tags": ["x"]}]


class Cut:
    """A store behind a proxy, and one beside it that sees what is stored."""

    def __init__(self, proxy: Proxy, ours: FirestoreDocumentStore, others: FirestoreDocumentStore) -> None:
        self.ours = ours
        self.others = others
        self._proxy = proxy

    async def stored(self) -> Documents:
        """What the others see."""
        found: Documents = await self.others.collection("things").find({}, sort=[("_id", 1)]).to_list()
        return found

    async def answer_of(self, act: Callable[[Any], Awaitable[Any]], meanwhile: Any = None, commit: int = 1) -> Any:
        """Run a write, and cut its answer off when it has been made: its result, or the error it raised.

        Args:
            act: The write; told the collection.
            meanwhile: What another writer does before the connection is reset; told its own collection.
            commit: Which of its commits is cut off, from 1.
        """
        driver: Any = self.ours.driver
        send, left = driver.client._commit, commit
        sending: asyncio.Future[Documents] = asyncio.get_running_loop().create_future()

        async def held(request: Any, **given: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                driver.client._commit = send
                sending.set_result(await self.stored())
                self._proxy.answering.clear()
            return await send(request, **given)

        driver.client._commit = held
        task = asyncio.ensure_future(act(self.ours.collection("things")))
        async with asyncio.timeout(20):
            before = await sending
            while await self.stored() == before:
                assert not task.done()
        if meanwhile is not None:
            await meanwhile(self.others.collection("things"))
        self._proxy.cut()
        self._proxy.answering.set()
        try:
            return await task
        except NoSQLError as error:
            return error


@pytest_asyncio.fixture
async def cut(open_store: Opener, firestore_server: Server) -> AsyncIterator[Cut]:
    """Return two stores on one database, of which one can be cut off."""
    async with between(firestore_server.endpoint) as proxy:
        hints = {"things": {"tags": "required array of text"}}
        ours = await open_store(emulator_host=proxy.place, max_writes=4, retry_max_ms=300, fields=hints)
        others = await open_store()
        await others.collection("things").insert_many(START)
        yield Cut(proxy, ours, others)
        await ours.disconnect()


@pytest.mark.parametrize(
    ("act", "left"),
    [
        (lambda things: things.insert_one({"_id": "c", "tags": []}), [*START, {"_id": "c", "tags": []}]),
        (lambda things: things.insert_many([{"_id": "c", "tags": []}]), [*START, {"_id": "c", "tags": []}]),
        (
            lambda things: things.update_one({"_id": "a"}, {"$inc": {"n": 10}}),
            [{**START[0], "n": 11}, START[1]],
        ),
        (
            lambda things: things.update_many({}, {"$inc": {"n": 10}}),
            [{**each, "n": each["n"] + 10} for each in START],
        ),
        (
            lambda things: things.find_one_and_update({"n": 1}, {"$inc": {"n": 10}}),
            [{**START[0], "n": 11}, START[1]],
        ),
        (
            lambda things: things.update_one({"_id": "a"}, {"$push": {"tags": "y"}}),
            [{**START[0], "tags": ["x", "y"]}, START[1]],
        ),
        (
            lambda things: things.update_one({"_id": "c"}, {"$set": {"tags": []}}, upsert=True),
            [*START, {"_id": "c", "tags": []}],
        ),
        (lambda things: things.delete_one({"_id": "a"}), START[1:]),
        (lambda things: things.delete_one({"n": 1}), START[1:]),
        (lambda things: things.delete_many({"n": 1}), START[1:]),
        (lambda things: things.delete_many({}), []),
        (lambda things: things.find_one_and_delete({"n": 1}), START[1:]),
    ],
)
async def test_a_write_that_was_made_is_not_made_again_nor_called_another(
    cut: Cut, act: Callable[[Any], Awaitable[Any]], left: Documents
) -> None:
    """No duplicate key of itself, no second increment, no second deletion; that nobody knows is said."""
    error = await cut.answer_of(act)
    assert isinstance(error, NoSQLConnectionError)
    assert "cannot be told" in error.message
    assert not error.retryable
    assert await cut.stored() == left


@pytest.mark.parametrize(
    ("act", "left"),
    [
        (lambda things: things.replace_one({"_id": "a"}, {"n": 7, "tags": []}), {"_id": "a", "n": 7, "tags": []}),
        (
            lambda things: things.update_one({"_id": "a"}, {"$addToSet": {"tags": "y"}}),
            {**START[0], "tags": ["x", "y"]},
        ),
        (lambda things: things.update_one({"_id": "a"}, {"$unset": {"n": ""}}), {"_id": "a", "tags": ["x"]}),
    ],
)
async def test_a_write_that_can_be_seen_to_hold_is_told_as_made(
    cut: Cut, act: Callable[[Any], Awaitable[Any]], left: dict[str, Any]
) -> None:
    answer = await cut.answer_of(act)
    assert (answer.matched_count, answer.modified_count) == (1, 1)
    assert await cut.stored() == [left, START[1]]


@pytest.mark.parametrize(
    ("act", "meanwhile", "left"),
    [
        (
            lambda things: things.replace_one({"_id": "a"}, {"n": 7, "tags": []}),
            lambda things: things.update_one({"_id": "a"}, {"$inc": {"n": 1}}),
            [{"_id": "a", "n": 8, "tags": []}, START[1]],
        ),
        (
            lambda things: things.update_one({"_id": "a"}, {"$addToSet": {"tags": "y"}}),
            lambda things: things.update_one({"_id": "a"}, {"$pull": {"tags": "y"}}),
            START,
        ),
        (
            lambda things: things.delete_one({"_id": "a"}),
            lambda things: things.insert_one({"_id": "a", "n": 9, "tags": []}),
            [{"_id": "a", "n": 9, "tags": []}, START[1]],
        ),
        (
            lambda things: things.update_one({"_id": "a"}, {"$inc": {"n": 10}}),
            lambda things: things.update_one({"_id": "a"}, {"$inc": {"n": 1}}),
            [{**START[0], "n": 12}, START[1]],
        ),
    ],
)
async def test_what_another_writer_makes_of_it_before_the_answer_is_missed_stays(
    cut: Cut, act: Callable[[Any], Awaitable[Any]], meanwhile: Callable[[Any], Awaitable[Any]], left: Documents
) -> None:
    error = await cut.answer_of(act, meanwhile)
    assert isinstance(error, NoSQLConnectionError)
    assert not error.retryable
    assert await cut.stored() == left


async def test_of_a_batch_each_document_is_told(cut: Cut) -> None:
    """Those of the commit that was cut off are unknown; others are stored, or not sent."""
    documents = [{"_id": f"c{number}", "tags": []} for number in range(10)]
    error = await cut.answer_of(lambda things: things.insert_many(documents, ordered=False), commit=2)
    assert isinstance(error, BulkWriteError)
    assert error.result.inserted_count == 4
    assert {failure.index: failure.error.retryable for failure in error.failures} == {
        **dict.fromkeys(range(4, 8), False),
        **dict.fromkeys(range(8, 10), True),
    }
    assert await cut.stored() == [*START, *documents[:8]]


async def test_a_bulk_tells_which_of_its_writes_nobody_knows(cut: Cut) -> None:
    operations = [UpdateOne({"_id": "a"}, {"$inc": {"n": 10}}), InsertOne({"_id": "c", "tags": []})]
    error = await cut.answer_of(lambda things: things.bulk_write(operations, ordered=False))
    assert isinstance(error, BulkWriteError)
    assert [failure.index for failure in error.failures] == [0]
    assert not error.retryable
    assert [each.get("n") for each in await cut.stored()] == [11, 2, None]


async def test_a_change_of_many_says_how_many_it_had_made(cut: Cut) -> None:
    await cut.others.collection("things").insert_many(
        [{"_id": f"c{number}", "n": 3, "tags": []} for number in range(8)]
    )
    error = await cut.answer_of(lambda things: things.update_many({}, {"$inc": {"n": 10}}), commit=2)
    assert isinstance(error, NoSQLConnectionError)
    assert error.details["modified"] == 4
    assert sum(each["n"] > 10 for each in await cut.stored()) == 8


async def test_a_transaction_that_was_committed_is_not_run_again(cut: Cut) -> None:
    runs = 0

    async def work(_: Any) -> None:
        nonlocal runs
        runs += 1
        await cut.ours.collection("things").update_one({"_id": "a"}, {"$inc": {"n": 10}})

    error = await cut.answer_of(lambda _: cut.ours.run_transaction(work))
    assert isinstance(error, TransactionError)
    assert not error.retryable
    assert runs == 1
    assert (await cut.stored())[0]["n"] == 11
