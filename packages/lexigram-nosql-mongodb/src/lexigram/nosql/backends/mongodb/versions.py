"""Which version of the server brought an operator of expressions, or a stage of pipelines.

Only operators that a supported server may lack stand here: PyMongo 4.13 and later talk to 4.2 and later. Source:
MongoDB manual, "Aggregation Operators" and the release notes of each version.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bson import Regex

__all__ = ["INTRODUCED", "STAGES", "Version", "first_version", "first_version_of_stage"]

Version = tuple[int, ...]

INTRODUCED: Final[Mapping[str, Version]] = {
    "$binarySize": (4, 4),
    "$bsonSize": (4, 4),
    "$first": (4, 4),
    "$isNumber": (4, 4),
    "$last": (4, 4),
    "$replaceAll": (4, 4),
    "$replaceOne": (4, 4),
    "$rand": (4, 4, 2),
    "$dateAdd": (5, 0),
    "$dateDiff": (5, 0),
    "$dateSubtract": (5, 0),
    "$dateTrunc": (5, 0),
    "$getField": (5, 0),
    "$setField": (5, 0),
    "$unsetField": (5, 0),
    "$tsIncrement": (5, 1),
    "$tsSecond": (5, 1),
    "$bottom": (5, 2),
    "$bottomN": (5, 2),
    "$firstN": (5, 2),
    "$lastN": (5, 2),
    "$maxN": (5, 2),
    "$minN": (5, 2),
    "$sortArray": (5, 2),
    "$top": (5, 2),
    "$topN": (5, 2),
    "$locf": (5, 2),
    "$linearFill": (5, 3),
    "$bitAnd": (6, 3),
    "$bitNot": (6, 3),
    "$bitOr": (6, 3),
    "$bitXor": (6, 3),
    "$median": (7, 0),
    "$percentile": (7, 0),
    "$toHashedIndexKey": (7, 0),
    "$toUUID": (8, 0),
    "$sigmoid": (8, 1),
    "$minMaxScaler": (8, 2),
    "$createObjectId": (8, 3),
    "$deserializeEJSON": (8, 3),
    "$hash": (8, 3),
    "$hexHash": (8, 3),
    "$serializeEJSON": (8, 3),
    "$similarityCosine": (8, 3),
    "$similarityDotProduct": (8, 3),
    "$similarityEuclidean": (8, 3),
    "$subtype": (8, 3),
    "$toArray": (8, 3),
    "$toObject": (8, 3),
}
"""The first version that has an operator, as an expression or an accumulator."""

_ARGUMENTS: Final[Mapping[str, Mapping[str, Version]]] = {
    "$bottom": {"input": (8, 3)},
    "$bottomN": {"input": (8, 3)},
    "$convert": {"format": (8, 0), "byteOrder": (8, 1), "base": (8, 3)},
    "$filter": {"limit": (5, 2), "arrayIndexAs": (8, 3)},
    "$map": {"arrayIndexAs": (8, 3)},
    "$reduce": {"as": (8, 3), "valueAs": (8, 3), "arrayIndexAs": (8, 3)},
    "$top": {"input": (8, 3)},
    "$topN": {"input": (8, 3)},
}
"""The first version that has an argument of an older operator; ``input`` makes an accumulator an expression."""

_POSITION: Final = "$$IDX"
_POSITIONS: Final[Version] = (8, 3)
_FROM_JSON: Final[Version] = (8, 3)
_NEW_TARGETS: Final = frozenset({"array", "object", 3, 4})
_VECTOR: Final = 9
_REGEX_PARTS: Final[Version] = (8, 3)
_BY_REGEX: Final = frozenset({"$split", "$replaceOne", "$replaceAll"})

STAGES: Final[Mapping[str, Version]] = {
    "$densify": (5, 1),
    "$fill": (5, 3),
    "$setWindowFields": (5, 0),
    "$unionWith": (4, 4),
}
"""The first version that has a stage."""

_ACCUMULATORS: Final[Mapping[str, Version]] = {
    "$concatArrays": (8, 1),
    "$count": (5, 0),
    "$setUnion": (8, 1),
}
"""The first version in which an operator that is known elsewhere is an accumulator too."""

_GROUPING: Final = frozenset({"$bucket", "$bucketAuto", "$group", "$setWindowFields"})
_JOIN_AND_PIPELINE: Final[Version] = (5, 0)

_ALWAYS: Final[Version] = ()
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


def first_version(expression: Any) -> Version:
    """The first version of the server that knows every operator of an expression.

    Names inside ``$literal`` count too: at worst the engine evaluates what the server could have.

    Args:
        expression: As written; documents and lists of any depth.

    Returns:
        The version, or an empty tuple where every server does.
    """
    newest = _ALWAYS
    pending: list[Any] = [expression]
    while pending:
        part = pending.pop()
        if type(part) in _SCALARS:
            if type(part) is str and part.startswith(_POSITION):
                newest = max(newest, _POSITIONS)
            continue
        if isinstance(part, dict | Mapping):
            for name, operand in part.items():
                if name in INTRODUCED:
                    newest = max(newest, INTRODUCED[name])
                if name in _ARGUMENTS and isinstance(operand, Mapping):
                    newest = max(newest, *(_ARGUMENTS[name].get(argument, _ALWAYS) for argument in operand), _ALWAYS)
                if name == "$convert" and isinstance(operand, Mapping):
                    newest = max(newest, _conversion(operand.get("to")))
                if name in _BY_REGEX and _holds_regex(operand):
                    newest = max(newest, _REGEX_PARTS)
                pending.append(operand)
        elif isinstance(part, list | tuple):
            pending.extend(part)
    return newest


def _conversion(target: Any) -> Version:
    """The first version that converts to a type; what is computed may be any type."""
    if isinstance(target, Mapping):
        if target.get("subtype") == _VECTOR:
            return _FROM_JSON
        target = target.get("type")
    if isinstance(target, str | int | float) and not (isinstance(target, str) and target[:1] == "$"):
        return _FROM_JSON if target in _NEW_TARGETS else _ALWAYS
    return _ALWAYS if target is None else _FROM_JSON


def _holds_regex(operand: Any) -> bool:
    items = operand.values() if isinstance(operand, Mapping) else operand if isinstance(operand, list | tuple) else ()
    return any(isinstance(item, re.Pattern | Regex) for item in items)


def first_version_of_stage(name: str, specification: Any) -> Version:
    """The first version of the server that knows a stage in this form; its expressions are not looked at.

    Args:
        name: Its name, such as ``$lookup``.
        specification: What stands beside the name.

    Returns:
        The version, or an empty tuple where every server does.
    """
    newest = STAGES.get(name, _ALWAYS)
    if (name != "$lookup" and name not in _GROUPING) or not isinstance(specification, Mapping):
        return newest
    if name == "$lookup" and "pipeline" in specification and "localField" in specification:
        return max(newest, _JOIN_AND_PIPELINE)
    if name in _GROUPING:
        fields = specification if name == "$group" else specification.get("output", {})
        for accumulator in fields.values() if isinstance(fields, Mapping) else ():
            if isinstance(accumulator, Mapping):
                newest = max(newest, *(_ACCUMULATORS.get(operator, _ALWAYS) for operator in accumulator), _ALWAYS)
    return newest
