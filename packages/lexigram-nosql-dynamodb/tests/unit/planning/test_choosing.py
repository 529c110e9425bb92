"""Which way a read takes: key, table, local index, global index or scan."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.backends.dynamodb.planning.access import GetKeys, Nothing, ScanPlan
from lexigram.nosql.backends.dynamodb.planning.choose import Planner
from lexigram.nosql.backends.dynamodb.planning.shape import (
    ALL,
    KEYS,
    ComputedIndex,
    IndexShape,
    KeyAttribute,
    ScopeCondition,
    TableShape,
)
from lexigram.nosql.exceptions import NoSQLIndexError
from lexigram.nosql.indexes import parse_index
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort


def key(name: str, kind: Any = "S", path: str | None = None) -> KeyAttribute:
    return KeyAttribute(name, kind, name if path is None else path)


PAIR = IndexShape("games", "table", (key("player", path="_id.player"),), (key("game", path="_id.game"),))


def table(*indexes: IndexShape, primary: IndexShape = PAIR, **more: Any) -> TableShape:
    return TableShape("games", primary, indexes, foreign=True, **more)


def local(projection: Any = ALL) -> IndexShape:
    return IndexShape("by_score", "lsi", PAIR.partition, (key("score", "N"),), projection)


def globally(projection: Any = ALL) -> IndexShape:
    return IndexShape("by_team", "gsi", (key("team"),), (key("points", "N"),), projection, consistent_ok=False)


TEAM_ONLY = IndexShape("of_team", "gsi", (key("team"),), consistent_ok=False)


def plan(shape: TableShape, filter: Any, sort: Any = None, **options: Any) -> Any:
    return Planner(shape).plan(parse_filter(filter), parse_sort(sort) if sort else None, **options)


def test_empty_filter_reads_the_whole_table_exactly() -> None:
    found = plan(table(), {})
    assert found.way == ScanPlan({"TableName": "games"})
    assert found.residue is None
    assert found.access.kind == "scan"


def test_equality_on_the_partition_of_a_table_without_sort_key_is_a_look_up() -> None:
    primary = IndexShape("games", "table", (KeyAttribute("player", "S", "_id"),))
    found = plan(table(primary=primary, renamed={"_id": "player"}), {"_id": "ada"})
    assert found.way == GetKeys(({"player": {"S": "ada"}},))
    assert found.residue is None
    assert found.ordered


def test_equality_on_the_partition_is_a_query_of_the_table() -> None:
    found = plan(table(), {"_id.player": "ada"})
    assert found.display["key_condition"] == "player = 'ada'"
    assert "index" not in found.display
    assert found.residue is None


def test_equality_on_another_field_is_a_scan_with_a_filter() -> None:
    found = plan(table(), {"team": "red"})
    assert isinstance(found.way, ScanPlan)
    assert found.display["filter"].startswith("team = 'red' OR ")


def test_range_on_the_partition_is_a_scan_with_a_filter() -> None:
    found = plan(table(), {"_id.player": {"$gt": "ada"}})
    assert isinstance(found.way, ScanPlan)
    assert found.display["filter"] == "player > 'ada'"
    assert found.residue is None


def test_partition_and_another_field_are_a_query_with_a_filter() -> None:
    found = plan(table(), {"_id.player": "ada", "team": "red"})
    assert found.display["key_condition"] == "player = 'ada'"
    assert found.display["filter"].startswith("team = 'red' OR ")


def test_partition_and_range_of_the_sort_key_are_a_key_condition() -> None:
    found = plan(table(), {"_id.player": "ada", "_id.game": {"$gte": "a", "$lte": "m"}})
    assert found.display["key_condition"] == "player = 'ada' AND game BETWEEN 'a' AND 'm'"
    assert "filter" not in found.display
    assert found.residue is None


def test_whole_key_is_a_look_up() -> None:
    keys = GetKeys(({"player": {"S": "ada"}, "game": {"S": "go"}},))
    assert plan(table(), {"_id.player": "ada", "_id.game": "go"}).way == keys
    assert plan(table(), {"_id": {"player": "ada", "game": "go"}}).way == keys
    several = {"$in": [{"player": "ada", "game": "go"}, {"game": "go", "player": "ada"}, 5]}
    assert plan(table(), {"_id": several}).way == keys


@pytest.mark.parametrize(
    "identity", [{"game": "go", "player": "ada"}, {"player": "ada"}, "ada", {"player": 1, "game": "go"}]
)
def test_an_id_that_no_item_can_have_sends_no_request(identity: Any) -> None:
    found = plan(table(), {"_id": identity})
    assert isinstance(found.way, Nothing)
    assert found.residue is None


def test_partition_and_sort_key_of_a_local_index_are_a_query_of_the_index() -> None:
    found = plan(table(local()), {"_id.player": "ada", "score": {"$gt": 5}})
    assert found.display["index"] == "by_score"
    assert found.display["key_condition"] == "player = 'ada' AND score > 5"
    assert found.residue is None


def test_local_index_that_lacks_wanted_fields_gives_way_to_the_table() -> None:
    found = plan(table(local(frozenset({"team"}))), {"_id.player": "ada", "score": {"$gt": 5}})
    assert "index" not in found.display
    assert found.display["filter"].startswith("score > 5")
    assert not found.way.fetch


def test_local_index_that_has_the_wanted_fields_is_read() -> None:
    needed = frozenset({"_id", "score", "team"})
    found = plan(table(local(frozenset({"team"}))), {"_id.player": "ada", "score": {"$gt": 5}}, needed=needed)
    assert found.display["index"] == "by_score"
    assert not found.way.fetch


def test_tables_sort_key_comes_before_that_of_a_local_index() -> None:
    found = plan(table(local()), {"_id.player": "ada", "_id.game": {"$gt": "a"}, "score": {"$gt": 5}})
    assert "index" not in found.display
    assert found.display["key_condition"] == "player = 'ada' AND game > 'a'"
    # The attribute is a key of an index, so it holds nothing but numbers.
    assert found.display["filter"] == "score > 5"
    assert found.residue is None


def test_equality_on_a_field_with_a_global_index_is_a_query_of_the_index() -> None:
    found = plan(table(TEAM_ONLY), {"team": "red"})
    assert found.display["index"] == "of_team"
    assert found.residue is None


def test_partition_and_sort_key_of_a_global_index_are_a_query_of_the_index() -> None:
    found = plan(table(globally()), {"team": "red", "points": {"$lt": 9.5}})
    assert found.display["key_condition"] == "team = 'red' AND points < 9.5"
    assert found.residue is None
    # Others may have written a decimal between a float's digits and its value, so the bound is widened.
    found = plan(table(globally()), {"team": "red", "points": {"$lt": 0.1}})
    assert found.display["key_condition"].startswith("team = 'red' AND points <= 0.1000000000000000")
    assert found.residue is not None
    found = plan(table(globally()), {"team": "red", "points": 9})
    assert found.display["key_condition"] == "team = 'red' AND points = 9"
    assert found.residue is None


def test_global_index_that_lacks_wanted_fields_is_completed_from_the_table() -> None:
    for projection in (KEYS, frozenset({"other"})):
        found = plan(table(globally(projection)), {"team": "red", "points": {"$gt": 5}})
        assert found.display["index"] == "by_team"
        assert found.way.fetch
        assert found.display["fetch"] == "BatchGetItem"


def test_filter_looks_only_at_what_a_partial_index_holds() -> None:
    shape = table(globally(frozenset({"other"})))
    found = plan(shape, {"team": "red", "points": {"$gt": 5}, "other": "x", "name": "Ada"})
    assert found.display["filter"].startswith("other = 'x'")
    assert "name" not in found.display["filter"]
    assert found.residue is not None


def test_global_index_that_has_the_wanted_fields_is_read() -> None:
    found = plan(
        table(globally(frozenset({"name"}))),
        {"team": "red", "points": {"$gt": 5}},
        needed=frozenset({"team", "points", "name"}),
    )
    assert found.display["index"] == "by_team"
    assert not found.way.fetch


def test_index_without_the_items_that_lack_its_sort_key_is_not_read() -> None:
    assert isinstance(plan(table(globally()), {"team": "red"}).way, ScanPlan)
    found = plan(table(globally()), {"team": "red", "points": {"$exists": True}})
    assert found.display["index"] == "by_team"
    assert found.display["key_condition"] == "team = 'red'"


def test_null_is_not_looked_for_in_an_index_of_fields() -> None:
    assert isinstance(plan(table(TEAM_ONLY), {"team": None}).way, ScanPlan)


def test_value_of_another_type_than_the_key_matches_nothing() -> None:
    assert isinstance(plan(table(TEAM_ONLY), {"team": 5}).way, Nothing)


def test_in_on_a_partition_is_one_query_for_each_value() -> None:
    found = plan(table(TEAM_ONLY), {"team": {"$in": ["red", "blue", "red"]}})
    values = [request["ExpressionAttributeValues"] for request in found.way.requests]
    assert values == [{":0": {"S": "red"}}, {":0": {"S": "blue"}}]


MANY_KEYS = IndexShape(
    "wide",
    "gsi",
    tuple(key(name) for name in ("a", "b", "c", "d")),
    tuple(key(name, "N") for name in ("e", "f", "g", "h")),
    consistent_ok=False,
)


def test_index_of_four_partition_and_four_sort_attributes_is_used_from_the_left() -> None:
    given = {"a": "1", "b": "2", "c": "3", "d": "4", "e": 5, "f": {"$gt": 6}, "g": {"$exists": True}, "h": 8}
    found = plan(table(MANY_KEYS), given)
    assert found.display["index"] == "wide"
    assert found.display["key_condition"] == "a = '1' AND b = '2' AND c = '3' AND d = '4' AND e = 5 AND f > 6"
    # The last one is a key attribute, which a filter may not look at.
    assert "filter" not in found.display
    assert found.residue is not None


def test_index_of_several_partition_attributes_needs_all_of_them() -> None:
    given = {"a": "1", "b": "2", "c": "3", "e": 5, "f": 6, "g": 7, "h": 8}
    assert isinstance(plan(table(MANY_KEYS), given).way, ScanPlan)


def test_sort_by_several_key_attributes_is_served() -> None:
    fixed = {"a": "1", "b": "2", "c": "3", "d": "4", "e": 5}
    rest = {name: {"$exists": True} for name in "fgh"}
    assert plan(table(MANY_KEYS), {**fixed, **rest}, [("f", 1), ("g", 1)]).ordered
    backwards = plan(table(MANY_KEYS), {**fixed, **rest}, [("e", 1), ("f", -1), ("g", -1)])
    assert backwards.ordered
    assert backwards.display["backwards"]
    assert not plan(table(MANY_KEYS), {**fixed, **rest}, [("f", 1), ("g", -1)]).ordered
    assert not plan(table(MANY_KEYS), {**fixed, **rest}, [("g", 1)]).ordered


def test_order_of_the_sort_key_is_served_and_backwards_too() -> None:
    found = plan(table(local()), {"_id.player": "ada", "score": {"$gte": 0}}, [("score", -1)])
    assert found.ordered
    assert found.way.requests[0]["ScanIndexForward"] is False
    assert not plan(table(local()), {"_id.player": "ada", "score": {"$gte": 0}}, [("name", 1)]).ordered


def test_index_that_gives_the_order_is_preferred() -> None:
    given = {"_id.player": "ada", "score": {"$exists": True}}
    assert "index" not in plan(table(local()), given).display
    assert plan(table(local()), given, [("score", 1)]).display["index"] == "by_score"


def test_bytes_have_another_order_than_in_the_engine() -> None:
    index = IndexShape("by_hash", "gsi", (key("team"),), (key("hash", "B"),))
    assert not plan(table(index), {"team": "red", "hash": {"$exists": True}}, [("hash", 1)]).ordered


def test_consistent_reads_leave_global_indexes_out_and_refuse_them_by_name() -> None:
    assert isinstance(plan(table(TEAM_ONLY), {"team": "red"}, consistent=True).way, ScanPlan)
    with pytest.raises(NoSQLIndexError, match="consistently"):
        plan(table(TEAM_ONLY), {"team": "red"}, hint="of_team", consistent=True)
    assert plan(table(local()), {"_id.player": "a", "score": 1}, consistent=True).display["index"] == "by_score"


def test_hint_is_followed_and_an_unknown_one_refused() -> None:
    shape = table(TEAM_ONLY, local())
    assert isinstance(plan(shape, {"team": "red"}, hint="_id_").way, ScanPlan)
    assert isinstance(plan(shape, {"team": "red"}, hint=(("$natural", 1),)).way, ScanPlan)
    assert plan(shape, {"team": "red", "_id.player": "a"}, hint="of_team").display["index"] == "of_team"
    assert plan(shape, {"team": "red"}, hint=(("team", 1),)).display["index"] == "of_team"
    with pytest.raises(NoSQLIndexError):
        plan(shape, {}, hint="nope")


@pytest.mark.parametrize("filter", [{"a": {"$in": []}}, {"_id": {"$in": []}}, {"$and": [{"a": 1}, {"b": {"$in": []}}]}])
def test_empty_in_sends_no_request(filter: Any) -> None:
    assert isinstance(plan(table(), filter).way, Nothing)


def test_empty_nin_reads_everything_exactly() -> None:
    found = plan(table(), {"a": {"$nin": []}})
    assert found.way == ScanPlan({"TableName": "games"})
    assert found.residue is None


def test_scope_keeps_out_what_else_is_in_the_table() -> None:
    scope = (ScopeCondition("kind", "equals", {"S": "game"}), ScopeCondition("guard", "absent"))
    found = plan(table(scope=scope), {"team": "red"})
    assert found.display["filter"].startswith("kind = 'game' AND attribute_not_exists(guard) AND (team = 'red'")
    assert plan(table(scope=scope), {}).residue is None


def test_collection_in_a_shared_table_is_a_query_of_its_partition() -> None:
    primary = IndexShape(
        "all",
        "table",
        (KeyAttribute("_lxp", "S", constant={"S": "games"}),),
        (KeyAttribute("id", "S", "_id", encoded=True),),
    )
    shape = TableShape("all", primary, renamed={"_id": "id"})
    found = plan(shape, {"name": "go"})
    assert found.access.kind == "scan"
    assert found.display["key_condition"] == "_lxp = 'games'"
    assert plan(shape, {"_id": 5}).way == GetKeys(({"_lxp": {"S": "games"}, "id": {"S": "$n:5"}},))
    assert plan(shape, {"_id": {"$regex": "^user:"}}).access.fields == ("_id",)


OWN = IndexShape("games", "table", (KeyAttribute("_id", "S", "_id", encoded=True),))


def ours(keys: Any, hashed: int, *, irregular: bool = False, **options: Any) -> IndexShape:
    return IndexShape(
        "lexigram-1",
        "gsi",
        (KeyAttribute("_lx1p", "S"),),
        (KeyAttribute("_lx1s", "S"),),
        ALL,
        ComputedIndex(parse_index(keys, **options), hashed, "m", irregular),
        consistent_ok=False,
    )


def own(*indexes: IndexShape) -> TableShape:
    return TableShape("games", OWN, indexes)


def test_index_of_ours_serves_equality_range_and_order() -> None:
    shape = own(ours([("city", 1), ("age", -1)], 1))
    found = plan(shape, {"city": "Rome", "age": {"$gte": 5}}, [("age", -1)])
    assert found.access.index == "city_1_age_-1"
    assert found.access.fields == ("city", "age")
    assert found.ordered
    assert found.residue is None
    assert plan(shape, {"city": "Rome"}, [("city", 1), ("age", 1)]).display["backwards"]
    assert plan(shape, {"city": None}).residue is None
    assert isinstance(plan(shape, {"age": 5}).way, ScanPlan)


def test_index_of_ours_gives_an_order_without_conditions() -> None:
    found = plan(own(ours("age", 0)), {}, [("age", 1)])
    assert found.ordered
    assert found.access.index == "age_1"
    assert found.access.fields == ()
    assert plan(own(ours("age", 0)), {}).access.kind == "scan"


def test_documents_filed_apart_are_looked_for_as_well() -> None:
    found = plan(own(ours("city", 0, irregular=True)), {"city": "Rome"}, [("city", 1)])
    assert [("FilterExpression" in request) for request in found.way.requests] == [False, True]
    assert not found.ordered
    assert found.residue is None


def test_sparse_and_partial_indexes_serve_only_what_they_hold() -> None:
    sparse = own(ours("city", 0, sparse=True))
    assert isinstance(plan(sparse, {"city": None}).way, ScanPlan)
    assert plan(sparse, {"city": "Rome"}).access.kind == "index"
    partial = own(ours("city", 0, partial_filter={"age": {"$gte": 18}}))
    assert isinstance(plan(partial, {"city": "Rome"}).way, ScanPlan)
    assert isinstance(plan(partial, {"city": "Rome", "age": {"$gte": 17}}).way, ScanPlan)
    assert plan(partial, {"city": "Rome", "age": {"$gt": 18}}).access.kind == "index"
    assert plan(partial, {"city": "Rome", "age": 30}).access.kind == "index"


def test_text_compared_by_a_collation_uses_no_key() -> None:
    query = parse_filter({"_id": "a", "team": "red"}, collation={"locale": "en", "strength": 2})
    found = Planner(own(ours("team", 0))).plan(query)
    assert isinstance(found.way, ScanPlan)
    assert "filter" not in found.display
    assert found.residue is query


def test_plans_are_kept_by_shape_and_answers() -> None:
    planner = Planner(own())
    for number in (1, 2, 3):
        planner.plan(parse_filter({"n": number}))
    assert (planner.hits, planner.misses) == (2, 1)
    zero = planner.plan(parse_filter({"n": 0}))
    assert "attribute_type(n.$float, 'S')" in zero.display["filter"]
    assert (planner.hits, planner.misses) == (2, 2)
    planner.plan(parse_filter({"n": 0}))
    assert planner.plan(parse_filter({"n": 7})).display["filter"].startswith("7 IN (n, ")
    assert (planner.hits, planner.misses) == (4, 2)
