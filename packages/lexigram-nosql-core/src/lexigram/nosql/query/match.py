"""What each condition asks of a value.

Conditions are met by a single value (:func:`single`); a path may reach several (:func:`reach`), and an array at its end
counts as each of its elements and as itself (:func:`spread`), except for ``$size`` and ``$elemMatch``, which want the
array. Everything here is made once per condition and asked for each value; the common cases never get here, because
:mod:`~lexigram.nosql.query.compile` writes them out.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.query.ast import (
    All,
    Always,
    And,
    Bits,
    BitsTest,
    Compare,
    ElemMatch,
    Exists,
    In,
    Mod,
    Never,
    Node,
    Nor,
    Not,
    Or,
    Regex,
    Size,
    Type,
)
from lexigram.nosql.query.regex import compile_regex
from lexigram.nosql.values.bson_compat import NO_REFERENCES, binary_parts, reference_fields, regex_parts
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, NUMBER_KINDS, Kind, class_kind, kind_of
from lexigram.nosql.values.order import hash_key, number_value, sort_key
from lexigram.nosql.values.path import MISSING, array_index

__all__ = [
    "ALL_PLAIN",
    "Single",
    "Step",
    "as_object",
    "present",
    "reach",
    "single",
    "spread",
    "spread_equal",
    "steps",
    "truncate",
]

Single = Callable[[Any], bool]
Step = tuple[str, int]
DocumentMatcher = Callable[[Node], Single]

_NULL: Final = (5,)
_MISSING_KEY: Final = (0,)


def steps(path: str) -> tuple[Step, ...]:
    """Prepare a path for :func:`reach`.

    Args:
        path: Dotted.

    Returns:
        Each component with its position in an array, -1 if it cannot be one.
    """
    return tuple([(part, array_index(part)) for part in path.split(".")])


def as_object(items: list[Any]) -> dict[str, Any]:
    """Turn an array into the object that BSON stores it as, as ``$elemMatch`` sees an array in an array.

    Args:
        items: The elements.

    Returns:
        The elements by their positions, as text.
    """
    return {str(index): item for index, item in enumerate(items)}


def reach(value: Any, path: Sequence[Step], start: int, leaf: Single, one: Single) -> bool:
    """Ask whether anything that a query path reaches meets a condition.

    Args:
        value: Where to start.
        path: From :func:`steps`.
        start: The component to begin with.
        leaf: Asked of what a field's name leads to; arrays included.
        one: Asked of what a position in an array leads to, which is never taken apart.

    Returns:
        True as soon as one answer is.
    """
    count = len(path)
    while start < count:
        cls = type(value)
        if cls is dict:
            value = value.get(path[start][0], MISSING)
            start += 1
        elif cls is list:
            return _reach_array(value, path, start, leaf, one)
        else:
            value = reference_fields(value)
            if value is None:
                return leaf(MISSING)
    return leaf(value)


def _reach_array(items: list[Any], path: Sequence[Step], start: int, leaf: Single, one: Single) -> bool:
    for item in items:
        if type(item) is dict:
            if reach(item, path, start, leaf, one):
                return True
        elif type(item) not in NO_REFERENCES:
            reference = reference_fields(item)
            if reference is not None and reach(reference, path, start, leaf, one):
                return True
    index = path[start][1]
    if 0 <= index < len(items):
        item = items[index]
        start += 1
        if start == len(path):
            return one(item)
        cls = type(item)
        if cls is dict:
            return reach(item, path, start, leaf, one)
        if cls is list:
            return _reach_array(item, path, start, leaf, one)
        reference = reference_fields(item)
        return reference is not None and reach(reference, path, start, leaf, one)
    return False


def spread(one: Single) -> Single:
    """Extend a condition on a value to the elements of an array.

    Args:
        one: The condition.

    Returns:
        The condition on the value or, should it be an array, on any of its elements.
    """

    def leaf(value: Any) -> bool:
        if type(value) is list:
            for item in value:
                if one(item):
                    return True
        return one(value)

    return leaf


ALL_PLAIN: Final[Callable[[Any], bool]] = frozenset({int, float, str, bool, type(None), dict, list}).issuperset
"""Asked of classes: whether Python's ``==`` knows the numbers among their values."""


