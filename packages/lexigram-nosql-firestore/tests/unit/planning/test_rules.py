"""Each rule of Firestore that differs from the engine's, and each limit, by a case of its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.backends.firestore.planning import KeyRead, Place, Planner, QueryRead, parse_hints, requests
from lexigram.nosql.driver import Compiled, NativeRead
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.projection import parse_projection
from lexigram.nosql.query.sort import parse_sort

PLACE = Place("orders", "projects/p/databases/d/documents/orders/")
HINTS = {
    "_id": "text",
    "status": "required text",
    "note": "text",
    "total": "required number",
    "lines": "int",
    "at": "required date",
    "tags": "array of text",
    "mixed": "scalar",
    "address.city": "required text",
}


def compiled(filter: Any, sort: Any = None, hints: dict[str, str] | None = None, **options: Any) -> Compiled:
    """A filter and order, compiled with hints."""
    promised = parse_hints({"orders": HINTS if hints is None else hints})["orders"]
    order = parse_sort(sort, collation=options.get("collation"))
    return Planner(PLACE, promised).compile(parse_filter(filter, **options), order)


def where(filter: Any, hints: dict[str, str] | None = None) -> Any:
    """What is asked natively; a list where several queries are sent, None for everything."""
    shown = [query.get("where") for query in compiled(filter, hints=hints).display["queries"]]
    return shown[0] if len(shown) == 1 else shown


# --- what goes down without hints


def test_equality_also_asks_for_an_element() -> None:
    """An array that holds the text equals it."""
    found = compiled({"a": "x"}, hints={})
    assert found.display["queries"] == [{"where": {"or": [["a", "==", "x"], ["a", "array-contains", "x"]]}}]
    assert found.exact


def test_a_number_is_asked_for_in_every_form_that_equals_it() -> None:
    """As a number, beside the text of a decimal, as a long, and in arrays; decimals are looked at again."""
    found = compiled({"a": 5}, hints={})
    assert [part[0:2] for part in found.display["queries"][0]["where"]["or"]] == [
        ["a", "=="],
        ["a.`~n`", "=="],
        ["a.`~long`", "=="],
        ["a", "array-contains-any"],
    ]
    assert not found.exact


@pytest.mark.parametrize(
    "filter",
    [
        {"a": {"$gt": 5}},
        {"a": {"$ne": 5}},
        {"a": {"$nin": [1, 2]}},
        {"a": None},
        {"a": {"$exists": False}},
        {"a.b": 5},
        {"a": {"$regex": "^x"}},
        {"a": {"$not": {"$gt": 5}}},
        {"a": {"b": 1}},
        {"a": datetime(2026, 1, 1, tzinfo=UTC)},
        {"a": "users/ada"},
        {"a": "x" * 1500},
        {"a": float("nan")},
        {"$expr": {"$eq": ["$a", 1]}},
        {"$or": [{"a": 1}, {"b": {"$gt": 1}}]},
    ],
)
def test_what_firestore_cannot_select_safely_reads_everything(filter: Any) -> None:
    """Nothing is asked, the engine tests every document, and the plan is a scan."""
    found = compiled(filter, hints={})
    assert found.display["queries"] == [{}]
    assert found.residue is not None
    assert found.access.kind == "scan"


def test_the_plan_says_what_a_hint_would_make_possible() -> None:
    """A range over a field that may hold an array is explained."""
    assert "array" in compiled({"a": {"$gt": 5}}, hints={}).display["left_to_engine"]["a"]
    assert "hint" in compiled({"a.b": 5}, hints={}).display["left_to_engine"]["a.b"]


def test_not_null_goes_down_and_is_tested_again() -> None:
    """An array that holds null is null for the engine."""
    found = compiled({"a": {"$ne": None}}, hints={})
    assert found.display["queries"] == [{"where": ["a", "is-not-null"]}]
    assert not found.exact


def test_a_field_that_exists_is_an_order() -> None:
    """Firestore has no other way to ask for it, null included."""
    found = compiled({"a": {"$exists": True}}, hints={})
    assert found.display["queries"] == [{"order_by": [["a", "asc"]]}]
    assert found.exact


def test_an_empty_list_selects_nothing_and_asks_nothing() -> None:
    """And $nin of nothing selects everything."""
    found = compiled({"a": {"$in": []}}, hints={})
    assert isinstance(found.native, KeyRead)
    assert found.native.ids == ()
    assert found.exact
    everything = compiled({"a": {"$nin": []}}, hints={})
    assert everything.display["queries"] == [{}]


def test_conditions_that_would_need_a_composite_index_beside_others_stay_with_the_engine() -> None:
    """An equality narrows enough; the existence of another field is tested on what comes back."""
    found = compiled({"a": "x", "b": {"$exists": True}}, hints={})
    assert "order_by" not in found.display["queries"][0]
    assert not found.exact


def test_one_array_condition_in_each_alternative() -> None:
    """The second stays with the engine."""
    found = compiled({"tags": {"$all": ["x", "y"]}})
    assert found.display["queries"] == [{"where": ["tags", "array-contains", "x"]}]
    assert not found.exact


# --- hints


@pytest.mark.parametrize(
    ("filter", "asked"),
    [
        ({"status": "x"}, ["status", "==", "x"]),
        ({"total": {"$gte": 5}}, ["total", ">=", 5]),
        ({"total": {"$lt": 2.5}}, ["total", "<", 2.5]),
        ({"total": Decimal("2.50")}, ["total", "==", 2.5]),
        ({"tags": "x"}, ["tags", "array-contains", "x"]),
        ({"tags": {"$in": ["x", "y"]}}, ["tags", "array-contains-any", ["x", "y"]]),
        ({"address.city": "Paris"}, ["address.city", "==", "Paris"]),
        ({"status": {"$ne": "x"}}, ["status", "!=", "x"]),
        ({"status": {"$nin": ["x", "y"]}}, ["status", "not-in", ["x", "y"]]),
        ({"note": {"$nin": ["x", None]}}, ["note", "!=", "x"]),
        ({"total": {"$not": {"$gt": 5}}}, ["total", "<=", 5]),
        ({"note": {"$ne": None}}, ["note", "is-not-null"]),
        ({"_id": {"$gt": "m"}}, ["__name__", ">", "m"]),
        ({"at": {"$gt": datetime(2026, 1, 1, tzinfo=UTC)}}, ["at", ">=", datetime(2026, 1, 1, 0, 0, 0, 1000, UTC)]),
        ({"mixed": {"$gte": "m"}}, ["mixed", ">=", "m"]),
    ],
)
def test_hints_make_conditions_exact(filter: Any, asked: Any) -> None:
    """Nothing is left to test, and the plan names the hint."""
    found = compiled(filter)
    assert found.display["queries"] == [{"where": asked}]
    assert found.exact
    assert found.display["field_hints"][next(iter(filter))] == HINTS[next(iter(filter))]


def test_what_a_hint_rules_out_selects_nothing() -> None:
    """Text in a field of numbers, null in a required one."""
    for asked in ({"total": "x"}, {"status": None}, {"status": {"$exists": False}}, {"total": {"$gt": "x"}}):
        assert compiled(asked).native == KeyRead(()), asked


def test_a_prefix_pattern_is_a_range_and_is_tested_again() -> None:
    """Up to the least text that does not begin so."""
    for pattern in (re.compile("^ab"), {"$regex": "^abc*"}):
        found = compiled({"note": pattern})
        assert found.display["queries"] == [{"where": {"and": [["note", ">=", "ab"], ["note", "<", "ac"]]}}]
        assert not found.exact
    assert where({"note": re.compile("^a|b")}) is None
    assert where({"note": re.compile("^ab", re.IGNORECASE)}) is None


def test_collations_keep_text_with_the_engine() -> None:
    """Numbers go down all the same."""
    found = compiled({"status": "x", "total": 5}, collation={"locale": "en", "strength": 2})
    assert found.display["queries"] == [{"where": ["total", "==", 5]}]
    assert not found.exact


def test_at_most_ten_values_are_excluded() -> None:
    """The others are left to the engine."""
    found = compiled({"status": {"$nin": [f"s{number}" for number in range(12)]}})
    assert len(found.display["queries"][0]["where"][2]) == 10
    assert not found.exact


def test_a_negative_condition_stands_alone() -> None:
    """Beside an equality it would need a composite index and narrow little."""
    assert where({"status": {"$ne": "x"}, "total": 5}) == ["total", "==", 5]


# --- thirty alternatives


def test_more_than_thirty_values_are_several_queries() -> None:
    """Exact, but in no order."""
    found = compiled({"status": {"$in": [f"s{number}" for number in range(70)]}}, "status")
    assert [len(query["where"][2]) for query in found.display["queries"]] == [30, 30, 10]
    assert (found.exact, found.ordered) == (True, False)


def test_lists_multiply() -> None:
    """Three times twenty is sixty: the longer list is cut."""
    found = compiled(
        {"status": {"$in": ["a", "b", "c"]}, "lines": {"$in": list(range(20))}},
    )
    shown = [query["where"]["and"] for query in found.display["queries"]]
    assert [[len(part[2]) for part in sorted(parts)] for parts in shown] == [[10, 3], [10, 3]]
    assert found.exact


def test_a_condition_that_takes_too_many_queries_is_left_to_the_engine() -> None:
    """As a scan, which the guard for scans sees."""
    found = compiled({"status": {"$in": [f"s{number}" for number in range(700)]}})
    assert found.access.kind == "scan"
    assert not found.exact


def test_alternatives_that_would_lose_documents_are_queries_of_their_own() -> None:
    """A range orders by its field, which leaves out documents without it that the other alternative selects."""
    either = {"$or": [{"lines": {"$gt": 5}}, {"status": "x"}]}
    assert where(either) == [["lines", ">", 5], ["status", "==", "x"]]
    assert where({"$or": [{"total": {"$gt": 5}}, {"status": "x"}]}) == {
        "or": [["total", ">", 5], ["status", "==", "x"]]
    }


def test_no_more_than_ten_fields_with_inequalities() -> None:
    """The eleventh is left to the engine."""
    hints = {f"f{number}": "int" for number in range(12)}
    found = compiled({name: {"$gt": 1} for name in hints}, hints=hints)
    assert len(found.display["queries"][0]["where"]["and"]) == 10
    assert not found.exact


# --- keys


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ({"_id": "a"}, ("a",)),
        ({"_id": 4.0}, (4.0,)),
        ({"_id": {"$in": ["a", "b", "a"]}}, ("a", "b")),
        ({"_id": {"$in": [4, Decimal("4.0"), 4.0]}}, (4.0,)),
        ({"_id": {"$in": []}}, ()),
        ({"_id": None}, (None,)),
    ],
)
def test_ids_are_looked_up(filter: Any, ids: Any) -> None:
    """Each once, however many there are; equal ones are one."""
    found = compiled(filter, hints={})
    assert found.native == KeyRead(ids)
    assert found.access.kind == "key"
    assert found.exact


def test_a_look_up_with_more_conditions_is_tested() -> None:
    """The engine has the whole filter."""
    found = compiled({"_id": "a", "b": 1}, hints={})
    assert found.native == KeyRead(("a",))
    assert found.residue is not None


def test_ids_in_alternatives_are_references() -> None:
    """Of documents, by encoded id."""
    (query,) = compiled({"$or": [{"_id": 7}, {"status": "x"}]}).native.queries
    assert "orders/~n7" in str(query)


def test_a_group_of_collections_has_no_names_to_ask_for() -> None:
    """Its ids are left to the engine unless they are the whole filter."""
    found = Planner(Place("orders")).compile(parse_filter({"$or": [{"_id": "a"}, {"x": "y"}]}), None)
    assert found.display["queries"] == [{}]
    assert found.native.queries[0].from_[0].all_descendants


# --- orders, limits, projections


@pytest.mark.parametrize(
    ("sort", "served"),
    [
        ([("total", -1)], True),
        ([("at", -1), ("_id", 1)], True),
        ([("_id", -1)], True),
        ([("note", 1)], False),
        ([("tags", 1)], False),
        ([("mixed", 1)], False),
        ([("unknown", 1)], False),
    ],
)
def test_an_order_is_served_where_no_document_is_left_out(sort: Any, served: bool) -> None:
    """Only by required fields of one type."""
    assert compiled({}, sort).ordered is served


def test_a_condition_may_say_that_the_field_is_there() -> None:
    """Then a field that is not required can be ordered by."""
    assert compiled({"note": {"$gte": "a"}}, [("note", 1)]).ordered
    assert not compiled({"$or": [{"note": {"$gte": "a"}}, {"status": "x"}]}, [("note", 1)]).ordered


@pytest.mark.parametrize(
    ("filter", "sort", "served"),
    [
        ({"status": "x", "total": {"$gt": 1}}, [("at", 1), ("_id", 1)], False),
        ({"status": "x", "total": {"$gt": 1}}, [("at", 1), ("total", 1), ("_id", 1)], True),
        ({"total": {"$gt": 1}}, [("total", -1), ("_id", 1)], True),
        ({"total": {"$gt": 1}}, [("_id", 1)], False),
        ({"_id": {"$gt": "m"}}, [("total", 1), ("_id", 1)], True),
        ({"unhinted": {"$exists": True}}, [("_id", 1)], False),
    ],
)
def test_nothing_is_ordered_by_after_the_name(filter: Any, sort: Any, served: bool, model: Any) -> None:
    """Firestore orders by every field with an inequality, and takes none after the name."""
    found = compiled(filter, sort)
    assert found.ordered is served
    for query in found.native.queries:
        model({}).run(query)


def test_skip_and_limit_go_into_a_single_query() -> None:
    """Of several queries each is told how much can be needed of it."""
    single = compiled({"status": "x"})
    (query,) = requests(single.native, NativeRead(single, skip=5, limit=10), PLACE)
    assert (query.offset, query.limit.value) == (5, 10)
    several = compiled({"status": {"$in": [f"s{number}" for number in range(31)]}})
    for query in requests(several.native, NativeRead(several, skip=5, limit=10), PLACE):
        assert (query.offset, query.limit.value) == (0, 15)
    assert not single.native.queries[0].HasField("limit")


def test_a_projection_narrows_to_fields_of_the_document() -> None:
    """Beside them what the codec keeps: the order of fields, and an id that the name does not tell."""
    found = compiled({})
    read = NativeRead(found, projection=parse_projection({"a.b": 1, "c d": 1}))
    (query,) = requests(found.native, read, PLACE)
    assert [field.field_path for field in query.select.fields] == ["a", "`c d`", "`~id`", "`~`"]
    (query,) = requests(found.native, NativeRead(found, projection=parse_projection({"a": 0})), PLACE)
    assert not query.HasField("select")


def test_a_place_in_the_order_is_where_the_query_begins() -> None:
    """Included, since the engine leaves out what was seen."""
    order = parse_sort([("total", 1), ("_id", 1)])
    assert order is not None
    found = compiled({}, [("total", 1), ("_id", 1)])
    place = order.place({"_id": "k", "total": 5})
    (query,) = requests(found.native, NativeRead(found, after=place), PLACE)
    assert query.start_at.before
    assert [value.WhichOneof("value_type") for value in query.start_at.values] == ["integer_value", "reference_value"]


def test_names_that_are_no_words_are_quoted() -> None:
    """Dots do not stand in a filter's names; backticks, spaces and reserved names do."""
    assert where({"a b": "x"}, hints={"a b": "text"}) == ["`a b`", "==", "x"]
    assert where({"__x__": "x"}, hints={"__x__": "text"}) == ["`~~__x__`", "==", "x"]
    assert where({"a`b": "x"}, hints={"a`b": "text"}) == ["`a\\`b`", "==", "x"]


