"""What an ``_id`` may be, and that it finds its document."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import Any
from uuid import UUID

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import DocumentValidationError, DuplicateKeyError
from lexigram.nosql.testing.comparing import assert_same
from lexigram.nosql.testing.suite import Suite, ids_of

__all__ = ["Ids"]

IDS: dict[str, Any] = {
    "int": 7,
    "zero": 0,
    "large int": 2**63 - 1,
    "negative": -5,
    "float": 2.5,
    "decimal": Decimal("1.25"),
    "text": "abc",
    "empty text": "",
    "slashes": "a/b/../c",
    "reserved": "__id__",
    "dots": "..",
    "hash and colon": "#a:b?c=d%20",
    "accents": "ünï\U0001f600",
    "long text": "k" * 900,
    "true": True,
    "false": False,
    "null": None,
    "bytes": b"\x00\xff",
    "date": datetime(2026, 11, 21, tzinfo=UTC),
    "uuid": UUID(int=5),
    "object": {"a": 1, "b": "x"},
    "nan": float("nan"),
}


class Ids(Suite, topic="ids"):
    """Any scalar, and objects, as on MongoDB."""

    @pytest.mark.parametrize("kind", IDS)
    async def test_an_id_finds_its_document(self, things: Collection, kind: str) -> None:
        """By read, update, replacement and delete; and it stands once. Check how ids become keys."""
        identity = IDS[kind]
        await things.insert_many([{"_id": "another"}, {"_id": identity, "n": 1}])
        assert_same(await things.find_one({"_id": identity}), {"_id": identity, "n": 1})
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"_id": identity})
        assert (await things.update_one({"_id": identity}, {"$inc": {"n": 1}})).modified_count == 1
        assert (await things.replace_one({"_id": identity}, {"r": 1})).modified_count == 1
        assert_same(await things.find_one({"_id": identity}), {"_id": identity, "r": 1})
        assert (await things.delete_one({"_id": identity})).deleted_count == 1
        assert ids_of(await things.find().to_list()) == ["another"]

    async def test_ids_of_other_types_are_others(self, things: Collection) -> None:
        """1, "1", true and bytes stand beside each other. Check how ids become keys."""
        values: list[Any] = [1, "1", True, b"1", None, "", "null", {"a": 1}, "{'a': 1}", 0, False]
        await things.insert_many([{"_id": value, "place": place} for place, value in enumerate(values)])
        for place, value in enumerate(values):
            assert await things.find({"_id": value}).to_list() == [{"_id": value, "place": place}]

    @pytest.mark.parametrize("same", [4.0, Decimal(4), Decimal("4.00")], ids=["float", "decimal", "zeros"])
    async def test_equal_numbers_are_one_id(self, things: Collection, same: Any) -> None:
        """4 and 4.0 are the same key, as on MongoDB. Check how ids become keys."""
        await things.insert_one({"_id": 4, "n": 1})
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"_id": same})
        assert_same(await things.find_one({"_id": same}), {"_id": 4, "n": 1})

    async def test_objects_with_another_order_are_others(self, things: Collection) -> None:
        """``{"a": 1, "b": 2}`` is not ``{"b": 2, "a": 1}``. Check how ids become keys."""
        await things.insert_many([{"_id": {"a": 1, "b": 2}}, {"_id": {"b": 2, "a": 1}}])
        assert_same(await things.find({"_id": {"b": 2, "a": 1}}).to_list(), [{"_id": {"b": 2, "a": 1}}])

    async def test_parts_of_an_id_are_fields(self, things: Collection) -> None:
        """``_id.a`` is a path. Check that only a whole id becomes a key."""
        await things.insert_many([{"_id": {"a": number % 2, "n": number}} for number in range(4)])
        found = await things.find({"_id.a": 1}, sort=[("_id.n", 1)]).to_list()
        assert [document["_id"]["n"] for document in found] == [1, 3]

    @pytest.mark.parametrize("identity", [[1], {"$x": 1}, {1}], ids=["list", "dollar", "set"])
    async def test_an_id_is_refused(self, things: Collection, identity: Any) -> None:
        """As MongoDB refuses it. Check that the portable layer prepares documents."""
        with pytest.raises(DocumentValidationError):
            await things.insert_one({"_id": identity})
        assert await things.count_documents() == 0

    async def test_the_id_comes_first(self, things: Collection) -> None:
        """Wherever it stood. Check that reads keep the order of fields."""
        await things.insert_one({"a": 1, "_id": 5, "b": 2})
        assert_same(await things.find_one({}), {"_id": 5, "a": 1, "b": 2})

    async def test_made_ids_are_different(self, things: Collection) -> None:
        """Though made at the same moment. Check that the portable layer makes them."""
        result = await things.insert_many([{} for _ in range(120)])
        assert len(set(result.inserted_ids)) == 120
        assert await things.count_documents() == 120

    async def test_an_id_in_a_condition_finds_its_document(self, things: Collection) -> None:
        """Through ``$in``, ``$and`` and ranges, beside other conditions. Check what becomes a look-up by key."""
        await things.insert_many([{"_id": number, "n": number % 2} for number in range(10)])
        assert ids_of(await things.find({"$and": [{"_id": {"$eq": 3}}, {"n": 1}]}).to_list()) == [3]
        assert await things.find({"_id": 3, "n": 0}).to_list() == []
        assert sorted(ids_of(await things.find({"_id": {"$in": [1, 2, 3.0, "x"]}, "n": 1}).to_list())) == [1, 3]
        assert sorted(ids_of(await things.find({"_id": {"$gte": 8}}).to_list())) == [8, 9]
        assert sorted(ids_of(await things.find({"_id": {"$nin": list(range(8))}}).to_list())) == [8, 9]

    async def test_native_ids_pass_through(self, things: Collection) -> None:
        """ObjectIds, where pymongo is installed. Check the codec of ids."""
        if find_spec("bson") is None:
            pytest.skip("pymongo is not installed")
        import bson

        identity = bson.ObjectId()
        result = await things.insert_one({"_id": identity})
        assert (result.raw_id, result.document_id) == (identity, str(identity))
        assert await things.find_one({"_id": identity}) == {"_id": identity}
        assert await things.find_one({"_id": str(identity)}) is None
