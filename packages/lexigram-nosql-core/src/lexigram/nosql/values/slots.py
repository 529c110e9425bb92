"""Constants of expressions as parameters: expressions that differ in them only are compiled once.

:func:`lift` puts slots in the place of constants, and a compiled slot reads its constant as it reads a variable. Only
constants that are operands of the operators below are lifted, and only beside an operand that certainly reads a field
or a variable: an operator all of whose operands are constants is folded while it is compiled, with the errors that this
may give. Where a constant is looked at while an expression is compiled (a unit, a format, a pattern, the name of a
variable or of a field) it stays where it is, and so in the key of what is kept. A list of scalars is one constant.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Any, Final, TypeAlias
from uuid import UUID

from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag
from lexigram.nosql.values.normalise import normalise_value

__all__ = ["Put", "Slot", "fill", "lift", "lowered", "putter", "walk"]

_SCALARS: Final[frozenset[type]] = frozenset({str, int, float, bool, NoneType, datetime, Decimal, UUID, bytes})
_BSON_SCALARS: Final = frozenset(
    {BsonTag.OBJECT_ID, BsonTag.INT64, BsonTag.DECIMAL128, BsonTag.TIMESTAMP, BsonTag.BINARY, BsonTag.DATETIME_MS}
)
_POSITIONAL: Final = frozenset(
    {
        *("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp"),
        *("$add", "$subtract", "$multiply", "$divide", "$mod", "$abs", "$ceil", "$floor", "$round", "$trunc"),
        *("$pow", "$sqrt", "$exp", "$ln", "$log", "$log10", "$bitAnd", "$bitOr", "$bitXor", "$bitNot"),
        *("$and", "$or", "$not", "$cond", "$ifNull", "$max", "$min", "$sum", "$avg"),
        *("$concat", "$toLower", "$toUpper", "$strcasecmp", "$substr", "$substrBytes", "$substrCP", "$split"),
        *("$strLenBytes", "$strLenCP", "$indexOfBytes", "$indexOfCP"),
        *("$arrayElemAt", "$arrayToObject", "$concatArrays", "$first", "$last", "$in", "$indexOfArray", "$isArray"),
        *("$objectToArray", "$range", "$reverseArray", "$size", "$slice", "$allElementsTrue", "$anyElementTrue"),
        *("$setDifference", "$setEquals", "$setIntersection", "$setIsSubset", "$setUnion", "$mergeObjects"),
        *("$type", "$isNumber", "$toString", "$toInt", "$toLong", "$toDouble", "$toDecimal", "$toBool", "$toDate"),
    }
)
_NAMED: Final[Mapping[str, frozenset[str]]] = {
    "$cond": frozenset({"if", "then", "else"}),
    "$filter": frozenset({"input", "cond", "limit"}),
    "$map": frozenset({"input", "in"}),
    "$reduce": frozenset({"input", "initialValue", "in"}),
    "$sortArray": frozenset({"input"}),
    **dict.fromkeys(("$trim", "$ltrim", "$rtrim"), frozenset({"input", "chars"})),
    **dict.fromkeys(("$replaceOne", "$replaceAll"), frozenset({"input", "find", "replacement"})),
    **dict.fromkeys(("$regexMatch", "$regexFind", "$regexFindAll"), frozenset({"input"})),
    "$getField": frozenset({"input"}),
    "$setField": frozenset({"input", "value"}),
    "$unsetField": frozenset({"input"}),
    "$convert": frozenset({"input", "onError", "onNull"}),
    **dict.fromkeys(("$dateAdd", "$dateSubtract"), frozenset({"startDate", "amount"})),
    "$dateDiff": frozenset({"startDate", "endDate"}),
    "$dateTrunc": frozenset({"date"}),
    "$dateToString": frozenset({"date", "onNull"}),
    "$dateFromString": frozenset({"dateString", "onError", "onNull"}),
}
_SYSTEM_READS: Final = frozenset({"$$ROOT", "$$CURRENT", "$$NOW"})
_MAX_DEPTH: Final = 40


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a constant.

    Attributes:
        name: Name of the variable that holds the constant; no user can write it.
        kind: The class of the constant.
    """

    name: str
    kind: type


@lru_cache(maxsize=2048)
def _slot(name: str, kind: type) -> Slot:
    return Slot(name, kind)


Put: TypeAlias = Callable[[Any], Any]
"""Takes a constant and gives the slot to stand in its place, or the constant itself where that is to stay."""


def putter(mark: str, taken: Callable[[str, Any, Any], None], count: Callable[[], int]) -> Put:
    """Make what puts constants aside.

    Args:
        mark: What the names of the slots begin with: a character that no user's variable begins with.
        taken: Given the name of a slot, the constant as written, and the constant as documents hold it.
        count: How many constants there are already.

    Returns:
        The function. Constants that documents do not hold stay, and whoever compiles them says what is wrong.
    """

    def put(value: Any) -> Any:
        kind = type(value)
        held = value
        if kind is not str or not value.isascii():
            try:
                held = normalise_value(value)
            except NoSQLError:
                return value
        slot = _slot(f"{mark}{count()}", kind)  # type: ignore[arg-type]  # a class is hashable
        taken(slot.name, value, held)
        return slot

    return put


def lift(expression: Any, put: Put) -> Any:
    """Put slots in the place of the constants of an expression.

    Args:
        expression: The expression; it is not changed.
        put: Puts a constant aside.

    Returns:
        The expression with slots; a constant alone stays as it is.
    """
    return walk(expression, put)[0]


