"""What new generated cases meet on a stand-in for MongoDB, by the shape of the request; on MongoDB itself nothing.

New cases have no id that could be listed. The kit makes the smallest request out of one on which the server differs
from the engine, and a fault is known by what is left: its operators and paths, the values that its documents hold at
them, and whether the server refused. Each shape has a sample; where the server has learned it, the shape has to go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lexigram.nosql.testing import ServerFault
from lexigram.nosql.testing.cases import Difference
from mongodb.known_faults import COUNT, ORDER, PARALLEL, PATHS, PULL, fault, is_faulty
from servers import Product

__all__ = ["SHAPES", "Shape", "known_fault"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Requests of one kind.

    Attributes:
        documents: What the collection of the sample holds.
        request: The sample, in the form of a generated case.
        fault: What is wrong with the stand-in's answer.
        covers: Whether the smallest request that differs is of this kind.
    """

    documents: Sequence[dict[str, Any]]
    request: Mapping[str, Any]
    fault: ServerFault
    covers: Callable[[Difference], bool]


def known_fault(product: Product | None, difference: Difference) -> ServerFault | None:
    """The fault of a server that a difference is due to, or None.

    Args:
        product: What answered, or None where nothing did.
        difference: The smallest that is like what was met.
    """
    if not is_faulty(product):
        return None
    return next((shape.fault for shape in SHAPES.values() if shape.covers(difference)), None)


# --- what is asked


def _parts(value: Any) -> Iterator[Any]:
    """A value and all that is in it."""
    yield value
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _parts(part)


def _named(request: Mapping[str, Any], name: str) -> Iterator[Any]:
    """What an operator or a stage of this name is given, wherever it stands."""
    for part in _parts(dict(request)):
        if isinstance(part, dict) and name in part:
            yield part[name]


def _order(difference: Difference) -> list[str]:
    """The paths that are sorted by, without the id."""
    orders = [difference.request.get("sort") or {}, *_named(difference.request, "$sort")]
    return [path for order in orders for path in order if path != "_id"]


def _written(difference: Difference) -> list[str]:
    """The paths that an update changes."""
    update = difference.request.get("update")
    if not isinstance(update, dict):
        return []
    return [path for fields in update.values() if isinstance(fields, dict) for path in fields]


def _read(difference: Difference) -> list[str]:
    """The field paths of expressions."""
    found = _parts(difference.request.get("pipeline"))
    return [part[1:] for part in found if isinstance(part, str) and part.startswith("$") and part[1:2] != "$"]


def _meets_array(difference: Difference, path: str, *, before: bool = False) -> bool:
    """Whether a document holds an array where a path leads, or *before* its end."""
    names = path.split(".")
    return any(_passes_array(document, names[:-1] if before else names) for document in difference.documents)


def _passes_array(value: Any, names: Sequence[str]) -> bool:
    if isinstance(value, list):
        return True
    if not names or not isinstance(value, dict) or names[0] not in value:
        return False
    return _passes_array(value[names[0]], names[1:])


def _has_position(path: str) -> bool:
    return any(name.isdecimal() for name in path.split(".")[1:])


# --- what is answered


def _refused_by(difference: Difference) -> tuple[str | None, str | None]:
    """The refusals of the server and of the engine."""
    return difference.found.get("refused"), difference.expected.get("refused")


def _unordered(value: Any) -> Any:
    """An answer without the order of fields."""
    if isinstance(value, dict):
        return sorted(((name, _unordered(part)) for name, part in value.items()), key=repr)
    return [_unordered(part) for part in value] if isinstance(value, list | tuple) else value


# --- the shapes


def _counts_nothing(difference: Difference) -> bool:
    counted = [{name: 0} for name in _named(difference.request, "$count") if isinstance(name, str)]
    # A stage behind it may refuse what should not be there.
    refused = bool(counted) and _refused_by(difference) == ("PipelineError", None)
    return refused or any(part in counted for part in _parts(dict(difference.found)))


def _accumulated_constant(accumulator: str) -> Callable[[Difference], bool]:
    def covers(difference: Difference) -> bool:
        constant = [
            given
            for given in _named(difference.request, accumulator)
            if not any(isinstance(part, str) and part.startswith("$") for part in _parts(given))
        ]
        return bool(constant) and _refused_by(difference) == ("PipelineError", None)

    return covers


def _parallel_arrays(difference: Difference) -> bool:
    found, expected = _refused_by(difference)
    # What it goes on with may be refused for something else.
    if found not in {None, "UpdateError"} or expected not in {"QueryOptionError", "PipelineError"}:
        return False
    return sum(_meets_array(difference, path) for path in _order(difference)) > 1


def _order_in_nested_arrays(difference: Difference) -> bool:
    if _refused_by(difference) != (None, None) or not any(
        "." in path and _meets_array(difference, path, before=True) for path in _order(difference)
    ):
        return False
    found, expected = (answers.get("answer") for answers in (difference.found, difference.expected))
    if difference.request["kind"] == "find" and sorted(map(repr, found)) != sorted(map(repr, expected)):
        return False
    return any(
        isinstance(part, list) and any(isinstance(inner, list) for inner in part)
        for part in _parts(list(difference.documents))
    )