def spread_equal(value: Any, one: Single) -> Single:
    """Do what :func:`spread` does for equality with a number or text, asking Python's own ``in`` first.

    Args:
        value: The constant.
        one: The condition.

    Returns:
        The condition on a value or the elements of an array.
    """
    if type(value) is str:
        return lambda item: value in item if type(item) is list else one(item)
    slow = spread(one)
    # For "in", 1 is True, and it knows nothing of bson's numbers.
    return lambda item: (type(item) is not list or value in item or not ALL_PLAIN(map(type, item))) and slow(item)


def single(node: Node, collation: Collation | None, document: DocumentMatcher) -> Single:
    """Make the function that asks a condition of one value.

    Args:
        node: A leaf, or a combination of leaves on the value itself.
        collation: How strings compare.
        document: Makes a matcher of documents, for element matches over objects.

    Returns:
        The function.
    """
    maker = _MAKERS[type(node)]
    return maker(node, collation, document)


def present(value: Any) -> bool:
    """Say whether a path led anywhere.

    Args:
        value: What it reached.

    Returns:
        False for ``MISSING`` only.
    """
    return value is not MISSING


# Comparisons


def _compare(node: Compare, collation: Collation | None, _document: DocumentMatcher) -> Single:
    place = sort_key if collation is None else collation.sort_key
    key = place(node.value)
    op = node.op
    if op == "$eq":
        if key == _NULL:
            return lambda value: value is None or value is MISSING
        return lambda value: place(value) == key
    if key == _NULL:
        if op in {"$gte", "$lte"}:
            return lambda value: value is None or value is MISSING
        return _never
    if len(key) == 1:
        return _compare_extreme(op, key, place)
    rank = key[0]
    if op == "$gt":
        return lambda value: (other := place(value))[0] == rank and other > key
    if op == "$gte":
        return lambda value: (other := place(value))[0] == rank and other >= key
    if op == "$lt":
        return lambda value: (other := place(value))[0] == rank and other < key
    return lambda value: (other := place(value))[0] == rank and other <= key


def _compare_extreme(op: str, key: tuple[Any, ...], place: Callable[[Any], tuple[Any, ...]]) -> Single:
    # MinKey and MaxKey are the two constants that compare with values of every type.
    if (op in {"$lt", "$lte"}) is (key[0] > 0):
        return _always if op in {"$lte", "$gte"} else lambda value: place(value) != key
    return _never if op in {"$lt", "$gt"} else lambda value: place(value) == key


def _in(node: In, collation: Collation | None, document: DocumentMatcher) -> Single:
    key = hash_key if collation is None else collation.hash_key
    wanted = frozenset([key(value) for value in node.values])
    null = key(None) in wanted
    regexes = [_regex(regex, collation, document) for regex in node.regexes]
    if null:
        wanted |= {key(MISSING)}
    if not regexes:
        return lambda value: key(value) in wanted
    return lambda value: key(value) in wanted or any(regex(value) for regex in regexes)


# Elements, numbers, text


def _exists(node: Exists, _collation: Collation | None, _document: DocumentMatcher) -> Single:
    exists = node.exists
    return lambda value: (value is not MISSING) is exists


def _type(node: Type, _collation: Collation | None, _document: DocumentMatcher) -> Single:
    kinds = node.kinds
    return lambda value: kind_of(value) in kinds


def truncate(value: Any) -> int | None:
    """Cut a number to a 64-bit int, towards zero.

    Args:
        value: Any value.

    Returns:
        The int; None if the value is not a number, not finite, or out of range.
    """
    if type(value) is int:
        return value
    if class_kind(type(value)) not in NUMBER_KINDS:
        return None
    number = number_value(value)
    if not isinstance(number, int):
        if not math.isfinite(number):
            return None
        # The exponent of a Decimal can be in the thousands: do not write such a number out.
        if isinstance(number, Decimal) and number.adjusted() > 20:
            return None
        number = int(number)
    return number if INT64_MIN <= number <= INT64_MAX else None


def _mod(node: Mod, _collation: Collation | None, _document: DocumentMatcher) -> Single:
    divisor, remainder = abs(node.divisor), node.remainder

    def test(value: Any) -> bool:
        dividend = truncate(value)
        if dividend is None:
            return False
        # C's remainder has the sign of the dividend, Python's that of the divisor.
        return (dividend % divisor if dividend >= 0 else -(-dividend % divisor)) == remainder

    return test