def walk(value: Any, put: Put, depth: int = 0) -> tuple[Any, bool]:
    """Lift within the operators of an expression, but not in documents and arrays around them.

    Args:
        value: The expression.
        put: Puts a constant aside.
        depth: How deep it stands.

    Returns:
        The expression with slots, and whether it certainly reads a field or a variable.
    """
    cls = type(value)
    if cls is str:
        return value, _is_read(value)
    if (cls is not dict and cls is not list and cls is not tuple) or depth > _MAX_DEPTH:
        return value, False
    if cls is dict:
        for first in value:
            if type(first) is str and first[:1] == "$":
                return _operator(first, value, put, depth) if len(value) == 1 else (value, False)
            break
        return _fields(value, frozenset(value), put, depth)
    return _items(value, put, depth)


def fill(value: Any, put: Put) -> Any:
    """Lift what :func:`walk` left in documents and arrays: what surrounds them is certainly not folded.

    Args:
        value: What :func:`walk` gave.
        put: Puts a constant aside.

    Returns:
        The expression with further slots.
    """
    cls = type(value)
    if cls is dict:
        for first in value:
            if type(first) is not str:
                return value
            if first[:1] == "$":
                if first == "$literal" and len(value) == 1 and _is_scalar(type(value[first])):
                    return {first: put(value[first])}
                return value
            break
        return {name: fill(item, put) for name, item in value.items()}
    if cls is list or cls is tuple:
        if value and all(map(_is_constant, value)):
            return put(value)
        return [fill(item, put) for item in value]
    return put(value) if _is_constant(value) else value


def lowered(value: Any, constants: Mapping[str, Any]) -> Any:
    """Put constants back in the place of slots.

    Args:
        value: What :func:`lift` gave.
        constants: The constants by the names of their slots.

    Returns:
        The expression without slots.
    """
    cls = type(value)
    if cls is Slot:
        return constants[value.name]
    if cls is dict:
        return {name: lowered(item, constants) for name, item in value.items()}
    if cls is list or cls is tuple:
        return [lowered(item, constants) for item in value]
    return value


def _is_read(text: str) -> bool:
    """Whether a reference is to a field or a variable; ``$$REMOVE`` and its like are constants."""
    if text[:1] != "$" or len(text) < 2:
        return False
    return text[1] != "$" or text[2:3].islower() or text.partition(".")[0] in _SYSTEM_READS


def _is_scalar(cls: type) -> bool:
    return cls in _SCALARS or bson_tag(cls) in _BSON_SCALARS


def _is_constant(value: Any) -> bool:
    cls = type(value)
    return value[:1] != "$" if cls is str else _is_scalar(cls)


def _items(items: Sequence[Any], put: Put, depth: int) -> tuple[Sequence[Any], bool]:
    found = [walk(item, put, depth + 1) for item in items]
    reads = any(one for _, one in found)
    if all(item is lifted for item, (lifted, _) in zip(items, found, strict=True)):
        return items, reads
    return [item for item, _ in found], reads


def _fields(fields: Any, names: frozenset[Any], put: Put, depth: int) -> tuple[dict[Any, Any], bool]:
    """Walk through some of the values of a document."""
    lifted: dict[Any, Any] = {}
    reads = False
    for name, value in fields.items():
        if name in names:
            lifted[name], one = walk(value, put, depth + 1)
            reads = reads or one
        else:
            lifted[name] = value
    return lifted, reads


def _operator(name: str, whole: dict[Any, Any], put: Put, depth: int) -> tuple[Any, bool]:
    spec = whole[name]
    cls = type(spec)
    named = _NAMED.get(name)
    if named is not None and cls is dict:
        fields, reads = _fields(spec, named, put, depth)
        if reads:
            fields = {key: fill(item, put) if key in named else item for key, item in fields.items()}
        return {name: fields}, reads
    if name in _POSITIONAL:
        if cls is list or cls is tuple:
            items, reads = _items(spec, put, depth)
            return {name: [fill(item, put) for item in items] if reads else items}, reads
        one, reads = walk(spec, put, depth + 1)
        return {name: fill(one, put) if reads else one}, reads
    if name == "$switch" and cls is dict:
        return _switch(spec, put, depth)
    if name == "$let" and cls is dict and type(spec.get("vars")) is dict:
        definitions, reads = _fields(spec["vars"], frozenset(spec["vars"]), put, depth)
        # A variable is read as what it is defined by, so a body that reads nothing else may be folded.
        body, _ = walk(spec.get("in"), put, depth + 1)
        return {name: {**spec, "vars": definitions, **({"in": body} if "in" in spec else {})}}, reads
    return whole, False


def _switch(spec: dict[Any, Any], put: Put, depth: int) -> tuple[Any, bool]:
    branches = spec.get("branches")
    if type(branches) is not list or not spec.keys() <= {"branches", "default"}:
        return {"$switch": spec}, False
    if not all(type(branch) is dict and branch.keys() == {"case", "then"} for branch in branches):
        return {"$switch": spec}, False
    both = frozenset({"case", "then"})
    found = [_fields(branch, both, put, depth + 1) for branch in branches]
    reads = any(one for _, one in found)
    lifted: dict[Any, Any] = {"branches": [branch for branch, _ in found]}
    if "default" in spec:
        lifted["default"], one = walk(spec["default"], put, depth + 1)
        reads = reads or one
    if reads:
        lifted = {key: _filled(item, put) if key == "branches" else fill(item, put) for key, item in lifted.items()}
    # The order of the two does not matter, but the key of what is kept should not depend on it either.
    return {"$switch": lifted}, reads


def _filled(branches: list[dict[Any, Any]], put: Put) -> list[dict[Any, Any]]:
    return [{key: fill(item, put) for key, item in branch.items()} for branch in branches]
