"""Which version of the server brought an operator of expressions, or a stage of pipelines.

Only operators that a supported server may lack stand here: PyMongo 4.13 and later talk to 4.2 and later. Source:
MongoDB manual, "Aggregation Operators" and the release notes of each version.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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
}
"""The first version that has an operator."""

_ARGUMENTS: Final[Mapping[str, Mapping[str, Version]]] = {
    "$convert": {"format": (8, 0), "byteOrder": (8, 1), "base": (8, 3)},
    "$filter": {"limit": (5, 2)},
}
"""The first version that has an argument of an older operator."""

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
            continue
        if isinstance(part, dict | Mapping):
            for name, operand in part.items():
                if name in INTRODUCED:
                    newest = max(newest, INTRODUCED[name])
                if name in _ARGUMENTS and isinstance(operand, Mapping):
                    newest = max(newest, *(_ARGUMENTS[name].get(argument, _ALWAYS) for argument in operand), _ALWAYS)
                pending.append(operand)
        elif isinstance(part, list | tuple):
            pending.extend(part)
    return newest


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
