"""Constants of stages as parameters: which places of a stage hold expressions whose constants can be taken out.

See :mod:`~lexigram.nosql.values.slots` for what is taken out of an expression. The constants of a ``$match`` stay where
they are: filters have a cache by shape of their own. So do numbers that a stage looks at while it is compiled, such as
the boundaries of ``$bucket``. The pipelines within ``$lookup``, ``$unionWith``, ``$facet`` and ``$merge`` are lifted
with the stage around them, into the same constants.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from lexigram.nosql.values.slots import Put, fill, lift, walk

__all__ = ["LIFTED", "lift_projection", "lift_stage"]

_ACCUMULATORS: Final = frozenset(
    {
        *("$sum", "$avg", "$min", "$max", "$first", "$last", "$push", "$addToSet", "$stdDevPop", "$stdDevSamp"),
        *("$mergeObjects", "$concatArrays", "$setUnion"),
    }
)
_MAX_DEPTH: Final = 20


def lift_stage(name: str, specification: Any, put: Put, depth: int = 0) -> Any:
    """Put slots in the place of the constants of a stage.

    Args:
        name: Name of the stage.
        specification: What stands beside it; it is not changed.
        put: Puts a constant aside.
        depth: How many pipelines stand around the stage.

    Returns:
        The specification with slots; the one given where nothing can be lifted.
    """
    nested = _NESTED.get(name)
    if nested is not None and depth < _MAX_DEPTH and type(specification) is dict:
        return nested(specification, put, depth + 1)
    plain = LIFTED.get(name)
    return specification if plain is None else plain(specification, put)


def lift_projection(specification: Any, put: Put) -> Any:
    """Put slots in the place of the constants of a projection, of ``$project`` or of a read.

    Args:
        specification: Fields to keep, leave out or compute; it is not changed.
        put: Puts a constant aside.

    Returns:
        The same with slots.
    """
    return _projection(specification, put)


def _expression(expression: Any, put: Put) -> Any:
    """An expression that may be no constant, such as what ``$sortByCount`` takes."""
    return lift(expression, put)


def _value(value: Any, put: Put) -> Any:
    """An expression that may be a constant."""
    return fill(walk(value, put)[0], put)


def _argument(argument: Any, put: Put) -> Any:
    """What an accumulator takes: a constant alone decides how it counts, and stays."""
    lifted, reads = walk(argument, put)
    return fill(lifted, put) if reads else lifted


def _additions(specification: Any, put: Put) -> Any:
    if type(specification) is not dict or not all(type(name) is str and name[:1] != "$" for name in specification):
        return specification
    return {name: _value(value, put) for name, value in specification.items()}


def _projection(specification: Any, put: Put, depth: int = 0) -> Any:
    if type(specification) is not dict or depth > _MAX_DEPTH:
        return specification
    lifted: dict[Any, Any] = {}
    for name, value in specification.items():
        if type(name) is not str or name[:1] == "$":
            return lift(specification, put) if depth and not _begins_with_a_constant(name, value) else specification
        cls = type(value)
        if cls is dict:
            lifted[name] = _projection(value, put, depth + 1)
        else:  # a number or bool keeps a field or removes it
            lifted[name] = _value(value, put) if cls is str or cls is list or cls is tuple else value
    return lifted


def _begins_with_a_constant(name: str, argument: Any) -> bool:
    """Whether this is a ``$slice`` whose first number may tell the projection's own from the expression."""
    return (
        name == "$slice"
        and type(argument) in (list, tuple)
        and bool(argument)
        and type(argument[0]) not in (str, dict, list)
    )


def _outputs(fields: Any, put: Put) -> Any:
    """Fields with their accumulators, and maybe a window beside each."""
    if type(fields) is not dict:
        return fields
    lifted: dict[Any, Any] = {}
    for name, value in fields.items():
        if type(value) is dict and _ACCUMULATORS.intersection(value):
            lifted[name] = {key: _argument(item, put) if key in _ACCUMULATORS else item for key, item in value.items()}
        else:
            lifted[name] = value
    return lifted


def _key(key: Any, put: Put) -> Any:
    """What is grouped by: an expression, or a document of expressions, none of them a number or bool alone."""
    if type(key) is not dict or any(type(name) is not str or name[:1] == "$" for name in key):
        return lift(key, put)
    return {name: lift(value, put) for name, value in key.items()}


def _group(specification: Any, put: Put) -> Any:
    if type(specification) is not dict:
        return specification
    rest = _outputs({name: value for name, value in specification.items() if name != "_id"}, put)
    lifted = {"_id": _key(specification["_id"], put)} if "_id" in specification else {}
    return {**lifted, **rest}


def _options(**places: Callable[[Any, Put], Any]) -> Callable[[Any, Put], Any]:
    """What lifts in some of the options of a stage."""

    def lift_options(specification: Any, put: Put) -> Any:
        if type(specification) is not dict:
            return specification
        return {
            name: places[name](value, put) if type(name) is str and name in places else value
            for name, value in specification.items()
        }

    return lift_options


LIFTED: Final[Mapping[str, Callable[[Any, Put], Any]]] = {
    "$addFields": _additions,
    "$set": _additions,
    "$project": _projection,
    "$group": _group,
    "$replaceRoot": _options(newRoot=_value),
    "$replaceWith": _value,
    "$sortByCount": _expression,
    "$redact": _expression,
    "$bucket": _options(groupBy=_expression, output=_outputs),
    "$bucketAuto": _options(groupBy=_expression, output=_outputs),
    "$setWindowFields": _options(partitionBy=_expression, output=_outputs),
    "$graphLookup": _options(startWith=_value),
}
"""The stages without pipelines within them whose constants are lifted, each with what does it."""


def _pipeline(stages: Any, put: Put, depth: int) -> Any:
    if type(stages) is not list:
        return stages
    lifted: list[Any] = []
    for stage in stages:
        if type(stage) is dict and len(stage) == 1:
            ((name, specification),) = stage.items()
            if type(name) is str:
                lifted.append({name: lift_stage(name, specification, put, depth)})
                continue
        lifted.append(stage)
    return lifted


def _with_pipeline(option: str) -> Callable[[dict[Any, Any], Put, int], Any]:
    def lift_options(specification: dict[Any, Any], put: Put, depth: int) -> Any:
        lifted = dict(specification)
        if type(definitions := specification.get("let")) is dict:
            lifted["let"] = {name: _value(value, put) for name, value in definitions.items()}
        if option in specification:
            lifted[option] = _pipeline(specification[option], put, depth)
        return lifted

    return lift_options


def _facets(specification: dict[Any, Any], put: Put, depth: int) -> Any:
    return {name: _pipeline(stages, put, depth) for name, stages in specification.items()}


_NESTED: Final[Mapping[str, Callable[[dict[Any, Any], Put, int], Any]]] = {
    "$lookup": _with_pipeline("pipeline"),
    "$unionWith": _with_pipeline("pipeline"),
    "$merge": _with_pipeline("whenMatched"),
    "$facet": _facets,
}
