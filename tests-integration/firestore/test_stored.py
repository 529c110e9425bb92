"""What is stored is Firestore's own, as other programs read and write it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from google.cloud.firestore_v1 import GeoPoint
from google.cloud.firestore_v1.vector import Vector
from lexigram.nosql.backends.firestore import FirestoreDocumentStore
from lexigram.nosql.exceptions import DocumentValidationError, DuplicateKeyError, UnsupportedFeatureError
from lexigram.nosql.testing.comparing import assert_same


async def test_plain_values_are_stored_plainly(store: FirestoreDocumentStore) -> None:
    document = {"a": "text", "b": 1, "c": 1.0, "d": True, "e": None, "f": [1, "x"], "g": {"h": b"x"}}
    await store.collection("things").insert_one({"_id": "plain", **document})
    found = await store.native.collection("things").document("plain").get()
    assert found.to_dict() == document
    assert type(found.to_dict()["b"]) is int
    assert type(found.to_dict()["c"]) is float


async def test_what_firestore_has_no_type_for_is_tagged(store: FirestoreDocumentStore) -> None:
    await store.collection("things").insert_one({"_id": "t", "z": Decimal("1.50"), "y": UUID(int=1), "x": [[1]]})
    found = (await store.native.collection("things").document("t").get()).to_dict()
    assert found == {
        "~": "z\0y\0x",
        "x": [{"~list": [1]}],
        "y": {"~uuid": UUID(int=1).bytes},
        "z": {"~decimal": "1.50", "~n": 1.5},
    }


async def test_documents_of_other_programs_are_read_and_their_other_fields_kept(store: FirestoreDocumentStore) -> None:
    native = store.native
    reference = native.collection("things").document("theirs")
    moment = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    await reference.set(
        {"n": 1, "at": moment, "who": native.document("users/ada"), "where": GeoPoint(1, 2), "v": Vector([0.5])}
    )
    things = store.collection("things")
    found = await things.find_one({"_id": "theirs"})
    assert_same(
        found,
        {
            "_id": "theirs",
            "at": moment.replace(microsecond=123000),
            "n": 1,
            "v": [0.5],
            "where": {"type": "Point", "coordinates": [2.0, 1.0]},
            "who": "users/ada",
        },
    )
    assert (await things.update_one({"_id": "theirs"}, {"$inc": {"n": 1}, "$set": {"new": 1}})).modified_count == 1
    kept = (await reference.get()).to_dict()
    assert (kept["n"], kept["new"], kept["where"], kept["v"]) == (2, 1, GeoPoint(1, 2), Vector([0.5]))
    assert kept["at"] == moment
    assert kept["who"].path == "users/ada"


async def test_numeric_ids_of_other_programs_are_reached(store: FirestoreDocumentStore) -> None:
    await store.native.collection("things").document("__id7__").set({"n": 1})
    things = store.collection("things")
    assert await things.find().to_list() == [{"_id": "__id7__", "n": 1}]
    assert (await things.update_one({"_id": "__id7__"}, {"$inc": {"n": 1}})).modified_count == 1
    assert (await things.delete_one({"_id": "__id7__"})).deleted_count == 1


IDS: list[Any] = ["plain", "a/b", "", "__x__", "~", "k" * 1600, 7, 7.5, Decimal("7.10"), True, None, b"x", UUID(int=7)]


@pytest.mark.parametrize("identity", [*IDS, {"a": 1, "b": Decimal("1.0")}], ids=lambda value: repr(value)[:20])
async def test_ids_of_every_type_are_kept_by_every_write(store: FirestoreDocumentStore, identity: Any) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": identity, "n": 1})
    assert (await things.update_one({"_id": identity}, {"$inc": {"n": 1}})).modified_count == 1
    assert_same(await things.find({"n": 2}).to_list(), [{"_id": identity, "n": 2}])
    await things.replace_one({"_id": identity}, {"n": 3})
    async with store.transaction():
        assert_same(await things.find_one({"_id": identity}), {"_id": identity, "n": 3})
        await things.update_one({"n": 3}, {"$inc": {"n": 1}})
        assert_same(await things.find({}).to_list(), [{"_id": identity, "n": 4}])
    assert_same(await things.find_one({"n": 4}), {"_id": identity, "n": 4})


async def test_collections_below_documents_are_apart(store: FirestoreDocumentStore) -> None:
    ada, bob = store.collection("users/ada/orders"), store.collection("users/bob/orders")
    await ada.insert_many([{"_id": 1, "n": 1}, {"_id": "two", "n": 2}])
    await bob.insert_one({"_id": 1, "n": 3})
    assert await ada.count_documents({}) == 2
    assert await bob.find({"_id": 1}).to_list() == [{"_id": 1, "n": 3}]
    assert await store.collection("users").count_documents({}) == 0
    assert await store.list_collections() == ["users"]
    await store.drop_collection("users/ada/orders")
    assert await ada.count_documents({}) == 0
    assert await bob.count_documents({}) == 1


async def test_a_group_is_all_collections_of_an_id(store: FirestoreDocumentStore) -> None:
    for path in ("users/ada/orders", "users/bob/orders", "orders"):
        await store.collection(path).insert_many([{"_id": 1, "n": 1, "from": path}, {"_id": "x", "n": 2, "from": path}])
    await store.collection("users/ada/others").insert_one({"n": 1})
    group = store.collection("**/orders")
    assert await group.count_documents({}) == 6
    found = await group.find({"n": 1}, sort=[("from", 1)]).to_list()
    assert [document["_id"] for document in found] == ["orders/~n1", "users/ada/orders/~n1", "users/bob/orders/~n1"]
    assert await group.find_one({"_id": "users/bob/orders/x"}) == {
        "_id": "users/bob/orders/x",
        "n": 2,
        "from": "users/bob/orders",
    }
    assert await group.find_one({"_id": "nothing"}) is None
    assert await group.find({"_id": {"$in": ["orders/x", 5, "a/b"]}}, projection={"n": 1}).to_list() == [
        {"_id": "orders/x", "n": 2}
    ]


async def test_a_group_is_written_through(store: FirestoreDocumentStore) -> None:
    ada, group = store.collection("users/ada/orders"), store.collection("**/orders")
    await ada.create_index("n", unique=True)
    await ada.insert_many([{"_id": 1, "n": 1}, {"_id": Decimal("2.0"), "n": 2}])
    await group.insert_one({"_id": "users/ada/orders/~n3", "n": 3})
    assert await ada.find_one({"_id": 3}) == {"_id": 3, "n": 3}
    assert (await group.update_many({}, {"$inc": {"n": 10}})).modified_count == 3
    assert_same(await ada.find({"n": 12}).to_list(), [{"_id": Decimal("2.0"), "n": 12}])
    assert (await group.replace_one({"_id": "users/ada/orders/~n1"}, {"n": 20})).modified_count == 1
    with pytest.raises(DuplicateKeyError):
        await group.update_one({"_id": "users/ada/orders/~n1"}, {"$set": {"n": 12}})
    async with store.transaction():
        assert (await group.delete_one({"n": 20})).deleted_count == 1
        assert await group.count_documents({}) == 2
    assert (await group.delete_many({})).deleted_count == 2
    for wrong in ("x", 5, "users/ada/others/x"):
        with pytest.raises(DocumentValidationError):
            await group.insert_one({"_id": wrong})
    with pytest.raises(UnsupportedFeatureError):
        await group.create_index("n")


@pytest.mark.parametrize("name", ["users/ada", "a//b", "", "..", "a/../b", "**/", "**/a/b", "n" * 1600])
async def test_names_that_are_none_are_refused(store: FirestoreDocumentStore, name: str) -> None:
    with pytest.raises(DocumentValidationError):
        await store.collection(name).find_one({})


@pytest.mark.parametrize("name", ["__x__", "~indexes", "~guards", "~~", "with space", "ü"])
async def test_names_that_are_reserved_are_kept_apart(store: FirestoreDocumentStore, name: str) -> None:
    await store.collection("things").create_index("n", unique=True)
    await store.collection(name).insert_one({"_id": 1})
    assert await store.list_collections() == sorted(["things", name])
    await store.drop_collection(name)
    assert await store.list_collections() == ["things"]
    assert [index["name"] for index in await store.collection("things").list_indexes()] == ["_id_", "n_1"]


async def test_all_documents_are_removed_whatever_their_ids_are_made_of(store: FirestoreDocumentStore) -> None:
    """An id that is a hash tells no ``_id``, so the name that was read is the one to remove."""
    things = store.collection("things")
    await things.insert_many([{"_id": identity} for identity in ({"a": 1}, "x" * 1600, "ok", Decimal("1.50"), 7)])
    assert (await things.delete_many({})).deleted_count == 5
    assert await things.find({}).to_list() == []


async def test_a_group_changes_and_removes_documents_whose_ids_are_hashes(store: FirestoreDocumentStore) -> None:
    items = store.collection("users/u1/items")
    await items.insert_many([{"_id": {"x": 1}, "k": 1}, {"_id": "y" * 1600, "k": 1}, {"_id": "1", "k": 1}])
    group = store.collection("**/items")
    assert (await group.update_many({"k": 1}, {"$set": {"k": 2}})).modified_count == 3
    found = await items.find({"k": 2}).to_list()
    assert sorted(str(document["_id"])[:8] for document in found) == ["1", "yyyyyyyy", "{'x': 1}"]
    assert (await group.delete_many({})).deleted_count == 3
    assert await items.find({}).to_list() == []


@pytest.mark.parametrize("name", ["~foo", "~n007", "~s~0foo"])
async def test_documents_of_other_programs_are_reached_by_names_like_this_backends(
    name: str, store: FirestoreDocumentStore
) -> None:
    await store.native.collection("things").document(name).set({"n": 1})
    things = store.collection("things")
    assert await things.find({}).to_list() == [{"_id": name, "n": 1}]
    assert (await things.update_one({"n": 1}, {"$inc": {"n": 1}})).modified_count == 1
    assert await things.find_one({"_id": name}) == {"_id": name, "n": 2}
    assert (await things.delete_one({"_id": name})).deleted_count == 1
    assert await things.find({}).to_list() == []


@pytest.mark.parametrize("text", ["__id007__", "__id-0__", "__id99999999999999999999999__", "__id-5__"])
async def test_text_like_numeric_ids_is_stored(text: str, store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": text, "n": 1})
    assert await things.find_one({"_id": text}) == {"_id": text, "n": 1}


@pytest.mark.parametrize("length", [1000, 1119, 1120, 1330, 1400, 1490])
async def test_arrays_beside_very_long_names_are_found(open_store: Any, length: int) -> None:
    """Firestore takes paths of 1,500 bytes; what would be longer is stored where no query sees it."""
    name = "n" * length
    store = await open_store(fields={"hinted": {name: "required array of text"}})
    for collection in ("plain", "hinted"):
        things = store.collection(collection)
        await things.insert_many([{"_id": 1, name: ["a", "b"]}, {"_id": 2, name: ["c"]}])
        assert await things.count_documents({name: "a"}) == 1
        assert await things.count_documents({name: ["c"]}) == 1
        assert (await things.update_one({"_id": 1}, {"$addToSet": {name: "d"}})).modified_count == 1
        assert await things.find_one({"_id": 1}) == {"_id": 1, name: ["a", "b", "d"]}
    things = store.collection("nested")
    await things.insert_one({"_id": 1, name: [["a", 1], Decimal("1.5"), {"x": 1}]})
    for value in (["a", 1], Decimal("1.5"), {"x": 1}):
        assert await things.count_documents({name: value}) == 1
