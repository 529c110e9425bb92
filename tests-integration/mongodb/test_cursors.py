"""Cursors on the server: none is left behind by a reader that was cancelled, whenever that was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from lexigram.nosql.backends.mongodb import MongoDBConfig, MongoDBDocumentStore
from lexigram.nosql.backends.mongodb import client as clients
from lexigram.nosql.backends.mongodb.driver import MongoDBDriver
from lexigram.nosql.backends.mongodb.opening import PATIENCE_SECONDS, Openings
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import NoSQLTimeoutError
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent


async def watched(things: Collection) -> Any:
    """Read a change feed that is closed whatever happens."""
    async with things.watch() as feed:
        return await anext(feed)


READS: dict[str, Callable[[Collection], Any]] = {
    "find": lambda things: things.find({"_id": {"$gte": 0}}, batch_size=5).to_list(),
    "aggregate": lambda things: things.aggregate([{"$set": {"m": 1}}], batch_size=5).to_list(),
    "watch": watched,
}


class Commands(CommandListener):
    """Tells of the commands that open and kill cursors, from whatever thread they come."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.sent = asyncio.Event()
        self.answered = asyncio.Event()
        self.opened: set[int] = set()
        self.killed: set[int] = set()
        self.changed = asyncio.Event()

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in {"find", "aggregate"}:
            self._loop.call_soon_threadsafe(self.sent.set)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name in {"find", "aggregate"}:
            self.opened.add(int(event.reply["cursor"]["id"]))
        elif event.command_name == "killCursors":
            self.killed.update(map(int, event.reply["cursorsKilled"]))
        self._loop.call_soon_threadsafe(self.changed.set)

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@pytest_asyncio.fixture
async def told(
    own_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Collection, Commands]]:
    """Return a collection of many documents, and what is told of its store's commands."""
    listener = Commands()
    plain = clients.client_options
    monkeypatch.setattr(clients, "client_options", lambda config: {**plain(config), "event_listeners": [listener]})
    async with MongoDBDocumentStore(MongoDBConfig(**own_settings)) as store:
        driver = store.driver
        assert isinstance(driver, MongoDBDriver)
        # A request that is cut off may leave its cursor to a stand-in that does not see who has gone, and on a busy
        # machine any request may take a second. What happens then is tried by itself.
        driver.openings = Openings(interruptible=driver.client.interruptible, patience=60)
        things = store.collection("things")
        await things.insert_many([{"_id": number} for number in range(100)])
        listener.sent.clear()
        yield things, listener


async def open_cursors(collection: Collection) -> int:
    """How many cursors the server keeps."""
    status = await collection.store.native.client["admin"].command("serverStatus")
    return int(status["metrics"]["cursor"]["open"]["total"])


@pytest.mark.parametrize("read", list(READS))
async def test_a_reader_that_is_cancelled_before_the_first_answer_leaves_no_cursor(
    told: tuple[Collection, Commands], read: str
) -> None:
    """The cursor that the server opens for it is killed as soon as its number is known."""
    things, commands = told
    task = asyncio.ensure_future(READS[read](things))
    async with asyncio.timeout(10):
        await commands.sent.wait()
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()

        while not commands.opened or commands.opened - commands.killed:
            commands.changed.clear()
            await commands.changed.wait()

    assert await open_cursors(things) == 0


@pytest.mark.parametrize("read", list(READS))
async def test_a_reader_may_be_cancelled_after_any_number_of_turns(
    told: tuple[Collection, Commands], read: str
) -> None:
    """Of the event loop: disconnecting closes what was left open."""
    things, commands = told
    for turns in range(40):
        task = asyncio.ensure_future(READS[read](things))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
    async with asyncio.timeout(30):
        # Requests that wait for a thread are made after the last task has gone; each answer, this one's too, is told.
        while commands.opened - commands.killed - {0} or await open_cursors(things):
            commands.changed.clear()
            await commands.changed.wait()


async def test_a_request_that_nobody_waits_for_any_more_is_cut_off(own_settings: dict[str, Any]) -> None:
    """Where the server does not answer in time: its connection is closed, and the store goes on with others."""
    settings = {**own_settings, "client": "pymongo"}  # one on a thread of motor cannot be cut off
    async with MongoDBDocumentStore(MongoDBConfig(**settings)) as store:
        things = store.collection("things")
        await things.insert_many([{"_id": number} for number in range(20)])
        admin = store.native.client["admin"]
        block = {"failCommands": ["find"], "blockConnection": True, "blockTimeMS": 20_000}
        await admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=block)
        before = time.monotonic()
        with pytest.raises(NoSQLTimeoutError):
            await things.find({"_id": {"$gte": 0}}, batch_size=5, timeout=0.5).to_list()
        assert len(await things.find({"_id": {"$gte": 0}}, batch_size=5).to_list()) == 20
    # Disconnecting waits for what nobody waits for, and not for the server's twenty seconds.
    assert time.monotonic() - before < 20 - PATIENCE_SECONDS
