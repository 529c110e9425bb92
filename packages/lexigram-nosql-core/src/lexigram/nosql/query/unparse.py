"""Writes a filter's tree as a filter again, for ``explain()`` and logs."""

from __future__ import annotations

from typing import Any

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

__all__ = ["unparse"]


def unparse(node: Node) -> dict[str, Any]:
    """A filter that means what a tree means, in MongoDB's language.

    Args:
        node: The root, with constants in place.

    Returns:
        The filter; negations are written with ``$nor``, since ``$not`` stands below a path only.
    """
    match node:
        case Always():
            return {}
        case Never():
            return {"$nor": [{}]}
        case And(parts):
            return {"$and": [unparse(part) for part in parts]}
        case Or(parts):
            return {"$or": [unparse(part) for part in parts]}
        case Nor(parts):
            return {"$nor": [unparse(part) for part in parts]}
        case Not(part):
            return {"$nor": [unparse(part)]}
        case Expr():
            return {"$expr": node.expression}
        case JsonSchema():
            return {"$jsonSchema": node.schema}
        case Text():
            return {"$text": {"$search": node.search}}
        case SampleRate(rate):
            return {"$sampleRate": rate}
        case Leaf(path):
            condition = _condition(node)
            return condition if path is None else {path: condition}
        case _:
            return {}


def _condition(node: Leaf) -> dict[str, Any]:
    """What a leaf says of its path."""
    match node:
        case Compare():
            return {node.op: node.value}
        case In():
            return {"$in": [*node.values, *(_condition(regex) for regex in node.regexes)]}
        case Exists():
            return {"$exists": node.exists}
        case Type():
            return {"$type": sorted(kind.value for kind in node.kinds)}
        case Regex():
            return {"$regex": node.source, "$options": node.options} if node.options else {"$regex": node.source}
        case Mod():
            return {"$mod": [node.divisor, node.remainder]}
        case Size():
            return {"$size": node.size}
        case Bits():
            return {node.test: list(node.positions)}
        case All():
            return {"$all": [_element(item) for item in node.items]}
        case ElemMatch():
            return {"$elemMatch": unparse(node.condition)}
        case _:
            return {}


def _element(item: Node) -> Any:
    """An item of ``$all``."""
    if isinstance(item, Compare):
        return item.value
    return _condition(item) if isinstance(item, Leaf) else unparse(item)
