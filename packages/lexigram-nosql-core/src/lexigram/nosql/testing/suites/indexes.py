"""Indexes: what they refuse, hide and serve."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import BulkWriteError, DuplicateKeyError, NoSQLIndexError
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite, ids_of, needs

__all__ = ["Indexes"]


class Indexes(Suite, topic="indexes"):
    """An index never changes an answer, but for what it refuses."""

    async def test_the_index_on_the_id_is_listed(self, things: Collection) -> None:
        """Every backend has it. Check that ``list_indexes()`` of the driver leaves it out."""
        await things.insert_one({"_id": 1})
        assert await things.list_indexes() == [{"v": 2, "key": {"_id": 1}, "name": "_id_"}]

    async def test_the_index_on_the_id_stays(self, things: Collection) -> None:
        """Making it does nothing, dropping it is refused. Check that the portable layer answers."""
        assert await things.create_index("_id") == "_id_"
        with pytest.raises(NoSQLIndexError):
            await things.drop_index("_id_")

    @needs("indexes")
    @pytest.mark.parametrize(
        ("keys", "name"),
        [
            ("a", "a_1"),
            ([("a", 1), ("b", -1)], "a_1_b_-1"),
            ({"a.b": -1}, "a.b_-1"),
        ],
        ids=["name", "compound", "path"],
    )
    async def test_an_index_is_made_and_listed(self, things: Collection, keys: Any, name: str) -> None:
        """In portable form, with MongoDB's name. Check ``list_indexes()`` of the driver."""
        await things.insert_one({"_id": 1})
        assert await things.create_index(keys) == name
        listed = await things.list_indexes()
        assert [index["name"] for index in listed] == ["_id_", name]
        pairs: dict[str, Any] = {keys: 1} if isinstance(keys, str) else dict(keys)
        assert listed[1] == {"v": 2, "key": pairs, "name": name}

    @needs("indexes")
    async def test_an_index_has_the_name_given(self, things: Collection) -> None:
        """And is dropped by it. Check ``drop_index()`` of the driver."""
        assert await things.create_index("a", name="mine") == "mine"
        await things.drop_index("mine")
        assert [index["name"] for index in await things.list_indexes()] == ["_id_"]

    @needs("indexes")
    async def test_the_same_index_is_made_once(self, things: Collection) -> None:
        """The second call finds it. Check that properties come back from ``list_indexes()`` as they were given."""
        assert await things.create_index([("a", 1)]) == await things.create_index("a")
        assert len(await things.list_indexes()) == 2

    @needs("indexes", "unique_indexes")
    async def test_the_same_keys_with_other_properties_conflict(self, things: Collection) -> None:
        """Nothing is replaced. Check that properties come back from ``list_indexes()`` as they were given."""
        await things.create_index("a")
        with pytest.raises(NoSQLIndexError):
            await things.create_index("a", unique=True, name="a_1")

    @needs("indexes")
    async def test_a_name_is_used_once(self, things: Collection) -> None:
        """For other keys it is refused. Check that ``list_indexes()`` gives names."""
        await things.create_index("a", name="mine")
        with pytest.raises(NoSQLIndexError):
            await things.create_index("b", name="mine")

    @needs("indexes")
    async def test_an_index_that_is_not_there_cannot_be_dropped(self, things: Collection) -> None:
        """The error names those that are. Check ``list_indexes()`` of the driver."""
        await things.insert_one({"_id": 1})
        with pytest.raises(NoSQLIndexError):
            await things.drop_index("nothing")

    @pytest.mark.parametrize(
        "options",
        [
            {"keys": []},
            {"keys": [("a", 2)]},
            {"keys": "$a"},
            {"keys": [("a", 1), ("a", -1)]},
            {"keys": "a", "expire_after_seconds": -1},
            {"keys": [("a", 1), ("b", 1)], "expire_after_seconds": 5},
            {"keys": "a", "sparse": True, "partial_filter": {"a": 1}},
        ],
        ids=["none", "direction", "dollar", "twice", "negative time", "compound time", "sparse and partial"],
    )
    async def test_an_index_is_refused(self, things: Collection, options: dict[str, Any]) -> None:
        """Before anything is sent. Check that the portable layer parses it."""
        with pytest.raises(NoSQLIndexError):
            await things.create_index(**options)

    @needs("indexes", "unique_indexes")
    async def test_a_unique_index_refuses_a_second(self, things: Collection) -> None:
        """By insert, update, replacement and upsert; the error names index and key.

        Check that the index is kept by every native write, and how its error is classified.
        """
        await things.create_index("mail", unique=True)
        await things.insert_many([{"_id": 1, "mail": "a"}, {"_id": 2, "mail": "b"}])
        with pytest.raises(DuplicateKeyError) as caught:
            await things.insert_one({"_id": 3, "mail": "a"})
        assert caught.value.index == "mail_1"
        assert caught.value.key == {"mail": "a"}
        assert "duplicate key" in str(caught.value).lower()
        with pytest.raises(DuplicateKeyError):
            await things.update_one({"_id": 2}, {"$set": {"mail": "a"}})
        with pytest.raises(DuplicateKeyError):
            await things.replace_one({"_id": 2}, {"mail": "a"})
        with pytest.raises(DuplicateKeyError):
            await things.update_one({"_id": 9}, {"$set": {"mail": "b"}}, upsert=True)
        assert await things.find(sort=[("_id", 1)]).to_list() == [{"_id": 1, "mail": "a"}, {"_id": 2, "mail": "b"}]

    @needs("indexes", "unique_indexes")
    async def test_a_unique_index_frees_what_is_gone(self, things: Collection) -> None:
        """After a delete and a change the key can be used. Check the index's entries."""
        await things.create_index("k", unique=True)
        await things.insert_many([{"_id": 1, "k": "a"}, {"_id": 2, "k": "b"}])
        await things.delete_one({"_id": 1})
        await things.update_one({"_id": 2}, {"$set": {"k": "c"}})
        await things.insert_many([{"_id": 3, "k": "a"}, {"_id": 4, "k": "b"}])
        assert await things.count_documents() == 3

    @needs("indexes", "unique_indexes")
    async def test_a_unique_index_takes_missing_as_null(self, things: Collection) -> None:
        """One document may lack the field. Check documents without it."""
        await things.create_index("k", unique=True)
        await things.insert_one({"_id": 1})
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"_id": 2, "k": None})

    @needs("indexes", "unique_indexes")
    async def test_a_unique_index_compares_numbers(self, things: Collection) -> None:
        """1 and 1.0 are one key, "1" and True are others. Check the index's entries."""
        await things.create_index("k", unique=True)
        await things.insert_many([{"k": 1}, {"k": "1"}, {"k": True}])
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"k": 1.0})

    @needs("indexes", "unique_indexes")
    async def test_a_compound_unique_index_takes_all_fields(self, things: Collection) -> None:
        """Only the whole key stands once. Check indexes of several fields."""
        await things.create_index([("a", 1), ("b", 1)], unique=True)
        await things.insert_many([{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 1}])
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"a": 1, "b": 2})

    @needs("indexes", "unique_indexes")
    async def test_a_unique_index_looks_into_arrays(self, things: Collection) -> None:
        """Each element is a key; one document may repeat its own. Check indexes on arrays."""
        await things.create_index("tags", unique=True)
        await things.insert_one({"_id": 1, "tags": ["a", "b", "a"]})
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"_id": 2, "tags": ["c", "b"]})

    @needs("indexes", "unique_indexes")
    async def test_a_unique_index_is_not_made_over_duplicates(self, things: Collection) -> None:
        """It is refused, and no index is left. Check ``create_index()`` of the driver."""
        await things.insert_many([{"_id": 1, "k": "a"}, {"_id": 2, "k": "a"}])
        with pytest.raises(DuplicateKeyError):
            await things.create_index("k", unique=True)
        assert len(await things.list_indexes()) == 1
        await things.insert_one({"_id": 3, "k": "a"})

    @needs("indexes", "unique_indexes")
    async def test_a_unique_index_holds_in_bulks(self, things: Collection) -> None:
        """The duplicate is told with its position. Check ``insert`` with several documents."""
        await things.create_index("k", unique=True)
        with pytest.raises(BulkWriteError) as caught:
            await things.insert_many([{"_id": 1, "k": 1}, {"_id": 2, "k": 1}, {"_id": 3, "k": 2}], ordered=False)
        assert [failure.index for failure in caught.value.failures] == [1]
        assert sorted(ids_of(await things.find().to_list())) == [1, 3]

    @needs("indexes", "unique_indexes")
    async def test_a_unique_index_holds_among_many_writers(self, things: Collection) -> None:
        """One of them wins. Check that the index is kept by the service, not by looking first."""
        await things.create_index("k", unique=True)
        results = await asyncio.gather(
            *(things.attempt.insert_one({"_id": number, "k": "same"}) for number in range(8))
        )
        assert sum(result.is_ok() for result in results) == 1
        assert all(isinstance(result.unwrap_err(), DuplicateKeyError) for result in results if result.is_err())

    @needs("indexes", "sparse_indexes", "unique_indexes")
    async def test_a_sparse_index_leaves_out_what_lacks_the_field(self, things: Collection) -> None:
        """Many may lack it, null counts. Check ``sparse``."""
        await things.create_index("k", unique=True, sparse=True)
        await things.insert_many([{"_id": 1}, {"_id": 2}, {"_id": 3, "k": None}])
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"_id": 4, "k": None})
        assert (await things.list_indexes())[1]["sparse"] is True

    @needs("indexes", "sparse_indexes")
    async def test_a_sparse_index_hides_nothing(self, things: Collection) -> None:
        """Filters and sorts that it could not serve still find all. Check when the planner takes it."""
        await things.insert_many([{"_id": 1, "k": 5}, {"_id": 2}, {"_id": 3, "k": None}])
        await things.create_index("k", sparse=True)
        assert ids_of(await things.find(sort=[("k", 1), ("_id", 1)]).to_list()) == [2, 3, 1]
        assert sorted(ids_of(await things.find({"k": None}).to_list())) == [2, 3]
        assert sorted(ids_of(await things.find({"k": {"$ne": 5}}).to_list())) == [2, 3]

    @needs("indexes", "partial_indexes", "unique_indexes")
    async def test_a_partial_index_holds_for_what_it_covers(self, things: Collection) -> None:
        """Others may share the key. Check ``partial_filter``."""
        await things.create_index("k", unique=True, partial_filter={"live": True})
        await things.insert_many([{"_id": 1, "k": 1, "live": True}, {"_id": 2, "k": 1}, {"_id": 3, "k": 1}])
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"_id": 4, "k": 1, "live": True})
        with pytest.raises(DuplicateKeyError):
            await things.update_one({"_id": 2}, {"$set": {"live": True}})
        assert (await things.list_indexes())[1]["partialFilterExpression"] == {"live": True}

    @needs("indexes", "partial_indexes")
    async def test_a_partial_index_hides_nothing(self, things: Collection) -> None:
        """Filters that it does not cover still find all. Check when the planner takes it."""
        await things.insert_many([{"_id": 1, "k": 5, "live": True}, {"_id": 2, "k": 5}])
        await things.create_index("k", partial_filter={"live": True})
        assert sorted(ids_of(await things.find({"k": 5}).to_list())) == [1, 2]
        assert ids_of(await things.find({"k": 5, "live": True}).to_list()) == [1]

    @needs("indexes", "ttl_indexes")
    async def test_an_expiring_index_is_listed(self, things: Collection) -> None:
        """With its seconds. Check ``expire_after_seconds``."""
        await things.create_index("at", expire_after_seconds=3600)
        assert (await things.list_indexes())[1]["expireAfterSeconds"] == 3600

    @needs("indexes", "ttl_indexes")
    async def test_what_is_not_due_stays(self, things: Collection) -> None:
        """Nor does what has no date. Check how the service takes dates and other values."""
        await things.create_index("at", expire_after_seconds=3600)
        now = datetime.now(UTC)
        await things.insert_many(
            [{"_id": 1, "at": now}, {"_id": 2}, {"_id": 3, "at": "soon"}, {"_id": 4, "at": now + timedelta(1)}]
        )
        assert sorted(ids_of(await things.find().to_list())) == [1, 2, 3, 4]

    @needs("indexes", "collations")
    async def test_an_index_has_a_collation(self, things: Collection) -> None:
        """It is listed, and changes no answer of a read without it. Check when the planner takes it."""
        loose = {"locale": "en", "strength": 2}
        await things.insert_many([{"_id": 1, "s": "Ada"}, {"_id": 2, "s": "ada"}])
        await things.create_index("s", collation=loose)
        listed = (await things.list_indexes())[1]["collation"]
        assert {name: listed[name] for name in loose} == loose
        assert ids_of(await things.find({"s": "Ada"}).to_list()) == [1]
        assert sorted(ids_of(await things.find({"s": "ADA"}, collation=loose).to_list())) == [1, 2]
        await self.observe_plan("collations", things.find({"s": "ADA"}, collation=loose))

    @needs("indexes", "collations", "unique_indexes")
    async def test_a_unique_index_compares_by_its_collation(self, things: Collection) -> None:
        """Ada and ada are one key at strength 2. Check ``collation`` of unique indexes."""
        await things.create_index("s", unique=True, collation={"locale": "en", "strength": 2})
        await things.insert_one({"s": "Ada"})
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"s": "ada"})

    @needs("indexes", "wildcard_indexes")
    @pytest.mark.parametrize("keys", ["$**", "a.$**"], ids=["all", "below"])
    async def test_a_wildcard_index_hides_nothing(self, things: Collection, keys: str) -> None:
        """It is listed, and answers are the same. Check what is compiled to such an index."""
        await things.insert_many([{"_id": 1, "a": {"b": 5}}, {"_id": 2, "a": [{"b": 5}, 7]}, {"_id": 3, "c": 5}])
        await things.create_index(keys)
        assert (await things.list_indexes())[1]["key"] == {keys: 1}
        assert sorted(ids_of(await things.find({"a.b": 5}).to_list())) == [1, 2]
        assert ids_of(await things.find({"c": {"$gt": 4}}).to_list()) == [3]
        assert ids_of(await things.find({"a.b": None}).to_list()) == [3]
        await self.observe_plan("wildcard_indexes", things.find({"a.b": 5}))

    @needs("indexes")
    async def test_answers_are_the_same_with_an_index(self, things: Collection) -> None:
        """Equality, ranges, arrays, missing fields, order. Check what is compiled to the index."""
        documents: list[dict[str, Any]] = [
            *({"_id": number, "k": number % 5, "t": [number, -number]} for number in range(30)),
            {"_id": 30, "k": None},
            {"_id": 31},
            {"_id": 32, "k": "text"},
            {"_id": 33, "k": [1, 9]},
        ]
        filters: list[dict[str, Any]] = [
            {"k": 3},
            {"k": {"$gte": 3}},
            {"k": {"$in": [1, None]}},
            {"k": {"$ne": 1}},
            {"k": {"$gt": 1, "$lt": 4}},
            {"t": {"$gt": 5, "$lt": -5}},
            {"k": {"$exists": True}},
            {"k": {"$regex": "^te"}},
        ]
        await things.insert_many(documents)
        order = [("k", 1), ("_id", 1)]
        before = [ids_of(await things.find(each, sort=order).to_list()) for each in filters]
        await things.create_index("k")
        await things.create_index([("t", -1)])
        assert [ids_of(await things.find(each, sort=order).to_list()) for each in filters] == before

    @needs("indexes")
    async def test_a_hint_names_the_index(self, things: Collection) -> None:
        """By name and by keys; one that is not there is refused. Check ``hint`` of ``compile()``."""
        await things.insert_many([{"_id": number, "k": number} for number in range(5)])
        await things.create_index("k")
        assert ids_of(await things.find({"k": {"$gt": 3}}, hint="k_1").to_list()) == [4]
        assert ids_of(await things.find({"k": {"$gt": 3}}, hint=[("k", 1)]).to_list()) == [4]
        with pytest.raises(NoSQLIndexError):
            await things.find({"k": 1}, hint="nothing").to_list()

    @needs("indexes")
    async def test_indexes_go_with_their_collection(self, things: Collection, store: DocumentStore) -> None:
        """A new one has none. Check ``drop_collection()`` of the driver."""
        await things.insert_one({"_id": 1})
        await things.create_index("k")
        await store.drop_collection("things")
        await things.insert_one({"_id": 1})
        assert len(await things.list_indexes()) == 1

    @needs("indexes")
    async def test_many_make_one_index(self, things: Collection) -> None:
        """Concurrent callers find the same one. Check ``create_index()`` where the index is being made."""
        await things.insert_one({"_id": 1})
        assert set(await asyncio.gather(*(things.create_index("k") for _ in range(4)))) == {"k_1"}
        assert len(await things.list_indexes()) == 2
