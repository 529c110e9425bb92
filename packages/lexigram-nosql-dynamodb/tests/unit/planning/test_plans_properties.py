"""Whatever documents, filter and order: running a plan and its residue gives what the engine gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.dynamodb.planning.access import ScanPlan
from lexigram.nosql.backends.dynamodb.planning.choose import Planner
from lexigram.nosql.backends.dynamodb.planning.shape import ALL, ComputedIndex, IndexShape, KeyAttribute, TableShape
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.indexes import parse_index
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing.strategies import documents, filters, scalars, sorts
from lexigram.nosql.values.normalise import normalise_document
from pretend_table import PretendTable, make_item

EXAMPLES = settings.default.max_examples * 2


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


@pytest.mark.parametrize("name", SHAPES)
@given(stored=STORED, chosen=st.lists(filters(bson=True), min_size=1, max_size=5), order=st.none() | sorts())
@settings(max_examples=EXAMPLES)
def test_plan_and_residue_give_what_the_engine_gives(
    name: str, stored: list[dict[str, Any]], chosen: list[dict[str, Any]], order: Any
) -> None:
    for each in chosen:
        check(name, stored, each, order)


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


@pytest.mark.parametrize("name", SHAPES)
@given(
    stored=FLAT_STORED,
    chosen=st.lists(st.dictionaries(INDEXED, CONDITIONS, min_size=1, max_size=3), min_size=1, max_size=6),
    order=st.lists(
        st.tuples(INDEXED, st.sampled_from([1, -1])), min_size=1, max_size=2, unique_by=lambda pair: pair[0]
    ),
)
@settings(max_examples=EXAMPLES * 2)
def test_our_indexes_give_what_the_engine_gives(
    name: str, stored: list[dict[str, Any]], chosen: list[dict[str, Any]], order: Any
) -> None:
    for each in chosen:
        check(name, stored, each, order)
        for hint in ("a_1", "b_1_a_-1", "a.b_-1_b_1", "c_1_a.b_1", "b_-1"):
            check(name, stored, each, None, hint)


@pytest.mark.parametrize("name", SHAPES)
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
@settings(max_examples=EXAMPLES * 2)
def test_conditions_on_the_id_give_what_the_engine_gives(
    name: str, stored: list[dict[str, Any]], wanted: Any, own: bool
) -> None:
    check(name, stored, {"_id": wanted}, None)
    check(name, stored, {"$nor": [{"_id": wanted}]}, None)
    for document in stored if own else ():
        plan = check(name, stored, {"_id": document["_id"]}, None)
        assert not isinstance(plan.way, ScanPlan)