def _path_through_array(difference: Difference) -> bool:
    return any(_meets_array(difference, path, before=True) for path in _read(difference))


def _position_in_path(difference: Difference) -> bool:
    return any(_has_position(path) and _meets_array(difference, path, before=True) for path in _read(difference))


def _position_in_stage(difference: Difference) -> bool:
    paths: list[str] = []
    for stage in difference.request.get("pipeline", ()):
        for name, given in stage.items():
            if name in {"$unset", "$project", "$set", "$addFields"}:
                paths += [given] if isinstance(given, str) else list(given)
    return any(_has_position(path) and _meets_array(difference, path, before=True) for path in paths)


def _missing_of_variable(difference: Difference) -> bool:
    paths = [part for part in _parts(difference.request.get("pipeline")) if isinstance(part, str)]
    return any(path.startswith(("$$ROOT.", "$$CURRENT.")) for path in paths) and None in _parts(
        difference.found.get("answer")
    )


def _match_behind_error(difference: Difference) -> bool:
    stages = [name for stage in difference.request.get("pipeline", ()) for name in stage]
    before = stages[: stages.index("$match")] if "$match" in stages else []
    computed = not {"$set", "$addFields", "$project"}.isdisjoint(before)
    return computed and _refused_by(difference) == ("PipelineError", None)


def _operand_behind_missing(difference: Difference) -> bool:
    operands = [given for name in ("$add", "$concat", "$multiply") for given in _named(difference.request, name)]
    several = any(isinstance(given, list) and len(given) > 1 for given in operands)
    return several and _refused_by(difference) == ("PipelineError", None)


def _included_by_fraction(difference: Difference) -> bool:
    projected = [fields for fields in _named(difference.request, "$project") if isinstance(fields, dict)]
    return any(isinstance(value, float) and 0 < abs(value) < 1 for fields in projected for value in fields.values())


def _array_behind_a_value(*operators: str) -> Callable[[Difference], bool]:
    def covers(difference: Difference) -> bool:
        update = difference.request.get("update")
        return (
            isinstance(update, dict)
            and not set(operators).isdisjoint(update)
            and any("." in path for name in operators for path in update.get(name, ()))
            and _refused_by(difference) == (None, "UpdateError")
        )

    return covers


def _ambiguous_order(difference: Difference) -> bool:
    refused = _refused_by(difference) == ("NoSQLError", "QueryOptionError")
    return refused and any(_has_position(path) for path in _order(difference))


def _only_order_differs(difference: Difference) -> bool:
    return len(_written(difference)) > 1 and _unordered(dict(difference.found)) == _unordered(dict(difference.expected))


def _distinct_in_arrays(difference: Difference) -> bool:
    path = difference.request.get("path")
    if not isinstance(path, str) or _refused_by(difference) != (None, None):
        return False
    fewer = set(difference.found["answer"]) < set(difference.expected["answer"])
    return fewer and _meets_array(difference, path, before=True)


def _updated(
    document: dict[str, Any], update: dict[str, Any], fault: ServerFault, covers: Callable[[Difference], bool]
) -> Shape:
    return Shape([document], {"kind": "update_many", "filter": {}, "update": update}, fault, covers)


def _piped(
    document: dict[str, Any], stage: dict[str, Any], fault: ServerFault, covers: Callable[[Difference], bool]
) -> Shape:
    return Shape([document], {"kind": "aggregate", "pipeline": [stage]}, fault, covers)


