"""Ranges, as Firestore can be asked for them: numbers, texts and dates, each among their own kind."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec import tags
from lexigram.nosql.backends.firestore.codec.encoding import encode_value
from lexigram.nosql.backends.firestore.codec.messages import Value
from lexigram.nosql.backends.firestore.planning.forms import (
    double,
    fits_index,
    is_finite_number,
    nearest_double,
    tagged,
)
from lexigram.nosql.backends.firestore.planning.hints import FieldHint
from lexigram.nosql.backends.firestore.planning.terms import NOTHING, Conjunction, Selected, Term
from lexigram.nosql.query.ast import CompareOp, Regex
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN
from lexigram.nosql.values.order import date_millis, number_value

__all__ = ["OPERATORS", "date_range", "fixed_beginning", "following", "moment", "number_range", "text_range"]

OPERATORS: Final[dict[str, str]] = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
"""The engine's operators of order, and Firestore's."""

_MILLISECOND: Final = timedelta(milliseconds=1)
_LAST: Final = datetime.max.replace(tzinfo=UTC) - _MILLISECOND
_META: Final = frozenset(".^$*+?{}[]\\|()#")
_EXACT: Final = 2**53


def number_range(native: str, op: CompareOp, value: Any, hint: FieldHint) -> Selected | None:
    """The numbers on one side of a constant; None where Firestore cannot be asked for them.

    Args:
        native: The path, as requests write it.
        op: The operator.
        value: The constant.
        hint: What the field may hold, which is no array.
    """
    if not is_finite_number(value):
        return None
    kinds = hint.kinds
    found: list[Conjunction] = []
    exact = True
    if kinds & {"int", "float"}:
        bound, wide = _bound(op, value)
        # NaN stands below all numbers in Firestore.
        exact = not wide and ("nan" not in kinds or op in {"$gt", "$gte"})
        found.append((Term(native, OPERATORS[op] if not wide else OPERATORS[op].rstrip("=") + "=", (bound,)),))
    if kinds & {"decimal", "other"}:
        loose = OPERATORS[op].rstrip("=") + "="
        found.append((Term(tagged(native, tags.NUMBER), loose, (double(nearest_double(value)),)),))
        exact = False
    if "other" in kinds:
        loose = OPERATORS[op].rstrip("=") + "="
        number = number_value(value)
        whole = min(max(number, INT64_MIN), INT64_MAX)
        whole = math.floor(whole) if op in {"$gt", "$gte"} else math.ceil(whole)
        found.append((Term(tagged(native, tags.LONG), loose, (Value(integer_value=int(whole)),)),))
    return Selected(tuple(found), exact) if found else NOTHING


def _bound(op: CompareOp, value: Any) -> tuple[Any, bool]:
    """A number that Firestore can compare with, and whether it lies beyond the constant."""
    number = number_value(value)
    if isinstance(number, int):
        return Value(integer_value=number), abs(number) > _EXACT
    near = nearest_double(number)
    if isinstance(number, float):
        return double(near), abs(near) > _EXACT and math.isfinite(near)
    if number.is_finite() and abs(number.adjusted()) <= 400 and math.isfinite(near):
        if Fraction(near) == Fraction(number):
            return double(near), abs(near) > _EXACT
    elif not number.is_finite():
        return double(near), False
    return double(math.nextafter(near, -math.inf if op in {"$gt", "$gte"} else math.inf)), True


def text_range(native: str, op: CompareOp, value: str, hint: FieldHint) -> Selected | None:
    """The texts on one side of a constant; None where it is too long for an index."""
    if "text" not in hint.kinds:
        return NOTHING
    if not fits_index(value):
        return None
    return Selected(((Term(native, OPERATORS[op], (encode_value(value),)),),), True)


def date_range(native: str, op: CompareOp, value: datetime, hint: FieldHint) -> Selected | None:
    """Dates are read to the millisecond, and others may have stored microseconds: bounds stand between milliseconds."""
    kinds = hint.kinds
    found: list[Conjunction] = []
    if "date" in kinds:
        if op in {"$gt", "$lte"} and value <= _LAST:
            found.append((Term(native, ">=" if op == "$gt" else "<", (encode_value(value + _MILLISECOND),)),))
        else:
            found.append((Term(native, OPERATORS[op], (encode_value(value),)),))
    if "other" in kinds:
        found.append((Term(tagged(native, tags.DATE), OPERATORS[op], (Value(integer_value=date_millis(value)),)),))
    return Selected(tuple(found), True) if found else NOTHING


def moment(native: str, value: datetime) -> Selected:
    """A date to the millisecond, wherever in it."""
    terms = [Term(native, ">=", (encode_value(value),))]
    if value <= _LAST:
        terms.append(Term(native, "<", (encode_value(value + _MILLISECOND),)))
    stored = Term(tagged(native, tags.DATE), "==", (Value(integer_value=date_millis(value)),))
    return Selected((tuple(terms), (stored,)), True)


def fixed_beginning(node: Regex) -> str:
    """The text that everything a pattern matches begins with; empty where there is none."""
    source = node.source
    if not source.startswith("^") or node.options.strip("su") or "|" in source:
        return ""
    prefix: list[str] = []
    for character in source[1:]:
        if character in _META:
            if character in "*?{" and prefix:
                prefix.pop()
            break
        prefix.append(character)
    return "".join(prefix)


def following(prefix: str) -> str | None:
    """The least text above all that begin with *prefix*, by code point."""
    for length in range(len(prefix), 0, -1):
        code = ord(prefix[length - 1])
        if code < 0x10FFFF:
            # Between the two lie the surrogates, which no text holds.
            return prefix[: length - 1] + chr(0xE000 if code == 0xD7FF else code + 1)
    return None
