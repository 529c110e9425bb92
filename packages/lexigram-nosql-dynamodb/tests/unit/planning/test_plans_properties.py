"""Whatever documents, filter and order: running a plan and its residue gives what the engine gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.dynamodb.planning.access import ScanPlan
from lexigram.nosql.backends.dynamodb.planning.choose import Planner
from lexigram.nosql.backends.dynamodb.planning.shape import (
    ALL,
    KEYS,
    ComputedIndex,
    IndexShape,
    KeyAttribute,
    TableShape,
)
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.indexes import parse_index
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing.strategies import documents, filters, scalars, sorts
from lexigram.nosql.values.normalise import normalise_document
from pretend_table import PretendTable, make_item

EXAMPLES = settings.default.max_examples
SLOW = [HealthCheck.too_slow]  # many things are drawn at once, on machines that do other things as well


def ours(number: int, keys: Any, hashed: int, *, irregular: bool = True, **options: Any) -> IndexShape:
    return IndexShape(
        f"lexigram-{number}",
        "gsi",
        (KeyAttribute(f"_lx{number}p", "S"),),
        (KeyAttribute(f"_lx{number}s", "S"),),
        ALL,
        ComputedIndex(parse_index(keys, **options), hashed, f"m{number}", irregular),
        consistent_ok=False,
    )


INDEXES = (
    ours(1, [("a", 1)], 0),
    ours(2, [("b", 1), ("a", -1)], 1),
    ours(3, [("a.b", -1), ("b", 1)], 0),
    ours(4, [("c", 1), ("a.b", 1)], 2, sparse=True),
    ours(5, [("b", -1)], 0, partial_filter={"a": {"$gte": 1}}),
)
OWN = TableShape(
    "own", IndexShape("own", "table", (KeyAttribute("_id", "S", "_id", encoded=True),)), INDEXES, renamed={"_id": "_id"}
)
SINGLE = TableShape(
    "one",
    IndexShape(
        "one",
        "table",
        (KeyAttribute("_lxp", "S", constant={"S": "people"}),),
        (KeyAttribute("id", "S", "_id", encoded=True),),
    ),
    INDEXES,
    renamed={"_id": "id"},
)
SHAPES = {"own": OWN, "single": SINGLE}
LAYOUTS = tuple(SHAPES)
PLANNERS = {name: Planner(shape) for name, shape in SHAPES.items()}

ids = st.one_of(
    scalars(bson=True).filter(lambda value: value == value),
    st.sampled_from(["$x", "$s:x", "$h:1", "", "a" * 1200, "!a", "%a", "zz"]),
)


def comparable(documents: list[dict[str, Any]]) -> list[str]:
    return sorted(str(document["_id"]) + repr(document) for document in documents)


def check(name: str, stored: list[dict[str, Any]], filter: dict[str, Any], order: Any, hint: str | None = None) -> Any:
    shape = SHAPES[name]
    documents = [normalise_document(document) for document in stored]
    try:
        items = [make_item(shape, document) for document in documents]
        query = parse_filter(filter)
        sort = parse_sort(order) if order else None
        matches = [document for document in documents if query.matches(document)]
        expected = matches if sort is None else sort.sorted(list(matches))
    except NoSQLError:
        return None
    plan = PLANNERS[name].plan(query, sort, hint)
    whole = {id(item): document for item, document in zip(items, documents, strict=True)}
    found = [whole[id(item)] for item in PretendTable(shape, items).run(plan)]
    assert len({id(document) for document in found}) == len(found), "an item came twice"
    kept = found if plan.residue is None else [document for document in found if plan.residue.matches(document)]
    assert comparable(kept) == comparable(expected), plan.display
    if sort is not None and plan.ordered and not sort.has_meta:
        assert list(map(sort.key, kept)) == list(map(sort.key, expected)), plan.display
    return plan


def keyed(documents: list[dict[str, Any]], identities: list[Any]) -> list[dict[str, Any]]:
    from lexigram.nosql.values.order import hash_key

    unique = {hash_key(identity): identity for identity in identities}
    return [{"_id": identity, **document} for identity, document in zip(unique.values(), documents, strict=False)]


STORED = st.builds(keyed, st.lists(documents(bson=True), max_size=8), st.lists(ids, min_size=8, max_size=12))


@pytest.mark.parametrize("name", LAYOUTS)
@given(stored=STORED, chosen=st.lists(filters(bson=True), min_size=1, max_size=5), order=st.none() | sorts())
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_plan_and_residue_give_what_the_engine_gives(
    name: str, stored: list[dict[str, Any]], chosen: list[dict[str, Any]], order: Any
) -> None:
    for each in chosen:
        check(name, stored, each, order)


REGULAR = TableShape(
    "regular",
    OWN.primary,
    (ours(1, [("a", 1), ("b", -1)], 0, irregular=False), ours(2, [("b", 1), ("c", 1)], 1, irregular=False)),
    renamed={"_id": "_id"},
)


def native(name: str, partition: str, sort: str, projection: Any = ALL) -> IndexShape:
    return IndexShape(
        name,
        "gsi",
        tuple(KeyAttribute(each, TYPES[each], each) for each in partition),
        tuple(KeyAttribute(each, TYPES[each], each) for each in sort),
        projection,
        consistent_ok=False,
    )


TYPES: dict[str, Any] = {"a": "S", "b": "N", "c": "S", "d": "B"}
PAIR = IndexShape("typed", "table", (KeyAttribute("who", "S", "_id.who"),), (KeyAttribute("when", "N", "_id.when"),))
TYPED = TableShape(
    "typed",
    PAIR,
    (
        IndexShape("late", "lsi", PAIR.partition, (KeyAttribute("b", "N", "b"),)),
        native("plain", "a", ""),
        native("both", "a", "b"),
        native("wide", "ab", "cd"),
        native("keys", "c", "b", KEYS),
        native("some", "b", "a", frozenset({"c"})),
    ),
    renamed={"who": "$key:who", "when": "$key:when"},
)
SHAPES |= {"regular": REGULAR, "typed": TYPED}
PLANNERS |= {"regular": Planner(REGULAR), "typed": Planner(TYPED)}

VALUES = st.one_of(scalars(bson=True), st.lists(scalars(), max_size=2))
CONDITIONS = st.one_of(
    VALUES,
    st.fixed_dictionaries({"$in": st.lists(VALUES, max_size=3)}),
    st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$eq"]), VALUES, min_size=1, max_size=2),
    st.fixed_dictionaries({"$exists": st.booleans()}),
    st.fixed_dictionaries({"$regex": st.sampled_from(["^a", "b", "^$", "^ab"])}),
)
INDEXED = st.sampled_from(["a", "b", "a.b", "c"])
FLAT = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), VALUES | st.dictionaries(st.just("b"), VALUES, max_size=1), max_size=3
)
FLAT_STORED = st.builds(keyed, st.lists(FLAT, max_size=8), st.lists(ids, min_size=8, max_size=12))


@pytest.mark.parametrize("name", LAYOUTS)
@given(
    stored=FLAT_STORED,
    chosen=st.lists(st.dictionaries(INDEXED, CONDITIONS, min_size=1, max_size=3), min_size=1, max_size=6),
    order=st.lists(
        st.tuples(INDEXED, st.sampled_from([1, -1])), min_size=1, max_size=2, unique_by=lambda pair: pair[0]
    ),
)
@settings(max_examples=EXAMPLES * 2, suppress_health_check=SLOW)
def test_our_indexes_give_what_the_engine_gives(
    name: str, stored: list[dict[str, Any]], chosen: list[dict[str, Any]], order: Any
) -> None:
    for each in chosen:
        check(name, stored, each, order)
        for hint in ("a_1", "b_1_a_-1", "a.b_-1_b_1", "c_1_a.b_1", "b_-1"):
            check(name, stored, each, None, hint)


@pytest.mark.parametrize("name", LAYOUTS)
@given(
    stored=FLAT_STORED,
    wanted=st.one_of(
        ids,
        st.fixed_dictionaries({"$in": st.lists(ids, max_size=4)}),
        st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$eq", "$ne"]), ids, min_size=1, max_size=2),
        st.fixed_dictionaries({"$regex": st.sampled_from(["^a", "^!", "z", "^%"])}),
        st.fixed_dictionaries({"$exists": st.booleans()}),
    ),
    own=st.booleans(),
)
@settings(max_examples=EXAMPLES * 2, suppress_health_check=SLOW)
def test_conditions_on_the_id_give_what_the_engine_gives(
    name: str, stored: list[dict[str, Any]], wanted: Any, own: bool
) -> None:
    check(name, stored, {"_id": wanted}, None)
    check(name, stored, {"$nor": [{"_id": wanted}]}, None)
    for document in stored if own else ():
        plan = check(name, stored, {"_id": document["_id"]}, None)
        assert not isinstance(plan.way, ScanPlan)


SCALARS = st.dictionaries(st.sampled_from(["a", "b", "c"]), scalars(bson=True), max_size=3)
ORDERS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from([1, -1])),
    min_size=1,
    max_size=2,
    unique_by=lambda pair: pair[0],
)


@given(
    stored=st.builds(keyed, st.lists(SCALARS, max_size=10), st.lists(ids, min_size=8, max_size=12)),
    chosen=st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), CONDITIONS, max_size=3), min_size=1, max_size=8),
    order=st.none() | ORDERS,
)
@settings(max_examples=EXAMPLES * 2, suppress_health_check=SLOW)
def test_indexes_without_documents_filed_apart_give_exact_answers_in_order(
    stored: list[dict[str, Any]], chosen: list[dict[str, Any]], order: Any
) -> None:
    for each in chosen:
        check("regular", stored, each, order)


OF_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "a": st.sampled_from(["x", "xy", "y", "é", "$"]),
    "b": st.sampled_from([0, 1, 2, -5, 0.5, 2.5, 0.1, 2**53 + 1, -(2**63)]),
    "c": st.sampled_from(["x", "y"]),
    "d": st.sampled_from([b"a", b"b\x00", b"\xff"]),
}
PARTS = st.tuples(st.sampled_from(["x", "y"]), st.integers(0, 3)).map(lambda pair: {"who": pair[0], "when": pair[1]})
TYPED_STORED = st.lists(
    st.tuples(PARTS, st.fixed_dictionaries({}, optional={**OF_TYPE, "e": VALUES})),
    max_size=10,
    unique_by=lambda pair: str(pair[0]),
).map(lambda pairs: [{"_id": identity, **fields} for identity, fields in pairs])
ASKED = st.fixed_dictionaries(
    {},
    optional={
        **{
            name: st.one_of(
                strategy,
                VALUES,
                st.fixed_dictionaries({"$in": st.lists(strategy | VALUES, max_size=3)}),
                st.dictionaries(
                    st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne"]), strategy, min_size=1, max_size=2
                ),
                st.sampled_from([{"$exists": True}, {"$exists": False}, {"$regex": "^x"}, {"$not": {"$gt": 1}}, None]),
            )
            for name, strategy in OF_TYPE.items()
        },
        "_id.who": st.sampled_from(["x", {"$in": ["x", "y", "x"]}, {"$gt": "x"}, 5, None]),
        "_id.when": st.one_of(
            st.integers(0, 3), st.dictionaries(st.sampled_from(["$gt", "$lte", "$ne"]), st.integers(0, 3), min_size=1)
        ),
        "_id": PARTS | st.fixed_dictionaries({"$in": st.lists(PARTS, max_size=3)}),
        "e": VALUES,
    },
)


@given(
    stored=TYPED_STORED,
    chosen=st.lists(ASKED, min_size=1, max_size=8),
    order=st.none()
    | st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "d", "_id.when"]), st.sampled_from([1, -1])),
        min_size=1,
        max_size=2,
        unique_by=lambda pair: pair[0],
    ),
)
@settings(max_examples=EXAMPLES * 2, suppress_health_check=SLOW)
def test_tables_and_indexes_that_others_made_give_what_the_engine_gives(
    stored: list[dict[str, Any]], chosen: list[dict[str, Any]], order: Any
) -> None:
    for each in chosen:
        check("typed", stored, each, order)
        for hint in ("late", "plain", "both", "wide", "keys", "some") if order is None else ():
            check("typed", stored, each, None, hint)
