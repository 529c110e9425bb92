"""Writes a filter and a sort in the server's own form.

The engine's language is MongoDB's, so a parsed filter goes down as it stands: every condition is written again from its
tree, with constants normalised and without anything that the parser has resolved. What does not go down:

* ``$expr`` with an operator that the connected server's version does not have, and ``$sampleRate`` before 4.4.2;
* an order by chance, or by a score that the filter does not give;
* conditions on one value that cannot stand side by side in one document of operators.

Such a condition is left out of the native filter, which then selects more, and the whole filter is asked again by the
engine. Under ``$or``, ``$nor`` and ``$not`` nothing can be left out without selecting less, so there the whole
disjunction stays with the engine.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from bson.int64 import Int64
from bson.objectid import ObjectId
from bson.regex import Regex as BsonRegex
from lexigram.nosql.backends.mongodb.versions import Version, first_version
from lexigram.nosql.driver import Hint
from lexigram.nosql.query.ast import (
    All,
    Always,
    And,
    Bits,
    Compare,
    ElemMatch,
    Exists,
    Expr,
    In,
    JsonSchema,
    Leaf,
    Mod,
    Never,
    Node,
    Nor,
    Not,
    Or,
    Regex,
    SampleRate,
    Size,
    Text,
    Type,
)
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort

__all__ = ["NativeFilter", "NativeFind", "NativeSort", "compile_filter", "compile_hint", "compile_sort"]

NativeFilter = dict[str, Any]
NativeSort = list[tuple[str, Any]]

_SAMPLE_RATE: Final = (4, 4, 2)
_NOTHING: Final[NativeFilter] = {"_id": {"$in": []}}
"""Selects nothing, which the server sees without looking."""

_BARE: Final = frozenset({str, int, float, bool, type(None), bytes, datetime, Decimal, UUID, Int64, ObjectId})
"""Classes of constants that mean an equality by standing alone."""

_POSITIVE: Final[Mapping[str, str]] = {"$eq": "$ne", "$in": "$nin"}


@dataclass(frozen=True, slots=True)
class NativeFind:
    """A filter and order, ready for the SDK.

    Attributes:
        filter: The filter.
        sort: Fields and directions; None for the server's order.
        collation: How strings compare; None for the collection's own way.
        hint: Name or keys of the index to use.
    """

    filter: NativeFilter
    sort: NativeSort | None = None
    collation: Mapping[str, Any] | None = None
    hint: str | list[tuple[str, int | str]] | None = None

    def options(self) -> dict[str, Any]:
        """Everything but the filter, as keyword arguments of the SDK's methods."""
        options: dict[str, Any] = {}
        if self.sort is not None:
            options["sort"] = self.sort
        if self.collation is not None:
            options["collation"] = self.collation
        if self.hint is not None:
            options["hint"] = self.hint
        return options


def compile_filter(query: Query, version: Version) -> tuple[NativeFilter, bool]:
    """Write a filter for the server.

    Args:
        query: The filter.
        version: Of the server.

    Returns:
        A filter that selects at least the matches, and whether it selects nothing else.
    """
    equal = query.only_equalities()
    if equal is not None and _BARE.issuperset(map(type, equal.values())):
        return equal, True
    whole = _filter(query.root, version)
    if whole is not None:
        return whole, True
    parts = [native for part in query.conjuncts if (native := _filter(part, version)) is not None]
    return _both(parts), False


def compile_sort(sort: Sort | None, query: Query) -> tuple[NativeSort | None, bool]:
    """Write an order for the server.

    Args:
        sort: The order.
        query: The filter, which may give scores.

    Returns:
        The order, and whether it is the whole of what was asked.
    """
    if sort is None:
        return None, True
    if sort.natural:
        return [("$natural", sort.natural)], True
    if any(meta != "textScore" or query.text is None for meta in sort.metas.values()):
        return None, False
    return [(path, {"$meta": "textScore"} if path in sort.metas else way) for path, way in sort.fields], True


def compile_hint(hint: Hint | None) -> str | list[tuple[str, int | str]] | None:
    """Write a hint for the SDK, which takes keys as a list."""
    return hint if hint is None or isinstance(hint, str) else list(hint)