def _regex(node: Regex, _collation: Collation | None, _document: DocumentMatcher) -> Single:
    matches = compile_regex(node.source, node.options, boolean=True).matches
    same = (node.source, node.options.replace("u", ""))

    def test(value: Any) -> bool:
        if type(value) is str:
            return matches(value)
        return class_kind(type(value)) is Kind.REGEX and regex_parts(value) == same

    return test


def _size(node: Size, _collation: Collation | None, _document: DocumentMatcher) -> Single:
    size = node.size
    return lambda value: type(value) is list and len(value) == size


def _bits_value(value: Any) -> int | None:
    if type(value) is int:
        return value
    number = truncate(value)
    return number if number is not None and number == number_value(value) else None


def _combine(test: BitsTest) -> tuple[Callable[[Any], bool], bool]:
    """Say how the tests of single bits make the whole: all or any of them, set or clear."""
    return (all if "All" in test else any), test.endswith("Set")


def _bits(node: Bits, _collation: Collation | None, _document: DocumentMatcher) -> Single:
    whole, wanted = _combine(node.test)
    positions = node.positions
    # Numbers are extended by their sign, so that every bit from the 64th on is the sign.
    shifts = sorted({min(position, 63) for position in positions})

    def test(value: Any) -> bool:
        if class_kind(type(value)) is Kind.BINARY:
            content: bytes = value.bytes if hasattr(value, "bytes") else binary_parts(value)[1]
            size = len(content)
            return whole(
                [
                    bool(position >> 3 < size and content[position >> 3] >> (position & 7) & 1) is wanted
                    for position in positions
                ]
            )
        number = _bits_value(value)
        if number is None:
            return False
        return whole([bool(number >> shift & 1) is wanted for shift in shifts])

    return test


# Arrays and combinations


def _elem_match(node: ElemMatch, collation: Collation | None, document: DocumentMatcher) -> Single:
    if node.of_values:
        one = single(node.condition, collation, document)
        return lambda value: type(value) is list and any(one(item) for item in value)
    matches = document(node.condition)

    def test(value: Any) -> bool:
        if type(value) is not list:
            return False
        for item in value:
            cls = type(item)
            if cls is dict:
                if matches(item):
                    return True
            elif cls is list:
                if matches(as_object(item)):
                    return True
            elif cls not in NO_REFERENCES:
                reference = reference_fields(item)
                if reference is not None and matches(reference):
                    return True
        return False

    return test


def _singles(nodes: Sequence[Node], collation: Collation | None, document: DocumentMatcher) -> list[Single]:
    return [single(node, collation, document) for node in nodes]


def _and(node: And | All, collation: Collation | None, document: DocumentMatcher) -> Single:
    parts = _singles(node.children, collation, document)
    if not parts:
        return _never  # only $all of nothing has no parts
    return lambda value: all(part(value) for part in parts)


def _or(node: Or, collation: Collation | None, document: DocumentMatcher) -> Single:
    parts = _singles(node.children, collation, document)
    return lambda value: any(part(value) for part in parts)


def _nor(node: Nor, collation: Collation | None, document: DocumentMatcher) -> Single:
    parts = _singles(node.children, collation, document)
    return lambda value: not any(part(value) for part in parts)


def _not(node: Not, collation: Collation | None, document: DocumentMatcher) -> Single:
    part = single(node.part, collation, document)
    return lambda value: not part(value)


def _always(_value: Any) -> bool:
    return True


def _never(_value: Any) -> bool:
    return False


_MAKERS: Final[dict[type[Node], Callable[[Any, Collation | None, DocumentMatcher], Single]]] = {
    Compare: _compare,
    In: _in,
    Exists: _exists,
    Type: _type,
    Regex: _regex,
    Mod: _mod,
    Size: _size,
    Bits: _bits,
    ElemMatch: _elem_match,
    All: _and,
    And: _and,
    Or: _or,
    Nor: _nor,
    Not: _not,
    Always: lambda _node, _collation, _document: _always,
    Never: lambda _node, _collation, _document: _never,
}
