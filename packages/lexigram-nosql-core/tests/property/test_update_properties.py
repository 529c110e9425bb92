"""Updates against a naive model written apart from them, and against anything that may be given to them."""

from __future__ import annotations

import copy
import string
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lexigram.nosql.exceptions import NoSQLError, UpdateError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.update import parse
from lexigram.nosql.update.diff import describe_change
from lexigram.nosql.update.parse import parse_replacement, parse_update
from lexigram.nosql.values.order import compare, equal
from lexigram.nosql.values.path import get_path

_NAMES = ("a", "b", "c")
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.0, -0.0]),
    st.sampled_from(["", "x", "y"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from((*_NAMES, "0")), inner, max_size=3)
    ),
    max_leaves=6,
)
_DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "a": st.one_of(_VALUES, st.integers(-3, 3)),
        "b": st.one_of(_VALUES, st.lists(_VALUES, max_size=3)),
        "c": st.dictionaries(st.sampled_from((*_NAMES, "0")), _VALUES, max_size=3),
    },
)
_PARTS = st.sampled_from((*_NAMES, "0", "1", "2"))
_PATHS = st.builds(lambda first, rest: ".".join([first, *rest]), st.sampled_from(_NAMES), st.lists(_PARTS, max_size=2))
_NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, 2.0]))
_PUSHED = st.one_of(
    _SCALARS,
    st.lists(_SCALARS, max_size=2),
    st.builds(
        lambda each, modifiers: {"$each": each, **modifiers},
        st.lists(_SCALARS, max_size=3),
        st.fixed_dictionaries(
            {},
            optional={
                "$position": st.integers(-4, 4),
                "$slice": st.integers(-4, 4),
                "$sort": st.sampled_from([1, -1, {"a": 1}, {"a": -1, "b": 1}]),
            },
        ),
    ),
)
_OPERANDS: dict[str, st.SearchStrategy[Any]] = {
    "$set": _VALUES,
    "$unset": st.just(""),
    "$inc": _NUMBERS,
    "$mul": _NUMBERS,
    "$min": _SCALARS,
    "$max": _SCALARS,
    "$push": _PUSHED,
    "$addToSet": st.one_of(_SCALARS, st.builds(lambda each: {"$each": each}, st.lists(_SCALARS, max_size=3))),
    "$pop": st.sampled_from([1, -1]),
    "$pull": st.one_of(_SCALARS, st.lists(_SCALARS, max_size=1), st.builds(lambda n: {"$gt": n}, st.integers(-3, 3))),
    "$pullAll": st.lists(_SCALARS, max_size=2),
    "$bit": st.dictionaries(st.sampled_from(["and", "or", "xor"]), st.integers(0, 7), min_size=1),
    "$rename": _PATHS,
}
_UPDATES = st.fixed_dictionaries(
    {},
    optional={name: st.dictionaries(_PATHS, operand, min_size=1, max_size=2) for name, operand in _OPERANDS.items()},
).filter(lambda update: 0 < len(update) <= 2)


# The naive model: mutates a deep copy, one operator after the other, and raises at the first fault.


class _Fault(Exception):
    pass


_CREATORS = {"$set", "$inc", "$mul", "$min", "$max", "$push", "$addToSet", "$bit", "$rename"}
_NOTHING = object()


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pushed(array: list[Any], operand: Any) -> list[Any]:
    if not (isinstance(operand, dict) and "$each" in operand):
        return [*array, operand]
    position = operand.get("$position", len(array))
    start = max(0, len(array) + position) if position < 0 else min(position, len(array))
    result = [*array[:start], *operand["$each"], *array[start:]]
    sort = operand.get("$sort")
    if isinstance(sort, dict):
        for name, direction in reversed(list(sort.items())):

            def field(item: Any, name: str = name) -> Any:
                return item.get(name) if isinstance(item, dict) else None

            result = _sorted(result, field, direction)
    elif sort is not None:
        result = _sorted(result, lambda item: item, sort)
    cut = operand.get("$slice")
    if cut is not None:
        result = result[:cut] if cut >= 0 else result[cut:]
    return result


