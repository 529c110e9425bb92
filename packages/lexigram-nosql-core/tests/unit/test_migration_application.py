"""Migrations inside an application, and work that ends whatever happens."""

from __future__ import annotations

import asyncio

import pytest
from lexigram import Application
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.contracts.events.protocols import EventBusProtocol
from lexigram.nosql import AddField, MigrationAppliedEvent, MigrationManager, NoSQLModule
from lexigram.nosql.exceptions import MigrationError
from lexigram.nosql.finishing import to_the_end


async def test_inside_an_application_its_primary_store_and_its_bus_are_meant() -> None:
    """A manager with a name alone; after the shutdown there is no store any more."""
    manager = MigrationManager("users").add(AddField("users", "zone", default="UTC"))
    events: list[str] = []
    async with Application.boot(modules=[NoSQLModule.stub()]) as app:
        bus = await app.container.resolve(EventBusProtocol)
        bus.subscribe(MigrationAppliedEvent, lambda event: events.append(event.migration_name))
        store = await app.container.resolve(DocumentStoreProtocol)
        await store.collection("users").insert_one({"_id": 1})
        assert await manager.apply() == ["users-0001"]
        assert await store.collection("users").find_one() == {"_id": 1, "zone": "UTC"}
        assert await MigrationManager("users", db_name="default").get_applied_versions() == {"users-0001"}
    assert events == ["users-0001: add field zone to users"]
    with pytest.raises(MigrationError, match="no store to migrate"):
        await manager.apply()


class Work:
    """Work that goes on until it is let go."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.started = asyncio.Event()
        self.let_go = asyncio.Event()
        self.ended = False
        self._error = error

    async def run(self) -> str:
        self.started.set()
        await self.let_go.wait()
        self.ended = True
        if self._error is not None:
            raise self._error
        return "done"


async def test_work_returns_and_raises_as_if_it_were_awaited() -> None:
    """Its result, its error, and its own cancellation."""
    work = Work()
    work.let_go.set()
    assert await to_the_end(work.run()) == "done"
    failing = Work(ValueError("x"))
    failing.let_go.set()
    with pytest.raises(ValueError, match="x"):
        await to_the_end(failing.run())
    cancelled = Work(asyncio.CancelledError())
    cancelled.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await to_the_end(cancelled.run())


@pytest.mark.parametrize("error", [None, ValueError("x"), asyncio.CancelledError()])
@pytest.mark.parametrize("cancellations", [1, 3])
async def test_work_ends_although_its_task_is_cancelled(error: BaseException | None, cancellations: int) -> None:
    """Once or several times; the cancellation goes on when the work has ended."""
    work = Work(error)
    task = asyncio.create_task(to_the_end(work.run()))
    await work.started.wait()
    for _ in range(cancellations):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not task.done()
    work.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.ended
