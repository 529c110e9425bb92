"""What conditions on one field say about a key attribute: points, a span, or a beginning.

A key attribute holds values of one type. As it stands for a field of documents, every item in the index has the field
with that type, so arrays, tags and missing fields need no thought; but only conditions that rule those out may be read
from the index at all. An attribute that holds key text (``encoded``) finds any ``_id`` by equality, and keeps the order
of plain text; texts that the codec writes otherwise begin with ``$``, and are looked for beside the span.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from lexigram.nosql.backends.dynamodb.codec import encode_key
from lexigram.nosql.backends.dynamodb.planning.expressions import Comparator, Operand, Text, Value
from lexigram.nosql.backends.dynamodb.planning.forms import Source, as_it_is
from lexigram.nosql.backends.dynamodb.planning.meanings import Constants
from lexigram.nosql.backends.dynamodb.planning.numbers import (
    Case,
    above,
    below,
    exact,
    number_case,
    range_case,
    shortest,
)
from lexigram.nosql.backends.dynamodb.planning.patterns import PatternFacts, pattern_facts
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue, KeyAttribute
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.query.ast import Compare, In, Node, Regex, Slot
from lexigram.nosql.values.kinds import NUMBER_KINDS, class_kind

__all__ = ["COMPARATORS", "End", "KeyTest", "Points", "Prefix", "Span", "key_tests", "regex_facts"]

COMPARATORS: Final[dict[str, Comparator]] = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}

_HASHED: Final = Text("$h:")
_SPECIAL: Final = Text("$s:")
_PLAIN_LIMIT: Final = 250
_LONGEST_KEY: Final = 1024


@dataclass(frozen=True, slots=True)
class Points:
    """The attribute equals one of some values.

    Attributes:
        values: None at all where nothing can be equal.
        exact: True when the condition says no more.
    """

    values: tuple[Value, ...]
    exact: bool = True


@dataclass(frozen=True, slots=True)
class End:
    """One end of a span.

    Attributes:
        comparator: ``>`` or ``>=`` for the lower one, ``<`` or ``<=`` for the upper one.
        value: The bound.
    """

    comparator: Comparator
    value: Value


@dataclass(frozen=True, slots=True)
class Span:
    """The attribute lies between two ends.

    Attributes:
        low: The lower end, or None.
        high: The upper end, or None.
        exact: True when the condition says no more.
        besides: Beginnings of values that lie outside of the span, and may be meant all the same.
    """

    low: End | None = None
    high: End | None = None
    exact: bool = True
    besides: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Prefix:
    """The attribute begins with a text.

    Attributes:
        value: The text.
        exact: True when the condition says no more.
        besides: As in :class:`Span`.
    """

    value: Value
    exact: bool
    besides: tuple[Text, ...] = ()


KeyTest = Points | Span | Prefix


def regex_facts(node: Regex, constants: Constants) -> tuple[PatternFacts, Operand | None, Operand | None]:
    """What a regular expression asks of texts.

    Args:
        node: The condition.
        constants: Of the filter.

    Returns:
        Its facts, of which only ``whole`` and whether a text is empty may be relied on, and the operands for the
        beginning and for the part, where they are known.
    """
    source: Any = node.source
    if type(source) is not Slot:
        facts = pattern_facts(cast("str", source), node.options)
        return facts, None, None
    outline = constants.ask(source, _OUTLINES(node.options))
    facts = PatternFacts(*outline)
    make = _PREFIXES(node.options)
    return (
        facts,
        Operand(source.index, make, 0) if facts.prefix else None,
        Operand(source.index, make, 1) if facts.part else None,
    )


class _Cached(dict[str, Any]):
    """One function for each set of option letters, always the same one."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self._make = make

    def __call__(self, options: str) -> Any:
        found = self.get(options)
        if found is None:
            found = self[options] = self._make(options)
        return found


def _outline(options: str) -> Any:
    def ask(source: str) -> tuple[str, str, bool]:
        facts = pattern_facts(source, options)
        return "?" if facts.prefix else "", "?" if facts.part else "", facts.whole

    return ask


def _pattern_text(options: str) -> Any:
    def make(source: str, part: int) -> AttributeValue:
        facts = pattern_facts(source, options)
        return {"S": facts.part if part else facts.prefix}

    return make


_OUTLINES: Final = _Cached(_outline)
_PREFIXES: Final = _Cached(_pattern_text)


