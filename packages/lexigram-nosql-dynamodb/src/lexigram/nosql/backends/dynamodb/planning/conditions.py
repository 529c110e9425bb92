"""What each condition of a filter becomes in DynamoDB's expressions.

The tree of a filter is read with its slots, so that what comes out serves every filter of its shape. Each leaf gives a
:class:`~lexigram.nosql.backends.dynamodb.planning.meanings.Meaning`; ``$and``, ``$or``, ``$nor`` and ``$not`` follow
from those. What differs between the engine and DynamoDB, and is dealt with here:

* a condition on a field is met by an element of an array too: ``contains`` says so exactly for text and other values
  with a form of their own; elsewhere a list is let through, and tested by the engine;
* null matches a missing field, and a negation everything that is missing;
* comparisons stay within a type, and numbers have several forms;
* an array on the way to a field is followed by the engine, and not seen by DynamoDB.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from lexigram.nosql.backends.dynamodb.codec import Tag
from lexigram.nosql.backends.dynamodb.planning.expressions import (
    MAX_IN,
    NEVER,
    Comparison,
    Constant,
    Expression,
    Function,
    OneOf,
    Operand,
    Size,
    all_of,
    any_of,
)
from lexigram.nosql.backends.dynamodb.planning.forms import (
    Source,
    as_it_is,
    contents,
    form_count,
    form_of,
    is_rigid,
    ordered_tags,
)
from lexigram.nosql.backends.dynamodb.planning.identity import identity
from lexigram.nosql.backends.dynamodb.planning.keys import COMPARATORS, regex_facts
from lexigram.nosql.backends.dynamodb.planning.meanings import (
    EVERY,
    NONE,
    UNKNOWN,
    Constants,
    Meaning,
    both,
    either,
    opposite,
)
from lexigram.nosql.backends.dynamodb.planning.numbers import Case, number_case, range_case
from lexigram.nosql.backends.dynamodb.planning.numeric import (
    any_number,
    number_equality,
    number_range,
    simple_numbers,
)
from lexigram.nosql.backends.dynamodb.planning.places import (
    LIST_TYPES,
    Place,
    has_type,
    is_list,
    narrowed,
    stored_place,
)
from lexigram.nosql.backends.dynamodb.planning.shape import TableShape
from lexigram.nosql.query.ast import (
    All,
    Always,
    And,
    Bits,
    Compare,
    ElemMatch,
    Exists,
    In,
    Leaf,
    Mod,
    Never,
    Node,
    Nor,
    Not,
    Or,
    Regex,
    Slot,
    Type,
)
from lexigram.nosql.query.ast import Size as SizeNode
from lexigram.nosql.values.kinds import NUMBER_KINDS, RANKS, Kind, class_kind

__all__ = ["meaning_of"]

_MOST_CONTAINS: Final = 8
"""Values that are looked for in lists one by one; of more, lists are let through."""

_TEXTUAL: Final = frozenset({str, dict, list, tuple})
_NULL: Final = Constant("NULL", True)

_STANDS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.DOUBLE: ("N", Tag.FLOAT),
    Kind.STRING: ("S",),
    Kind.OBJECT: ("M",),
    Kind.BINARY: ("B", Tag.UUID, Tag.BINARY),
    Kind.OBJECT_ID: (Tag.OBJECT_ID,),
    Kind.BOOL: ("BOOL",),
    Kind.DATE: (Tag.DATE, Tag.DATETIME_MS),
    Kind.NULL: ("NULL",),
    Kind.REGEX: (Tag.PATTERN, Tag.REGEX),
    Kind.JAVASCRIPT: (Tag.CODE,),
    Kind.JAVASCRIPT_WITH_SCOPE: (Tag.CODE,),
    Kind.INT: ("N", Tag.INT64),
    Kind.TIMESTAMP: (Tag.TIMESTAMP,),
    Kind.LONG: ("N", Tag.INT64),
    Kind.DECIMAL: ("N", Tag.DECIMAL, Tag.DECIMAL128),
    Kind.MIN_KEY: (Tag.MIN_KEY,),
    Kind.MAX_KEY: (Tag.MAX_KEY,),
}
"""Where values of a type may stand: types on the wire, and tags."""

_SURE_TYPES: Final[dict[Kind, str]] = {Kind.STRING: "S", Kind.BOOL: "BOOL", Kind.NULL: "NULL"}
_BINARY_RANK: Final = RANKS[Kind.BINARY]


def meaning_of(node: Node, constants: Constants, shape: TableShape) -> Meaning:
    """Say how much of a condition DynamoDB's expressions can say.

    Args:
        node: The condition, with slots.
        constants: Its constants; what is asked about them is noted there.
        shape: The table.

    Returns:
        A superset of the condition, and what surely means it.
    """
    match node:
        case Always():
            return EVERY
        case Never():
            return NONE
        case And(parts):
            return both([meaning_of(part, constants, shape) for part in parts])
        case Or(parts):
            return either([meaning_of(part, constants, shape) for part in parts])
        case Nor(parts):
            return opposite(either([meaning_of(part, constants, shape) for part in parts]))
        case Not(part):
            return opposite(meaning_of(part, constants, shape))
        case In(_, values, ()) if not constants.ask(cast("Slot", values), bool):
            return NONE
        case Leaf(str(path)):
            if path == "_id" or path.startswith("_id."):
                return identity(node, constants, shape)
            name = path.partition(".")[0]
            attribute = shape.attribute(name)
            place = stored_place(path, None if attribute == name else attribute, constants.foreign)
            if place is None:
                return UNKNOWN
            meaning = _leaf(node, place, constants)
            typed = None if place.nested else constants.typed.get(place.path[0])
            return meaning if typed is None else narrowed(meaning, place, typed)
        case _:
            return UNKNOWN


def _leaf(node: Node, place: Place, constants: Constants) -> Meaning:
    lists = is_list(place.path, place.foreign)
    match node:
        case Compare(_, "$eq", slot):
            return _equality(slot, place, constants)
        case Compare(_, op, slot):
            return _range(op, slot, place, constants)
        case In():
            return _in(node, place, constants)
        case Exists(_, exists):
            there = Function("attribute_exists", place.path)
            found = place.found(there, there)
            return found if exists else opposite(found)
        case Type(_, kinds):
            return _type(kinds, place)
        case Regex():
            return _regex(node, place, constants)
        case SizeNode(_, size):
            sized = all_of([lists, Size(place.path, "=", Constant("N", str(size)))])
            return place.found(sized, sized)
        case Mod():
            return place.found(any_of([any_number(place), lists]), NEVER)
        case Bits():
            return place.found(any_of([any_number(place), *_stands(place, Kind.BINARY), lists]), NEVER)
        case All(_, items):
            return both([_leaf(item, place, constants) for item in items]) if items else NONE
        case ElemMatch():
            return place.found(lists, NEVER)
        case _:
            return UNKNOWN


def _stands(place: Place, kind: Kind) -> list[Expression]:
    return [
        Function("attribute_exists", place.below(name)) if isinstance(name, Tag) else has_type(place.path, name)
        for name in _STANDS.get(kind, ())
    ]


def _type(kinds: frozenset[Kind], place: Place) -> Meaning:
    lists = is_list(place.path, place.foreign)
    if kinds == frozenset([Kind.ARRAY]):
        return place.found(lists, lists)
    superset = [test for kind in sorted(kinds) for test in _stands(place, kind)]
    sure = [has_type(place.path, _SURE_TYPES[kind]) for kind in sorted(kinds) if kind in _SURE_TYPES]
    return place.found(any_of([*superset, lists]), any_of(sure))


# Equality


def _equality(slot: Slot, place: Place, constants: Constants) -> Meaning:
    value = constants.at(slot)
    cls = type(value)
    if constants.collated and cls in _TEXTUAL:
        return UNKNOWN
    if value is None:
        return _null(place)
    kind = class_kind(cls)
    if kind in NUMBER_KINDS:
        return number_equality(Source(slot.index), constants.ask(slot, number_case), place)
    if kind in (Kind.OBJECT, Kind.ARRAY):
        return _container(kind, Source(slot.index), constants.ask(slot, is_rigid), place)
    count = constants.ask(slot, form_count)
    if count == 0:
        return place.found(any_of([has_type(place.path, "M"), is_list(place.path, place.foreign)]), NEVER)
    return _one_of([Source(slot.index).operand(form_of, part) for part in range(count)], place)


def _one_of(operands: Sequence[Operand], place: Place) -> Meaning:
    """The meaning of equality with values that each have one form: the value itself, or an element of a list."""
    path = place.path
    lists = is_list(path, place.foreign)
    whole = [
        Comparison(path, "=", operands[start])
        if len(operands) - start == 1
        else OneOf((path,), tuple(operands[start : start + MAX_IN]))
        for start in range(0, len(operands), MAX_IN)
    ]
    if len(operands) > _MOST_CONTAINS:
        return place.found(any_of([*whole, lists]), any_of(whole))
    # In text and bytes, contains would look for parts.
    among = any_of([Function("contains", path, operand) for operand in operands])
    meant = any_of([*whole, all_of([lists, among])])
    return place.found(meant, meant)


def _container(kind: Kind, source: Source, rigid: bool, place: Place) -> Meaning:
    operand = source.operand(as_it_is)
    same = Comparison(place.path, "=", operand)
    meant = any_of([same, Function("contains", place.path, operand)])
    if rigid:
        sets = has_type(place.path, *LIST_TYPES[1:]) if place.foreign and kind is Kind.ARRAY else NEVER
        return place.found(any_of([meant, sets]), meant)
    lists = is_list(place.path, place.foreign)
    return place.found(lists if kind is Kind.ARRAY else any_of([has_type(place.path, "M"), lists]), meant)


def _null(place: Place) -> Meaning:
    path = place.path
    null: list[Expression] = [Comparison(path, "=", _NULL), Function("contains", path, _NULL)]
    missing = any_of([Function("attribute_not_exists", path), *null])
    return place.absent(missing, missing)


_TEXT: Final = "text"
_NOTHING: Final = "null"
_RIGID: Final = "rigid"
_LOOSE: Final = "loose"

Signature = tuple[str | int | Case, ...]


def _signature(values: Sequence[Any]) -> Signature:
    """What a plan depends on in the values of ``$in``: for each a word, a case, or how many forms it has."""
    if set(map(type, values)) == {str}:
        return (_TEXT,) * len(values)
    return tuple(map(_word, values))


def _word(value: Any) -> str | int | Case:
    cls = type(value)
    if cls is str:
        return _TEXT
    if value is None:
        return _NOTHING
    kind = class_kind(cls)
    if kind in NUMBER_KINDS:
        return number_case(value)
    if kind in (Kind.OBJECT, Kind.ARRAY):
        return f"{_RIGID if is_rigid(value) else _LOOSE} {kind.name}"
    return form_count(value)


def _in(node: In, place: Place, constants: Constants) -> Meaning:
    slot = cast("Slot", node.values)
    words: Signature = constants.ask(slot, _signature)
    if constants.collated and any(isinstance(word, str) and word != _NOTHING for word in words):
        return UNKNOWN
    parts: list[Meaning] = []
    listed: list[Operand] = []
    simple: list[Source] = []
    for position, word in enumerate(words):
        source = Source(slot.index, position)
        if word == _TEXT:
            listed.append(source.operand(as_it_is))
        elif word == _NOTHING:
            parts.append(_null(place))
        elif word is Case.SIMPLE:
            simple.append(source)
        elif isinstance(word, Case):
            parts.append(number_equality(source, word, place))
        elif isinstance(word, str):
            rigid, _, name = word.partition(" ")
            parts.append(_container(Kind[name], source, rigid == _RIGID, place))
        elif word:
            listed += [source.operand(form_of, part) for part in range(word)]
        else:
            parts.append(place.found(any_of([has_type(place.path, "M"), is_list(place.path, place.foreign)]), NEVER))
    if listed:
        parts.append(_one_of(listed, place))
    if len(simple) == 1:
        parts.append(number_equality(simple[0], Case.SIMPLE, place))
    elif simple:
        parts.append(simple_numbers(simple, place))
    parts += [_regex(regex, place, constants) for regex in node.regexes]
    return either(parts)


# Order and patterns


def _range(op: str, slot: Slot, place: Place, constants: Constants) -> Meaning:
    value = constants.at(slot)
    cls = type(value)
    comparator = COMPARATORS[op]
    path = place.path
    lists = is_list(path, place.foreign)
    if constants.collated and cls in _TEXTUAL:
        return UNKNOWN
    if value is None:
        # Only null is as large as null.
        return _null(place) if "=" in comparator else NONE
    source = Source(slot.index)
    kind = class_kind(cls)
    if kind in NUMBER_KINDS:
        case = constants.ask(slot, range_case)
        if case is None:
            return UNKNOWN
        return number_range(comparator, source, case, place)
    if cls is str:
        compared = Comparison(path, comparator, source.operand(as_it_is))
        return place.found(any_of([compared, lists]), compared)
    tags = ordered_tags(value)
    if tags:
        tests = any_of([Comparison(place.below(tag), comparator, source.operand(contents)) for tag in tags])
        return place.found(any_of([tests, lists]), tests)
    if kind in (Kind.BOOL, Kind.OBJECT) or RANKS[kind] == _BINARY_RANK:
        where = Kind.BINARY if RANKS[kind] == _BINARY_RANK else kind
        return place.found(any_of([*_stands(place, where), lists]), NEVER)
    return place.found(lists, NEVER) if kind is Kind.ARRAY else UNKNOWN


def _regex(node: Regex, place: Place, constants: Constants) -> Meaning:
    path = place.path
    facts, prefix, part = regex_facts(node, constants)
    sure: Expression = NEVER
    if prefix is not None:
        text: Expression = Function("begins_with", path, prefix)
        sure = text if facts.whole else NEVER
    elif part is not None:
        text = Function("contains", path, part)
    else:
        text = has_type(path, "S")
    return place.found(any_of([text, *_stands(place, Kind.REGEX), is_list(path, place.foreign)]), sure)