SHAPES: Final[Mapping[str, Shape]] = {
    "concatenation of no array": _piped(
        {"_id": 0, "c": {}},
        {"$group": {"_id": 3, "b": {"$sum": {"$concatArrays": "$c"}}}},
        fault("$concatArrays: what is neither an array nor null is an error (code 28664)", "it takes any single one"),
        lambda difference: (
            any(True for _ in _named(difference.request, "$concatArrays"))
            and _refused_by(difference) == (None, "PipelineError")
        ),
    ),
    "count of nothing": _piped(
        {"_id": 0}, {"$facet": {"none": [{"$match": {"a": 1}}, {"$count": "n"}]}}, COUNT, _counts_nothing
    ),
    "different values in arrays": Shape(
        [{"_id": 0, "a": [{"b": 5}]}],
        {"kind": "distinct", "path": "a.b", "filter": {}},
        fault(
            "db.collection.distinct(): a dotted path leads into the documents of an array",
            "it finds no value behind an array",
        ),
        _distinct_in_arrays,
    ),
    "field of a variable": _piped(
        {"_id": 0},
        {"$set": {"m": "$$ROOT.a"}},
        fault("$addFields: a field whose expression has no value is not added", "it adds null for a variable's path"),
        _missing_of_variable,
    ),
    "inclusion by a fraction": _piped(
        {"_id": 0, "b": 1},
        {"$project": {"a": 0.5}},
        fault("$project: a number that is not zero includes the field", "it takes one below 1 for a value"),
        _included_by_fraction,
    ),
    "index of an element": _piped(
        {"_id": 0, "a": [5]},
        {"$unwind": {"path": "$a", "includeArrayIndex": "c"}},
        fault("$unwind, includeArrayIndex: the index is a 64-bit integer", "it gives one of 32 bits"),
        lambda difference: (
            any(True for _ in _named(difference.request, "includeArrayIndex"))
            and difference.found == difference.expected  # but for the type
        ),
    ),
    "match behind an error": Shape(
        [{"_id": 1}],
        {"kind": "aggregate", "pipeline": [{"$set": {"b": {"$in": [None, "$c"]}}}, {"$match": {"$nor": [{}]}}]},
        fault(
            "Aggregation Pipeline Optimization: $match goes before a $set of fields that it does not read",
            "it computes the fields of documents that do not match, and fails on one",
        ),
        _match_behind_error,
    ),
    "operand behind one that is missing": _piped(
        {"_id": 0},
        {"$set": {"m": {"$concat": ["$a", {"$size": "$b"}]}}},
        fault("$concat: null where an operand is null or missing", "it looks at the operands behind one"),
        _operand_behind_missing,
    ),
    "last of a group": _piped(
        {"_id": 0},
        {"$group": {"_id": 3, "b": {"$last": {"$toString": 1}}}},
        fault("$last (accumulator): the value of the group's last document", "it takes a constant for an array"),
        _accumulated_constant("$last"),
    ),
    "element of an empty constant": _piped(
        {"_id": 1},
        {"$set": {"c": [{"$arrayElemAt": [[], -2]}]}},
        fault("$arrayElemAt: an index beyond the bounds gives no result", "it refuses one of a constant array"),
        lambda difference: (
            any(isinstance(given, list) and given[:1] == [[]] for given in _named(difference.request, "$arrayElemAt"))
            and _refused_by(difference) == ("PipelineError", None)
        ),
    ),
    "empty document in a group": _piped(
        {"_id": 0},
        {"$group": {"_id": 3, "b": {"$push": {}}}},
        fault("$push (accumulator): the value of any expression, an empty document too", "it refuses an empty one"),
        _accumulated_constant("$push"),
    ),
    "order by parallel arrays": Shape(
        [{"_id": 0, "a": [1, 2], "b": [1, 2]}],
        {"kind": "find", "filter": {}, "sort": {"a": 1, "b": 1, "_id": 1}},
        PARALLEL,
        _parallel_arrays,
    ),
    "order by elements that are arrays": Shape(
        [{"_id": 0, "a": [{"b": b""}, []]}, {"_id": 1}],
        {"kind": "find", "filter": {}, "sort": {"a.b": 1, "_id": 1}},
        fault(
            "cursor.sort(), Sort Order: an element of an array that lacks the field counts as null",
            "it leaves out elements that are arrays themselves",
        ),
        _order_in_nested_arrays,
    ),
    "pop behind a number": _updated(
        {"_id": 0, "a": 5},
        {"$pop": {"a.b": 1}},
        fault(
            "$pop: a path that a value stands in the way of is an error (code 28)", "it leaves the document as it is"
        ),
        _array_behind_a_value("$pop"),
    ),
    "position in a path": _piped(
        {"_id": 0, "c": [1, {"a": 5}]},
        {"$set": {"m": "$c.1.a"}},
        fault(
            "Field Paths: an expression's path has no positions, a number in it is the name of a field",
            "it takes the element at the position",
        ),
        _position_in_path,
    ),
    "path through an array": _piped(
        {"_id": 0, "a": [1]}, {"$set": {"m": {"$arrayElemAt": ["$a.b.c", 2]}}}, PATHS, _path_through_array
    ),
    "position in a stage": _piped(
        {"_id": 0, "a": [False, ""]},
        {"$unset": "a.1"},
        fault(
            "$unset (aggregation): a path leads into the documents of an array, a number in it is the name of a field",
            "it takes the element at the position",
        ),
        _position_in_stage,
    ),
    "pull behind an array": _updated({"_id": 0, "a": [5]}, {"$pull": {"a.b": 1}}, PULL, _array_behind_a_value("$pull")),
    "pull all behind a number": _updated(
        {"_id": 0, "a": 5},
        {"$pullAll": {"a.b": [1]}},
        fault(
            "$pullAll: a path that a value stands in the way of is an error (code 28)",
            "it leaves the document as it is",
        ),
        _array_behind_a_value("$pullAll"),
    ),
    "update in an ambiguous order": Shape(
        [{"_id": 0, "a": [{"b": 1}, {"0": {"b": 2}}]}],
        {"kind": "delete_one", "filter": {}, "sort": {"a.0.b": 1, "_id": 1}},
        fault(
            "cursor.sort(): a position of an array that is a name in it too is ambiguous (code 16746)",
            "it says that an internal error happened (code 1), where the order is that of a write",
        ),
        _ambiguous_order,
    ),
    "update with one operator": _updated({"_id": 0}, {"$set": {"b": 1, "a": 2}}, ORDER, _only_order_differs),
    "update with two operators": _updated({"_id": 0}, {"$max": {"b": 1}, "$min": {"a": 2}}, ORDER, _only_order_differs),
}
"""All that were met on SecantusDB, each with its smallest sample."""
