"""Which index a request uses, how many documents it looks at, and that it stops where it may."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from lexigram.nosql import InsertOne, UpdateMany
from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
from lexigram.nosql.collection import Collection
from lexigram.nosql.driver import Access, Compiled
from lexigram.nosql.exceptions import BulkWriteError, NoSQLIndexError, QueryOptionError, ScanDeniedError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.plan import ScanGuard, deliberate_scan

N = 1000


@pytest.fixture
async def many(kept: Collection) -> Collection:
    """A thousand documents: ``n`` all different, ``g`` ten groups, ``t`` two tags each."""
    await kept.insert_many(
        [
            {"_id": index, "n": (index * 37) % N, "g": index % 10, "h": index % 3, "t": [index % 5, 5 + index % 7]}
            for index in range(N)
        ]
    )
    return kept


async def ran(collection: Collection, given: Any = None, **options: Any) -> tuple[str | None, int | None, list[Any]]:
    """The index used, documents examined, and the ids found."""
    cursor = collection.find(given, **options)
    found = [document["_id"] for document in await cursor.to_list()]
    plan = await cursor.explain()
    assert plan.documents_returned == len(found)
    return plan.access.index, plan.documents_examined, found


async def test_an_equality_reads_what_is_equal(many: Collection) -> None:
    """Exactly as many documents as there are matches."""
    await many.create_index("g")
    index, examined, found = await ran(many, {"g": 3})
    assert (index, examined, len(found)) == ("g_1", 100, 100)
    index, examined, found = await ran(many, {"g": {"$in": [1, 2, 2, 99]}})
    assert (index, examined, len(found)) == ("g_1", 200, 200)
    index, examined, found = await ran(many, {"g": 3, "h": 1})
    assert (index, examined) == ("g_1", 100)
    assert len(found) < 100


async def test_a_key_look_up_reads_one(many: Collection) -> None:
    """Or as many as there are keys."""
    assert await ran(many, {"_id": 5}) == ("_id_", 1, [5])
    assert await ran(many, {"_id": {"$in": [7, 5, 7, -1]}}) == ("_id_", 2, [5, 7])
    assert await ran(many, {"_id": 5, "g": 9}) == ("_id_", 1, [])
    assert await ran(many, {"_id": -5}) == ("_id_", 0, [])
    plan = await many.find({"_id": 5}).explain()
    assert (plan.access.kind, plan.access.fields) == ("key", ("_id",))


async def test_several_values_are_found_in_their_own_order(many: Collection) -> None:
    """As an index of MongoDB gives them, not as they were asked for."""
    assert (await ran(many, {"_id": {"$in": [9, 3, 700, 5]}}))[2] == [3, 5, 9, 700]
    await many.create_index("n")
    cursor = many.find({"n": {"$in": [74, 0, 37]}}, projection={"_id": 0, "n": 1})
    assert await cursor.to_list() == [{"n": 0}, {"n": 37}, {"n": 74}]
    await many.create_index([("h", 1), ("g", 1)])
    cursor = many.find({"h": {"$in": [2, 0]}, "g": {"$in": [4, 1]}}, hint="h_1_g_1")
    pairs = [(document["h"], document["g"]) for document in await cursor.to_list()]
    assert pairs == sorted(pairs)
    assert set(pairs) == {(0, 1), (0, 4), (2, 1), (2, 4)}


async def test_a_range_reads_what_lies_in_it(many: Collection) -> None:
    """Both ends, one end, none."""
    await many.create_index("n")
    for given, count in (
        ({"n": {"$gte": 100, "$lt": 110}}, 10),
        ({"n": {"$gt": 100, "$lte": 110}}, 10),
        ({"n": {"$gt": 989}}, 10),
        ({"n": {"$lt": 10}}, 10),
        ({"n": {"$gt": 50, "$lt": 50}}, 0),
        ({"n": {"$gt": 60, "$lt": 50}}, 0),
        ({"n": {"$gt": "text"}}, 0),
        ({"n": {"$gte": 5.5, "$lt": 9.5}}, 4),
    ):
        index, examined, found = await ran(many, given)
        assert (index, examined, len(found)) == ("n_1", count, count), given


async def test_ids_have_an_order_too(many: Collection) -> None:
    """Ranges and sorts on _id need no index of their own, also while documents come and go."""
    assert await ran(many, {"_id": {"$gte": 990}}) == ("_id_", 10, list(range(990, 1000)))
    assert await ran(many, sort=[("_id", -1)], limit=3) == ("_id_", 3, [999, 998, 997])
    await many.insert_many([{"_id": 2000}, {"_id": 1500}])
    await many.delete_one({"_id": 999})
    await many.update_one({"_id": 998}, {"$set": {"x": 1}})
    await many.create_index("n")
    await many.insert_one({"_id": 1700})
    assert await ran(many, sort=[("_id", -1)], limit=5) == ("_id_", 5, [2000, 1700, 1500, 998, 997])
    assert await ran(many, {"_id": {"$gt": 997}}, sort=[("_id", 1)]) == ("_id_", 4, [998, 1500, 1700, 2000])
    assert await ran(many, hint="_id_", limit=2) == ("_id_", 2, [0, 1])


async def test_an_ordered_read_stops_at_its_limit(many: Collection) -> None:
    """It looks at as many documents as it gives, forwards and backwards, bounded or not."""
    await many.create_index("n")
    assert (await ran(many, sort=[("n", 1)], limit=20))[:2] == ("n_1", 20)
    assert (await ran(many, sort=[("n", -1)], limit=20, skip=5))[:2] == ("n_1", 25)
    index, examined, found = await ran(many, {"n": {"$gt": 500}}, sort=[("n", 1)], limit=20)
    assert (index, examined) == ("n_1", 20)
    assert [(await many.find_one({"_id": key}) or {})["n"] for key in found] == list(range(501, 521))
    index, examined, found = await ran(many, {"n": {"$lt": 500}}, sort=[("n", -1)], limit=20)
    assert (index, examined, len(found)) == ("n_1", 20, 20)
    plan = await many.find({"n": {"$gt": 500}}, sort=[("n", 1)], limit=20).explain()
    assert (plan.sort, plan.limit, plan.residue) == ("backend", "backend", None)
    assert (await many.find(sort=[("n", -1)]).explain()).native == {"direction": "backward"}


async def test_an_ordered_read_goes_on_until_it_has_enough(many: Collection) -> None:
    """Past documents that the rest of the filter refuses; no further than it must."""
    await many.create_index("n")
    index, examined, found = await ran(many, {"g": 3}, sort=[("n", 1)], limit=20)
    assert index == "n_1"
    assert len(found) == 20
    ordered = sorted(range(N), key=lambda key: (key * 37) % N)
    expected = [key for key in ordered if key % 10 == 3][:20]
    assert found == expected
    assert examined == ordered.index(expected[-1]) + 1
    index, examined, found = await ran(many, {"g": 99}, sort=[("n", 1)], limit=20)
    assert (examined, found) == (N, [])


async def test_an_index_may_give_a_part_of_the_order(many: Collection) -> None:
    """What it leaves open is sorted group by group, and a limit still ends the read."""
    await many.create_index("g")
    index, examined, found = await ran(many, sort=[("g", 1), ("n", -1)], limit=5)
    assert (index, examined) == ("g_1", 5)
    in_group = sorted(range(0, N, 10), key=lambda key: -((key * 37) % N))
    assert found == in_group[:5]
    index, examined, found = await ran(many, {"g": 4}, sort=[("g", -1), ("n", 1)])
    assert (index, examined, len(found)) == ("g_1", 100, 100)
    assert (await ran(many, sort=[("h", 1), ("g", 1)], limit=5))[0] is None


async def test_a_compound_index_serves_prefix_range_and_order(many: Collection) -> None:
    """Equality, then sort, then range."""
    await many.create_index([("g", 1), ("h", -1), ("n", 1)])
    name = "g_1_h_-1_n_1"
    assert (await ran(many, {"g": 1}))[:2] == (name, 100)
    index, examined, found = await ran(many, {"g": 1, "h": 2})
    assert (index, examined) == (name, len(found))
    index, examined, found = await ran(many, {"g": 1, "h": 2, "n": {"$lt": 500}})
    assert (index, examined) == (name, len(found))
    plan = await many.find({"g": 1, "h": 2, "n": {"$lt": 500}}).explain()
    assert plan.access.fields == ("g", "h", "n")
    assert (await ran(many, {"g": 1, "h": 2}, sort=[("n", -1)], limit=7))[:2] == (name, 7)
    assert (await ran(many, {"g": 1, "n": 5}))[:2] == (name, 100)
    assert (await ran(many, {"g": {"$in": [1, 2]}, "h": {"$in": [0, 1]}}))[0] == name
    assert (await ran(many, {"h": 1}))[0] is None
    assert (await ran(many, {"g": 5}, sort=[("g", 1)]))[:2] == (name, 100)


async def test_a_mixed_order_is_served_by_its_first_field(many: Collection) -> None:
    """One way up, one way down."""
    await many.create_index([("h", 1), ("n", 1)])
    index, examined, found = await ran(many, sort=[("h", 1), ("n", -1)], limit=3)
    assert (index, examined) == ("h_1_n_1", 3)
    assert found == sorted(range(0, N, 3), key=lambda key: -((key * 37) % N))[:3]


async def test_the_most_selective_index_is_chosen(many: Collection) -> None:
    """Counted, not guessed; a sort that an index saves counts too."""
    await many.create_index("g")
    await many.create_index("h")
    await many.create_index("n")
    assert (await ran(many, {"g": 1, "h": 1}))[0] == "g_1"
    assert (await ran(many, {"g": 1, "n": {"$lt": 50}}))[0] == "n_1"
    assert (await ran(many, {"g": 1, "n": {"$lt": 900}}))[0] == "g_1"
    assert (await ran(many, {"h": {"$gte": 0}}, sort=[("n", 1)], limit=5))[:2] == ("n_1", 5)
    assert (await ran(many, {"n": {"$lt": 5}}, sort=[("g", 1)]))[:2] == ("n_1", 5)


async def test_an_array_is_found_by_its_elements(many: Collection) -> None:
    """Each document once, however many elements match."""
    await many.create_index("t")
    index, examined, found = await ran(many, {"t": 3})
    assert (index, examined, len(found)) == ("t_1", 200, 200)
    index, examined, found = await ran(many, {"t": {"$in": [3, 5, 6]}})
    assert index == "t_1"
    assert len(found) == len(set(found)) == examined
    assert (await ran(many, {"t": {"$gt": 3, "$lt": 6}}))[0] == "t_1"
    assert sorted((await ran(many, {"t": {"$gt": 3, "$lt": 5}}))[2]) == sorted(
        document["_id"]
        for document in await many.find().to_list()
        if any(x > 3 for x in document["t"]) and any(x < 5 for x in document["t"])
    )
    assert (await many.find(sort=[("t", 1)]).explain()).sort == "engine"


async def test_or_uses_an_index_for_each_branch(many: Collection) -> None:
    """When each has one; the documents come once."""
    await many.create_index("n")
    await many.create_index("g")
    index, examined, found = await ran(many, {"$or": [{"n": 5}, {"n": {"$lt": 7}}, {"_id": 3}]})
    assert index == "n_1, _id_"
    assert examined == len(found) == len(set(found)) == 8
    index, examined, found = await ran(many, {"g": {"$gte": 0}, "$or": [{"n": 5}, {"n": 6}]})
    assert (index, examined, len(found)) == ("n_1", 2, 2)
    index, examined, found = await ran(many, {"$or": [{"n": 5}, {"n": 6}]}, sort=[("_id", -1)])
    assert (examined, found) == (2, sorted(found, reverse=True))
    assert (await ran(many, {"$or": [{"n": 5}, {"h": 1}]}))[0] is None
    plan = await many.find({"$or": [{"n": 5}, {"g": 6}]}).explain()
    assert plan.access.fields == ("n", "g")


async def test_a_limit_ends_a_scan_too(many: Collection) -> None:
    """Exactly at the last match."""
    assert await ran(many, {"g": 3}, limit=2) == (None, 14, [3, 13])
    assert await ran(many, limit=2) == (None, 2, [0, 1])
    assert await ran(many, skip=3, limit=2) == (None, 5, [3, 4])
    assert await ran(many, {"g": 77}, limit=2) == (None, N, [])
    assert (await ran(many, {"g": 3}))[1] == N


async def test_a_hint_is_obeyed(many: Collection) -> None:
    """By name, by keys, with count, by $natural; answers stay the same."""
    await many.create_index("g")
    await many.create_index("n")
    assert (await ran(many, {"g": 1, "n": {"$lt": 50}}, hint="g_1"))[:2] == ("g_1", 100)
    assert (await ran(many, {"g": 1, "n": {"$lt": 50}}, hint=[("g", 1)]))[0] == "g_1"
    assert (await ran(many, {"g": 1, "n": {"$lt": 50}}, hint={"n": 1}))[:2] == ("n_1", 50)
    assert (await ran(many, {"h": 1}, hint="g_1"))[:2] == ("g_1", N)
    assert (await ran(many, {"g": 1}, hint={"$natural": 1}))[:2] == (None, N)
    assert await ran(many, {"g": 1}, hint={"$natural": -1}, limit=1) == (None, 9, [991])
    assert await many.count_documents({"g": 1}, hint="n_1") == 100
    assert (await many.find_one({"g": 1}, hint="n_1")) is not None
    assert (await many.update_many({"g": 1}, {"$set": {"x": 1}}, hint="g_1")).modified_count == 100
    assert (await many.delete_many({"g": 1}, hint=[("n", 1)])).deleted_count == 100
    with pytest.raises(NoSQLIndexError, match="There are: _id_, g_1, n_1"):
        await many.count_documents({"g": 2}, hint="x_1")
    with pytest.raises(NoSQLIndexError):
        await many.find({"g": 2}, hint=[("g", -1)]).to_list()


async def test_natural_order_reads_the_table_itself(many: Collection) -> None:
    """Whatever indexes there are; backwards from its end."""
    await many.create_index("g")
    assert await ran(many, {"g": 1}, sort=[("$natural", -1)], limit=2) == (None, 19, [991, 981])
    assert await ran(many, {"g": 1}, sort=[("$natural", 1)], limit=2) == (None, 12, [1, 11])


async def test_counts_and_existence_look_at_no_more_than_they_must(many: Collection) -> None:
    """The same plans, without documents."""
    await many.create_index("g")
    plan = await many.explain("count_documents", {"g": 1})
    assert plan.access.index == "g_1"
    assert await many.count_documents({"g": 1}) == 100
    assert await many.count_documents({"g": {"$gte": 5}}) == 500
    assert await many.count_documents({"h": 1}) == len(range(1, N, 3))
    assert await many.count_documents({"h": 1}, limit=7) == 7
    assert await many.exists({"g": 9})
    assert not await many.exists({"g": 10})


async def test_large_collections_are_counted_and_read_in_parts(kept: Collection) -> None:
    """Other tasks have a turn, and the answer is that of the beginning."""
    await kept.insert_many([{"_id": index, "a": index % 2} for index in range(7000)])
    assert await kept.count_documents({"a": 1}) == 3500
    assert await kept.count_documents({"a": 1}, limit=3000) == 3000
    cursor = kept.find({"a": 1})
    assert (await anext(cursor))["_id"] == 1
    await kept.delete_many({"_id": {"$gt": 100}})
    assert len(await cursor.to_list()) == 3499
    assert await kept.count_documents({"a": 1}) == 50
    assert await kept.find_one({"_id": {"$gt": 5}, "a": 5}) is None
    await kept.insert_many([{"_id": index, "a": index} for index in range(10_000, 17_000)])
    assert (await kept.find_one({"a": 16_999})) == {"_id": 16_999, "a": 16_999}
    assert await kept.find_one({"a": -1}) is None
    assert await kept.exists({"a": 16_998})
    assert (await kept.find_one({"a": {"$gt": 5}}, skip=6000)) == {"_id": 16_000, "a": 16_000}


async def test_scans_are_denied_where_the_policy_says_so() -> None:
    """With the index that would serve; reads and writes and bulks alike; what asks for everything may have it."""
    async with InMemoryDocumentStore(MemoryConfig(scan_policy="deny")) as store:
        kept = store.collection("things")
        await kept.insert_many([{"_id": index, "a": index} for index in range(10)])
        calls: list[Any] = [
            lambda: kept.find({"a": 1, "b": {"$gt": 2}}, sort=[("c", -1)]).to_list(),
            lambda: kept.find_one({"a": 1, "b": {"$gt": 2}}, sort=[("c", -1)]),
            lambda: kept.update_one({"a": 1, "b": {"$gt": 2}}, {"$set": {"x": 1}}, sort=[("c", -1)]),
        ]
        for call in calls:
            with pytest.raises(ScanDeniedError) as caught:
                await call()
            assert caught.value.suggested_index == (("a", 1), ("c", -1), ("b", 1))
            assert "create_index([('a', 1), ('c', -1), ('b', 1)])" in (caught.value.hint or "")
            assert (caught.value.collection, caught.value.backend) == ("things", "memory")
        for call in (
            lambda: kept.count_documents({"a": 1}),
            lambda: kept.distinct("a", {"a": 1}),
            lambda: kept.exists({"a": 1}),
            lambda: kept.update_many({"a": 1}, {"$set": {"x": 1}}),
            lambda: kept.delete_one({"a": 1}),
            lambda: kept.delete_many({"a": 1}),
            lambda: kept.replace_one({"a": 1}, {}),
            lambda: kept.find_one_and_delete({"a": 1}),
            lambda: kept.aggregate([{"$match": {"a": 1}}]).to_list(),
        ):
            with pytest.raises(ScanDeniedError):
                await call()
        with pytest.raises(BulkWriteError) as bulk:
            await kept.bulk_write([InsertOne({"_id": 99}), UpdateMany({"a": 1}, {"$set": {"x": 1}})])
        assert isinstance(bulk.value.failures[0].error, ScanDeniedError)
        with pytest.raises(ScanDeniedError) as caught:
            await kept.find({"$or": [{"a": 1}, {"b": 2}]}).to_list()
        assert caught.value.suggested_index == ()
        assert len(await kept.find().to_list()) == 11
        assert await kept.count_documents() == 11
        token = (await kept.find_page(size=2)).next_cursor
        assert len((await kept.find_page(token=token)).items) == 9
        with pytest.raises(ScanDeniedError):
            await kept.find_page({"a": 1})
        assert await kept.find_one({"_id": 1}) is not None
        assert await kept.find({"_id": {"$gt": 5}}, sort=[("_id", 1)]).to_list()
        with deliberate_scan():
            assert await kept.count_documents({"a": 1}) == 1
        await kept.create_index("a")
        assert await kept.count_documents({"a": 1}) == 1
        assert await kept.find({"a": {"$lt": 100}}).to_list()
        assert (await kept.find({"b": 1}).explain()).full_scan


async def test_scans_are_warned_of_once_for_each_kind(caplog: pytest.LogCaptureFixture) -> None:
    """One line that names the index; none for other requests, and none where they are allowed."""
    caplog.set_level(logging.WARNING, "lexigram.nosql")
    async with InMemoryDocumentStore(MemoryConfig(scan_policy="warn")) as store:
        kept = store.collection("things")
        await kept.insert_many([{"a": index} for index in range(5)])
        for value in range(5):
            await kept.find({"a": value}).to_list()
            await kept.find_one({"a": value})
        await kept.find().to_list()
        assert [record.getMessage() for record in caplog.records] == [
            "full scan of 'things' on memory. An index would serve it: collection('things').create_index([('a', 1)])."
        ]
        await kept.find({"b": {"$gt": 1}}).to_list()
        await kept.find({"$nor": [{"b": 1}]}).to_list()
        assert len(caplog.records) == 3
        assert "No index serves this filter" in caplog.records[2].getMessage()
        await store.collection("others").find_one({"a": 1})
        assert len(caplog.records) == 4
    async with InMemoryDocumentStore() as store:
        await store.collection("things").find_one({"a": 1})
    assert len(caplog.records) == 4


async def test_elements_of_one_array_may_each_meet_one_condition(kept: Collection) -> None:
    """An entry holds what one element says, so an index on two of its fields bounds only the first."""
    await kept.insert_many(
        [
            {"_id": 1, "a": [{"b": 1, "c": 9}, {"b": 9, "c": 2}]},
            {"_id": 2, "a": [{"b": 1, "c": 2}]},
            {"_id": 3, "a": [{"b": 1, "c": 3}]},
        ]
    )
    await kept.create_index([("a.b", 1), ("a.c", 1)])
    for condition in (2, {"$lt": 3}, {"$in": [2, 4]}):
        index, _, found = await ran(kept, {"a.b": 1, "a.c": condition})
        assert (index, sorted(found)) == ("a.b_1_a.c_1", [1, 2])
    await kept.delete_one({"_id": 1})
    assert (await ran(kept, {"a.b": 1, "a.c": 2}))[1:] == (1, [2])  # without arrays of several, both bound it


async def test_a_position_is_the_same_whatever_element_another_path_takes(kept: Collection) -> None:
    """In an index on a position of an array and on a field of its elements."""
    await kept.insert_one({"_id": 1, "a": [3, {"b": 4}]})
    await kept.create_index([("a.0", 1), ("a.b", 1)])
    assert (await ran(kept, {"a.0": 3})) == ("a.0_1_a.b_1", 1, [1])
    assert (await ran(kept, {"a.0": 3, "a.b": 4}))[2] == [1]


async def test_null_under_a_position_does_not_depend_on_an_index(kept: Collection) -> None:
    """Elements lack a field that is called like the position, which equals null; no entry says so."""
    await kept.insert_one({"_id": 1, "a": [{"b": 1}]})
    plain = (await ran(kept, {"a.0.b": None}))[2]
    await kept.create_index("a.0.b")
    assert (await ran(kept, {"a.0.b": None}))[2] == plain == [1]
    assert (await ran(kept, {"a.0.b": 1}))[:2] == ("a.0.b_1", 1)


async def test_a_document_that_cannot_be_sorted_matters_only_if_it_is_selected(kept: Collection) -> None:
    """Also where an index could give the order in part."""
    await kept.insert_many(
        [{"_id": 1, "g": 1, "a": [1, 2], "b": [1, 2]}, {"_id": 2, "g": 1, "k": 1}, {"_id": 3, "g": 1, "k": 1, "a": -1}]
    )
    await kept.create_index("g")
    _, _, found = await ran(kept, {"k": 1}, sort=[("g", 1), ("a", 1), ("b", 1)], limit=5)
    assert found == [2, 3]


async def test_a_document_that_cannot_be_sorted_is_told_of_wherever_a_limit_stands(kept: Collection) -> None:
    """An index that gives the order in part does not hide it behind what is read; one field left is no danger."""
    await kept.insert_many([{"_id": number, "g": number} for number in range(10)])
    await kept.insert_one({"_id": 99, "g": 99, "a": [1, 2], "b": [1, 2]})
    order = [("g", 1), ("a", 1), ("b", 1)]
    for _ in range(2):
        with pytest.raises(QueryOptionError) as caught:
            await kept.find(sort=order, limit=2).to_list()
        assert caught.value.mongo_code == 2
        await kept.create_index("g")
        await kept.drop_index("g_1")
        await kept.create_index([("g", 1), ("k", 1)])
    assert (await ran(kept, {}, sort=[("g", 1), ("a", 1), ("_id", 1)], limit=2))[0] == "g_1_k_1"


@pytest.mark.parametrize("array", [[1], [], [1, 2]])
async def test_an_array_of_one_element_is_an_array_to_a_sort_with_and_without_an_index(
    kept: Collection, array: list[int]
) -> None:
    """Two arrays have no order, however few elements they have, and whatever the index that the sort begins with."""
    await kept.create_index("a")
    await kept.insert_many([{"_id": 1, "a": 1, "b": 1}, {"_id": 2, "a": 1, "b": [3]}])
    assert (await ran(kept, sort=[("a", 1), ("b", 1)], limit=1))[::2] == ("a_1", [1])
    await kept.update_one({"_id": 2}, {"$set": {"a": array}})
    for options in ({}, {"limit": 1}, {"hint": "a_1"}):
        with pytest.raises(QueryOptionError) as caught:
            await kept.find(sort=[("a", 1), ("b", 1)], **options).to_list()
        assert caught.value.mongo_code == 2
    await kept.update_one({"_id": 2}, {"$set": {"a": 1}})
    assert (await ran(kept, sort=[("a", 1), ("b", 1)], limit=1))[::2] == ("a_1", [1])


def test_a_driver_may_give_advice_of_its_own_where_an_index_is_not_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    compiled, query = Compiled(Access("scan"), None), parse_filter({"a": 1})
    with pytest.raises(ScanDeniedError) as caught:
        ScanGuard("deny", "some").check("things", compiled, query, None, advice="Ask by _id.")
    assert caught.value.hint == "Ask by _id."
    assert caught.value.suggested_index == ()
    with caplog.at_level(logging.WARNING):
        ScanGuard("warn", "some").check("things", compiled, query, None, advice="Ask by _id.")
    assert "Ask by _id." in caplog.text
    assert "create_index" not in caplog.text
