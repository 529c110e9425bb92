"""What is underneath: the SDK's own handle, writes that nobody waits for, and who reads from where."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from beanie import Document, init_beanie
from lexigram.contracts.core.health import HealthStatus
from lexigram.nosql.backends.mongodb import MongoDBDocumentStore, configure_codecs
from lexigram.nosql.driver import NO_CALL
from mongodb.known_faults import ignores_the_order_of_fields
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.asynchronous.database import AsyncDatabase
from servers import Server


class Pet(Document):
    """A document of Beanie's."""

    name: str
    legs: int = 4

    class Settings:
        name = "pets"


async def test_the_native_handle_is_the_sdk_s_database(store: MongoDBDocumentStore, kind: str) -> None:
    """The one that the configuration names."""
    assert isinstance(store.native, AsyncIOMotorDatabase if kind == "motor" else AsyncDatabase)
    assert store.native.name == store.config.database  # type: ignore[attr-defined]


async def test_beanie_works_on_the_native_handle(open_store: Any) -> None:
    """Beanie 2 takes PyMongo's client; both see the same documents."""
    store = await open_store(client="pymongo")
    await init_beanie(database=store.native, document_models=[Pet])

    made = await Pet(name="Rex").insert()
    await store.collection("pets").update_one({"_id": made.id}, {"$set": {"legs": 3}})
    found = await Pet.find_one(Pet.name == "Rex")

    assert found is not None
    assert found.legs == 3
    assert await store.collection("pets").find_one({"_id": made.id}) == {"_id": made.id, "name": "Rex", "legs": 3}


async def test_configured_codecs_give_what_the_store_gives(store: MongoDBDocumentStore) -> None:
    """For code that uses the SDK's methods on the same documents."""
    document = {"_id": 1, "price": Decimal("2.50"), "key": uuid4(), "large": 2**40}
    await store.collection("things").insert_one(document)

    found = await configure_codecs(store.native)["things"].find_one({"_id": 1})

    assert found == document
    assert repr(found) == repr(document)


async def test_writes_that_nobody_waits_for_are_not_acknowledged(open_store: Any) -> None:
    """With ``w=0``; they arrive, and the store says that it does not know what they did."""
    store = await open_store(write_concern_w=0)
    reader = await open_store()
    things = store.collection("things")

    result = await things.insert_one({"_id": 1, "n": 1})
    assert not result.acknowledged
    updated = await things.update_one({"_id": 1}, {"$inc": {"n": 1}})
    assert not updated.acknowledged

    async with asyncio.timeout(20):
        while await reader.collection("things").find_one({"_id": 1}) != {"_id": 1, "n": 2}:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)


async def test_a_session_waits_for_its_writes(open_store: Any) -> None:
    """A session knows no write without an answer, so ``w=0`` gives way in it, and in a transaction."""
    store = await open_store(write_concern_w=0)
    things = store.collection("things")

    async with store.session():
        await things.insert_one({"_id": 1})
        assert await things.find_one({"_id": 1}) == {"_id": 1}
    async with store.transaction():
        await things.insert_one({"_id": 2})
    assert await things.count_documents({}) == 2


async def test_a_document_that_changed_since_is_not_replaced(
    store: MongoDBDocumentStore, mongodb_server: Server
) -> None:
    """The condition of portable writes: every type and order of fields, the sign of a zero, the digits of a decimal."""
    target = store.driver.collection("things")
    things = store.collection("things")
    stored: dict[str, Any] = {
        "_id": 1,
        "i": 1,
        "f": 1.0,
        "l": 2**40,
        "z": -0.0,
        "d": Decimal("1.10"),
        "a": [1, {"x.y": 2, "$z": [0.5]}],
        "n": None,
        "s": "text",
    }
    others = [
        {**stored, "i": 1.0},
        {**stored, "f": 1},
        {**stored, "l": float(2**40)},
        {**stored, "z": 0.0},
        {**stored, "d": Decimal("1.1")},
        {**stored, "a": [1, {"x.y": 2.0, "$z": [0.5]}]},
        {**stored, "more": 1},
        {name: value for name, value in stored.items() if name != "n"},
        {**stored, "s": "Text"},
    ]
    if not ignores_the_order_of_fields(mongodb_server.product):
        others.append({"_id": 1, **dict(reversed(list(stored.items())))})

    await things.insert_one(stored)
    for other in others:
        assert not await target.replace(other, {"_id": 1}, None, True, NO_CALL), other
        assert not await target.delete(other, None, NO_CALL), other
    assert await target.replace(stored, {**stored, "i": 2}, None, True, NO_CALL)
    assert await target.delete({**stored, "i": 2}, None, NO_CALL)


async def test_the_health_check_tells_what_answers(store: MongoDBDocumentStore, kind: str) -> None:
    """Version and kind of the deployment, and no address with a password."""
    health = await store.health_check()

    assert health.status is HealthStatus.HEALTHY
    assert health.details["client"] == kind
    assert health.details["deployment"] == "replica set"
    assert "mongodb://" not in repr(health)


async def test_collections_are_listed_without_views(store: MongoDBDocumentStore) -> None:
    """A view holds no documents of its own."""
    await store.collection("things").insert_one({"_id": 1})
    await store.native.command("create", "seen", viewOn="things", pipeline=[])

    assert await store.list_collections() == ["things"]


@pytest.mark.parametrize("policy", ["secondary", "nearest", "primaryPreferred"])
async def test_what_a_write_depends_on_is_read_from_the_primary(open_store: Any, policy: str) -> None:
    """Whatever the read preference; a transaction reads there too."""
    store = await open_store(read_preference=policy)
    things = store.collection("things")
    await things.insert_one({"_id": 1, "n": 1})

    # A computed update that the engine does itself: read, compute, replace.
    await things.update_one({"_id": 1}, [{"$set": {"n": {"$add": ["$n", 1]}}}])
    async with store.transaction():
        await things.update_one({"_id": 1}, {"$inc": {"n": 1}})
        found = await things.find_one({"_id": 1})

    assert found == {"_id": 1, "n": 3}