def _filter(node: Node, version: Version) -> NativeFilter | None:
    """A condition on documents; None where the server would not mean the same."""
    match node:
        case Compare(path, "$eq", value) if path is not None and type(value) in _BARE:
            return {path: value}
        case Always():
            return {}
        case Never() | In(values=[] | (), regexes=()):
            return _NOTHING
        case And(parts):
            natives = _all(parts, version)
            return None if natives is None else _both(natives)
        case Or(parts):
            natives = _all(parts, version)
            return None if natives is None else {"$or": natives}
        case Nor(parts):
            natives = _all(parts, version)
            return None if natives is None else {"$nor": natives}
        case Not(part):
            return _negation(part, version)
        case Expr():
            return {"$expr": node.expression} if first_version(node.expression) <= version else None
        case JsonSchema():
            return {"$jsonSchema": node.schema}
        case Text():
            return {"$text": _text(node)}
        case SampleRate(rate):
            return {"$sampleRate": rate} if version >= _SAMPLE_RATE else None
        case Leaf(path) if path is not None:
            condition = _condition(node, version)
            return None if condition is None else {path: condition}
        case _:
            return None


def _all(parts: Sequence[Node], version: Version) -> list[NativeFilter] | None:
    natives: list[NativeFilter] = []
    for part in parts:
        native = _filter(part, version)
        if native is None:
            return None
        natives.append(native)
    return natives


def _both(natives: Sequence[NativeFilter]) -> NativeFilter:
    """Conditions that must all hold, in one document where their names allow it."""
    merged: NativeFilter = {}
    for native in natives:
        for name, condition in native.items():
            held: Any = merged.get(name)
            if name not in merged:
                merged[name] = condition
            elif _are_operators(held) and _are_operators(condition) and not held.keys() & condition.keys():
                merged[name] = {**held, **condition}
            else:
                return {"$and": [part for part in natives if part]}
    return merged


def _are_operators(condition: Any) -> bool:
    return type(condition) is dict and all(name.startswith("$") for name in condition)


def _negation(part: Node, version: Version) -> NativeFilter | None:
    if isinstance(part, Leaf) and part.path is not None:
        condition = _condition(part, version)
        if condition is None:
            return None
        if len(condition) == 1:
            name, operand = next(iter(condition.items()))
            if name in _POSITIVE:
                return {part.path: {_POSITIVE[name]: operand}}
            if name == "$exists":
                return {part.path: {"$exists": not operand}}
        return {part.path: {"$not": condition}}
    native = _filter(part, version)
    return None if native is None else {"$nor": [native]}


def _condition(node: Leaf, version: Version) -> dict[str, Any] | None:
    """What a leaf says of its path, as operators."""
    match node:
        case Compare():
            return {node.op: node.value}
        case In():
            return {"$in": [*node.values, *map(_pattern, node.regexes)]}
        case Exists():
            return {"$exists": node.exists}
        case Type():
            return {"$type": sorted(kind.value for kind in node.kinds)}
        case Regex():
            options = node.options.replace("u", "")  # the server takes all text for UTF-8
            return {"$regex": node.source, "$options": options} if options else {"$regex": node.source}
        case Mod():
            return {"$mod": [node.divisor, node.remainder]}
        case Size():
            return {"$size": node.size}
        case Bits():
            return {node.test: list(node.positions)}
        case All():
            items = [_item(item, version) for item in node.items]
            return None if None in [item[0] for item in items] else {"$all": [item[1] for item in items]}
        case ElemMatch():
            inner = _of_value(node.condition, version) if node.of_values else _filter(node.condition, version)
            return None if inner is None else {"$elemMatch": inner}
        case _:
            return None


def _item(item: Node, version: Version) -> tuple[bool | None, Any]:
    """An item of ``$all``, behind True; None in front where there is no way to write it."""
    if isinstance(item, Compare):
        return True, item.value
    if isinstance(item, Regex):
        return True, _pattern(item)
    condition = _condition(item, version) if isinstance(item, ElemMatch) else None
    return (None, None) if condition is None else (True, condition)


def _of_value(node: Node, version: Version) -> dict[str, Any] | None:
    """Operators on a value itself, which stand side by side."""
    match node:
        case And(parts):
            merged: dict[str, Any] = {}
            for part in parts:
                condition = _of_value(part, version)
                if condition is None or condition.keys() & merged.keys():
                    return None
                merged.update(condition)
            return merged
        case Not(part):
            condition = _of_value(part, version)
            if condition is None:
                return None
            if len(condition) == 1:
                name, operand = next(iter(condition.items()))
                if name in _POSITIVE:
                    return {_POSITIVE[name]: operand}
            return {"$not": condition}
        case Leaf(None):
            return _condition(node, version)
        case _:
            return None


def _pattern(node: Regex) -> BsonRegex[str]:
    return BsonRegex(node.source, node.options.replace("u", ""))


def _text(node: Text) -> dict[str, Any]:
    text: dict[str, Any] = {"$search": node.search}
    if node.language is not None:
        text["$language"] = node.language
    if node.case_sensitive:
        text["$caseSensitive"] = True
    if node.diacritic_sensitive:
        text["$diacriticSensitive"] = True
    return text