def _sorted(items: list[Any], key: Any, direction: int) -> list[Any]:
    result: list[Any] = []
    for item in items:
        place = len(result)
        while place > 0 and compare(key(result[place - 1]), key(item)) * direction > 0:
            place -= 1
        result.insert(place, item)
    return result


def _changed(operator: str, old: Any, operand: Any) -> Any:
    """The new value; _NOTHING to leave or remove it."""
    missing = old is _NOTHING
    if operator == "$set":
        return operand
    if operator == "$unset":
        return _NOTHING
    if operator in {"$min", "$max"}:
        sign = compare(operand, old) if not missing else 0
        return operand if missing or (sign < 0 if operator == "$min" else sign > 0) else old
    if operator in {"$inc", "$mul"}:
        if missing:
            return operand if operator == "$inc" else operand * 0
        if not _number(old):
            raise _Fault
        result = old + operand if operator == "$inc" else old * operand
        return old if type(result) is type(old) and result == old else result
    if operator == "$bit":
        value = 0 if missing else old
        if not isinstance(value, int) or isinstance(value, bool):
            raise _Fault
        for name, number in operand.items():
            value = {"and": value & number, "or": value | number, "xor": value ^ number}[name]
        return value
    if missing and operator not in _CREATORS:
        return _NOTHING
    if not missing and not isinstance(old, list):
        raise _Fault
    array = [] if missing else old
    if operator == "$push":
        return _pushed(array, operand)
    if operator == "$addToSet":
        result = list(array)
        for item in operand["$each"] if isinstance(operand, dict) else [operand]:
            if not any(equal(item, other) for other in result):
                result.append(item)
        return result
    if operator == "$pop":
        return array[:-1] if operand == 1 else array[1:]
    if operator == "$pullAll":
        return [item for item in array if not any(equal(item, other) for other in operand)]
    if isinstance(operand, dict):

        def greater(item: Any) -> bool:
            inside = item if isinstance(item, list) else [item]
            return any(_number(value) and value > operand["$gt"] for value in inside)

        return [item for item in array if not greater(item)]
    return [item for item in array if not equal(item, operand)]


def _index(part: str) -> int:
    if not part.isdigit():
        raise _Fault
    return int(part)


def _child(container: Any, part: str, lenient: bool) -> Any:
    if isinstance(container, dict):
        return container.get(part, _NOTHING)
    try:
        if not isinstance(container, list):
            raise _Fault
        place = _index(part)
    except _Fault:
        if lenient:
            return _NOTHING
        raise
    return container[place] if place < len(container) else _NOTHING


def _store(container: Any, part: str, value: Any) -> None:
    if isinstance(container, dict):
        if value is _NOTHING:
            container.pop(part, None)
        else:
            container[part] = value
        return
    place = _index(part)
    if value is _NOTHING:
        if place < len(container):
            container[place] = None
        return
    while len(container) <= place:
        container.append(None)
    container[place] = value


def _one(document: dict[str, Any], path: str, operator: str, operand: Any) -> None:
    *way, last = path.split(".")
    lenient = operator == "$unset"
    container: Any = document
    made: list[tuple[Any, str]] = []
    for part in way:
        child = _child(container, part, lenient)
        if child is _NOTHING:
            if operator not in _CREATORS:
                return
            child = {}
            _store(container, part, child)
            made.append((container, part))
        container = child
    if lenient and not isinstance(container, dict | list):
        return
    old = _child(container, last, lenient)
    if lenient and old is _NOTHING:
        return
    new = _changed(operator, old, copy.deepcopy(operand))
    if new is not _NOTHING or old is not _NOTHING:
        _store(container, last, new)


