"""Whatever document, filter and update: a native write whose condition holds gives what the engine gives."""

from __future__ import annotations

from typing import Any

import dynamo_language as dynamo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.dynamodb.codec import decode_document, encode_item, fractional_paths
from lexigram.nosql.backends.dynamodb.planning.choose import Planner
from lexigram.nosql.backends.dynamodb.planning.shape import IndexShape, KeyAttribute, TableShape
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.testing.strategies import documents, filters, scalars, updates, values
from lexigram.nosql.update.parse import parse_update
from lexigram.nosql.values.normalise import normalise_document

EXAMPLES = settings.default.max_examples
SLOW = [HealthCheck.too_slow]  # many things are drawn at once, on machines that do other things as well
SHAPE = TableShape("t", IndexShape("t", "table", (KeyAttribute("_id", "S", "_id", encoded=True),)))
PLANNER = Planner(SHAPE)
KEYS = frozenset({"_id"})


def exactly(value: Any) -> Any:
    """A value with the types and the order of fields that Python's equality does not see."""
    if isinstance(value, dict):
        return [(name, exactly(item)) for name, item in value.items()]
    if isinstance(value, list):
        return [exactly(item) for item in value]
    return type(value), repr(value)


def run(document: dict[str, Any], filter: dict[str, Any], change: dict[str, Any]) -> bool:
    """Carry out a native write where there is one and its condition holds, and compare.

    Returns:
        True if it was carried out.
    """
    document = normalise_document({"_id": "k", **document})
    try:
        item = {"_id": {"S": "k"}, **encode_item(document, "r0")}
        query = parse_filter({"_id": "k", **filter})
        update = parse_update(change)
    except NoSQLError:
        return False
    plan = PLANNER.write(query, update.operations)
    if plan is None:
        return False
    request = plan.request("r1")
    used = dynamo.Request(request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues"))
    condition = dynamo.parse_condition(request["ConditionExpression"], used)
    held = dynamo.holds(condition, item)
    if not held:
        return False
    assert query.matches(document), plan.display()
    changed = dynamo.update(request["UpdateExpression"], item, used, KEYS)
    used.finish()
    expected, _ = update.apply(document, query)
    assert exactly(decode_document(changed, "k", KEYS)) == exactly(expected), plan.display()
    wanted = encode_item(expected, "r1")
    ours, due = changed.pop("_lx")["M"], wanted.pop("_lx")["M"]
    changed.pop("_id")
    assert dynamo.same({"M": changed}, {"M": wanted}), "an equal document would not be equal natively"
    assert ours["r"] == due["r"]
    fractions = ours.get("f", {"SS": []})["SS"]
    assert "*" in fractions or set(fractional_paths(expected)) <= set(fractions)
    return True


@given(
    stored=st.lists(documents(bson=True), min_size=1, max_size=8),
    changes=st.lists(updates(), min_size=1, max_size=4),
)
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_native_updates_give_what_the_engine_gives(stored: list[dict[str, Any]], changes: list[dict[str, Any]]) -> None:
    for document in stored:
        for change in changes:
            run(document, {}, change)


PLACES = st.sampled_from(["a", "b", "a.b", "a.c", "b.a"])
OPERANDS: dict[str, st.SearchStrategy[Any]] = {
    "$set": values(bson=True, max_leaves=3),
    "$unset": st.just(""),
    "$inc": st.one_of(st.integers(-5, 5), st.sampled_from([2**63 - 1, -(2**63), 0.5])),
    "$push": st.one_of(scalars(), st.lists(scalars(), max_size=2).map(lambda each: {"$each": each})),
    "$addToSet": st.one_of(scalars(bson=True), st.lists(scalars(), max_size=2).map(lambda each: {"$each": each})),
    "$pop": st.sampled_from([1, -1]),
    "$setOnInsert": scalars(),
}
CHANGES = st.lists(
    st.sampled_from(sorted(OPERANDS)).flatmap(
        lambda name: st.tuples(st.just(name), st.dictionaries(PLACES, OPERANDS[name], min_size=1, max_size=2))
    ),
    min_size=1,
    max_size=2,
).map(lambda pairs: dict[str, Any](pairs))
ONE = st.sampled_from(sorted(OPERANDS)).flatmap(
    lambda name: st.tuples(PLACES, OPERANDS[name]).map(lambda pair: {name: {pair[0]: pair[1]}})
)
INTS = st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63)])
INNER = st.one_of(INTS, scalars(bson=True), st.lists(scalars(bson=True), max_size=3))
MAPS = st.fixed_dictionaries({"b": INNER, "c": INNER}) | st.fixed_dictionaries({"c": INNER, "b": INNER, "a": INNER})
STORED = st.fixed_dictionaries({"a": INNER | MAPS, "b": INNER | MAPS}, optional={"0": INNER})


@given(stored=st.lists(STORED, min_size=1, max_size=10), changes=st.lists(CHANGES | ONE, min_size=4, max_size=10))
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_native_updates_of_fields_that_are_there_give_what_the_engine_gives(
    stored: list[dict[str, Any]], changes: list[dict[str, Any]]
) -> None:
    for document in stored:
        for change in changes:
            run(document, {}, change)


@given(stored=documents(bson=True), chosen=st.lists(filters(bson=True), min_size=1, max_size=6))
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_conditions_of_writes_hold_only_where_the_filter_does(
    stored: dict[str, Any], chosen: list[dict[str, Any]]
) -> None:
    for each in chosen:
        run({"z": 1, **stored}, each, {"$inc": {"z": 1}})


def test_ordinary_updates_are_native() -> None:
    document = {"n": 1, "tags": ["x"], "name": "Ada", "address": {"city": "Rome", "zip": "1"}, "version": 3}
    for change in (
        {"$inc": {"n": 5}},
        {"$set": {"name": "Bob", "address.city": "Oslo"}},
        {"$set": {"n": 1.5}},
        {"$unset": {"name": ""}},
        {"$unset": {"address.zip": ""}},
        {"$push": {"tags": {"$each": ["y", 2.5, {"z": 1}]}}},
        {"$push": {"tags": {"$each": ["y"], "$position": 0}}},
        {"$addToSet": {"tags": "y"}},
        {"$pop": {"tags": -1}},
        {"$set": {"name": "Eve"}, "$inc": {"version": 1}, "$setOnInsert": {"made": 1}},
    ):
        assert run(document, {"version": 3}, change), change
