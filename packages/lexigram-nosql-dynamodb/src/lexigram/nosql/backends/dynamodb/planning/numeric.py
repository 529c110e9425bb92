"""Equality and order of numbers, in all the places where a number may stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lexigram.nosql.backends.dynamodb.codec import Tag
from lexigram.nosql.backends.dynamodb.planning.expressions import (
    MAX_IN,
    NEVER,
    Comparator,
    Comparison,
    Constant,
    Expression,
    Function,
    OneOf,
    Path,
    Value,
    any_of,
)
from lexigram.nosql.backends.dynamodb.planning.forms import Source
from lexigram.nosql.backends.dynamodb.planning.meanings import Meaning
from lexigram.nosql.backends.dynamodb.planning.numbers import Case, above, below, exact, shortest
from lexigram.nosql.backends.dynamodb.planning.places import Place, has_type, is_list

__all__ = ["any_number", "number_equality", "number_range", "simple_numbers"]

_TAGS: Final = (Tag.FLOAT, Tag.INT64, Tag.DECIMAL, Tag.DECIMAL128)
_DECIMALS: Final = (Tag.DECIMAL, Tag.DECIMAL128)
_WIDENED: Final[dict[Comparator, Comparator]] = {">": ">=", ">=": ">=", "<": "<=", "<=": "<="}
_ZERO: Final = Constant("N", "0")


def any_number(place: Place) -> Expression:
    """The condition that a value is a number, of whatever form."""
    return any_of(
        [has_type(place.path, "N"), *[Function("attribute_exists", place.below(tag)) for tag in _TAGS]],
    )


def _as_text(place: Place, tags: Sequence[Tag]) -> list[Expression]:
    """The conditions that a number stands under a tag as text, because DynamoDB's numbers do not hold it."""
    return [has_type(place.below(tag), "S") for tag in tags]


def _equal(value: Value, paths: Sequence[Path]) -> Expression:
    return Comparison(paths[0], "=", value) if len(paths) == 1 else OneOf(tuple(paths), (value,))


def number_equality(source: Source, case: Case, place: Place) -> Meaning:
    """Say that a value equals a number.

    Args:
        source: The number.
        case: Its case.
        place: Where.
    """
    path = place.path
    plain = [path]
    whole = [path, place.below(Tag.INT64)]
    decimals = [place.below(tag) for tag in _DECIMALS]
    floats = [place.below(Tag.FLOAT)]
    superset: list[Expression]
    match case:
        case Case.SIMPLE:
            value = source.operand(exact)
            superset = sure = [_equal(value, [*whole, *floats, *decimals])]
            among: Value = value
        case Case.ZERO:
            among = _ZERO
            sure = [_equal(_ZERO, [*whole, *floats, *decimals])]
            superset = [*sure, *_as_text(place, (Tag.FLOAT, *_DECIMALS))]
        case Case.FRACTION:
            among = source.operand(shortest)
            superset = sure = [_equal(among, plain)]
        case Case.LONG:
            among = source.operand(shortest)
            superset = sure = [_equal(among, plain), _equal(source.operand(exact), [path, *decimals])]
        case Case.LARGE:
            among = source.operand(exact)
            sure = [_equal(among, [*whole, *decimals])]
            superset = [*sure, _equal(source.operand(shortest), floats)]
        case Case.DECIMAL:
            value = source.operand(exact)
            sure = [_equal(value, decimals)]
            superset = [_equal(value, [path, *decimals]), _equal(source.operand(shortest), [path])]
            return place.found(any_of([*superset, is_list(path, place.foreign)]), any_of(sure))
        case Case.OUT:
            tests = _as_text(place, (Tag.FLOAT, *_DECIMALS))
            return place.found(any_of([*tests, is_list(path, place.foreign)]), NEVER)
    contained = Function("contains", path, among)
    return place.found(any_of([*superset, is_list(path, place.foreign)]), any_of([*sure, contained]))


def simple_numbers(sources: Sequence[Source], place: Place) -> Meaning:
    """Say that a value equals one of several numbers of the simple case."""
    values = tuple([source.operand(exact) for source in sources])
    paths = [place.path, *[place.below(tag) for tag in _TAGS]]
    same = [OneOf((path,), values[start : start + MAX_IN]) for path in paths for start in range(0, len(values), MAX_IN)]
    return place.found(any_of([*same, is_list(place.path, place.foreign)]), any_of(same))


def number_range(comparator: Comparator, source: Source, case: Case, place: Place) -> Meaning:
    """Say that a value is less than a number, or more.

    Args:
        comparator: How they compare.
        source: The number.
        case: Its case; ``OUT`` only for what is not NaN.
        place: Where.
    """
    path = place.path
    lists = is_list(path, place.foreign)
    if case is Case.OUT:
        return place.found(any_of([any_number(place), lists]), NEVER)
    wide = source.operand(below if comparator in (">", ">=") else above)
    widened = _WIDENED[comparator]
    plain: Value = source.operand(exact)
    tags = dict.fromkeys(_TAGS, plain)
    loose: tuple[Tag, ...] = ()
    plain_is_loose = False
    match case:
        case Case.SIMPLE:
            pass
        case Case.ZERO:
            plain = _ZERO
            tags = dict.fromkeys(_TAGS, plain)
        case Case.FRACTION | Case.LONG:
            plain = source.operand(shortest)
            tags = dict.fromkeys(_TAGS, plain)
            loose = _DECIMALS
            plain_is_loose = place.foreign
        case Case.LARGE:
            loose = (Tag.FLOAT,)
        case Case.DECIMAL:
            loose = (Tag.FLOAT,)
            plain_is_loose = True
    sure = NEVER if plain_is_loose else Comparison(path, comparator, plain)
    tests: list[Expression] = [Comparison(path, widened, wide) if plain_is_loose else sure]
    tests += [
        Comparison(place.below(tag), widened, wide)
        if tag in loose
        else Comparison(place.below(tag), comparator, tags[tag])
        for tag in _TAGS
    ]
    tests += _as_text(place, (Tag.FLOAT, *_DECIMALS))
    return place.found(any_of([*tests, lists]), sure)