def _rename(document: dict[str, Any], before: dict[str, Any], source: str, target: str) -> None:
    value: Any = before
    arrays = False
    for part in source.split("."):
        arrays = arrays or isinstance(value, list)
        value = _child(value, part, lenient=False)
        if value is _NOTHING:
            return
    if arrays:
        raise _Fault
    holder: Any = before
    for part in target.split("."):
        if isinstance(holder, list):
            raise _Fault
        holder = holder.get(part, {}) if isinstance(holder, dict) else {}
    _one(document, target, "$set", value)
    holder = document
    for part in source.split(".")[:-1]:
        holder = holder[part]
    del holder[source.split(".")[-1]]


def _model(document: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    paths: list[str] = []
    for operator, fields in update.items():
        for path, operand in fields.items():
            paths.append(path)
            if operator == "$rename":
                paths.append(operand)
    for number, path in enumerate(paths):
        for other in paths[:number]:
            if path == other or path.startswith(other + ".") or other.startswith(path + "."):
                raise _Fault
    new = copy.deepcopy(document)
    work = [
        (operand if operator == "$rename" else path, operator, path, operand)
        for operator, fields in update.items()
        for path, operand in fields.items()
    ]
    for place, operator, path, operand in sorted(work, key=lambda item: item[0].split(".")):
        if operator == "$rename":
            _rename(new, document, path, operand)
        else:
            _one(new, place, operator, operand)
    return new


def _containers(value: Any) -> set[int]:
    if isinstance(value, dict):
        return {id(value)}.union(*map(_containers, value.values()))
    if isinstance(value, list | tuple):
        return {id(value)}.union(*map(_containers, value))
    return set()


@settings(max_examples=400, deadline=None)
@given(_DOCUMENTS, _UPDATES)
def test_updates_do_what_the_model_does(document: dict[str, Any], update: dict[str, Any]) -> None:
    """The same document, fields in the same order, or a fault in both."""
    try:
        expected = _model(document, update)
    except _Fault:
        expected = None
    before = repr(document)
    try:
        new, changed = parse_update(update).apply(document)
    except UpdateError:
        assert expected is None
        assert repr(document) == before
        return
    assert expected is not None
    assert repr(new) == repr(expected)
    assert repr(document) == before
    assert changed or new is document
    assert changed or repr(new) == before
    if repr(new) != before:
        assert changed


@settings(max_examples=150, deadline=None)
@given(_DOCUMENTS, _UPDATES)
def test_updates_share_nothing_with_their_caller(document: dict[str, Any], update: dict[str, Any]) -> None:
    """No dict or list of the update gets into a document, and the update stays as it was."""
    written = repr(update)
    try:
        parsed = parse_update(update)
        new, _ = parsed.apply(document)
        again, _ = parsed.apply(copy.deepcopy(document))
        upserted = parsed.build_upsert(parse_filter({}))
    except UpdateError:
        pass
    else:
        theirs = _containers(update)
        for operation in parsed.operations:
            theirs |= _containers(operation.operand)
        assert theirs.isdisjoint(_containers(new))
        assert theirs.isdisjoint(_containers(upserted))
        assert _containers(new).isdisjoint(_containers(again))
    assert repr(update) == written


@settings(max_examples=150, deadline=None)
@given(_DOCUMENTS, _UPDATES)
def test_compiled_shapes_mean_what_a_fresh_one_means(document: dict[str, Any], update: dict[str, Any]) -> None:
    """A shape that was kept, one that is made anew, and what ``to_document`` writes give the same."""

    def outcome(spec: Any) -> Any:
        try:
            return repr(parse_update(spec).apply(document))
        except UpdateError as error:
            return error.mongo_code

    kept = outcome(update)
    parse._shapes.clear()
    assert outcome(update) == kept
    try:
        written = parse_update(update).to_document()
    except UpdateError:
        return
    assert outcome(written) == kept


@settings(max_examples=100, deadline=None)
@given(st.lists(_VALUES, max_size=4), st.sampled_from(["$inc", "$set", "$unset", "$push"]), st.integers(0, 3))
def test_all_elements_are_updated_like_each(items: list[Any], operator: str, operand: int) -> None:
    """``$[]`` and an array filter do what one update per position does."""
    document = {"a": items, "n": 1}
    try:
        expected = document
        for place in range(len(items)):
            expected, _ = parse_update({operator: {f"a.{place}": operand}}).apply(expected)
    except UpdateError as error:
        code = error.mongo_code
        for path, filters in (("a.$[]", None), ("a.$[x]", [{"x": {"$exists": True}}])):
            with pytest.raises(UpdateError) as caught:
                parse_update({operator: {path: operand}}, array_filters=filters).apply(document)
            assert caught.value.mongo_code == code
        return
    assert parse_update({operator: {"a.$[]": operand}}).apply(document)[0] == expected
    few = parse_update({operator: {"a.$[x]": operand}}, array_filters=[{"x": {"$exists": True}}])
    assert few.apply(document)[0] == expected


@settings(max_examples=150, deadline=None)
@given(_DOCUMENTS, _DOCUMENTS)
def test_a_described_change_can_be_applied(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Setting and removing what the description says turns one version into the other, but for the order of fields."""
    description = describe_change(old, new)
    update: dict[str, Any] = {}
    if description.updated_fields:
        update["$set"] = description.updated_fields
    if description.removed_fields:
        update["$unset"] = dict.fromkeys(description.removed_fields, "")
    if not update:
        assert old == new
        return
    result, changed = parse_update(update).apply(old)
    assert changed
    assert result == new
    for path, value in description.updated_fields.items():
        assert repr(get_path(new, path.split("."))) == repr(value)


_ANY_NAME = st.one_of(
    st.sampled_from(
        [
            *_OPERANDS,
            "$setOnInsert",
            "$currentDate",
            "$each",
            "$slice",
            "$sort",
            "$position",
            "$foo",
            "a.$",
            "a.$[]",
            "a.$[x].b",
            "$",
            "",
            ".",
            "_id",
            "_id.a",
            "x",
        ]
    ),
    st.text(alphabet=string.ascii_letters + ".$[]\0é\ud800", max_size=6),
)
_ANYTHING = st.recursive(
    st.one_of(
        _SCALARS,
        st.integers(),
        st.floats(),
        st.decimals(),
        st.binary(max_size=3),
        st.datetimes(),
        st.text(max_size=3),
        st.just(object()),
        st.sampled_from([{1}, (1, 2), int]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(_ANY_NAME, inner, max_size=3),
        st.dictionaries(st.one_of(st.none(), st.integers(), _ANY_NAME), inner, max_size=2),
    ),
    max_leaves=10,
)
_STAGE_NAMES = st.sampled_from(["$set", "$unset", "$project", "$replaceWith", "$replaceRoot", "$match", "$foo"])
_ROUGH_UPDATES = st.one_of(
    _ANYTHING,
    st.dictionaries(_ANY_NAME, st.dictionaries(_ANY_NAME, _ANYTHING, max_size=2)),
    st.lists(st.dictionaries(_STAGE_NAMES, _ANYTHING, max_size=1), max_size=2),
)


@settings(max_examples=400, deadline=None)
@given(
    _ROUGH_UPDATES,
    st.one_of(st.none(), st.just([{"x": {"$gt": 0}}]), _ANYTHING),
    _DOCUMENTS,
)
def test_nothing_but_our_errors_escapes(update: Any, array_filters: Any, document: dict[str, Any]) -> None:
    """Whatever is given for an update, the fault is one of ours and the document stays as it was."""
    before = repr(document)
    try:
        parsed = parse_update(update, array_filters=array_filters)
    except NoSQLError:
        return
    for act in (
        lambda: parsed.apply(document, parse_filter({"a": {"$exists": True}})),
        lambda: parsed.build_upsert(parse_filter({"a": 1})),
        parsed.to_document,
    ):
        with suppress(NoSQLError):
            act()
    assert repr(document) == before


@settings(max_examples=150, deadline=None)
@given(_ANYTHING, _DOCUMENTS)
def test_nothing_but_our_errors_escapes_from_replacements(replacement: Any, document: dict[str, Any]) -> None:
    """The same for replacements."""
    try:
        new, changed = parse_replacement(replacement).apply(document)
    except NoSQLError:
        return
    assert changed or new is document
