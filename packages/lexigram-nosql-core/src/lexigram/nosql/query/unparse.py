"""Writes a filter's tree as a filter again, for ``explain()`` and logs."""

from __future__ import annotations

import re
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

_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}


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
        case Text(search, language, case, diacritic):
            options = {"$language": language, "$caseSensitive": case or None, "$diacriticSensitive": diacritic or None}
            return {
                "$text": {"$search": search, **{name: value for name, value in options.items() if value is not None}}
            }
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
            return {"$in": [*node.values, *(_pattern(regex) for regex in node.regexes)]}
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
            return {"$elemMatch": _of_value(node.condition) if node.of_values else unparse(node.condition)}
        case _:
            return {}


def _of_value(node: Node) -> dict[str, Any]:
    """Operators on a value itself, which stand side by side and have no ``$and`` and no ``$nor``."""
    match node:
        case And(parts):
            return {name: operand for part in parts for name, operand in _of_value(part).items()}
        case Not(Compare(op="$eq") as part):
            return {"$ne": part.value}
        case Not(In() as part):
            return {"$nin": _condition(part)["$in"]}
        case Not(part):
            return {"$not": _of_value(part)}
        case Leaf():
            return _condition(node)
        case _:
            return unparse(node)


def _pattern(node: Regex) -> Any:
    """A regular expression where only values may stand."""
    flags = re.RegexFlag(0)
    for letter in node.options:
        flags |= _FLAGS.get(letter, re.RegexFlag(0))
    try:
        return re.compile(node.source, flags)
    except re.error:
        # It is in Perl's syntax, which Python does not read in full; this form is for people.
        return {"$regex": node.source, "$options": node.options}


def _element(item: Node) -> Any:
    """An item of ``$all``."""
    if isinstance(item, Compare):
        return item.value
    if isinstance(item, Regex):
        return _pattern(item)
    return _condition(item) if isinstance(item, Leaf) else unparse(item)
