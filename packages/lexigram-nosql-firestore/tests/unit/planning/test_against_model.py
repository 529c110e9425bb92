"""Whatever is asked, the native part selects a superset, exact is exact, and the order is the engine's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.backends.firestore.codec import decode_document, decode_id, encode_fields, encode_id
from lexigram.nosql.backends.firestore.codec.messages import Document
from lexigram.nosql.backends.firestore.planning import KeyRead, Place, Planner, parse_hints, requests
from lexigram.nosql.driver import NativeRead
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing.strategies import documents, filters, scalars, sorts
from lexigram.nosql.values.normalise import normalise_document

PREFIX = "projects/p/databases/d/documents/things/"
PLACE = Place("things", PREFIX)
HINTS = {
    "a": ["", "scalar", "required scalar", "text", "required number", "number or text", "array", "array of int"],
    "b": ["", "required text", "map", "required int", "date or bool", "required array of number"],
    "c": ["", "required date", "decimal", "bytes or uuid", "required bool", "required scalar"],
    "a.b": ["", "text", "number", "required int", "scalar", "array"],
    "a.b.c": ["", "scalar"],
}


def hints() -> st.SearchStrategy[dict[str, str]]:
    """Hints for some of the fields."""
    return st.fixed_dictionaries({path: st.sampled_from(texts) for path, texts in HINTS.items()}).map(
        lambda chosen: {path: text for path, text in chosen.items() if text}
    )


def stored(batch: list[dict[str, Any]], promised: Any) -> dict[str, Any]:
    """Documents on the wire, those left out that break a promise."""
    found: dict[str, Any] = {}
    for number, document in enumerate(batch):
        whole = normalise_document({"_id": f"d{number}", **document})
        try:
            promised.check(whole)
        except DocumentValidationError:
            continue
        message = Document()
        encode_fields(whole, message.fields)
        found[PREFIX + encode_id(whole["_id"])] = message.fields
    return found


def read(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """A document as it comes back."""
    message = Document()
    for field, value in fields[name].items():
        message.fields[field].CopyFrom(value)
    return decode_document(decode_id(name.rpartition("/")[2]), message.fields)


def selected(native: Any, model: Any) -> list[str]:
    """Names of what the native part selects, each once."""
    if isinstance(native, KeyRead):
        return [PREFIX + encode_id(each) for each in native.ids if PREFIX + encode_id(each) in model.documents]
    found: dict[str, None] = {}
    for query in native.queries:
        found.update(dict.fromkeys(model.run(query)))
    return list(found)


def filters_on_fields() -> st.SearchStrategy[dict[str, Any]]:
    """Simple filters, which meet hints often."""
    value = st.one_of(scalars(bson=True), st.sampled_from(["a", "ab", 1, 2, 2.5, None]))
    condition = st.one_of(
        value,
        st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne", "$eq"]), value, min_size=1, max_size=2),
        st.dictionaries(st.sampled_from(["$in", "$nin"]), st.lists(value, max_size=40), min_size=1, max_size=1),
        st.sampled_from([{"$exists": True}, {"$exists": False}, {"$regex": "^a"}, {"$not": {"$gt": 1}}]),
    )
    fields = st.dictionaries(st.sampled_from(["a", "b", "c", "a.b", "_id"]), condition, min_size=1, max_size=3)
    either = st.lists(fields, min_size=1, max_size=3).map(lambda parts: {"$or": parts})
    return st.one_of(fields, either, st.tuples(fields, either).map(lambda pair: {"$and": list(pair)}))


PROMISES = hints()
BATCHES = st.lists(documents(bson=True), max_size=8)
FILTERS = st.one_of(filters(bson=True), filters_on_fields())
SIMPLE = st.one_of(st.just({}), filters_on_fields())
ORDERS = st.one_of(sorts(), st.sampled_from([[("a", 1)], [("b", -1), ("a", 1)], "_id"]))


@pytest.mark.parametrize("nan_is_below", [True, False])
@given(data=st.data())
def test_native_part_is_a_superset_and_exact_where_it_says_so(model: Any, nan_is_below: bool, data: Any) -> None:
    """The engine finds nothing that the queries leave out, and everything they select where they are exact."""
    chosen = data.draw(PROMISES)
    promised = parse_hints({"things": chosen})["things"]
    fields = stored(data.draw(BATCHES), promised)
    query = parse_filter(data.draw(FILTERS))
    compiled = Planner(PLACE, promised).compile(query, None)
    names = selected(compiled.native, model(fields, nan_is_below))
    matches = {name for name in fields if query.matches(read(fields, name))}
    assert matches <= set(names), compiled.display
    if compiled.exact:
        assert set(names) == matches, compiled.display


@given(data=st.data())
def test_order_skip_limit_and_place_are_the_engines(model: Any, data: Any) -> None:
    """Where the order is served, what comes back is in it, and skip and limit cut it as the engine would."""
    chosen = {"_id": "text", **data.draw(PROMISES)}
    promised = parse_hints({"things": chosen})["things"]
    fields = stored(data.draw(BATCHES), promised)
    query = parse_filter(data.draw(SIMPLE))
    order = parse_sort(data.draw(ORDERS))
    assert order is not None
    compiled = Planner(PLACE, promised).compile(query, order)
    if not compiled.ordered or isinstance(compiled.native, KeyRead):
        return
    held = model(fields)
    names = selected(compiled.native, held)
    keys = [order.key(read(fields, name)) for name in names]
    assert all(not later < earlier for earlier, later in pairwise(keys)), compiled.display
    skip, limit = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 4))
    after = data.draw(st.sampled_from(names)) if names else None
    place = None if after is None else order.place(read(fields, after))
    if compiled.exact:
        (request,) = requests(compiled.native, NativeRead(compiled, skip, limit), PLACE)
        assert held.run(request) == names[skip : skip + limit]
    (request,) = requests(compiled.native, NativeRead(compiled, after=place), PLACE)
    later = [name for name in names if place is None or order.key_at(place) < order.key(read(fields, name))]
    assert set(later) <= set(held.run(request))