def test_queries_are_not_shared_with_the_reader() -> None:
    """What a reader puts into its request does not come back in the next."""
    found = compiled({"status": "x"})
    assert isinstance(found.native, QueryRead)
    (one,) = requests(found.native, NativeRead(found), PLACE)
    one.where.field_filter.value.string_value = "y"
    (two,) = requests(found.native, NativeRead(found), PLACE)
    assert two.where.field_filter.value.string_value == "x"


def test_ids_stand_in_no_request_with_an_inequality() -> None:
    """Firestore refuses it; what stands beside an id is tested."""
    either = {"$or": [{"_id": 7, "total": {"$gt": 1}}, {"total": {"$gt": 5}}]}
    assert [part[1] for part in where(either)] == ["==", ">"]
    assert not compiled(either).exact


# --- a hundred filters


@pytest.mark.parametrize(
    ("filter", "sort"),
    [
        ({"a": {"$in": list("abcdefghij")}, "b": "x", "c": "y", "d": "z"}, None),
        ({"$or": [{name: f"{name}{number}" for name in "abcd"} for number in range(30)]}, None),
        (
            {
                "status": {"$in": [f"s{number}" for number in range(30)]},
                "total": 1,
                "at": datetime(2026, 1, 1, tzinfo=UTC),
            },
            "total",
        ),
        (
            {"status": {"$in": list("abcde")}, "total": {"$in": [1, 2, 3, 4, 5, 6]}, "note": "n", "_id": {"$gt": "a"}},
            None,
        ),
        ({"$and": [{f"f{number}": {"$gt": number}} for number in range(12)]}, None),
        ({"$or": [{"status": f"s{number}", "total": number, "note": {"$gt": "a"}} for number in range(30)]}, None),
    ],
)
@pytest.mark.parametrize("hints", [HINTS, {}], ids=["hints", "no hints"])
def test_no_request_has_more_than_a_hundred_filters_and_orders(
    filter: Any, sort: str | None, hints: dict[str, str], model: Any
) -> None:
    """Counted in each alternative by itself, with the parent's path."""
    queries = compiled(filter, sort, hints).native.queries
    assert queries
    found = model({})
    for query in queries:
        found.run(query)


def test_more_equalities_than_fit_are_tested_afterwards() -> None:
    hints = {f"f{number}": "int" for number in range(120)}
    found = compiled({f"f{number}": number for number in range(120)}, hints=hints)
    (query,) = found.native.queries
    assert len(query.where.composite_filter.filters) == 98
    assert not found.exact


def test_a_list_is_cut_so_that_its_filters_fit() -> None:
    hints = {"a": "text", **dict.fromkeys("bcde", "text")}
    values = [f"a{number}" for number in range(30)]
    found = compiled({"a": {"$in": values}, "b": "b", "c": "c", "d": "d", "e": "e"}, hints=hints)
    sizes = [
        len(each.field_filter.value.array_value.values)
        for query in found.native.queries
        for each in query.where.composite_filter.filters
        if each.field_filter.op == 8
    ]
    assert sizes == [19, 11]
    assert found.exact