# Makers and questions. They are named functions, so that equal operands and guards are found to be equal.


def _text_key(value: Any, _part: int) -> AttributeValue:
    return encode_key(value, "S")


def _number_key(value: Any, _part: int) -> AttributeValue:
    return encode_key(value, "N")


def _binary_key(value: Any, _part: int) -> AttributeValue:
    return encode_key(value, "B")


_KEY_MAKERS: Final = {"S": _text_key, "N": _number_key, "B": _binary_key}


def _fits_number_key(value: Any) -> bool:
    try:
        encode_key(value, "N")
    except DocumentValidationError:
        return False
    return True


def _fits_binary_key(value: Any) -> bool:
    return type(value) is bytes and 0 < len(value) <= _LONGEST_KEY


def _text_length(value: str) -> bool | None:
    """False for the empty text, which no key holds; None for what is too long to ask for."""
    return None if len(value) > _LONGEST_KEY // 4 and len(value.encode()) > _LONGEST_KEY else value != ""


def _is_plain_text(value: str) -> bool:
    return 0 < len(value) <= _PLAIN_LIMIT and value[0] != "$"


def _is_above_dollar(value: str) -> bool:
    return value[0] > "$"


def _all_fit(kind: str) -> Any:
    fits = _fits_number_key if kind == "N" else _fits_binary_key

    def ask(values: Sequence[Any]) -> tuple[bool, ...]:
        return tuple(map(fits, values))

    return ask


_ALL_FIT: Final = _Cached(_all_fit)


def element_classes(values: Sequence[Any]) -> tuple[type, ...]:
    """The classes of the values of ``$in``."""
    return tuple(map(type, values))


def key_tests(key: KeyAttribute, terms: Sequence[Node], constants: Constants) -> list[tuple[Node, KeyTest]]:
    """Read what conditions say about a key attribute.

    Args:
        key: The attribute; it stands for a field.
        terms: Conditions that must all hold.
        constants: Of the filter.

    Returns:
        Each condition that can be read from the key, with what it says.
    """
    found: list[tuple[Node, KeyTest]] = []
    for term in terms:
        test: KeyTest | None = None
        if isinstance(term, Compare) and term.path == key.path:
            slot = cast("Slot", term.value)
            test = (
                _point(key, slot, constants) if term.op == "$eq" else _span(key, COMPARATORS[term.op], slot, constants)
            )
        elif isinstance(term, In) and term.path == key.path and not term.regexes:
            test = _points(key, cast("Slot", term.values), constants)
        elif isinstance(term, Regex) and term.path == key.path and key.type == "S":
            test = _prefix(key, term, constants)
        if test is not None:
            found.append((term, test))
    return found


def _point(key: KeyAttribute, slot: Slot, constants: Constants) -> KeyTest | None:
    value = constants.at(slot)
    cls = type(value)
    if constants.collated and cls in (str, dict):
        return None
    source = Source(slot.index)
    if key.encoded:
        return _encoded(key, [source], [constants.ask(slot, _fits(key.type))])
    if value is None:
        return None
    if key.type == "S":
        if cls is not str:
            return Points(())
        length = constants.ask(slot, _text_length)
        return None if length is None else Points((source.operand(as_it_is),) if length else ())
    if key.type == "N":
        if class_kind(cls) not in NUMBER_KINDS:
            return Points(())
        return _number_points([source], [constants.ask(slot, number_case)], constants.foreign)
    return Points((source.operand(as_it_is),)) if constants.ask(slot, _fits_binary_key) else None


def _fits(kind: str) -> Any:
    return _always_fits if kind == "S" else _fits_number_key if kind == "N" else _fits_binary_key


def _always_fits(_value: Any) -> bool:
    return True


def _encoded(key: KeyAttribute, sources: Sequence[Source], fit: Sequence[bool]) -> Points:
    make = _KEY_MAKERS[key.type]
    return Points(tuple([source.operand(make) for source, fits in zip(sources, fit, strict=True) if fits]))


def _points(key: KeyAttribute, slot: Slot, constants: Constants) -> KeyTest | None:
    classes: tuple[type, ...] = constants.ask(slot, element_classes)
    if constants.collated and not {str, dict}.isdisjoint(classes):
        return None
    sources = [Source(slot.index, position) for position in range(len(classes))]
    if key.encoded:
        if key.type == "S":
            return _encoded(key, sources, [True] * len(sources))
        return _encoded(key, sources, constants.ask(slot, _ALL_FIT(key.type)))
    if type(None) in classes:
        return None
    if key.type == "S":
        lengths: tuple[bool | None, ...] = constants.ask(slot, _text_lengths)
        if None in lengths:
            return None
        return Points(tuple([source.operand(as_it_is) for source, held in zip(sources, lengths, strict=True) if held]))
    if key.type == "N":
        chosen = [source for source, cls in zip(sources, classes, strict=True) if class_kind(cls) in NUMBER_KINDS]
        cases: tuple[Case | None, ...] = constants.ask(slot, number_cases)
        return _number_points(chosen, [case for case in cases if case is not None], constants.foreign)
    return None


def _text_lengths(values: Sequence[Any]) -> tuple[bool | None, ...]:
    return tuple([_text_length(value) if type(value) is str else False for value in values])


def number_cases(values: Sequence[Any]) -> tuple[Case | None, ...]:
    """The case of each value of ``$in``; None for what is no number."""
    return tuple([number_case(value) if class_kind(type(value)) in NUMBER_KINDS else None for value in values])


def _number_points(sources: Sequence[Source], cases: Sequence[Case], foreign: bool) -> Points:
    values: dict[Value, None] = {}
    is_exact = True
    for source, case in zip(sources, cases, strict=True):
        match case:
            case Case.SIMPLE | Case.ZERO | Case.LARGE:
                values[source.operand(exact)] = None
            case Case.FRACTION:
                values[source.operand(shortest)] = None
            case Case.LONG | Case.DECIMAL:
                values[source.operand(shortest)] = None
                if foreign or case is Case.DECIMAL:
                    values[source.operand(exact)] = None
                is_exact = is_exact and case is Case.LONG
            case Case.OUT:
                pass
    return Points(tuple(values), is_exact)


def _span(key: KeyAttribute, comparator: Comparator, slot: Slot, constants: Constants) -> KeyTest | None:
    value = constants.at(slot)
    cls = type(value)
    source = Source(slot.index)
    if cls is str:
        if constants.collated or key.type != "S":
            return None if constants.collated else Points(())
        if not key.encoded:
            length = constants.ask(slot, _text_length)
            if not length:
                # Every text is above the empty one, and none is below.
                return Points(()) if length is False and comparator in ("<", "<=") else None
            end = End(comparator, source.operand(as_it_is))
            return Span(low=end) if comparator in (">", ">=") else Span(high=end)
        if not constants.ask(slot, _is_plain_text):
            return None
        end = End(comparator, source.operand(as_it_is))
        # Texts that the codec writes otherwise stand at "$", which the span may reach or not.
        upwards = comparator in (">", ">=")
        besides = (_HASHED, _SPECIAL) if constants.ask(slot, _is_above_dollar) is upwards else ()
        return Span(low=end, exact=False, besides=besides) if upwards else Span(high=end, exact=False, besides=besides)
    if key.type == "N" and class_kind(cls) in NUMBER_KINDS:
        return _number_span(comparator, source, constants.ask(slot, range_case), constants.foreign)
    return None


def _number_span(comparator: Comparator, source: Source, case: Case | None, foreign: bool) -> KeyTest | None:
    if case is None or case is Case.OUT:
        return None
    upwards = comparator in (">", ">=")
    loose = case is Case.DECIMAL or (foreign and case in (Case.FRACTION, Case.LONG))
    if loose:
        end = End(">=" if upwards else "<=", source.operand(below if upwards else above))
    else:
        end = End(comparator, source.operand(shortest if case in (Case.FRACTION, Case.LONG) else exact))
    return Span(low=end, exact=not loose) if upwards else Span(high=end, exact=not loose)


def _prefix(key: KeyAttribute, node: Regex, constants: Constants) -> KeyTest | None:
    facts, prefix, _ = regex_facts(node, constants)
    if prefix is None:
        return None
    if not key.encoded:
        return Prefix(prefix, facts.whole)
    source: Any = node.source
    if not constants.ask(source, _STARTS_PLAINLY(node.options)):
        return None
    return Prefix(prefix, exact=False, besides=(_HASHED,))


def _starts_plainly(options: str) -> Any:
    def ask(source: str) -> bool:
        return _is_plain_text(pattern_facts(source, options).prefix)

    return ask


_STARTS_PLAINLY: Final = _Cached(_starts_plainly)
